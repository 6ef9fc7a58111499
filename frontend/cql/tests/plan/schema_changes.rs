//! Schema statements become commands.

use std::collections::BTreeMap;

use cellar_cql::parse_statement;
use cellar_cql::plan::{Plan, PlanError, ddl};
use cellar_metadata_api::{Command, NewIndex, TableChange, TieringChange};
use cellar_schema::{AgeOf, ColumnKind, CqlType, IndexPart, Order, TieringPolicy};
use uuid::Uuid;

use crate::schema::*;

fn try_command(text: &str) -> Result<(Command, Vec<String>), PlanError> {
    let statement = parse_statement(text)?.statement;
    ddl::command(&*FIXTURE, Some("ks"), &statement, Uuid::from_u128(7), 1234)
}

fn command(text: &str) -> Command {
    try_command(text).unwrap_or_else(|error| panic!("{text}: {error}")).0
}

fn refused(text: &str) -> String {
    try_command(text).map(|made| panic!("{text}: {made:?}")).unwrap_err().to_string()
}

#[test]
fn keyspaces() {
    let text = "CREATE KEYSPACE IF NOT EXISTS New WITH replication = {'class': 'SimpleStrategy', \
                'replication_factor': 3} AND durable_writes = false";
    let replication: BTreeMap<String, String> = [
        ("class".to_owned(), "SimpleStrategy".to_owned()),
        ("replication_factor".to_owned(), "3".to_owned()),
    ]
    .into();
    assert_eq!(
        command(text),
        Command::CreateKeyspace {
            name: "new".to_owned(),
            replication,
            durable_writes: false,
            if_not_exists: true,
        }
    );
    assert_eq!(
        command("ALTER KEYSPACE ks WITH durable_writes = true"),
        Command::AlterKeyspace {
            name: "ks".to_owned(),
            replication: None,
            durable_writes: Some(true),
            if_exists: false,
        }
    );
    assert_eq!(
        command("DROP KEYSPACE IF EXISTS gone"),
        Command::DropKeyspace { name: "gone".to_owned(), if_exists: true }
    );
    assert_eq!(
        refused("CREATE KEYSPACE x WITH durable_writes = true"),
        "Missing mandatory option 'replication'"
    );
    assert_eq!(
        refused("CREATE KEYSPACE x WITH replication = {'class': 'SimpleStrategy'} AND wat = 1"),
        "Unknown property 'wat'"
    );
    assert_eq!(refused("DROP KEYSPACE system"), "system keyspace is not user-modifiable.");
    assert_eq!(
        refused("CREATE KEYSPACE system WITH replication = {'class': 'SimpleStrategy'}"),
        "System keyspace 'system' is not user-modifiable"
    );
    let replication = "replication = {'class': 'SimpleStrategy', 'replication_factor': 1}";
    let system = format!("ALTER KEYSPACE system WITH {replication}");
    assert_eq!(refused(&system), "system keyspace is not user-modifiable.");
    assert!(try_command(&format!("ALTER KEYSPACE system_auth WITH {replication}")).is_ok());
}

#[test]
fn a_table_with_everything() {
    let made = command(
        "CREATE TABLE ks.events (tenant text, at timestamp, id int, label text static,
            home frozen<address>, PRIMARY KEY ((tenant), at, id))
         WITH CLUSTERING ORDER BY (at DESC, id ASC) AND default_time_to_live = 60
         AND gc_grace_seconds = 0 AND comment = 'it''s' AND custom_properties =
         {'tiering': {'mode': 'age', 'column': 'at', 'hot': '90d'}}",
    );
    let Command::CreateTable { definition, if_not_exists: false } = made else { panic!() };
    assert_eq!((definition.keyspace.as_str(), definition.name.as_str()), ("ks", "events"));
    assert_eq!(definition.uuid, Uuid::from_u128(7));
    let columns: Vec<(&str, String, ColumnKind)> = definition
        .columns
        .iter()
        .map(|(name, cql_type, kind)| (name.as_str(), cql_type.to_string(), *kind))
        .collect();
    assert_eq!(
        columns,
        [
            ("tenant", "text".to_owned(), ColumnKind::PartitionKey(0)),
            ("at", "timestamp".to_owned(), ColumnKind::Clustering(0, Order::Desc)),
            ("id", "int".to_owned(), ColumnKind::Clustering(1, Order::Asc)),
            ("label", "text".to_owned(), ColumnKind::Static),
            ("home", "frozen<address>".to_owned(), ColumnKind::Regular),
        ]
    );
    let options = definition.options;
    assert_eq!((options.default_ttl_seconds, options.gc_grace_seconds), (60, Some(0)));
    assert_eq!(options.comment, "it's");
    assert_eq!(options.text["comment"], "'it''s'");
    assert_eq!(
        options.text["custom_properties"],
        "{'tiering': {'mode': 'age', 'column': 'at', 'hot': '90d'}}"
    );
    let policy = TieringPolicy { age_of: AgeOf::WriteTime, hot_seconds: 90 * 86_400 };
    assert_eq!(options.tiering, Some(policy));
    assert_eq!(definition.tiering_column.as_deref(), Some("at"));
}

#[test]
fn options_without_effect_are_kept_and_told() {
    let (made, warnings) = try_command(
        "CREATE TABLE t (k int PRIMARY KEY) WITH caching = {'keys': 'ALL'}
         AND crc_check_chance = 1.0 AND compaction = {'class': 'LeveledCompactionStrategy'}
         AND custom_properties = {'capacity_mode': {'throughput_mode': 'PAY_PER_REQUEST'}}",
    )
    .unwrap();
    let Command::CreateTable { definition, .. } = made else { panic!() };
    assert_eq!(definition.options.text["caching"], "{'keys': 'ALL'}");
    assert_eq!(definition.options.text["crc_check_chance"], "1.0");
    assert_eq!(definition.options.tiering, None);
    assert_eq!(
        warnings,
        ["These table options are kept and shown but have no effect in Cellar: caching, \
          crc_check_chance, compaction, custom_properties['capacity_mode']"]
    );
    assert_eq!(planned("CREATE TABLE t (k int PRIMARY KEY) WITH caching = {}").warnings.len(), 1);
}

#[test]
fn changes_of_a_table() {
    let changes = |text: &str| match command(text) {
        Command::AlterTable { changes, .. } => changes,
        other => panic!("{other:?}"),
    };
    let added = changes("ALTER TABLE simple ADD x int, y text static");
    assert_eq!(added.len(), 2);
    assert!(matches!(&added[1], TableChange::Add { name, is_static: true, .. } if name == "y"));
    assert_eq!(
        changes("ALTER TABLE simple DROP v"),
        [TableChange::Drop { name: "v".to_owned(), if_exists: false, at_us: 1234 }]
    );
    assert_eq!(
        changes("ALTER TABLE simple DROP IF EXISTS v USING TIMESTAMP 5"),
        [TableChange::Drop { name: "v".to_owned(), if_exists: true, at_us: 5 }]
    );
    assert_eq!(
        changes("ALTER TABLE simple RENAME k TO key"),
        [TableChange::Rename { from: "k".to_owned(), to: "key".to_owned(), if_exists: false }]
    );
    let options =
        changes("ALTER TABLE simple WITH custom_properties = {'tiering': {'mode': 'off'}}");
    let TableChange::Options(options) = &options[0] else { panic!() };
    assert_eq!(options.tiering, Some(TieringChange::Off));
    assert_eq!(options.default_ttl_seconds, None);
    assert_eq!(
        refused("ALTER TABLE simple ALTER v TYPE blob"),
        "Altering column types is no longer supported"
    );
}

#[test]
fn types() {
    let made = command("CREATE TYPE IF NOT EXISTS point (x int, y list<frozen<address>>)");
    let Command::CreateType { name, fields, if_not_exists: true, .. } = made else { panic!() };
    assert_eq!(name, "point");
    assert_eq!(fields[1].1.to_string(), "list<frozen<address>>");
    assert!(matches!(command("ALTER TYPE address ADD x int"), Command::AlterType { .. }));
    assert!(matches!(
        command("ALTER TYPE address RENAME zip TO code AND street TO road"),
        Command::AlterType { .. }
    ));
    assert!(matches!(command("DROP TYPE address"), Command::DropType { .. }));
    assert_eq!(
        refused("CREATE TYPE x (a adress)"),
        "Unknown type ks.adress (did you mean address?)"
    );
}

#[test]
fn tables_that_cannot_be() {
    for (text, words) in [
        ("CREATE TABLE t (k int)", "No PRIMARY KEY specified for table 't' (exactly one required)"),
        (
            "CREATE TABLE t (k int, PRIMARY KEY (x))",
            "Unknown column 'x' referenced in PRIMARY KEY for table 't'",
        ),
        (
            "CREATE TABLE t (k int, k text, PRIMARY KEY (k))",
            "Duplicate column 'k' declaration for table 't'",
        ),
        (
            "CREATE TABLE t (k int, c int, PRIMARY KEY (k, c, c))",
            "Duplicate column 'c' in PRIMARY KEY clause for table 't'",
        ),
        (
            "CREATE TABLE t (k int, s int static, PRIMARY KEY (k))",
            "Static columns are only useful (and thus allowed) if the table has at least one \
             clustering column",
        ),
        (
            "CREATE TABLE t (k int, c int, PRIMARY KEY (k, c)) WITH CLUSTERING ORDER BY (k ASC)",
            "Only clustering columns can be defined in CLUSTERING ORDER directive: k are not \
             clustering columns",
        ),
        (
            "CREATE TABLE t (k int PRIMARY KEY, l list<list<int>>)",
            "Non-frozen collections are not allowed inside collections: list<list<int>>",
        ),
        (
            "CREATE TABLE t (k int PRIMARY KEY, l list<address>)",
            "Non-frozen UDTs are not allowed inside collections: list<address>",
        ),
        (
            "CREATE TABLE t (k int PRIMARY KEY, l frozen<int>)",
            "frozen<> is only allowed on collections, tuples, and user-defined types (got int)",
        ),
        ("CREATE TABLE t (k int PRIMARY KEY) WITH wat = 1", "Unknown property 'wat'"),
        (
            "CREATE TABLE t (k int PRIMARY KEY, n counter, v int)",
            "Cannot mix counter and non counter columns in the same table",
        ),
        (
            "CREATE TABLE t (k int PRIMARY KEY) WITH comment = 'a' AND comment = 'b'",
            "Multiple definitions for property 'comment'",
        ),
        (
            "CREATE TABLE t (k int PRIMARY KEY) WITH default_time_to_live = -1",
            "default_time_to_live must be greater than or equal to 0 (got -1)",
        ),
        ("CREATE TABLE nowhere.t (k int PRIMARY KEY)", "keyspace nowhere does not exist"),
    ] {
        assert_eq!(refused(text), words, "{text}");
    }
    let tiering = |policy: &str| {
        refused(&format!(
            "CREATE TABLE t (k int PRIMARY KEY) WITH custom_properties = {{'tiering': {policy}}}"
        ))
    };
    assert!(tiering("{'mode': 'age'}").starts_with("Invalid tiering policy: 'hot' is missing"));
    assert!(tiering("{'hot': '90'}").contains("no duration"));
    assert!(tiering("{'mode': 'age', 'hto': '9d'}").contains("'hto' is not known"));
    assert!(tiering("{'mode': 'idle', 'hot': '9d'}").contains("not supported"));
}

#[test]
fn indexes() {
    let text = "CREATE CUSTOM INDEX IF NOT EXISTS \"ByTag\" ON things (ENTRIES(m)) USING 'sai' \
                WITH OPTIONS = {'case_sensitive': false}";
    assert_eq!(
        command(text),
        Command::CreateIndex {
            definition: NewIndex {
                keyspace: "ks".to_owned(),
                table: "things".to_owned(),
                name: Some("ByTag".to_owned()),
                targets: vec![("m".to_owned(), IndexPart::Entries)],
                class: Some("sai".to_owned()),
                custom: true,
                options: [("case_sensitive".to_owned(), "false".to_owned())].into(),
            },
            if_not_exists: true,
        }
    );
    assert_eq!(
        command("DROP INDEX IF EXISTS other.x"),
        Command::DropIndex { keyspace: "other".to_owned(), name: "x".to_owned(), if_exists: true }
    );
    for (text, message) in [
        (
            "CREATE INDEX ON t (v) WITH OPTIONS = {'a': 'b'}",
            "Cannot specify options for a non-CUSTOM index",
        ),
        (
            "CREATE INDEX ON t (v) USING 'sai' WITH OPTIONS = {'target': 'b'}",
            "Cannot specify target as a CUSTOM option",
        ),
        ("CREATE INDEX ON t (v) USING 'sai' WITH foo = {'a': 'b'}", "Unknown property 'foo'"),
        (
            "CREATE INDEX ON t (v) USING 'sai' WITH OPTIONS = 'x'",
            "Invalid value for property 'options'. It should be a map.",
        ),
        ("CREATE INDEX ON system.local (rack)", "system keyspace is not user-modifiable."),
        ("CREATE INDEX ks.named ON t (v)", "the name of an index has no keyspace"),
    ] {
        assert_eq!(refused(text), message, "{text}");
    }
}

#[test]
fn other_statements_find_their_plans() {
    assert!(matches!(planned("USE ks").plan, Plan::Use(keyspace) if keyspace == "ks"));
    assert!(matches!(planned("TRUNCATE simple").plan, Plan::Truncate(t) if t.name == "simple"));
    assert!(matches!(planned("DESCRIBE TABLES").plan, Plan::Describe(_)));
    assert!(matches!(planned("LIST ROLES").plan, Plan::Access(_)));
    assert!(matches!(planned("DROP TABLE simple").plan, Plan::Schema(_)));
}

#[test]
fn what_the_language_does_not_have_is_a_syntax_error() {
    for text in [
        "CREATE TABLE t (k int PRIMARY KEY) WITH wat = 1",
        "ALTER TABLE simple WITH wat = 1",
        "CREATE KEYSPACE x WITH wat = 1",
        "CREATE TABLE t (k int PRIMARY KEY, l frozen<int>)",
        "CREATE TABLE t (k int PRIMARY KEY) WITH comment = 'a' AND comment = 'b'",
        "CREATE TABLE t (k int PRIMARY KEY) WITH gc_grace_seconds = 'x'",
    ] {
        let statement = parse_statement(text).unwrap().statement;
        let error = ddl::command(&*FIXTURE, Some("ks"), &statement, Uuid::nil(), 0).unwrap_err();
        assert!(matches!(error, PlanError::Syntax(_)), "{text}: {error:?}");
    }
}

#[test]
fn a_table_has_one_key_and_keeps_what_is_stored_by_field() {
    for (text, words) in [
        ("ALTER TABLE things DROP (l, a)", "Cannot drop non-frozen column a of user type address"),
        (
            "CREATE TABLE t (k int PRIMARY KEY, c int, PRIMARY KEY (k))",
            "Multiple PRIMARY KEY specified for table 't' (exactly one required)",
        ),
    ] {
        assert_eq!(refused(text), words, "{text}");
    }
    command("ALTER TABLE things DROP (l, fa)");
}

#[test]
fn types_are_nested_deeply_and_ten_thousand_levels_are_an_error() {
    let nested = |levels: usize| {
        let (open, close) = ("frozen<tuple<".repeat(levels), ">>".repeat(levels));
        format!("CREATE TABLE deep (k int PRIMARY KEY, v {open}int{close})")
    };
    assert!(parse_statement(&nested(60)).is_ok());
    let shown = "frozen<tuple<".repeat(70) + "int" + &">>".repeat(70);
    let read = CqlType::parse(&shown, &|_| None).unwrap();
    assert_eq!(read.to_string(), shown);
    assert!(parse_statement(&nested(10_000)).is_err());
    assert!(CqlType::parse(&"list<".repeat(10_000), &|_| None).is_err());
}

/// The types of the columns of a new table, as CQL.
fn types_of(text: &str) -> Vec<String> {
    let Command::CreateTable { definition, .. } = command(text) else { panic!("{text}") };
    definition.columns.iter().map(|(_, cql_type, _)| cql_type.to_string()).collect()
}

#[test]
fn java_class_names_are_the_types_that_they_stand_for() {
    let of = |class: &str| {
        types_of(&format!("CREATE TABLE c (k int PRIMARY KEY, v '{class}')")).pop().unwrap()
    };
    let long = "org.apache.cassandra.db.marshal.";
    for (class, shown) in [
        ("Int32Type", "int"),
        ("DateType", "timestamp"),
        (" IntegerType garbage", "varint"),
        ("", "blob"),
        ("ListType(Int32Type)", "list<int>"),
        ("FrozenType(SetType(UUIDType))", "frozen<set<uuid>>"),
        ("MapType(UTF8Type, ListType(LongType))", "map<text, frozen<list<bigint>>>"),
        ("TupleType(Int32Type,UTF8Type)", "tuple<int, text>"),
        ("VectorType(FloatType , 3)", "vector<float, 3>"),
        ("UserType(ks,61646472657373,7a6970:Int32Type)", "address"),
        ("FrozenType(UserType(ks,61646472657373))", "frozen<address>"),
        ("ReversedType(Int32Type)", "int"),
    ] {
        assert!(of(class).replace("ks.", "").contains(shown), "{class}: {}", of(class));
    }
    assert_eq!(of(&format!("{long}SetType({long}Int32Type)")), "set<int>");
    let inside = "CREATE TABLE c (k int PRIMARY KEY, v frozen<list<'ListType(Int32Type)'>>)";
    assert_eq!(types_of(inside)[1], "frozen<list<frozen<list<int>>>>");
    let reversed = "CREATE TABLE c (k int, c 'ReversedType(Int32Type)', PRIMARY KEY (k, c))";
    let Command::CreateTable { definition, .. } = command(reversed) else { panic!() };
    assert_eq!(definition.columns[1].2, ColumnKind::Clustering(0, Order::Desc));
}

#[test]
fn class_names_that_are_none_are_refused_as_in_cassandra() {
    let of = |class: &str| refused(&format!("CREATE TABLE c (k int PRIMARY KEY, v '{class}')"));
    let unknown = |class: &str| {
        format!("Unable to find abstract-type class 'org.apache.cassandra.db.marshal.{class}'")
    };
    assert_eq!(of("int"), format!("Error setting type int: {}", unknown("int")));
    assert_eq!(
        of("SetType(Nope)"),
        format!("Error setting type SetType(Nope): {}", unknown("Nope"))
    );
    assert!(of("a.b.C").ends_with("Unable to find abstract-type class 'a.b.C'"), "{}", of("a.b.C"));
    let definition = "Invalid definition for comparator org.apache.cassandra.db.marshal.";
    for (class, name) in [
        ("ListType", "ListType"),
        ("ListType(Int32Type,Int32Type)", "ListType"),
        ("MapType(Int32Type)", "MapType"),
        ("VectorType(FloatType)", "VectorType"),
        ("VectorType(FloatType,0)", "VectorType"),
        ("UserType(ks,zz)", "UserType"),
    ] {
        let message = format!("Error setting type {class}: {definition}{name}.");
        assert_eq!(of(class), message);
    }
    assert!(of("Int32Type(").starts_with("Cannot parse type Int32Type(: Syntax error"));
    assert!(of("UserType(ks,78)").contains("Unknown type ks.x"), "{}", of("UserType(ks,78)"));
    assert!(of("DynamicCompositeType(a=>Int32Type)").ends_with("is not supported by Cellar"));
    let deep = "ListType(".repeat(100_000);
    assert!(of(&deep).ends_with("it is nested too deep"));
    let frozen = refused("CREATE TABLE c (k int PRIMARY KEY, v frozen<'ListType(Int32Type)'>)");
    assert!(frozen.starts_with("frozen<> is only allowed on"), "{frozen}");
}

#[test]
fn there_are_no_functions_to_drop() {
    assert_eq!(refused("DROP FUNCTION f"), "Function 'ks.f' doesn't exist");
    assert_eq!(refused("DROP AGGREGATE ks.a (int)"), "Aggregate 'ks.a' doesn't exist");
    let create = "CREATE FUNCTION f () RETURNS int";
    assert_eq!(refused(create), "CREATE FUNCTION is not supported by Cellar");
    assert!(matches!(try_plan(create), Err(PlanError::NotBuilt { .. })));
    assert!(matches!(planned("DROP FUNCTION IF EXISTS ks.f (int)").plan, Plan::Schema(_)));
}
