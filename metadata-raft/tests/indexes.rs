//! Secondary indexes: names, events, what is refused and with which words, which are those of
//! Apache Cassandra 5.0.9.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]

mod harness;

use cellar_metadata_api::{
    Answer, Command, MetadataError, NewIndex, SchemaChangeKind, SchemaTarget, TableChange,
};
use cellar_metadata_raft::State;
use cellar_schema::{ColumnKind, CqlType, Frozen, IndexPart, Table};
use harness::*;

fn index(table: &str, targets: &[(&str, IndexPart)]) -> NewIndex {
    NewIndex {
        keyspace: "ks".to_owned(),
        table: table.to_owned(),
        name: None,
        targets: targets.iter().map(|(column, part)| ((*column).to_owned(), *part)).collect(),
        class: None,
        custom: false,
        options: options(&[]),
    }
}

fn simple_index(table: &str, column: &str) -> NewIndex {
    index(table, &[(column, IndexPart::Simple)])
}

fn sai(new: NewIndex) -> NewIndex {
    NewIndex { class: Some("sai".to_owned()), ..new }
}

fn named(name: &str, new: NewIndex) -> NewIndex {
    NewIndex { name: Some(name.to_owned()), ..new }
}

fn create(definition: NewIndex) -> Command {
    Command::CreateIndex { definition, if_not_exists: false }
}

fn drop_index(name: &str, if_exists: bool) -> Command {
    Command::DropIndex { keyspace: "ks".to_owned(), name: name.to_owned(), if_exists }
}

fn with_tables() -> State {
    let mut state = state();
    let list = |frozen| CqlType::List(Box::new(CqlType::Int), frozen);
    let map = CqlType::Map(Box::new(CqlType::Text), Box::new(CqlType::Blob), Frozen::No);
    let columns = [
        ("k", CqlType::Int, KEY),
        ("k2", CqlType::Int, ColumnKind::PartitionKey(1)),
        ("c", CqlType::Int, CLUSTERING),
        ("v", CqlType::Int, VALUE),
        ("w", CqlType::Text, VALUE),
        ("b", CqlType::Blob, VALUE),
        ("d", CqlType::Duration, VALUE),
        ("l", list(Frozen::No), VALUE),
        ("fl", list(Frozen::Yes), VALUE),
        ("m", map, VALUE),
    ];
    run(&mut state, &create_table("wide", &columns));
    let counter = [("k", CqlType::Int, KEY), ("n", CqlType::Counter, VALUE)];
    run(&mut state, &create_table("counts", &counter));
    state
}

fn table(state: &State, name: &str) -> Table {
    Table::clone(state.catalog().table("ks", name).unwrap())
}

fn names(state: &State, name: &str) -> Vec<String> {
    table(state, name).options.indexes.into_iter().map(|index| index.name).collect()
}

#[test]
fn an_index_changes_its_table_and_gets_a_free_name() {
    let mut state = with_tables();
    let version = table(&state, "wide").version;
    let answer = run(&mut state, &create(simple_index("wide", "v")));
    let Answer::Schema { change: Some(change), .. } = answer else { panic!("{answer:?}") };
    assert_eq!((change.kind, change.target), (SchemaChangeKind::Updated, SchemaTarget::Table));
    assert_eq!(change.name.as_deref(), Some("wide"));
    assert_eq!(table(&state, "wide").version, version + 1);
    run(&mut state, &create(sai(simple_index("wide", "v"))));
    run(&mut state, &create(named("mine", simple_index("wide", "w"))));
    assert_eq!(names(&state, "wide"), ["wide_v_idx", "wide_v_idx_1", "mine"]);
    let dropped = run(&mut state, &drop_index("wide_v_idx", false));
    assert_eq!(event(&dropped), Some(SchemaChangeKind::Updated));
    assert_eq!(names(&state, "wide"), ["wide_v_idx_1", "mine"]);
    run(&mut state, &drop_table("wide"));
    assert_eq!(words(&mut state, &drop_index("mine", false)), "Index 'ks.mine' doesn't exist");
}

#[test]
fn if_exists_and_if_not_exists_leave_all_as_it_is() {
    let mut state = with_tables();
    run(&mut state, &create(simple_index("wide", "v")));
    for definition in [
        simple_index("wide", "v"),
        named("other", simple_index("wide", "v")),
        named("wide_v_idx", simple_index("wide", "w")),
        named("wide_v_idx", simple_index("t", "v")),
    ] {
        let gentle = Command::CreateIndex { definition, if_not_exists: true };
        assert_eq!(event(&run(&mut state, &gentle)), None, "{gentle:?}");
    }
    assert_eq!(event(&run(&mut state, &drop_index("nosuch", true))), None);
    let elsewhere =
        Command::DropIndex { keyspace: "nosuch".to_owned(), name: "x".to_owned(), if_exists: true };
    assert_eq!(event(&run(&mut state, &elsewhere)), None);
}

#[test]
fn what_cannot_be_indexed_is_refused_in_the_words_of_cassandra() {
    use IndexPart::{Entries, Full, Keys, Simple, Values};
    let mut state = with_tables();
    run(&mut state, &create(named("taken", simple_index("wide", "c"))));
    let wide = |column, part| index("wide", &[(column, part)]);
    for (definition, message) in [
        (simple_index("nosuch", "v"), "Table 'nosuch' doesn't exist"),
        (simple_index("wide", "x"), "Undefined column name x in table ks.wide"),
        (simple_index("counts", "n"), "Secondary indexes on counter tables aren't supported"),
        (
            simple_index("t", "k"),
            "Cannot create secondary index on the only partition key column k",
        ),
        (wide("d", Simple), "Secondary indexes are not supported on duration columns"),
        (
            wide("fl", Simple),
            "Cannot create values() index on frozen column fl. Frozen collections are immutable \
             and must be fully indexed by using the 'full(fl)' modifier",
        ),
        (wide("l", Full), "full() indexes can only be created on frozen collections"),
        (
            wide("v", Keys),
            "Cannot create keys() index on v. Non-collection columns only support simple indexes",
        ),
        (wide("l", Entries), "Cannot create index on entries of column l with non-map type"),
        (
            index("wide", &[("v", Simple), ("w", Simple)]),
            "Only CUSTOM indexes support multiple columns",
        ),
        (
            sai(index("wide", &[("v", Simple), ("v", Simple)])),
            "Duplicate column 'v' in index target list",
        ),
        (
            sai(index("wide", &[("v", Simple), ("w", Simple)])),
            "A storage-attached index cannot be created over multiple columns: v, w",
        ),
        (
            index("wide", &[]),
            "Only CUSTOM indexes can be created without specifying a target column",
        ),
        (wide("c", Simple), "Index wide_c_idx is a duplicate of existing index taken"),
        (named("taken", simple_index("t", "v")), "Index 'taken' already exists"),
        (sai(wide("b", Simple)), "Unsupported type: blob"),
        (sai(wide("m", Values)), "Unsupported type: blob"),
    ] {
        let refused = refusal(&mut state, &create(definition.clone()));
        assert_eq!(refused.to_string(), message, "{definition:?}");
        assert!(matches!(refused, MetadataError::Invalid { .. }), "{definition:?}");
    }
}

#[test]
fn classes_and_their_options_are_checked() {
    let mut state = with_tables();
    let config = |definition: NewIndex, state: &mut State| {
        let refused = refusal(state, &create(definition));
        assert!(matches!(refused, MetadataError::Config { .. }), "{refused:?}");
        refused.to_string()
    };
    let class = |class: Option<&str>| NewIndex {
        class: class.map(str::to_owned),
        custom: true,
        ..simple_index("wide", "v")
    };
    let unknown = config(class(Some("foo")), &mut state);
    assert_eq!(unknown, "Unable to find custom indexer class 'foo'");
    let none = config(class(None), &mut state);
    assert_eq!(none, "Unable to find custom indexer class 'legacy_local_table'");
    assert_eq!(
        config(named("b-d", simple_index("wide", "v")), &mut state),
        "Illegal index name b-d"
    );
    let option = |column: &str, pairs: &[(&str, &str)]| NewIndex {
        options: options(pairs),
        ..sai(simple_index("wide", column))
    };
    let unknown = config(option("v", &[("a", "b")]), &mut state);
    assert_eq!(unknown, "Properties specified [a] are not understood by StorageAttachedIndex");
    let folded = |column| create(option(column, &[("case_sensitive", "false")]));
    assert_eq!(words(&mut state, &folded("v")), "CQL type int cannot be analyzed.");
    assert_eq!(
        words(&mut state, &folded("c")),
        "Analysis options are not supported on primary key columns, but found \
         {'case_sensitive': 'false'}"
    );
    run(&mut state, &folded("w"));
    run(&mut state, &create(class(Some("org.apache.cassandra.index.sai.StorageAttachedIndex"))));
    assert_eq!(
        words(&mut state, &create(class(Some("StorageAttachedIndex")))),
        "Cannot create more than one storage-attached index on the same column: v"
    );
    run(
        &mut state,
        &create(NewIndex {
            class: Some("legacy_local_table".to_owned()),
            ..simple_index("wide", "w")
        }),
    );
    run(&mut state, &create(named(&"n".repeat(222), simple_index("wide", "v"))));
    let long = named(&"n".repeat(223), simple_index("wide", "c"));
    assert!(config(long, &mut state).starts_with("Illegal index name"));
}

#[test]
fn an_indexed_column_is_neither_dropped_nor_renamed() {
    let mut state = with_tables();
    run(&mut state, &create(simple_index("wide", "v")));
    run(&mut state, &create(simple_index("wide", "c")));
    assert_eq!(
        words(&mut state, &alter("wide", vec![drop_column("v")])),
        "Cannot drop column v because it has dependent secondary indexes (wide_v_idx)"
    );
    let rename =
        TableChange::Rename { from: "c".to_owned(), to: "cc".to_owned(), if_exists: false };
    assert_eq!(
        words(&mut state, &alter("wide", vec![rename])),
        "Can't rename column c because it has dependent secondary indexes (wide_c_idx)"
    );
    run(&mut state, &drop_index("wide_v_idx", false));
    run(&mut state, &alter("wide", vec![drop_column("v")]));
}

#[test]
fn indexes_are_in_snapshots_and_tables_without_them_are_read() {
    let mut state = with_tables();
    run(&mut state, &create(sai(simple_index("wide", "v"))));
    run(&mut state, &truncate("wide"));
    assert_eq!(names(&state, "wide"), ["wide_v_idx"]);
    let bytes = state.to_snapshot(b"here").unwrap();
    let (_, read) = State::from_snapshot(&bytes).unwrap();
    assert_eq!(table(&read, "wide"), table(&state, "wide"));
}
