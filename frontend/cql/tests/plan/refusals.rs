//! What is refused, in the words that applications and tools know from Cassandra.

use bytes::Bytes;
use cellar_cql::plan::{BoundValue, PlanError};
use cellar_schema::value;

use crate::schema::*;

#[test]
fn names_that_do_not_exist() {
    assert_eq!(
        refusal("INSERT INTO simpel (k) VALUES (1)"),
        "table simpel does not exist (did you mean simple?)"
    );
    assert_eq!(
        refusal("INSERT INTO nothing_like_it (k) VALUES (1)"),
        "table nothing_like_it does not exist"
    );
    assert_eq!(
        refusal("INSERT INTO kz.simple (k) VALUES (1)"),
        "keyspace kz does not exist (did you mean ks?)"
    );
    assert_eq!(
        refusal("INSERT INTO simple (k, nope) VALUES (1, 2)"),
        "Undefined column name nope in table ks.simple"
    );
    assert_eq!(
        refusal("UPDATE simple SET nope = 1 WHERE k = 1"),
        "Undefined column name nope in table ks.simple"
    );
    assert_eq!(
        refusal("DELETE FROM simple WHERE nope = 1"),
        "Undefined column name nope in table ks.simple"
    );
    assert_eq!(refusal("USE nowhere"), "keyspace nowhere does not exist");
    let parsed = cellar_cql::parse_statement("INSERT INTO t (k) VALUES (1)").unwrap();
    let planned = cellar_cql::plan::plan(&*FIXTURE, None, &parsed.statement, &parsed.markers);
    assert_eq!(planned.unwrap_err(), PlanError::NoKeyspace);
}

#[test]
fn keys_that_are_incomplete() {
    for (text, words) in [
        (
            "INSERT INTO wide (a, c, d) VALUES (1, 2, 'd')",
            "Some partition key parts are missing: b",
        ),
        ("INSERT INTO wide (c) VALUES (2)", "Some partition key parts are missing: a, b"),
        ("INSERT INTO wide (a, b) VALUES (1, 'b')", "Some clustering keys are missing: c, d"),
        ("INSERT INTO two (k, c2) VALUES (1, 2)", "Some clustering keys are missing: c1"),
        ("UPDATE two SET v = 1 WHERE c1 = 1", "Some partition key parts are missing: k"),
        ("UPDATE two SET v = 1 WHERE k = 1 AND c1 = 1", "Some clustering keys are missing: c2"),
        (
            "UPDATE two SET v = 1 WHERE k = 1 AND c1 = 1 AND c2 > 3",
            "Slice restrictions are not supported on the clustering columns in UPDATE statements",
        ),
        (
            "UPDATE two SET v = 1 WHERE k = 1 AND c2 = 1",
            "PRIMARY KEY column \"c2\" cannot be restricted as preceding column \"c1\" is not \
             restricted",
        ),
        (
            "DELETE FROM two WHERE k = 1 AND c1 > 1 AND c2 = 1",
            "Clustering column \"c2\" cannot be restricted (preceding column \"c1\" is restricted \
             by a non-EQ relation)",
        ),
        (
            "DELETE v FROM two WHERE k = 1 AND c1 = 1",
            "Range deletions are not supported for specific columns",
        ),
        (
            "UPDATE two SET v = 1 WHERE k = 1 AND c1 = 1 AND c2 = 1 AND v = 2",
            "Non PRIMARY KEY columns found in where clause: v ",
        ),
        ("UPDATE two SET c1 = 1 WHERE k = 1", "PRIMARY KEY part c1 found in SET part"),
        (
            "DELETE k FROM two WHERE k = 1",
            "Invalid identifier k for deletion (should not be a PRIMARY KEY part)",
        ),
        (
            "DELETE FROM two WHERE token(k) = 1",
            "The token function cannot be used in WHERE clauses for DELETE statements",
        ),
        (
            "DELETE FROM two WHERE k > 1",
            "Only EQ and IN relation are supported on the partition key (unless you use the \
             token() function)",
        ),
        (
            "DELETE FROM two WHERE k = 1 AND k = 2",
            "k cannot be restricted by more than one relation if it includes an Equal",
        ),
        (
            "DELETE FROM two WHERE k = 1 AND (c2, c1) > (1, 2)",
            "Clustering columns must appear in the PRIMARY KEY order in multi-column relations: \
             (c2, c1)",
        ),
        (
            "DELETE FROM two WHERE k = 1 AND c1 > 1 AND c1 > 2",
            "More than one restriction was found for the start bound on c1",
        ),
        (
            "UPDATE log SET s = 1 WHERE k = 'k' AND c = 1",
            "Invalid restrictions on clustering columns since the UPDATE statement modifies only \
             static columns",
        ),
    ] {
        assert_eq!(refusal(text), words, "{text}");
    }
}

#[test]
fn values_that_keys_cannot_have() {
    let insert = "INSERT INTO simple (k, v) VALUES (?, 'a')";
    assert_eq!(
        refusal_with(insert, &[BoundValue::Null]),
        "Invalid null value in condition for column k"
    );
    assert_eq!(refusal_with(insert, &[BoundValue::Unset]), "Invalid unset value for column k");
    assert_eq!(refusal("INSERT INTO bytes (k) VALUES (0x)"), "Key may not be empty");
    let long = Bytes::from(vec![0; 65_536]);
    assert_eq!(
        refusal_with("INSERT INTO bytes (k) VALUES (?)", &[some(long)]),
        "Key length of 65536 is longer than maximum of 65535"
    );
}

#[test]
fn bound_values_of_the_wrong_shape() {
    let insert = "INSERT INTO simple (k, v) VALUES (?, ?)";
    let count = refusal_with(insert, &[some(int(1))]);
    assert!(count.starts_with("Invalid amount of bind variables"), "{count}");
    let short = refusal_with(insert, &[some(Bytes::from_static(&[1])), some(text("a"))]);
    assert!(short.contains("column k"), "{short}");
    let bad = Bytes::from_static(&[0xFF]);
    let utf8 = refusal_with(insert, &[some(int(1)), some(bad)]);
    assert!(utf8.contains("column v"), "{utf8}");
    let list = refusal_with("UPDATE things SET l = ? WHERE k = 1", &[some(text("nonsense"))]);
    assert!(list.contains("column l"), "{list}");
}

#[test]
fn attributes_out_of_range() {
    let ttl = |n: &str| refusal(&format!("INSERT INTO simple (k) VALUES (1) USING TTL {n}"));
    assert_eq!(ttl("-1"), "A TTL must be greater or equal to 0, but was -1");
    assert_eq!(ttl("630720001"), "ttl is too large. requested (630720001) maximum (630720000)");
    assert_eq!(
        refusal_with("INSERT INTO simple (k) VALUES (1) USING TIMESTAMP ?", &[BoundValue::Null]),
        "Invalid null value of timestamp"
    );
}

#[test]
fn counters_are_only_counted() {
    for (text, words) in [
        (
            "INSERT INTO counts (k, n) VALUES ('a', 1)",
            "INSERT statements are not allowed on counter tables, use UPDATE instead",
        ),
        (
            "UPDATE counts SET n = 1 WHERE k = 'a'",
            "Cannot set the value of counter column n (counters can only be \
             incremented/decremented, not set)",
        ),
        (
            "UPDATE counts USING TIMESTAMP 1 SET n = n + 1 WHERE k = 'a'",
            "Cannot provide custom timestamp for counter updates",
        ),
        (
            "UPDATE counts USING TTL 1 SET n = n + 1 WHERE k = 'a'",
            "Cannot provide custom TTL for counter updates",
        ),
        (
            "UPDATE counts SET n = n + 1 WHERE k = 'a' IF EXISTS",
            "Conditional updates are not supported on counter tables",
        ),
        (
            "UPDATE counts SET n = n + null WHERE k = 'a'",
            "Invalid null value for counter increment",
        ),
        (
            "UPDATE counts SET n = n - -9223372036854775808 WHERE k = 'a'",
            "The negation of -9223372036854775808 overflows supported counter precision (signed 8 \
             bytes integer)",
        ),
        (
            "UPDATE simple SET w = w + 1 WHERE k = 1",
            "Invalid operation (w = w + 1) for non counter column w",
        ),
        (
            "UPDATE simple SET w = w - 1 WHERE k = 1 IF EXISTS",
            "Invalid operation (w = w - 1) for non counter column w",
        ),
        (
            "UPDATE simple SET w = w + null WHERE k = 1 IF EXISTS",
            "Invalid null value for an addition",
        ),
    ] {
        assert_eq!(refusal(text), words, "{text}");
    }
}

#[test]
fn conditions_that_cannot_be() {
    for (text, words) in [
        (
            "UPDATE simple USING TIMESTAMP 1 SET v = 'a' WHERE k = 1 IF EXISTS",
            "Cannot provide custom timestamp for conditional updates",
        ),
        (
            "UPDATE simple SET v = 'a' WHERE k IN (1, 2) IF EXISTS",
            "IN on the partition key is not supported with conditional updates",
        ),
        (
            "DELETE FROM two WHERE k = 1 AND c1 = 1 AND c2 IN (1, 2) IF EXISTS",
            "IN on the clustering key columns is not supported with conditional deletions",
        ),
        (
            "DELETE FROM two WHERE k = 1 AND c1 = 1 IF EXISTS",
            "DELETE statements must restrict all PRIMARY KEY columns with equality relations in \
             order to delete non static columns",
        ),
        (
            "DELETE s FROM log WHERE k = 'a' IF v = 'b'",
            "DELETE statements must restrict all PRIMARY KEY columns with equality relations in \
             order to use IF condition on non static columns",
        ),
        (
            "UPDATE simple SET v = 'a' WHERE k = 1 IF k = 1",
            "PRIMARY KEY column 'k' cannot have IF conditions",
        ),
        (
            "UPDATE simple SET v = 'a' WHERE k = 1 IF w > null",
            "Invalid comparison with null for operator \">\"",
        ),
    ] {
        assert_eq!(refusal(text), words, "{text}");
    }
}

#[test]
fn values_that_collections_cannot_have() {
    for (text, words) in [
        ("UPDATE things SET l = {'a'} WHERE k = 1", "Invalid set literal for l of type list<int>"),
        ("UPDATE things SET l = [null] WHERE k = 1", "null is not supported inside collections"),
        (
            "UPDATE things SET fl = fl + [1] WHERE k = 1",
            "Invalid operation (fl = fl + [1]) for frozen collection column fl",
        ),
        (
            "UPDATE things SET s['a'] = 'b' WHERE k = 1",
            "Invalid operation (s['a'] = 'b') for set column s",
        ),
        ("UPDATE things SET l[null] = 1 WHERE k = 1", "Invalid null value for list index"),
        ("UPDATE things SET m[null] = 1 WHERE k = 1", "Invalid null map key"),
        (
            "UPDATE things SET fa.zip = 1 WHERE k = 1",
            "Invalid operation (fa.zip = 1) for frozen UDT column fa",
        ),
        (
            "UPDATE things SET a.nope = 1 WHERE k = 1",
            "UDT column a does not have a field named nope",
        ),
        (
            "UPDATE things SET a = {nope: 1} WHERE k = 1",
            "Unknown field 'nope' in value of user defined type address",
        ),
        (
            "UPDATE things SET t = (1, 'a', 2) WHERE k = 1",
            "Invalid tuple literal for t: too many elements. Type frozen<tuple<int, text>> expects \
             2 but got 3",
        ),
        (
            "DELETE fl[1] FROM things WHERE k = 1",
            "Invalid deletion operation for frozen collection column fl",
        ),
        (
            "DELETE v[1] FROM simple WHERE k = 1",
            "Invalid deletion operation for non collection column v",
        ),
        ("INSERT INTO simple (k, k) VALUES (1, 2)", "The column names contains duplicates"),
        ("INSERT INTO simple (k, v) VALUES (1)", "Unmatched column names/values"),
        ("INSERT INTO simple (k) VALUES (1, 'a')", "Unmatched column names/values"),
    ] {
        assert_eq!(refusal(text), words, "{text}");
    }
    let vector = refusal("UPDATE things SET e = [1, 2] WHERE k = 1");
    assert!(
        vector.starts_with("Invalid vector literal for e of type vector<float, 3>"),
        "{vector}"
    );
}

#[test]
fn too_many_rows_for_one_write() {
    let numbers: Vec<_> = (0..101).map(value::int).collect();
    let list = value::build_list(&numbers);
    let words = refusal_with(
        "UPDATE two SET v = 1 WHERE k = 1 AND c1 IN ? AND c2 IN ?",
        &[some(list.clone()), some(list)],
    );
    assert_eq!(words, "IN restrictions select more than 10000 rows for one write");
}

#[test]
fn values_and_collections_beyond_the_limits() {
    let long = Bytes::from(vec![b'a'; cellar_schema::limits::VALUE_BYTES_MAX + 1]);
    let words = refusal_with("INSERT INTO simple (k, v) VALUES (1, ?)", &[some(long)]);
    assert_eq!(words, "value of 10485761 bytes for v is longer than the maximum of 10485760");
    let list = value::build_list(&vec![int(1); 1_000_001]);
    let words = refusal_with("UPDATE things SET l = ? WHERE k = 1", &[some(list)]);
    assert!(words.starts_with("a collection of 1000001 elements is larger"), "{words}");
}

#[test]
fn system_keyspaces_are_not_written() {
    use cellar_cql::plan::{SchemaView, plan};
    use std::sync::Arc;

    struct System;
    impl SchemaView for System {
        fn keyspace(&self, name: &str) -> Option<Arc<cellar_schema::Keyspace>> {
            let mut keyspace = (*FIXTURE.keyspace("ks")?).clone();
            name.clone_into(&mut keyspace.name);
            for table in keyspace.tables.values_mut() {
                name.clone_into(&mut Arc::make_mut(table).keyspace);
            }
            Some(Arc::new(keyspace))
        }

        fn keyspace_names(&self) -> Vec<String> {
            Vec::new()
        }
    }
    for text in ["INSERT INTO system.simple (k) VALUES (1)", "TRUNCATE system.simple"] {
        let parsed = cellar_cql::parse_statement(text).unwrap();
        let refused = plan(&System, None, &parsed.statement, &parsed.markers).unwrap_err();
        let message = "Modification is not supported by table system.simple";
        assert_eq!(refused.to_string(), message, "{text}");
    }
}
