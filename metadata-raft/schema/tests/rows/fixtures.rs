//! Records written by earlier versions are read for ever. A fixture is never edited; a new form
//! gets a new version and new fixtures.

use bytes::Bytes;
use cellar_schema::{
    Change, ChangeKind, ColumnData, ColumnId, Complex, CounterState, Element, Expiry, Liveness,
    Mutation, NewElement, Operation, PartitionMarks, RangeMark, Row, RowChange, Versioned,
};

fn fixture(text: &str) -> Bytes {
    let digits: String = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.chars().filter(|c| !c.is_whitespace()))
        .collect();
    hex::decode(digits).unwrap().into()
}

const AT: i64 = 1_763_700_000_000_000;

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn row() -> Row {
    let live = Liveness { timestamp_us: AT, expiry: None };
    let expiry = Some(Expiry { ttl_seconds: 3600, at_seconds: 1_763_703_600 });
    let brief = Liveness { timestamp_us: AT + 7, expiry };
    let value = |live, text| Versioned { live, value: Some(bytes(text)) };
    let tombstone =
        Versioned { live: Liveness { timestamp_us: AT - 1, expiry: None }, value: None };
    let element = |key, name, data| Element { key: bytes(key), name: bytes(name), data };
    let elements = vec![
        element("a", "A", value(live, "one")),
        element("b", "", tombstone.clone()),
        element("c", "", value(brief, "")),
    ];
    let complex = Complex { deletion: Some(AT - 2), elements };
    let counter = CounterState { total: -5, timestamp_us: AT + 9, deletion: Some(AT - 9) };
    Row {
        marker: Some(live),
        deletion: Some(AT - 100),
        columns: vec![
            (ColumnId(2), ColumnData::Simple(value(live, "plain"))),
            (ColumnId(3), ColumnData::Simple(value(brief, "brief"))),
            (ColumnId(4), ColumnData::Simple(value(brief, ""))),
            (ColumnId(5), ColumnData::Simple(tombstone)),
            (ColumnId(200), ColumnData::Complex(complex)),
            (ColumnId(201), ColumnData::Counter(counter)),
        ],
    }
}

fn marks() -> PartitionMarks {
    let range =
        |start, end, timestamp_us| RangeMark { start: bytes(start), end: bytes(end), timestamp_us };
    let ranges = vec![range("\u{2}a", "\u{2}c", AT), range("\u{2}c", "\u{3}", AT - 3)];
    PartitionMarks { deletion: Some(AT - 500), ranges }
}

fn mutation() -> Mutation {
    let element = |key, name, value: Option<&str>| NewElement {
        key: bytes(key),
        name: bytes(name),
        value: value.map(bytes),
    };
    let list = || vec![bytes("x"), bytes("")];
    let operations = [
        Operation::Set(bytes("value")),
        Operation::Delete,
        Operation::Replace(vec![element("k", "K", Some("v"))]),
        Operation::Put(vec![element("k", "", Some("")), element("l", "", None)]),
        Operation::Remove(list()),
        Operation::ListReplace(list()),
        Operation::ListAppend(list()),
        Operation::ListPrepend(list()),
        Operation::ListSet(-1, Some(bytes("v"))),
        Operation::ListSet(300, None),
        Operation::ListDiscard(list()),
        Operation::Add(-2),
    ];
    let operations = (1..).map(ColumnId).zip(operations).collect();
    let suffix = bytes("\u{2}row");
    let change = |timestamp_us, kind| Change { timestamp_us, kind };
    let upsert = RowChange { suffix: suffix.clone(), marker: true, ttl_seconds: 60, operations };
    let update = RowChange { marker: false, ttl_seconds: 0, operations: vec![], ..upsert.clone() };
    Mutation {
        partition: bytes("partition"),
        changes: vec![
            change(Some(AT), ChangeKind::DeletePartition),
            change(None, ChangeKind::DeleteRange { start: bytes("\u{2}"), end: bytes("\u{3}") }),
            change(Some(-1), ChangeKind::DeleteRow { suffix }),
            change(None, ChangeKind::Upsert(upsert)),
            change(Some(AT), ChangeKind::Upsert(update)),
        ],
    }
}

#[test]
fn a_row_of_version_1_is_read_and_written_as_ever() {
    let stored = fixture(include_str!("fixtures/row-1.hex"));
    assert_eq!(Row::decode(stored.clone()), Ok(row()));
    assert_eq!(hex::encode(row().encode()), hex::encode(stored));
}

#[test]
fn marks_of_version_1_are_read_and_written_as_ever() {
    let stored = fixture(include_str!("fixtures/partition-marks-1.hex"));
    assert_eq!(PartitionMarks::decode(stored.clone()), Ok(marks()));
    assert_eq!(hex::encode(marks().encode()), hex::encode(stored));
}

#[test]
fn a_mutation_of_version_1_is_read_and_written_as_ever() {
    let stored = fixture(include_str!("fixtures/mutation-1.hex"));
    assert_eq!(Mutation::decode(stored.clone()), Ok(mutation()));
    assert_eq!(hex::encode(mutation().encode()), hex::encode(stored));
}
