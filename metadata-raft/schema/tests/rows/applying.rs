//! Mutations meet stored rows.

use bytes::Bytes;
use cellar_schema::apply::{Staged, stage, upsert as upsert_row};
use cellar_schema::{
    Addable, ApplyError, Change, ChangeKind, ColumnData, ColumnId, CqlType, Mutation, NewElement,
    Operation, Row, RowChange, apply::Stamp, value,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::memory::{COLUMN, Memory, SUFFIX, stamp, upsert, upsert_at};
use crate::strategies::{any_operation, plain_change, row};

proptest! {
    #[test]
    fn plain_writes_end_the_same_in_any_order(
        (one, other) in vec(plain_change(), 1..8)
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        let mut results = [one.clone(), other].map(|changes| {
            let mut memory = Memory::default();
            for change in changes {
                memory.apply(&[change], stamp(900)).unwrap();
            }
            memory
        });
        let expected = results[0].visible();
        prop_assert_eq!(results[1].visible(), expected.clone());
        let mut at_once = Memory::default();
        at_once.apply(&one, stamp(900)).unwrap();
        prop_assert_eq!(at_once.visible(), expected);
    }

    #[test]
    fn plain_writes_applied_again_change_nothing(changes in vec(plain_change(), 1..8)) {
        let mut memory = Memory::default();
        memory.apply(&changes, stamp(900)).unwrap();
        let once = memory.visible();
        memory.apply(&changes, stamp(901)).unwrap();
        let mut again = memory.visible();
        for row in once.values().chain(again.values()) {
            prop_assert!(!row.is_empty());
        }
        again.retain(|_, row| !row.is_empty());
        prop_assert_eq!(again, once);
    }

    #[test]
    fn any_operation_on_any_row_is_applied_or_refused(
        mut row in row(), operations in vec(any_operation(), 0..5), at in any::<i64>(),
    ) {
        let suffix = Bytes::from_static(SUFFIX);
        let change = RowChange { suffix, marker: true, ttl_seconds: 3, operations };
        if upsert_row(&mut row, &change, stamp(at)).is_ok() {
            let mut normal = Row::default();
            normal.merge(row.clone());
            prop_assert_eq!(&normal, &row);
            prop_assert_eq!(Row::decode(row.encode().into()), Ok(row));
        }
    }

    #[test]
    fn acknowledged_increments_are_all_counted(
        steps in vec((-5..5_i64, 0..20_i64, prop::bool::weighted(0.3)), 1..20),
    ) {
        let mut memory = Memory::default();
        let mut expected = None;
        for (amount, at, deletes) in steps {
            if deletes {
                let change = Change { timestamp_us: Some(1_000), kind: ChangeKind::DeletePartition };
                memory.apply(&[change], stamp(at)).unwrap();
            }
            // Partition deletion 1000 hides the counter once; increments after it are later.
            let before = total(&mut memory);
            memory.apply(&[upsert(Operation::Add(amount))], stamp(at)).unwrap();
            expected = Some(before.unwrap_or(0) + amount);
            prop_assert_eq!(total(&mut memory), expected);
        }
        prop_assert_eq!(total(&mut memory), expected);
    }
}

fn total(memory: &mut Memory) -> Option<i64> {
    let rows = memory.visible();
    match rows.get(SUFFIX)?.live(0)?.column(COLUMN)? {
        ColumnData::Counter(counter) => Some(counter.total),
        other => panic!("not a counter: {other:?}"),
    }
}

fn value(memory: &mut Memory, now_seconds: i64) -> Option<Bytes> {
    match memory.visible().get(SUFFIX)?.live(now_seconds)?.column(COLUMN)? {
        ColumnData::Simple(simple) => simple.value.clone(),
        other => panic!("not a simple value: {other:?}"),
    }
}

fn set(text: &'static str) -> Operation {
    Operation::Set(Bytes::from_static(text.as_bytes()))
}

#[test]
fn a_write_without_a_timestamp_has_the_leaders() {
    let mut memory = Memory::default();
    memory.apply(&[upsert_at(Some(50), set("client"))], stamp(10)).unwrap();
    memory.apply(&[upsert(set("early leader"))], stamp(49)).unwrap();
    assert_eq!(value(&mut memory, 0).unwrap(), "client");
    memory.apply(&[upsert(set("late leader"))], stamp(51)).unwrap();
    assert_eq!(value(&mut memory, 0).unwrap(), "late leader");
}

#[test]
fn a_late_write_does_not_bring_back_what_was_deleted() {
    let range = ChangeKind::DeleteRange {
        start: b"\x02".as_slice().into(),
        end: b"\x03".as_slice().into(),
    };
    let row = ChangeKind::DeleteRow { suffix: Bytes::from_static(SUFFIX) };
    let column = upsert(Operation::Delete).kind;
    for kind in [ChangeKind::DeletePartition, range, row, column] {
        let mut memory = Memory::default();
        memory.apply(&[upsert_at(Some(10), set("old"))], stamp(900)).unwrap();
        memory.apply(&[Change { timestamp_us: Some(20), kind: kind.clone() }], stamp(901)).unwrap();
        assert_eq!(value(&mut memory, 0), None, "{kind:?}");
        memory.apply(&[upsert_at(Some(20), set("late"))], stamp(902)).unwrap();
        assert_eq!(value(&mut memory, 0), None, "{kind:?}");
        memory.apply(&[upsert_at(Some(21), set("new"))], stamp(903)).unwrap();
        assert_eq!(value(&mut memory, 0).unwrap(), "new", "{kind:?}");
    }
}

#[test]
fn a_deletion_of_the_partition_hides_its_statics_and_one_of_rows_does_not() {
    let statics = Bytes::from_static(b"\x01");
    let change = |timestamp_us| {
        let operations = vec![(COLUMN, set("s"))];
        let change =
            RowChange { suffix: statics.clone(), marker: false, ttl_seconds: 0, operations };
        Change { timestamp_us: Some(timestamp_us), kind: ChangeKind::Upsert(change) }
    };
    let mut memory = Memory::default();
    memory.apply(&[change(10)], stamp(900)).unwrap();
    let kind = ChangeKind::DeleteRange {
        start: b"\x02".as_slice().into(),
        end: b"\x03".as_slice().into(),
    };
    memory.apply(&[Change { timestamp_us: Some(20), kind }], stamp(901)).unwrap();
    assert!(memory.visible().contains_key(&statics));
    let kind = ChangeKind::DeletePartition;
    memory.apply(&[Change { timestamp_us: Some(20), kind }], stamp(902)).unwrap();
    assert!(!memory.visible().contains_key(&statics));
}

#[test]
fn expiry_is_stamped_once_from_the_leaders_seconds() {
    let Change { kind: ChangeKind::Upsert(mut change), .. } = upsert(set("brief")) else {
        panic!("an upsert");
    };
    change.ttl_seconds = 60;
    let mut memory = Memory::default();
    let change = Change { timestamp_us: None, kind: ChangeKind::Upsert(change) };
    memory.apply(&[change], stamp(5)).unwrap();
    assert_eq!(value(&mut memory, 1_059).unwrap(), "brief");
    assert_eq!(value(&mut memory, 1_060), None);
}

#[test]
fn an_insert_without_columns_makes_a_row_and_an_update_of_null_does_not() {
    let insert = |marker| {
        let suffix = Bytes::from_static(SUFFIX);
        let operations = if marker { vec![] } else { vec![(COLUMN, Operation::Delete)] };
        let change = RowChange { suffix, marker, ttl_seconds: 0, operations };
        Change { timestamp_us: None, kind: ChangeKind::Upsert(change) }
    };
    for marker in [true, false] {
        let mut memory = Memory::default();
        memory.apply(&[insert(marker)], stamp(5)).unwrap();
        assert_eq!(memory.visible()[SUFFIX].exists(0), marker);
    }
}

#[test]
fn replacing_a_collection_keeps_its_own_elements_and_no_older_ones() {
    let element = |key: &'static str| NewElement {
        key: Bytes::from_static(key.as_bytes()),
        name: Bytes::new(),
        value: Some(Bytes::from_static(key.as_bytes())),
    };
    let mut memory = Memory::default();
    memory.apply(&[upsert_at(Some(10), Operation::Put(vec![element("a")]))], stamp(900)).unwrap();
    let replace = Operation::Replace(vec![element("b")]);
    memory.apply(&[upsert_at(Some(20), replace)], stamp(901)).unwrap();
    let rows = memory.visible();
    let Some(ColumnData::Complex(complex)) = rows[SUFFIX].column(COLUMN) else {
        panic!("a collection");
    };
    let keys: Vec<&Bytes> = complex.elements.iter().map(|element| &element.key).collect();
    assert_eq!(keys, ["b"]);
    memory.apply(&[upsert_at(Some(20), Operation::Delete)], stamp(902)).unwrap();
    assert!(!memory.visible()[SUFFIX].exists(0));
}

#[test]
fn a_deletion_of_a_whole_column_is_stored_alike_whatever_its_type() {
    let deleted = |operation| {
        let mut memory = Memory::default();
        memory.apply(&[upsert_at(Some(5), operation)], stamp(5)).unwrap();
        memory.apply(&[upsert_at(Some(9), Operation::Delete)], stamp(9)).unwrap();
        memory.rows
    };
    let values = vec![Bytes::from_static(b"v")];
    let simple = deleted(set("v"));
    assert_eq!(deleted(Operation::ListAppend(values)), simple);
    assert_eq!(deleted(Operation::Add(1)), simple);
}

#[test]
fn a_mutation_that_is_refused_changes_nothing() {
    let mut memory = Memory::default();
    memory.apply(&[upsert(set("kept"))], stamp(5)).unwrap();
    let before = memory.clone();
    let kind = ChangeKind::DeletePartition;
    let changes = [Change { timestamp_us: None, kind }, upsert(Operation::ListSet(0, None))];
    let mut other = upsert(Operation::ListSet(3, None));
    if let ChangeKind::Upsert(change) = &mut other.kind {
        change.operations[0].0 = ColumnId(8);
    }
    let refused = memory.apply(&[changes[0].clone(), other], stamp(6));
    assert_eq!(refused, Err(ApplyError::NoList { deletes: true }));
    assert_eq!((memory.marks, memory.rows), (before.marks, before.rows));
}

#[test]
fn what_a_mutation_deletes_itself_is_not_stored() {
    let mut memory = Memory::default();
    let delete = Change { timestamp_us: Some(20), kind: ChangeKind::DeletePartition };
    memory.apply(&[upsert_at(Some(20), set("hidden")), delete], stamp(900)).unwrap();
    assert!(memory.rows.is_empty());
    memory.apply(&[upsert_at(Some(30), set("new"))], stamp(901)).unwrap();
    let kind = ChangeKind::DeletePartition;
    let write_and_delete =
        [upsert_at(Some(25), Operation::Delete), Change { timestamp_us: Some(40), kind }];
    memory.apply(&write_and_delete, stamp(902)).unwrap();
    assert!(memory.rows.is_empty());
}

#[test]
fn a_counter_takes_no_value_and_a_value_no_increment() {
    let mut memory = Memory::default();
    memory.apply(&[upsert(Operation::Add(1))], stamp(5)).unwrap();
    let mismatch = Err(ApplyError::CounterMismatch { column: COLUMN });
    assert_eq!(memory.apply(&[upsert(set("v"))], stamp(6)), mismatch);
    let mut memory = Memory::default();
    memory.apply(&[upsert(set("v"))], stamp(5)).unwrap();
    assert_eq!(memory.apply(&[upsert(Operation::Add(1))], stamp(6)), mismatch);
}

#[test]
fn a_row_beyond_the_limit_is_refused() {
    let mut memory = Memory::default();
    let huge = Operation::Set(Bytes::from(vec![0; cellar_schema::limits::ROW_BYTES_MAX]));
    let refused = memory.apply(&[upsert(huge)], stamp(5)).unwrap_err();
    assert!(matches!(refused, ApplyError::RowTooLarge { .. }));
    assert!(memory.rows.is_empty());
}

#[test]
fn what_was_staged_is_stored_only_by_committing_it() {
    let mut memory = Memory::default();
    let changes = vec![upsert(set("v"))];
    let mutation = Mutation { partition: Bytes::new(), changes };
    let staged: Staged = stage(&mut memory, &mutation, stamp(5)).unwrap();
    assert!(memory.rows.is_empty());
    staged.commit(&mut memory).unwrap();
    assert_eq!(value(&mut memory, 0).unwrap(), "v");
}

/// What a column of this type holds after something was added to it.
fn sum(cql_type: &CqlType, present: &str, added: &str) -> Result<Bytes, ApplyError> {
    let of = |text: &str| value::from_text(cql_type, text).unwrap();
    let kind = Addable::of(cql_type).unwrap();
    let mut memory = Memory::default();
    memory.apply(&[upsert(Operation::Set(of(present)))], stamp(1))?;
    memory.apply(&[upsert(Operation::Plus(kind, of(added)))], stamp(2))?;
    let rows = memory.visible();
    let row = rows.values().next().unwrap();
    Ok(row.wire_value(COLUMN, cql_type).unwrap())
}

#[test]
fn what_is_added_to_a_number_or_a_text_comes_together_with_it() {
    for (cql_type, present, added, expected) in [
        (CqlType::Tinyint, "126", "3", "-127"),
        (CqlType::Smallint, "32767", "1", "-32768"),
        (CqlType::Int, "1", "-4", "-3"),
        (CqlType::Bigint, "9223372036854775807", "1", "-9223372036854775808"),
        (CqlType::Float, "1.5", "1", "2.5"),
        (CqlType::Double, "1.5", "-2", "-0.5"),
        (CqlType::Varint, "99999999999999999999", "1", "100000000000000000000"),
        (CqlType::Decimal, "4.50", "0.1", "4.60"),
        (CqlType::Text, "a", "bc", "abc"),
        (CqlType::Ascii, "", "x", "x"),
    ] {
        let expected = value::from_text(&cql_type, expected).unwrap();
        assert_eq!(sum(&cql_type, present, added), Ok(expected), "{cql_type}");
    }
    let far = sum(&CqlType::Decimal, "1e900000000", "1e-900000000");
    assert_eq!(far, Err(ApplyError::NoSum { column: COLUMN }));
}

#[test]
fn nothing_is_added_to_what_is_not_there_or_has_expired() {
    let plus = upsert(Operation::Plus(Addable::Int, value::int(1)));
    let mut memory = Memory::default();
    memory.apply(std::slice::from_ref(&plus), stamp(1)).unwrap();
    let has_value =
        |memory: &mut Memory| memory.visible().values().any(|row| row.column(COLUMN).is_some());
    assert!(!has_value(&mut memory));
    memory.apply(&[upsert(Operation::Set(value::int(5)))], stamp(2)).unwrap();
    memory.apply(&[upsert(Operation::Delete)], stamp(3)).unwrap();
    memory.apply(std::slice::from_ref(&plus), stamp(4)).unwrap();
    let found = |memory: &mut Memory| {
        let rows = memory.visible();
        rows.values().next().and_then(|row| row.wire_value(COLUMN, &CqlType::Int))
    };
    assert_eq!(found(&mut memory), None);
    let ChangeKind::Upsert(mut brief) = upsert(Operation::Set(value::int(5))).kind else {
        panic!("another kind")
    };
    brief.ttl_seconds = 10;
    let brief = Change { timestamp_us: None, kind: ChangeKind::Upsert(brief) };
    memory.apply(&[brief], stamp(5)).unwrap();
    let later = Stamp { now_seconds: 1_010, ..stamp(6) };
    memory.apply(&[plus], later).unwrap();
    let rows = memory.visible();
    let column = rows.values().next().unwrap().column(COLUMN).unwrap();
    let ColumnData::Simple(simple) = column else { panic!("{column:?}") };
    assert_eq!(simple.value, Some(value::int(5)), "expired, and not added to");
}
