//! Every statement of the language parses, and to the kind it is.

#![expect(clippy::panic, reason = "a failing helper fails the test")]

use cellar_cql::ast::Statement;
use cellar_cql::parse_statement;

fn all_parse(statements: &[&str], is_kind: impl Fn(&Statement) -> bool) {
    for text in statements {
        match parse_statement(text) {
            Ok(parsed) => assert!(is_kind(&parsed.statement), "{text}: {:?}", parsed.statement),
            Err(error) => panic!("{text}\n{error}"),
        }
    }
}

#[test]
fn selects_parse() {
    let statements = [
        "SELECT * FROM t",
        "select a, b AS c, ks.f(a, 1), \"Q\" from ks.t;",
        "SELECT json, distinct FROM t",
        "SELECT JSON * FROM t",
        "SELECT JSON DISTINCT a FROM t",
        "SELECT JSON -a, b FROM t",
        "SELECT a FROM t WHERE (c) <= ('d') PER PARTITION LIMIT 1",
        "SELECT a FROM t WHERE (c) <= ('d') GROUP BY a",
        "SELECT (set<text>){'x'} FROM t WHERE a = (set<int>) {1}",
        "SELECT (int) -1, (b) - 1, (b) -c, (decimal) -2.25 FROM t WHERE a = (int) -1",
        "SELECT JSON (a, b) FROM t",
        "SELECT JSON [a, b] FROM t",
        "SELECT a FROM t WHERE (c) = (true) GROUP BY a",
        "SELECT a FROM t WHERE a = 1 AND (c) = (false) ORDER BY c",
        "SELECT DISTINCT a, s FROM t",
        "SELECT distinct FROM t",
        "SELECT count(*), COUNT(1), count(a) AS n FROM t",
        "SELECT writetime(a), maxwritetime(m), ttl(m['k']), ttl(a) FROM t",
        "SELECT CAST(a AS text), (int) 3, (a), (a, b), [a, b], {a, b}, {a: b} FROM t",
        "SELECT a + b * 2 - -c / (d % 3) FROM t",
        "SELECT a.b.c, m['k'], m['a'..'b'], m[..?], m[1..], l[0] FROM t",
        "SELECT token(a, b), ttl, writetime, count FROM t",
        "SELECT * FROM t WHERE a = 1 AND b < 2 AND c <= 3 AND d > 4 AND e >= 5 AND f != 6",
        "SELECT * FROM t WHERE a IN (1, 2) AND b IN ? AND c IN () AND d NOT IN (1)",
        "SELECT * FROM t WHERE a CONTAINS 1 AND b CONTAINS KEY 'k' AND c LIKE '%x%'",
        "SELECT * FROM t WHERE a BETWEEN 1 AND 2 AND m['k'] = 3 AND (x = 1)",
        "SELECT * FROM t WHERE (a, b) > (1, 2) AND (c, d) IN ((1, 2), (3, ?)) AND (e, f) IN ?",
        "SELECT * FROM t WHERE token(a, b) > token(1, 2) AND token(a) <= -9223372036854775808",
        "SELECT * FROM t WHERE a IS NOT NULL AND b NOT CONTAINS 2 AND c NOT CONTAINS KEY 1",
        "SELECT * FROM t WHERE a = now() - 1h AND b = [1, 2.5, -3e10] AND c = {'a': 1}",
        "SELECT a FROM t GROUP BY a, floor(b, 1h) ORDER BY c ASC, d DESC, e",
        "SELECT a FROM t ORDER BY v ANN OF [0.1, 0.2] LIMIT 3",
        "SELECT a FROM t PER PARTITION LIMIT 2 LIMIT ? ALLOW FILTERING",
        "SELECT a FROM t BYPASS CACHE USING TIMEOUT 500ms",
        "-- x\nSELECT /* y */ a // z\nFROM t",
    ];
    all_parse(&statements, |s| matches!(s, Statement::Select(_)));
}

#[test]
fn inserts_parse() {
    let statements = [
        "INSERT INTO t (a, b) VALUES (1, 'it''s')",
        "INSERT INTO ks.t (a) VALUES ($$it's$$) IF NOT EXISTS USING TTL 10 AND TIMESTAMP ?",
        "INSERT INTO t (a) VALUES (0xCAFE) USING TIMESTAMP -5 AND TIMEOUT 1s",
        "INSERT INTO t JSON '{\"a\": 1}' DEFAULT UNSET IF NOT EXISTS",
        "INSERT INTO t JSON ? DEFAULT NULL",
        "INSERT INTO t JSON :doc",
        "INSERT INTO t (a, b, c) VALUES (null, NaN, -Infinity)",
        "INSERT INTO t (a, b) VALUES (123e4567-e89b-12d3-a456-426614174000, uuid())",
        "INSERT INTO t (a, b, c) VALUES (1mo2d3h, P1Y2M3DT4H5M6S, -P1W)",
        "INSERT INTO t (a, b, c, d) VALUES ({}, [], {f: 1, \"G\": {g: 2}}, (1, (2, 3)))",
        "INSERT INTO t (a, b) VALUES (CAST(1 AS text), (list<int>) [1])",
        "INSERT INTO t (key, type, ttl, values, json) VALUES (true, FALSE, 1.5e-3, ?, :key)",
    ];
    all_parse(&statements, |s| matches!(s, Statement::Insert(_)));
}

#[test]
fn updates_and_deletes_parse() {
    let updates = [
        "UPDATE t SET a = 1, b = b + 2, c = [1] + c, d = d - {3} WHERE k = 1",
        "UPDATE ks.t USING TTL ? AND TIMESTAMP 3 SET a += 1, b -= ? WHERE k = 1",
        "UPDATE t SET m['k'] = 1, l[0] = null, u.f = 'x' WHERE k IN (1, 2)",
        "UPDATE t SET a = f(1) + 2 WHERE k = 1 IF EXISTS",
        "UPDATE t SET c = c -1 WHERE k = 1",
        "UPDATE t SET a = 1 WHERE k = 1 IF a = 1 AND b != 2 AND c > 3 AND m['k'] <= 4 \
         AND u.f >= 5 AND l[0] < 6 AND d IN (1, 2) AND e IN ? AND f CONTAINS 3",
    ];
    all_parse(&updates, |s| matches!(s, Statement::Update(_)));
    let deletes = [
        "DELETE FROM t WHERE k = 1",
        "DELETE a, m['k'], l[0], u.f FROM ks.t USING TIMESTAMP 5 WHERE k = 1 AND c > 2",
        "DELETE FROM t WHERE k = 1 IF EXISTS",
        "DELETE a FROM t WHERE k = 1 IF a = null AND b IN ()",
        "DELETE FROM t WHERE k = ? AND (a, b) >= (1, 2)",
    ];
    all_parse(&deletes, |s| matches!(s, Statement::Delete(_)));
}

#[test]
fn batches_and_truncates_parse() {
    let batches = [
        "BEGIN BATCH INSERT INTO t (a) VALUES (1); UPDATE t SET a = 1 WHERE k = 1; APPLY BATCH",
        "BEGIN LOGGED BATCH DELETE FROM t WHERE a = 1 APPLY BATCH;",
        "BEGIN UNLOGGED BATCH USING TIMESTAMP 1 DELETE FROM t WHERE a = ?; APPLY BATCH;",
        "BEGIN COUNTER BATCH UPDATE t SET c = c + 1 WHERE k = 1 APPLY BATCH",
        "BEGIN BATCH APPLY BATCH",
    ];
    all_parse(&batches, |s| matches!(s, Statement::Batch(_)));
    let truncates = ["TRUNCATE t", "TRUNCATE TABLE ks.t", "TRUNCATE t USING TIMEOUT 10s"];
    all_parse(&truncates, |s| matches!(s, Statement::Truncate(_)));
}

#[test]
fn keyspace_statements_parse() {
    let create = [
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}",
        "CREATE SCHEMA IF NOT EXISTS \"Ks\" WITH REPLICATION = {'class': 'N'} \
         AND durable_writes = false AND TAGS = {'k': 'v'}",
    ];
    all_parse(&create, |s| matches!(s, Statement::CreateKeyspace(_)));
    let alter = [
        "ALTER KEYSPACE IF EXISTS ks WITH durable_writes = true",
        "ALTER KEYSPACE ks ADD TAGS {'k': 'v'}",
        "ALTER KEYSPACE ks DROP TAGS {'k': 'v'}",
    ];
    all_parse(&alter, |s| matches!(s, Statement::AlterKeyspace(_)));
    all_parse(&["USE ks", "use \"Ks\";"], |s| matches!(s, Statement::Use(_)));
}

#[test]
fn table_statements_parse() {
    let create = [
        "CREATE TABLE t (a int PRIMARY KEY)",
        "CREATE TABLE IF NOT EXISTS ks.t (a int, b text STATIC, c frozen<map<int, list<text>>>, \
         d tuple<int, text>, e vector<float, 3>, f ks.udt, g 'org.x.Type', h \"Udt\", \
         PRIMARY KEY ((a, b), c, d)) WITH CLUSTERING ORDER BY (c DESC, d ASC) AND comment = 'x' \
         AND compaction = {'class': 'L', 'n': 1} AND gc_grace_seconds = 10 AND cdc = true \
         AND speculative_retry = '99p' AND bloom_filter_fp_chance = 0.01",
        "CREATE TABLE t (k int PRIMARY KEY, v text MASKED WITH mask_inner(1, null), \
         w int MASKED WITH DEFAULT) WITH COMPACT STORAGE",
        "CREATE TABLE t (k int PRIMARY KEY) WITH custom_properties = {'tiering': {'mode': 'age', \
         'after': '30d'}, 'capacity_mode': {'throughput_mode': 'PAY_PER_REQUEST'}} \
         AND TAGS = {'team': 'a'} AND AUTOSCALING_SETTINGS = {'w': {'max': 10}}",
        "CREATE COLUMNFAMILY t (k int, type text, PRIMARY KEY (k),)",
        "CREATE TABLE t (k int PRIMARY KEY) WITH ID = 123e4567-e89b-12d3-a456-426614174000",
    ];
    all_parse(&create, |s| matches!(s, Statement::CreateTable(_)));
    let alter = [
        "ALTER TABLE t ADD a int, b text STATIC",
        "ALTER TABLE IF EXISTS t ADD IF NOT EXISTS (a int, b text)",
        "ALTER TABLE t ADD tags map<text, text>",
        "ALTER TABLE t DROP tags",
        "ALTER TABLE t DROP IF EXISTS (a, b) USING TIMESTAMP 1",
        "ALTER TABLE t RENAME a TO b AND c TO d",
        "ALTER TABLE t ALTER a TYPE blob",
        "ALTER TABLE t ALTER a MASKED WITH DEFAULT",
        "ALTER TABLE t ALTER IF EXISTS a DROP MASKED",
        "ALTER TABLE t WITH default_time_to_live = 3 AND comment = ''",
        "ALTER TABLE t ADD TAGS {'a': 'b'}",
        "ALTER TABLE t DROP TAGS {'a': 'b'}",
        "ALTER TABLE t DROP COMPACT STORAGE",
    ];
    all_parse(&alter, |s| matches!(s, Statement::AlterTable(_)));
}

#[test]
fn type_index_and_view_statements_parse() {
    all_parse(&["CREATE TYPE IF NOT EXISTS ks.u (a int, b frozen<list<int>>)"], |s| {
        matches!(s, Statement::CreateType(_))
    });
    let alter = [
        "ALTER TYPE u ADD c int",
        "ALTER TYPE IF EXISTS u ADD IF NOT EXISTS c int",
        "ALTER TYPE u RENAME a TO b AND c TO d",
        "ALTER TYPE u ALTER a TYPE text",
    ];
    all_parse(&alter, |s| matches!(s, Statement::AlterType(_)));
    let index = [
        "CREATE INDEX ON t (a)",
        "CREATE INDEX IF NOT EXISTS i ON ks.t (KEYS(m))",
        "CREATE INDEX i ON t (ENTRIES(m)) USING 'sai' WITH OPTIONS = {'a': 'b'}",
        "CREATE CUSTOM INDEX i ON t (VALUES(m), FULL(l)) USING 'StorageAttachedIndex'",
        "CREATE INDEX i ON t ((a, b), c)",
        "CREATE CUSTOM INDEX ON t () USING 'x'",
    ];
    all_parse(&index, |s| matches!(s, Statement::CreateIndex(_)));
    let view = ["CREATE MATERIALIZED VIEW IF NOT EXISTS v AS SELECT a, b FROM t \
         WHERE a IS NOT NULL AND b IS NOT NULL PRIMARY KEY ((b), a) \
         WITH CLUSTERING ORDER BY (a DESC) AND comment = 'x'"];
    all_parse(&view, |s| matches!(s, Statement::CreateView(_)));
    all_parse(&["ALTER MATERIALIZED VIEW v WITH comment = 'x'"], |s| {
        matches!(s, Statement::AlterView(_))
    });
}

#[test]
fn drops_and_routines_parse() {
    let drops = [
        "DROP KEYSPACE ks",
        "DROP SCHEMA IF EXISTS ks",
        "DROP TABLE IF EXISTS ks.t",
        "DROP COLUMNFAMILY t",
        "DROP TYPE u",
        "DROP INDEX IF EXISTS ks.i",
        "DROP MATERIALIZED VIEW v",
    ];
    all_parse(&drops, |s| matches!(s, Statement::Drop(_)));
    let routines = [
        "CREATE OR REPLACE FUNCTION ks.f (a int) CALLED ON NULL INPUT RETURNS int \
         LANGUAGE java AS $$ return a; $$;",
        "CREATE FUNCTION IF NOT EXISTS f() RETURNS NULL ON NULL INPUT RETURNS int LANGUAGE x AS ''",
        "CREATE AGGREGATE ks.a(int) SFUNC f STYPE int INITCOND 0",
        "CREATE TRIGGER IF NOT EXISTS tr ON t USING 'x'",
        "DROP FUNCTION IF EXISTS f(int, frozen<list<int>>)",
        "DROP AGGREGATE a",
        "DROP TRIGGER tr ON t",
    ];
    all_parse(&routines, |s| matches!(s, Statement::Routine(_)));
}

#[test]
fn access_statements_parse() {
    let roles = [
        "CREATE ROLE r",
        "CREATE ROLE IF NOT EXISTS 'R' WITH PASSWORD = 'p' AND LOGIN = true AND SUPERUSER = false \
         AND OPTIONS = {'a': 1} AND ACCESS TO DATACENTERS {'a', 'b'} AND ACCESS FROM ALL CIDRS",
        "CREATE ROLE r WITH HASHED PASSWORD = 'x' AND ACCESS TO ALL DATACENTERS",
        "CREATE USER u WITH PASSWORD 'p' SUPERUSER",
        "CREATE USER IF NOT EXISTS u NOSUPERUSER",
        "CREATE ROLE r WITH GENERATED PASSWORD",
    ];
    all_parse(&roles, |s| matches!(s, Statement::CreateRole(_)));
    all_parse(
        &["ALTER ROLE IF EXISTS r WITH LOGIN = false", "ALTER USER u WITH PASSWORD 'x'"],
        |s| matches!(s, Statement::AlterRole(_)),
    );
    all_parse(&["DROP ROLE IF EXISTS r", "DROP USER 'u'"], |s| matches!(s, Statement::DropRole(_)));
    all_parse(&["GRANT a TO b", "REVOKE 'a' FROM \"B\""], |s| {
        matches!(s, Statement::RoleMembership(_))
    });
    let permissions = [
        "GRANT ALL ON ALL KEYSPACES TO r",
        "GRANT ALL PERMISSIONS ON KEYSPACE ks TO r",
        "GRANT SELECT, MODIFY ON ks.t TO r",
        "GRANT SELECT PERMISSION ON TABLE t TO r",
        "GRANT EXECUTE ON FUNCTION ks.f(int, text) TO r",
        "GRANT EXECUTE ON ALL FUNCTIONS IN KEYSPACE ks TO r",
        "GRANT ALTER ON ALL ROLES TO r",
        "GRANT DROP ON ROLE 'x' TO r",
        "GRANT SELECT ON ALL TABLES IN KEYSPACE ks TO r",
        "GRANT UNMASK ON t TO r",
        "REVOKE SELECT_MASKED ON t FROM r",
        "GRANT EXECUTE ON MBEANS 'x*' TO r",
    ];
    all_parse(&permissions, |s| matches!(s, Statement::Permission(_)));
    let lists = [
        "LIST ROLES",
        "LIST ROLES OF r NORECURSIVE",
        "LIST USERS",
        "LIST SUPERUSERS",
        "LIST ALL PERMISSIONS",
        "LIST ALL OF r",
        "LIST SELECT ON ks.t OF r NORECURSIVE",
    ];
    all_parse(&lists, |s| matches!(s, Statement::List(_)));
    let identities = ["ADD IDENTITY IF NOT EXISTS 'x' TO ROLE 'r'", "DROP IDENTITY IF EXISTS 'x'"];
    all_parse(&identities, |s| matches!(s, Statement::Identity(_)));
}

#[test]
fn describes_parse() {
    let statements = [
        "DESCRIBE CLUSTER",
        "DESC SCHEMA",
        "DESCRIBE FULL SCHEMA WITH INTERNALS",
        "DESCRIBE KEYSPACES",
        "DESCRIBE KEYSPACE",
        "DESCRIBE ONLY KEYSPACE ks WITH INTERNALS",
        "DESCRIBE TABLES",
        "DESCRIBE TABLE ks.t;",
        "DESCRIBE INDEX i",
        "DESCRIBE MATERIALIZED VIEW v",
        "DESCRIBE TYPES",
        "DESCRIBE TYPE u",
        "DESCRIBE FUNCTIONS",
        "DESCRIBE FUNCTION f",
        "DESCRIBE AGGREGATES",
        "DESCRIBE AGGREGATE a",
        "DESCRIBE anything",
        "DESCRIBE ks.anything",
    ];
    all_parse(&statements, |s| matches!(s, Statement::Describe(_)));
}
