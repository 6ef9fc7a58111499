//! Materialized views: events, what is refused and with which words, and how changes of the base
//! table reach them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]

mod harness;

use cellar_metadata_api::{
    Answer, Command, MetadataError, NewIndex, NewView, NewViewRelation, OptionChanges,
    SchemaChangeKind, SchemaTarget, TableChange,
};
use cellar_metadata_raft::State;
use cellar_schema::{ColumnKind, CqlType, Frozen, IndexPart, Order, TableOptions, View};
use harness::*;
use uuid::Uuid;

fn with_table() -> State {
    let mut state = state();
    run(&mut state, &drop_table("t"));
    let list = CqlType::List(Box::new(CqlType::Int), Frozen::No);
    let columns = [
        ("k", CqlType::Int, KEY),
        ("c", CqlType::Int, CLUSTERING),
        ("s", CqlType::Int, ColumnKind::Static),
        ("v", CqlType::Int, VALUE),
        ("w", CqlType::Int, VALUE),
        ("d", CqlType::Duration, VALUE),
        ("l", list, VALUE),
    ];
    state.execute(&create_table("t", &columns)).unwrap();
    state
        .execute(&create_table("n", &[("k", CqlType::Int, KEY), ("v", CqlType::Counter, VALUE)]))
        .unwrap();
    state
}

/// A view of `t` by `key`, its first column the partition key, of all these columns.
fn view(name: &str, key: &[&str], columns: &[&str]) -> NewView {
    let kinds = std::iter::once(ColumnKind::PartitionKey(0))
        .chain((0..).map(|at| ColumnKind::Clustering(at, Order::Asc)));
    let not_null = |column: &&str| NewViewRelation {
        columns: vec![(*column).to_owned()],
        tuple: false,
        element: None,
        test: "IS NOT NULL".to_owned(),
    };
    NewView {
        keyspace: "ks".to_owned(),
        name: name.to_owned(),
        uuid: Uuid::from_u128(9),
        base: "t".to_owned(),
        columns: Some(columns.iter().map(|column| (*column).to_owned()).collect()),
        key: key.iter().map(|column| (*column).to_owned()).zip(kinds).collect(),
        filter: key.iter().map(not_null).collect(),
        options: TableOptions::default(),
    }
}

fn by_v() -> NewView {
    view("by_v", &["v", "k", "c"], &["v", "k", "c"])
}

fn create(definition: NewView) -> Command {
    Command::CreateView { definition, if_not_exists: false }
}

fn drop_view(name: &str, if_exists: bool) -> Command {
    Command::DropView { keyspace: "ks".to_owned(), name: name.to_owned(), if_exists }
}

fn of(state: &State, name: &str) -> Option<View> {
    state.catalog().keyspace("ks")?.view(name).map(|(_, view)| view.clone())
}

#[test]
fn a_view_is_announced_as_a_table_changes_the_schema_and_comes_with_its_base() {
    let mut state = with_table();
    let schema = state.catalog().schema_version();
    let answer = state.execute(&create(by_v())).unwrap();
    let Answer::Schema { change: Some(event), .. } = answer else { panic!("{answer:?}") };
    assert_eq!((event.kind, event.target), (SchemaChangeKind::Created, SchemaTarget::Table));
    assert_eq!(event.name.as_deref(), Some("by_v"));
    assert_ne!(state.catalog().schema_version(), schema);
    let base = state.catalog().table("ks", "t").unwrap();
    let table = of(&state, "by_v").unwrap().as_table(base);
    let shown: Vec<_> = table.columns.iter().map(|c| (c.name.as_str(), c.kind)).collect();
    let clustering = |at| ColumnKind::Clustering(at, Order::Asc);
    assert_eq!(shown, [("v", KEY), ("k", clustering(0)), ("c", clustering(1))]);
    let again = Command::CreateView { definition: by_v(), if_not_exists: true };
    let answer = state.execute(&again).unwrap();
    assert!(matches!(answer, Answer::Schema { change: None, .. }));
    assert!(matches!(
        state.execute(&create(by_v())),
        Err(MetadataError::AlreadyExists { table: Some(_), .. })
    ));
    let other = create_table("by_v", &[("k", CqlType::Int, KEY)]);
    assert!(matches!(state.execute(&other), Err(MetadataError::AlreadyExists { .. })));
    state.execute(&drop_view("by_v", false)).unwrap();
    assert!(of(&state, "by_v").is_none());
    state.execute(&drop_view("by_v", true)).unwrap();
    assert_eq!(
        words(&mut state, &drop_view("by_v", false)),
        "Materialized view 'ks.by_v' doesn't exist"
    );
}

#[test]
fn what_cannot_be_seen_is_refused_with_cassandras_words() {
    let mut state = with_table();
    let all = ["v", "w", "k", "c", "d", "l"];
    let mut unrestricted = by_v();
    unrestricted.filter.truncate(1);
    let expected = [
        (NewView { base: "x".to_owned(), ..by_v() }, "Base table 'x' doesn't exist"),
        (
            NewView { base: "n".to_owned(), ..by_v() },
            "Materialized views are not supported on counter tables",
        ),
        (
            NewView { name: "n".to_owned(), ..by_v() },
            "Cannot create materialized view 'n' - a table with the same name already exists",
        ),
        (
            NewView { columns: None, ..by_v() },
            "Cannot include static column 's' in materialized view 'by_v'",
        ),
        (
            view("x", &["v", "k", "c"], &["k", "c"]),
            "Unknown column 'v' referenced in PRIMARY KEY for materialized view 'x'",
        ),
        (
            view("x", &["v", "k", "c", "k"], &all),
            "Duplicate column 'k' in PRIMARY KEY clause for materialized view 'x'",
        ),
        (
            view("x", &["v", "c"], &all),
            "Cannot create materialized view 'x' without primary key columns k from base table 't'",
        ),
        (
            view("x", &["v", "k", "c", "w"], &all),
            "Cannot include more than one non-primary key column in materialized view primary key \
             (got v, w)",
        ),
        (
            view("x", &["d", "k", "c"], &all),
            "duration type is not supported for PRIMARY KEY column 'd'",
        ),
        (
            view("x", &["l", "k", "c"], &all),
            "Invalid non-frozen collection type 'list<int>' for PRIMARY KEY column 'l'",
        ),
        (
            unrestricted,
            "Primary key columns k, c must be restricted with 'IS NOT NULL' or otherwise",
        ),
    ];
    for (definition, said) in expected {
        assert_eq!(words(&mut state, &create(definition)), said);
    }
    let ttl = TableOptions { default_ttl_seconds: 5, ..TableOptions::default() };
    let lasting = words(&mut state, &create(NewView { options: ttl, ..by_v() }));
    assert!(lasting.starts_with("Cannot set default_time_to_live for a materialized view."));
}

#[test]
fn what_is_for_tables_is_refused_of_views() {
    let mut state = with_table();
    state.execute(&create(by_v())).unwrap();
    let (keyspace, name) = ("ks".to_owned(), "by_v".to_owned());
    let index = NewIndex {
        keyspace: keyspace.clone(),
        table: name.clone(),
        name: None,
        targets: vec![("k".to_owned(), IndexPart::Simple)],
        class: None,
        custom: false,
        options: options(&[]),
    };
    let expected = [
        (
            create(NewView { base: name.clone(), name: "x".to_owned(), ..by_v() }),
            "Materialized views cannot be created against other materialized views",
        ),
        (
            Command::CreateIndex { definition: index, if_not_exists: false },
            "Secondary indexes on materialized views aren't supported",
        ),
        (
            Command::DropTable { keyspace: keyspace.clone(), name: name.clone(), if_exists: true },
            "Cannot use DROP TABLE on a materialized view. Please use DROP MATERIALIZED VIEW \
             instead.",
        ),
        (
            Command::TruncateTable { keyspace, name },
            "Cannot TRUNCATE materialized view directly; must truncate base table instead",
        ),
        (
            alter("by_v", vec![add("x", CqlType::Int)]),
            "Cannot use ALTER TABLE on a materialized view; use ALTER MATERIALIZED VIEW instead",
        ),
    ];
    for (command, said) in expected {
        assert_eq!(words(&mut state, &command), said);
    }
}

#[test]
fn a_base_stays_while_it_is_seen_and_so_do_the_columns_that_are() {
    let mut state = with_table();
    state.execute(&create(by_v())).unwrap();
    state.execute(&create(view("more", &["v", "k", "c"], &["v", "k", "c"]))).unwrap();
    assert_eq!(
        words(&mut state, &drop_table("t")),
        "Cannot drop a table when materialized views still depend on it (by_v, more)"
    );
    assert_eq!(
        words(&mut state, &alter("t", vec![drop_column("v")])),
        "Cannot drop column v on base table t with materialized views"
    );
    // Not even one that no view shows, as in Cassandra.
    state.execute(&drop_view("by_v", false)).unwrap();
    assert!(words(&mut state, &alter("t", vec![drop_column("w")])).starts_with("Cannot drop"));
    state.execute(&drop_view("more", false)).unwrap();
    state.execute(&alter("t", vec![drop_column("v")])).unwrap();
    state.execute(&drop_table("t")).unwrap();
}

#[test]
fn a_renamed_column_is_renamed_in_the_view_and_a_new_one_is_in_those_of_everything() {
    let mut state = with_table();
    state.execute(&alter("t", vec![drop_column("s")])).unwrap();
    state.execute(&create(by_v())).unwrap();
    let everything = NewView { columns: None, name: "everything".to_owned(), ..by_v() };
    state.execute(&create(everything)).unwrap();
    let rename =
        TableChange::Rename { from: "c".to_owned(), to: "C x".to_owned(), if_exists: false };
    state.execute(&alter("t", vec![rename, add("z", CqlType::Text)])).unwrap();
    let base = state.catalog().table("ks", "t").unwrap();
    let names = |name: &str| -> Vec<String> {
        let table = of(&state, name).unwrap().as_table(base);
        table.columns.into_iter().map(|column| column.name).collect()
    };
    assert_eq!(names("by_v"), ["v", "k", "C x"]);
    assert_eq!(names("everything"), ["v", "k", "C x", "w", "d", "l", "z"]);
    let text = of(&state, "by_v").unwrap().filter_text(base, |name| format!("<{name}>"));
    assert_eq!(text, "<v> IS NOT NULL AND <k> IS NOT NULL AND <C x> IS NOT NULL");
}

#[test]
fn options_of_a_view_change_but_for_its_ttl() {
    let mut state = with_table();
    state.execute(&create(by_v())).unwrap();
    let change = |options: OptionChanges| Command::AlterView {
        keyspace: "ks".to_owned(),
        name: "by_v".to_owned(),
        if_exists: false,
        options,
    };
    let comment = OptionChanges { comment: Some("seen".to_owned()), ..OptionChanges::default() };
    let answer = state.execute(&change(comment)).unwrap();
    let Answer::Schema { change: Some(event), .. } = answer else { panic!("{answer:?}") };
    assert_eq!((event.kind, event.name.as_deref()), (SchemaChangeKind::Updated, Some("by_v")));
    assert_eq!(of(&state, "by_v").unwrap().options.comment, "seen");
    let ttl = OptionChanges { default_ttl_seconds: Some(5), ..OptionChanges::default() };
    assert!(words(&mut state, &change(ttl)).starts_with("Cannot set default_time_to_live"));
    let absent = Command::AlterView {
        keyspace: "ks".to_owned(),
        name: "nosuch".to_owned(),
        if_exists: true,
        options: OptionChanges::default(),
    };
    assert!(matches!(state.execute(&absent), Ok(Answer::Schema { change: None, .. })));
}
