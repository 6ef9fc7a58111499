//! Arbitrary rows, marks and mutations. Numbers are drawn from few values, so that ties, overlaps
//! and equal keys are common.

use bytes::Bytes;
use cellar_schema::{
    Addable, Change, ChangeKind, ColumnData, ColumnId, Complex, CounterState, Element, Expiry,
    Liveness, Mutation, NewElement, Operation, PartitionMarks, Row, RowChange, Versioned,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

/// Ids below hold simple values, those from here collections.
pub(crate) const FIRST_COMPLEX: u32 = 3;
/// Ids from here hold counters.
pub(crate) const FIRST_COUNTER: u32 = 5;

pub(crate) fn timestamp() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 0..6_i64, 1 => 1_700_000_000_000_000..1_700_000_000_000_003_i64]
}

fn wild_timestamp() -> impl Strategy<Value = i64> {
    prop_oneof![3 => timestamp(), 1 => any::<i64>()]
}

pub(crate) fn small_bytes() -> impl Strategy<Value = Bytes> {
    vec(0..3_u8, 0..3).prop_map(Bytes::from)
}

fn expiry() -> impl Strategy<Value = Option<Expiry>> {
    let expiry = (1..4_u32, 0..4_i64);
    option::weighted(
        0.3,
        expiry.prop_map(|(ttl_seconds, at_seconds)| Expiry { ttl_seconds, at_seconds }),
    )
}

fn liveness(at: impl Strategy<Value = i64>) -> impl Strategy<Value = Liveness> {
    (at, expiry()).prop_map(|(timestamp_us, expiry)| Liveness { timestamp_us, expiry })
}

fn versioned(at: impl Strategy<Value = i64>) -> impl Strategy<Value = Versioned> {
    (liveness(at), option::weighted(0.7, small_bytes())).prop_map(|(live, value)| match value {
        Some(_) => Versioned { live, value },
        None => Versioned::tombstone(live.timestamp_us),
    })
}

fn complex() -> impl Strategy<Value = Complex> {
    let elements = btree_map(small_bytes(), (small_bytes(), versioned(timestamp())), 0..4);
    (option::of(timestamp()), elements).prop_map(|(deletion, elements)| Complex {
        deletion,
        elements: elements
            .into_iter()
            .map(|(key, (name, data))| Element { key, name, data })
            .collect(),
    })
}

fn counter() -> impl Strategy<Value = CounterState> {
    (-3..3_i64, timestamp(), option::of(timestamp()))
        .prop_map(|(total, timestamp_us, deletion)| CounterState { total, timestamp_us, deletion })
}

fn column() -> impl Strategy<Value = (ColumnId, ColumnData)> {
    let tombstone = || timestamp().prop_map(|at| ColumnData::Simple(Versioned::tombstone(at)));
    prop_oneof![
        3 => (0..FIRST_COMPLEX, versioned(wild_timestamp()).prop_map(ColumnData::Simple)),
        3 => (FIRST_COMPLEX..FIRST_COUNTER, complex().prop_map(ColumnData::Complex)),
        2 => (FIRST_COUNTER..FIRST_COUNTER + 2, counter().prop_map(ColumnData::Counter)),
        1 => (FIRST_COMPLEX..FIRST_COUNTER + 2, tombstone()),
    ]
    .prop_map(|(id, data)| (ColumnId(id), data))
}

/// Any row that can be written down, also one that hides its own content.
pub(crate) fn any_row() -> impl Strategy<Value = Row> {
    let columns = vec(column(), 0..6);
    let marker = option::of(liveness(wild_timestamp()));
    (marker, option::of(timestamp()), columns).prop_map(|(marker, deletion, mut columns)| {
        columns.sort_by_key(|(id, _)| *id);
        columns.dedup_by_key(|(id, _)| *id);
        Row { marker, deletion, columns }
    })
}

/// A row as it is stored: it hides nothing of itself.
pub(crate) fn row() -> impl Strategy<Value = Row> {
    any_row().prop_map(|raw| {
        let mut row = Row::default();
        row.merge(raw);
        row
    })
}

pub(crate) fn suffix() -> impl Strategy<Value = Bytes> {
    vec(0..4_u8, 1..3).prop_map(Bytes::from)
}

/// Range deletions as they were asked for.
pub(crate) fn range() -> impl Strategy<Value = (Bytes, Bytes, i64)> {
    (suffix(), suffix(), timestamp())
}

pub(crate) fn marks() -> impl Strategy<Value = PartitionMarks> {
    (option::weighted(0.3, timestamp()), vec(range(), 0..6)).prop_map(|(deletion, ranges)| {
        let mut marks = PartitionMarks::default();
        for (start, end, at) in ranges {
            marks.delete_range(start, end, at);
        }
        if let Some(deletion) = deletion {
            marks.delete_partition(deletion);
        }
        marks
    })
}

fn new_element() -> impl Strategy<Value = NewElement> {
    (small_bytes(), small_bytes(), option::weighted(0.8, small_bytes()))
        .prop_map(|(key, name, value)| NewElement { key, name, value })
}

/// Operations whose outcome depends on timestamps alone.
fn plain_operation() -> impl Strategy<Value = (ColumnId, Operation)> {
    let elements = || vec(new_element(), 0..3);
    let lists = FIRST_COMPLEX + 1;
    prop_oneof![
        3 => (0..FIRST_COMPLEX, small_bytes().prop_map(Operation::Set)),
        1 => (0..FIRST_COUNTER, Just(Operation::Delete)),
        2 => (Just(FIRST_COMPLEX), elements().prop_map(Operation::Put)),
        1 => (Just(FIRST_COMPLEX), elements().prop_map(Operation::Replace)),
        1 => (Just(FIRST_COMPLEX), vec(small_bytes(), 0..3).prop_map(Operation::Remove)),
        1 => (Just(lists), vec(small_bytes(), 0..3).prop_map(Operation::ListReplace)),
    ]
    .prop_map(|(id, operation)| (ColumnId(id), operation))
}

pub(crate) fn any_operation() -> impl Strategy<Value = (ColumnId, Operation)> {
    let values = || vec(small_bytes(), 0..3);
    let other = prop_oneof![
        values().prop_map(Operation::ListAppend),
        values().prop_map(Operation::ListPrepend),
        values().prop_map(Operation::ListDiscard),
        (any::<i32>(), option::of(small_bytes())).prop_map(|(i, v)| Operation::ListSet(i, v)),
        any::<i64>().prop_map(Operation::Add),
        small_bytes().prop_map(|value| Operation::Plus(Addable::Text, value)),
    ];
    prop_oneof![plain_operation(), (any::<u32>().prop_map(ColumnId), other)]
}

fn change(
    timestamp_us: impl Strategy<Value = Option<i64>>,
    operation: impl Strategy<Value = (ColumnId, Operation)>,
) -> impl Strategy<Value = Change> {
    let upsert = (suffix(), any::<bool>(), 0..3_u32, vec(operation, 0..4));
    let kind = prop_oneof![
        6 => upsert.prop_map(|(suffix, marker, ttl_seconds, operations)| {
            ChangeKind::Upsert(RowChange { suffix, marker, ttl_seconds, operations })
        }),
        1 => Just(ChangeKind::DeletePartition),
        1 => range().prop_map(|(start, end, _)| ChangeKind::DeleteRange { start, end }),
        1 => suffix().prop_map(|suffix| ChangeKind::DeleteRow { suffix }),
    ];
    (timestamp_us, kind).prop_map(|(timestamp_us, kind)| Change { timestamp_us, kind })
}

/// A change with its own timestamp, that needs nothing of the row it meets.
pub(crate) fn plain_change() -> impl Strategy<Value = Change> {
    change(timestamp().prop_map(Some), plain_operation())
}

pub(crate) fn any_mutation() -> impl Strategy<Value = Mutation> {
    let changes = vec(change(option::of(any::<i64>()), any_operation()), 0..5);
    (small_bytes(), changes).prop_map(|(partition, changes)| Mutation { partition, changes })
}
