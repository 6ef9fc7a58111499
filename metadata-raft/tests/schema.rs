//! Keyspaces, tables and types: what is accepted, what is refused and with which words.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail loudly")]

mod harness;

use cellar_metadata_api::{
    Answer, Command, MetadataError, OptionChanges, SchemaChangeKind, TableChange, TieringChange,
    TypeChange,
};
use cellar_schema::{AgeOf, ColumnKind, CqlType, Frozen, TieringPolicy};
use harness::*;

type Declared<'a> = (&'a str, CqlType, ColumnKind);

fn frozen_list(element: CqlType) -> CqlType {
    CqlType::List(Box::new(element), Frozen::Yes)
}

fn list(element: CqlType) -> CqlType {
    CqlType::List(Box::new(element), Frozen::No)
}

#[test]
fn a_keyspace_is_created_once_and_if_not_exists_makes_it_a_no_op() {
    let mut state = state();
    let again = create_keyspace("ks", simple("1"));
    assert_eq!(words(&mut state, &again), "Cannot add already existing keyspace \"ks\"");
    let Command::CreateKeyspace { name, replication, durable_writes, .. } = again else { return };
    let version = state.catalog().version;
    let gentle = Command::CreateKeyspace { name, replication, durable_writes, if_not_exists: true };
    let answer = run(&mut state, &gentle);
    assert_eq!(answer, Answer::Schema { version, change: None, warnings: Vec::new() });
    assert_eq!(state.catalog().version, version);
}

#[test]
fn replication_settings_are_refused_in_the_words_of_cassandra() {
    let mut state = state();
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[("replication_factor", "1")], "Missing replication strategy class"),
        (
            &[("class", "Foo")],
            "Unable to find replication strategy class 'org.apache.cassandra.locator.Foo'",
        ),
        (
            &[("class", "SimpleStrategy"), ("replication_factor", "1"), ("x", "2")],
            "Unrecognized strategy option {x} passed to SimpleStrategy for keyspace new",
        ),
        (
            &[("class", "SimpleStrategy"), ("replication_factor", "many")],
            "For input string: \"many\"",
        ),
        (
            &[("class", "SimpleStrategy"), ("replication_factor", "-1")],
            "Replication factor must be non-negative, found -1",
        ),
        (
            &[("class", "SingleRegionStrategy"), ("dc1", "3")],
            "Unrecognized strategy option {dc1} passed to SingleRegionStrategy for keyspace new",
        ),
    ];
    for (replication, expected) in cases {
        let error = refusal(&mut state, &create_keyspace("new", options(replication)));
        assert_eq!(error, MetadataError::config(expected));
    }
}

#[test]
fn keyspaces_with_the_same_replication_share_a_group_however_it_is_written() {
    let mut state = state();
    let long = "org.apache.cassandra.locator.SimpleStrategy";
    let same = options(&[("class", long), ("replication_factor", "1")]);
    run(&mut state, &create_keyspace("same", same));
    let topology = options(&[("class", "NetworkTopologyStrategy"), ("dc1", "1")]);
    run(&mut state, &create_keyspace("other", topology));
    let groups = &state.catalog().groups;
    assert_eq!(groups["ks"], groups["same"]);
    assert_ne!(groups["ks"], groups["other"]);
}

#[test]
fn more_copies_than_nodes_are_accepted_with_a_warning() {
    let mut state = state();
    let answer = run(&mut state, &create_keyspace("three", simple("3")));
    let Answer::Schema { warnings, .. } = answer else { return };
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].starts_with("Your replication factor 3 for keyspace three is higher"));
    let group = state.catalog().groups["three"];
    let cell = state.catalog().placements[&group].cells().next().unwrap().clone();
    assert_eq!(cell.replicas.len(), 1);
}

#[test]
fn system_keyspaces_cannot_be_touched() {
    let mut state = state();
    for name in ["system", "schema", "auth", "traces", "views", "cellar"] {
        let name = if name == "system" { name.to_owned() } else { format!("system_{name}") };
        let said = words(&mut state, &create_keyspace(&name, simple("1")));
        assert_eq!(said, format!("{name} keyspace is not user-modifiable."));
    }
}

#[test]
fn key_columns_come_first_in_key_order_whatever_the_declaration() {
    let mut state = state();
    let second = ColumnKind::PartitionKey(1);
    let columns = [
        ("v", CqlType::Int, VALUE),
        ("c", CqlType::Int, CLUSTERING),
        ("b", CqlType::Int, second),
        ("a", CqlType::Int, KEY),
        ("w", CqlType::Int, VALUE),
    ];
    run(&mut state, &create_table("u", &columns));
    let table = state.catalog().table("ks", "u").unwrap();
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "v", "w"]);
    assert!(table.columns.iter().zip(0..).all(|(column, id)| column.id.0 == id));
    assert!(table.id.0 >= 16, "ids below 16 are for Cellar's own records");
    assert_eq!(state.catalog().table_by_id(table.id), Some(table));
}

#[test]
fn tables_that_cassandra_refuses_are_refused_in_its_words() {
    let mut state = state();
    let key = ("k", CqlType::Int, KEY);
    let cases: Vec<(Vec<Declared<'_>>, &str)> = vec![
        (
            vec![("v", CqlType::Int, VALUE)],
            "No PRIMARY KEY specified for table 'x' (exactly one required)",
        ),
        (
            vec![key.clone(), ("k", CqlType::Int, VALUE)],
            "Duplicate column 'k' declaration for table 'x'",
        ),
        (
            vec![("k", list(CqlType::Int), KEY)],
            "Invalid non-frozen collection type list<int> for PRIMARY KEY column 'k'",
        ),
        (
            vec![("k", CqlType::Counter, KEY)],
            "counter type is not supported for PRIMARY KEY column 'k'",
        ),
        (
            vec![("k", frozen_list(CqlType::Duration), KEY)],
            "duration type is not supported for PRIMARY KEY column 'k'",
        ),
        (
            vec![key.clone(), ("s", CqlType::Int, ColumnKind::Static)],
            "Static columns are only useful (and thus allowed) if the table has at least one \
             clustering column",
        ),
        (
            vec![key.clone(), ("c", CqlType::Counter, VALUE), ("v", CqlType::Int, VALUE)],
            "ks.x: Cannot have a non counter column (\"v\") in a counter table",
        ),
        (
            vec![key.clone(), ("v", list(list(CqlType::Int)), VALUE)],
            "Non-frozen collections are not allowed inside collections: list<list<int>>",
        ),
        (
            vec![key.clone(), ("v", list(CqlType::Counter), VALUE)],
            "Counters are not allowed inside collections: list<counter>",
        ),
        (
            vec![key.clone(), ("v", CqlType::Set(CqlType::Duration.into(), Frozen::No), VALUE)],
            "Durations are not allowed inside sets: set<duration>",
        ),
        (vec![key, ("v", udt("nowhere", Frozen::Yes), VALUE)], "Unknown type ks.nowhere"),
    ];
    for (columns, expected) in cases {
        assert_eq!(words(&mut state, &create_table("x", &columns)), expected);
    }
    let again = create_table("t", &[("k", CqlType::Int, KEY)]);
    let expected = "Cannot add already existing table \"t\" to keyspace \"ks\"";
    assert_eq!(words(&mut state, &again), expected);
    let mut elsewhere = new_table("x", &[("k", CqlType::Int, KEY)]);
    elsewhere.keyspace = "nowhere".to_owned();
    let elsewhere = Command::CreateTable { definition: elsewhere, if_not_exists: true };
    assert_eq!(words(&mut state, &elsewhere), "Keyspace 'nowhere' doesn't exist");
}

#[test]
fn frozen_nesting_is_allowed_at_any_place() {
    let mut state = state();
    let nested = frozen_list(list(CqlType::Int));
    let tuple = CqlType::Tuple(vec![list(CqlType::Int), CqlType::Text]);
    let columns = [("k", nested.clone(), KEY), ("v", list(nested), VALUE), ("w", tuple, VALUE)];
    run(&mut state, &create_table("x", &columns));
}

#[test]
fn durations_in_tuples_and_user_types_may_be_elements_of_sets_and_keys_of_maps_but_no_table_keys() {
    let mut state = state();
    let tuple = || Box::new(CqlType::Tuple(vec![CqlType::Duration, CqlType::Text]));
    let set = CqlType::Set(tuple(), Frozen::No);
    let map = CqlType::Map(tuple(), CqlType::Int.into(), Frozen::No);
    let columns = [("k", CqlType::Int, KEY), ("s", set, VALUE), ("m", map, VALUE)];
    run(&mut state, &create_table("x", &columns));
    let key = [("k", *tuple(), KEY)];
    let expected = "duration type is not supported for PRIMARY KEY column 'k'";
    assert_eq!(words(&mut state, &create_table("y", &key)), expected);
}

#[test]
fn altering_adds_and_drops_columns_and_never_gives_an_id_twice() {
    let mut state = state();
    run(&mut state, &alter("t", vec![add("w", CqlType::Int)]));
    let first = state.catalog().table("ks", "t").unwrap().column("w").unwrap().id;
    run(&mut state, &alter("t", vec![drop_column("w")]));
    run(&mut state, &alter("t", vec![add("w", CqlType::Int)]));
    let table = state.catalog().table("ks", "t").unwrap();
    assert_ne!(table.column("w").unwrap().id, first, "I-20: old data in a re-added column");
    assert_eq!(table.dropped[0].id, first);
    assert_eq!(table.version, 4);
}

#[test]
fn alterations_that_cassandra_refuses_are_refused_in_its_words() {
    let mut state = state();
    run(&mut state, &alter("t", vec![add("gone", CqlType::Int), drop_column("gone")]));
    let rename = |from: &str, to: &str| TableChange::Rename {
        from: from.to_owned(),
        to: to.to_owned(),
        if_exists: false,
    };
    let cases = [
        (add("v", CqlType::Int), "Column with name 'v' already exists"),
        (drop_column("k"), "Cannot drop PRIMARY KEY column k"),
        (drop_column("x"), "Column x was not found in table 'ks.t'"),
        (
            add("gone", CqlType::Text),
            "Cannot re-add previously dropped column 'gone' of type text, incompatible with \
             previous type int",
        ),
        (rename("v", "w"), "Cannot rename non PRIMARY KEY column v"),
        (
            rename("k", "v"),
            "Cannot rename column k to v in table 'ks.t'; another column with that name already \
             exists",
        ),
        (
            add("c", CqlType::Counter),
            "ks.t: Cannot have a counter column (\"c\") in a non counter table",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(words(&mut state, &alter("t", vec![change])), expected);
    }
    run(&mut state, &alter("t", vec![rename("k", "key")]));
    assert!(state.catalog().table("ks", "t").unwrap().column("key").is_some());
}

#[test]
fn an_alteration_of_many_parts_happens_wholly_or_not_at_all() {
    let mut state = state();
    let command = alter("t", vec![add("w", CqlType::Int), drop_column("nothing")]);
    refusal(&mut state, &command);
    assert!(state.catalog().table("ks", "t").unwrap().column("w").is_none());
}

#[test]
fn a_tiering_policy_follows_its_column_and_protects_it() {
    let mut state = state();
    let policy = TieringPolicy { age_of: AgeOf::WriteTime, hot_seconds: 86_400 };
    let by = |column: &str| {
        with(OptionChanges {
            tiering: Some(TieringChange::Set {
                policy: policy.clone(),
                column: Some(column.to_owned()),
            }),
            ..OptionChanges::default()
        })
    };
    let refused = words(&mut state, &alter("t", vec![by("v")]));
    assert!(refused.contains("needs a timestamp, date or timeuuid"), "{refused}");
    run(&mut state, &alter("t", vec![add("at", CqlType::Timestamp), by("at")]));
    let table = state.catalog().table("ks", "t").unwrap();
    let at = table.column("at").unwrap().id;
    assert_eq!(table.options.tiering.as_ref().unwrap().age_of, AgeOf::Column(at));
    let refused = words(&mut state, &alter("t", vec![drop_column("at")]));
    assert!(refused.contains("tiering policy"), "{refused}");

    let columns = [("k", CqlType::Int, KEY), ("c", CqlType::Counter, VALUE)];
    let mut counters = new_table("counters", &columns);
    counters.options.tiering = Some(policy.clone());
    let command = Command::CreateTable { definition: counters, if_not_exists: false };
    let expected = "Cannot set a tiering policy on a table with counters";
    assert_eq!(words(&mut state, &command), expected);
}

#[test]
fn a_table_takes_the_fields_of_a_type_from_the_schema_and_follows_its_changes() {
    let mut state = state();
    run(&mut state, &create_type("inner", &[("a", CqlType::Int)]));
    run(&mut state, &create_type("outer", &[("i", udt("inner", Frozen::Yes))]));
    let columns = [("k", CqlType::Int, KEY), ("o", list(udt("outer", Frozen::Yes)), VALUE)];
    run(&mut state, &create_table("x", &columns));
    let version = state.catalog().table("ks", "x").unwrap().version;
    let change =
        TypeChange::Add { field: "b".to_owned(), cql_type: CqlType::Text, if_not_exists: false };
    let alter_inner = Command::AlterType {
        keyspace: "ks".to_owned(),
        name: "inner".to_owned(),
        if_exists: false,
        change,
    };
    assert_eq!(event(&run(&mut state, &alter_inner)), Some(SchemaChangeKind::Updated));
    let catalog = state.catalog();
    let table = catalog.table("ks", "x").unwrap();
    assert_eq!(table.version, version + 1);
    let CqlType::List(outer, _) = &table.column("o").unwrap().cql_type else { return };
    let CqlType::Udt(outer, _) = &**outer else { return };
    assert_eq!(outer, catalog.user_type("ks", "outer").unwrap());
    let CqlType::Udt(inner, _) = &outer.fields[0].1 else { return };
    assert_eq!(inner.fields.len(), 2);
}

#[test]
fn types_that_cassandra_refuses_are_refused_in_its_words() {
    let mut state = state();
    run(&mut state, &create_type("inner", &[("a", CqlType::Int)]));
    run(&mut state, &create_type("outer", &[("i", udt("inner", Frozen::Yes))]));
    let columns = [("k", CqlType::Int, KEY), ("o", udt("outer", Frozen::No), VALUE)];
    run(&mut state, &create_table("x", &columns));
    let expected = "A user type with name 'inner' already exists";
    assert_eq!(words(&mut state, &create_type("inner", &[("a", CqlType::Int)])), expected);
    let bad = create_type("bad", &[("a", CqlType::Int), ("a", CqlType::Int)]);
    assert_eq!(words(&mut state, &bad), "Duplicate field name 'a' in type 'bad'");
    let bad = create_type("bad", &[("a", udt("inner", Frozen::No))]);
    assert_eq!(words(&mut state, &bad), "A user type cannot contain non-frozen UDTs");
    let drop = |name: &str| Command::DropType {
        keyspace: "ks".to_owned(),
        name: name.to_owned(),
        if_exists: false,
    };
    let expected = "Cannot drop user type 'ks.inner' as it is still used by user types outer";
    assert_eq!(words(&mut state, &drop("inner")), expected);
    let expected = "Cannot drop user type 'ks.outer' as it is still used by tables x";
    assert_eq!(words(&mut state, &drop("outer")), expected);
    assert_eq!(words(&mut state, &drop("none")), "Type 'ks.none' doesn't exist");
    let circle = Command::AlterType {
        keyspace: "ks".to_owned(),
        name: "inner".to_owned(),
        if_exists: false,
        change: TypeChange::Add {
            field: "o".to_owned(),
            cql_type: udt("outer", Frozen::Yes),
            if_not_exists: false,
        },
    };
    assert!(words(&mut state, &circle).ends_with("as it would create a circular reference"));
    run(&mut state, &drop_table("x"));
    run(&mut state, &drop("outer"));
}

#[test]
fn a_type_of_a_key_gets_no_field_but_new_names() {
    let mut state = state();
    run(&mut state, &create_type("p", &[("a", CqlType::Int)]));
    run(&mut state, &create_type("c", &[("a", CqlType::Int)]));
    let (p, c) = (udt("p", Frozen::Yes), udt("c", Frozen::Yes));
    run(&mut state, &create_table("x", &[("k", p, KEY), ("c", c, CLUSTERING)]));
    let alter = |name: &str, change| Command::AlterType {
        keyspace: "ks".to_owned(),
        name: name.to_owned(),
        if_exists: false,
        change,
    };
    for (name, part) in [("p", "partition"), ("c", "clustering")] {
        let (field, cql_type) = ("b".to_owned(), CqlType::Text);
        let add = TypeChange::Add { field, cql_type, if_not_exists: false };
        let expected = format!(
            "Cannot add new field b of type text to user type ks.{name} as the type is being used \
             in {part} key by the following tables: ks.x"
        );
        assert_eq!(words(&mut state, &alter(name, add)), expected);
        let fields = vec![("a".to_owned(), "z".to_owned())];
        let rename = TypeChange::Rename { fields, if_exists: false };
        let renamed = run(&mut state, &alter(name, rename));
        assert_eq!(event(&renamed), Some(SchemaChangeKind::Updated));
    }
}

#[test]
fn the_schema_version_is_equal_exactly_if_the_schema_is() {
    let mut first = state();
    let mut second = state();
    assert_eq!(first.catalog().schema_version(), second.catalog().schema_version());
    run(&mut first, &node("b:1", "dc1", "r2"));
    assert_eq!(first.catalog().schema_version(), second.catalog().schema_version());
    run(&mut first, &alter("t", vec![add("w", CqlType::Int)]));
    assert_ne!(first.catalog().schema_version(), second.catalog().schema_version());
    run(&mut second, &alter("t", vec![add("w", CqlType::Int)]));
    assert_eq!(first.catalog().schema_version(), second.catalog().schema_version());
}
