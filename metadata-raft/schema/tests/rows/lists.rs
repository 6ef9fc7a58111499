//! Lists behave like lists: whatever the sequence of operations, and stable under merging.

use bytes::Bytes;
use cellar_schema::apply::Stamp;
use cellar_schema::{ApplyError, ColumnData, ColumnId, CqlType, Frozen, Operation, Row, value};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::memory::{COLUMN, Memory, SUFFIX, stamp, upsert, upsert_at};

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<u8>),
    Prepend(Vec<u8>),
    Replace(Vec<u8>),
    Discard(Vec<u8>),
    Set(usize, u8),
    Remove(usize),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    let values = || vec(0..5_u8, 0..4);
    prop_oneof![
        4 => values().prop_map(Step::Append),
        4 => values().prop_map(Step::Prepend),
        1 => values().prop_map(Step::Replace),
        1 => values().prop_map(Step::Discard),
        2 => (0..6_usize, 0..5_u8).prop_map(|(index, value)| Step::Set(index, value)),
        2 => (0..6_usize).prop_map(Step::Remove),
        1 => Just(Step::Clear),
    ]
}

fn values(bytes: &[u8]) -> Vec<Bytes> {
    bytes.iter().map(|byte| Bytes::copy_from_slice(&[*byte])).collect()
}

impl Step {
    fn operation(&self) -> Operation {
        match self {
            Self::Append(new) => Operation::ListAppend(values(new)),
            Self::Prepend(new) => Operation::ListPrepend(values(new)),
            Self::Replace(new) => Operation::ListReplace(values(new)),
            Self::Discard(old) => Operation::ListDiscard(values(old)),
            Self::Set(index, new) => {
                Operation::ListSet(i32::try_from(*index).unwrap(), values(&[*new]).pop())
            }
            Self::Remove(index) => Operation::ListSet(i32::try_from(*index).unwrap(), None),
            Self::Clear => Operation::Delete,
        }
    }

    /// What it does to a list, or how it is refused.
    fn model(&self, list: &mut Vec<u8>) -> Result<(), ApplyError> {
        let len = list.len();
        let out_of_bounds = |index: usize| ApplyError::ListIndexOutOfBounds {
            index: i32::try_from(index).unwrap(),
            len,
        };
        match self {
            Self::Append(new) => list.extend(new),
            Self::Prepend(new) => drop(list.splice(0..0, new.iter().copied())),
            Self::Replace(new) => list.clone_from(new),
            Self::Discard(old) => list.retain(|value| !old.contains(value)),
            Self::Set(..) | Self::Remove(_) if len == 0 => {
                return Err(ApplyError::NoList { deletes: matches!(self, Self::Remove(_)) });
            }
            Self::Set(index, _) | Self::Remove(index) if *index >= len => {
                return Err(out_of_bounds(*index));
            }
            Self::Set(index, new) => list[*index] = *new,
            Self::Remove(index) => drop(list.remove(*index)),
            Self::Clear => list.clear(),
        }
        Ok(())
    }
}

fn list_of(row: &Row) -> Vec<u8> {
    let list = CqlType::List(Box::new(CqlType::Blob), Frozen::No);
    let Some(bytes) = row.live(0).and_then(|row| row.wire_value(COLUMN, &list)) else {
        return Vec::new();
    };
    value::list_elements(&bytes).unwrap().iter().map(|value| value[0]).collect()
}

fn list(memory: &mut Memory) -> Vec<u8> {
    memory.visible().get(SUFFIX).map(list_of).unwrap_or_default()
}

proptest! {
    #[test]
    fn a_list_is_what_its_operations_made_it(steps in vec(step(), 0..16)) {
        let (mut memory, mut model) = (Memory::default(), Vec::new());
        for (at, step) in (100..).step_by(2).zip(&steps) {
            let expected = step.model(&mut model);
            prop_assert_eq!(memory.apply(&[upsert(step.operation())], stamp(at)), expected);
            prop_assert_eq!(list(&mut memory), model.clone());
        }
    }

    #[test]
    fn order_is_that_of_applying_whatever_the_clocks_say(
        steps in vec((any::<bool>(), vec(0..5_u8, 0..4), 0..50_i64, 0..50_i64), 0..12),
    ) {
        let (mut memory, mut model) = (Memory::default(), Vec::new());
        for (at_end, new, leader_us, client_us) in steps {
            let step = if at_end { Step::Append(new) } else { Step::Prepend(new) };
            step.model(&mut model).unwrap();
            let change = upsert_at(Some(client_us), step.operation());
            memory.apply(&[change], stamp(leader_us)).unwrap();
            prop_assert_eq!(list(&mut memory), model.clone());
        }
    }

    #[test]
    fn appends_in_one_mutation_keep_their_order(all in vec(vec(0..5_u8, 0..4), 0..6)) {
        let changes: Vec<_> =
            all.iter().map(|new| upsert(Operation::ListAppend(values(new)))).collect();
        let mut memory = Memory::default();
        memory.apply(&changes, stamp(10)).unwrap();
        prop_assert_eq!(list(&mut memory), all.concat());
    }

    #[test]
    fn a_list_split_between_tiers_merges_to_the_same_list(
        steps in vec((any::<bool>(), vec(0..5_u8, 1..4)), 2..10), cut in 1..9_usize,
    ) {
        let (mut whole, mut parts) = (Memory::default(), [Memory::default(), Memory::default()]);
        for (index, (at_end, new)) in steps.into_iter().enumerate() {
            let step = if at_end { Step::Append(new) } else { Step::Prepend(new) };
            let stamp = stamp(100 + i64::try_from(index).unwrap());
            whole.apply(&[upsert(step.operation())], stamp).unwrap();
            parts[usize::from(index >= cut)].apply(&[upsert(step.operation())], stamp).unwrap();
        }
        let [cold, hot] = parts.map(|mut part| part.visible().remove(SUFFIX).unwrap_or_default());
        let (mut merged, mut other) = (cold.clone(), hot.clone());
        merged.merge(hot);
        other.merge(cold);
        prop_assert_eq!(&merged, &other);
        prop_assert_eq!(list_of(&merged), list(&mut whole));
    }
}

#[test]
fn a_whole_list_written_twice_with_one_timestamp_is_one_list() {
    let mut memory = Memory::default();
    let change = upsert_at(Some(50), Operation::ListReplace(values(&[1, 2])));
    memory.apply(std::slice::from_ref(&change), stamp(60)).unwrap();
    memory.apply(&[change], stamp(61)).unwrap();
    assert_eq!(list(&mut memory), [1, 2]);
}

#[test]
fn two_whole_lists_of_one_timestamp_follow_each_other_and_never_mix() {
    let mut memory = Memory::default();
    let lists = [values(&[2, 9]), values(&[3, 2, 3])];
    let changes = lists.map(|list| upsert_at(Some(50), Operation::ListReplace(list)));
    memory.apply(&changes, stamp(60)).unwrap();
    let read = list(&mut memory);
    assert!([[2, 9, 3, 2, 3], [3, 2, 3, 2, 9]].contains(&[0, 1, 2, 3, 4].map(|i| read[i])));
}

#[test]
fn an_index_counts_only_what_a_reader_sees() {
    let mut memory = Memory::default();
    memory.apply(&[upsert(Operation::ListAppend(values(&[1, 2, 3])))], stamp(10)).unwrap();
    memory.apply(&[upsert(Operation::ListSet(0, None))], stamp(11)).unwrap();
    memory.apply(&[upsert(Operation::ListSet(0, values(&[9]).pop()))], stamp(12)).unwrap();
    assert_eq!(list(&mut memory), [9, 3]);
    let refused = memory.apply(&[upsert(Operation::ListSet(-1, None))], stamp(13));
    assert_eq!(refused, Err(ApplyError::ListIndexOutOfBounds { index: -1, len: 2 }));
    let kind = cellar_schema::ChangeKind::DeletePartition;
    let delete = cellar_schema::Change { timestamp_us: None, kind };
    memory.apply(&[delete], stamp(14)).unwrap();
    let refused = memory.apply(&[upsert(Operation::ListSet(0, None))], stamp(15));
    assert_eq!(refused, Err(ApplyError::NoList { deletes: true }));
}

#[test]
fn a_position_is_side_time_sequence_and_index() {
    let mut memory = Memory::default();
    let changes = [
        upsert(Operation::ListAppend(values(&[1, 2]))),
        upsert(Operation::ListPrepend(values(&[3]))),
    ];
    memory.apply(&changes, Stamp { sequence: 5, ..stamp(0x0102) }).unwrap();
    let rows = memory.visible();
    let Some(ColumnData::Complex(complex)) = rows[SUFFIX].column(COLUMN) else {
        panic!("a list");
    };
    let keys: Vec<String> = complex.elements.iter().map(|e| hex::encode(&e.key)).collect();
    assert_eq!(
        keys,
        [
            "407ffffffffffffefdfffffff9000000",
            "80800000000000010200000005000000",
            "80800000000000010200000005000001",
        ]
    );
}

#[test]
fn each_operation_of_a_change_has_its_own_sequence() {
    let append = || Operation::ListAppend(values(&[1]));
    let change = cellar_schema::RowChange {
        suffix: Bytes::from_static(SUFFIX),
        marker: false,
        ttl_seconds: 0,
        operations: vec![(ColumnId(1), append()), (ColumnId(2), append())],
    };
    let mut row = Row::default();
    cellar_schema::apply::upsert(&mut row, &change, stamp(10)).unwrap();
    let sequences = row.columns.iter().map(|(_, data)| match data {
        ColumnData::Complex(complex) => complex.elements[0].key[12],
        other => panic!("not a list: {other:?}"),
    });
    assert_eq!(sequences.collect::<Vec<_>>(), [0, 1]);
}
