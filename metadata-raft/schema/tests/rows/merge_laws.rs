//! Merging is commutative, associative and idempotent, and its ties are Cassandra's.

use bytes::Bytes;
use cellar_schema::{
    ColumnData, ColumnId, Complex, CounterState, Element, Expiry, Liveness, PartitionMarks, Row,
    Versioned,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::strategies::{marks, range, row, suffix, timestamp};

fn merged(left: &Row, right: &Row) -> Row {
    let mut merged = left.clone();
    merged.merge(right.clone());
    merged
}

fn merged_marks(left: &PartitionMarks, right: &PartitionMarks) -> PartitionMarks {
    let mut merged = left.clone();
    merged.merge(right.clone());
    merged
}

proptest! {
    #[test]
    fn merging_rows_commutes(a in row(), b in row()) {
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
    }

    #[test]
    fn merging_rows_associates(a in row(), b in row(), c in row()) {
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
    }

    #[test]
    fn merging_a_row_again_changes_nothing(a in row(), b in row()) {
        prop_assert_eq!(merged(&a, &a), a.clone());
        let both = merged(&a, &b);
        prop_assert_eq!(merged(&both, &b), both);
    }

    #[test]
    fn shadowing_before_or_after_merging_is_the_same(a in row(), b in row(), at in timestamp()) {
        let mut after = merged(&a, &b);
        after.shadow(at);
        let (mut left, mut right) = (a, b);
        left.shadow(at);
        right.shadow(at);
        prop_assert_eq!(merged(&left, &right), after);
    }

    #[test]
    fn nothing_left_by_a_shadow_is_as_old_as_it(mut row in row(), at in timestamp()) {
        row.shadow(at);
        prop_assert!(row.deletion.is_none_or(|deletion| deletion > at));
        prop_assert!(row.marker.is_none_or(|marker| marker.timestamp_us > at));
        for (_, data) in &row.columns {
            let oldest = match data {
                ColumnData::Simple(simple) => simple.live.timestamp_us,
                ColumnData::Complex(complex) => complex
                    .elements
                    .iter()
                    .map(|element| element.data.live.timestamp_us)
                    .chain(complex.deletion)
                    .min()
                    .unwrap(),
                ColumnData::Counter(counter) => counter.timestamp_us,
            };
            prop_assert!(oldest > at);
        }
    }

    #[test]
    fn merging_marks_commutes_associates_and_repeats(a in marks(), b in marks(), c in marks()) {
        prop_assert_eq!(merged_marks(&a, &b), merged_marks(&b, &a));
        let left = merged_marks(&merged_marks(&a, &b), &c);
        prop_assert_eq!(&left, &merged_marks(&a, &merged_marks(&b, &c)));
        prop_assert_eq!(merged_marks(&left, &b), left);
    }

    #[test]
    fn a_suffix_is_covered_by_the_newest_deletion_over_it(
        ranges in vec(range(), 0..8), partition in prop::option::of(timestamp()), at in suffix(),
    ) {
        let mut marks = PartitionMarks::default();
        for (index, (start, end, deleted)) in ranges.iter().enumerate() {
            if index == ranges.len() / 2 && let Some(partition) = partition {
                marks.delete_partition(partition);
            }
            marks.delete_range(start.clone(), end.clone(), *deleted);
        }
        let partition = partition.filter(|_| !ranges.is_empty());
        let over = ranges.iter().filter(|(start, end, _)| *start <= at && at < *end);
        let newest = over.map(|(_, _, deleted)| *deleted).max().max(partition);
        prop_assert_eq!(marks.covering(&at), newest);
    }

    #[test]
    fn marks_are_disjoint_sorted_joined_and_newer_than_the_partition(marks in marks()) {
        for range in &marks.ranges {
            prop_assert!(range.start < range.end);
            prop_assert!(Some(range.timestamp_us) > marks.deletion);
        }
        for pair in marks.ranges.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start);
            let joined = pair[0].end == pair[1].start;
            prop_assert!(!joined || pair[0].timestamp_us != pair[1].timestamp_us);
        }
    }

    #[test]
    fn a_live_view_exists_exactly_when_the_row_does(row in row(), now in 0..5_i64) {
        let live = row.live(now);
        prop_assert_eq!(live.is_some(), row.exists(now));
        if let Some(live) = live {
            prop_assert_eq!(live.live(now), Some(live.clone()));
            prop_assert_eq!(live.deletion, None);
        }
    }

    #[test]
    fn a_reader_sees_a_row_under_the_marks_of_its_partition(
        row in row(), marks in marks(), at in suffix(), now in 0..5_i64,
    ) {
        let mut shadowed = row.clone();
        if let Some(covering) = marks.covering(&at) {
            shadowed.shadow(covering);
        }
        prop_assert_eq!(marks.view(&at, row, now), shadowed.live(now));
    }

    #[test]
    fn a_deletion_at_the_newest_time_leaves_nothing(row in row()) {
        let mut hidden = row.clone();
        match row.newest_us() {
            Some(newest) => {
                hidden.shadow(newest.saturating_sub(1));
                prop_assert!(!hidden.is_empty());
                hidden.shadow(newest);
                prop_assert!(hidden.is_empty());
            }
            None => prop_assert!(row.is_empty()),
        }
    }

    #[test]
    fn forgetting_deletions_changes_nothing_a_reader_sees(row in row(), before in timestamp()) {
        let mut purged = row.clone();
        purged.purge(before, 2);
        for now in 2..5 {
            prop_assert_eq!(purged.live(now), row.live(now));
        }
        prop_assert_eq!(Row::decode(purged.encode().into()), Ok(purged));
    }
}

const COLUMN: ColumnId = ColumnId(1);

fn simple(timestamp_us: i64, expiry: Option<(u32, i64)>, value: Option<&'static [u8]>) -> Row {
    let expiry = expiry.map(|(ttl_seconds, at_seconds)| Expiry { ttl_seconds, at_seconds });
    let live = Liveness { timestamp_us, expiry };
    let versioned = Versioned { live, value: value.map(Bytes::from_static) };
    Row { columns: vec![(COLUMN, ColumnData::Simple(versioned))], ..Row::default() }
}

/// Asserts that the first wins, whichever comes first.
fn beats(winner: &Row, loser: &Row) {
    assert_eq!(merged(winner, loser), *winner);
    assert_eq!(merged(loser, winner), *winner);
}

#[test]
fn the_newer_value_wins_however_small() {
    beats(&simple(8, None, Some(b"a")), &simple(7, None, Some(b"zz")));
    beats(&simple(8, None, Some(b"")), &simple(7, None, None));
}

#[test]
fn at_a_tie_a_tombstone_beats_a_value() {
    beats(&simple(7, None, None), &simple(7, None, Some(b"z")));
    beats(&simple(7, None, None), &simple(7, Some((5, 100)), Some(b"z")));
}

#[test]
fn at_a_tie_an_expiring_value_beats_a_plain_one() {
    beats(&simple(7, Some((5, 100)), Some(b"a")), &simple(7, None, Some(b"z")));
}

#[test]
fn at_a_tie_the_later_expiry_wins_then_the_shorter_ttl() {
    beats(&simple(7, Some((5, 101)), Some(b"a")), &simple(7, Some((9, 100)), Some(b"z")));
    beats(&simple(7, Some((5, 100)), Some(b"a")), &simple(7, Some((9, 100)), Some(b"z")));
}

#[test]
fn at_a_tie_the_larger_bytes_win() {
    beats(&simple(7, None, Some(b"ab")), &simple(7, None, Some(b"aa")));
    beats(&simple(7, None, Some(b"aa")), &simple(7, None, Some(b"a")));
}

#[test]
fn a_row_deletion_hides_what_is_as_old_and_not_what_is_newer() {
    let deletion = Row { deletion: Some(7), ..Row::default() };
    beats(&deletion, &simple(7, None, Some(b"a")));
    let both = merged(&deletion, &simple(8, None, Some(b"a")));
    assert!(both.exists(0));
    assert_eq!(both.deletion, Some(7));
}

#[test]
fn of_two_counter_states_the_later_one_stands() {
    let state = |total, timestamp_us, deletion| Row {
        columns: vec![(
            COLUMN,
            ColumnData::Counter(CounterState { total, timestamp_us, deletion }),
        )],
        ..Row::default()
    };
    beats(&state(2, 8, None), &state(5, 7, None));
    let deleted = merged(&state(5, 8, None), &simple(9, None, None));
    assert!(!deleted.exists(0));
    assert_eq!(merged(&state(5, 8, None), &simple(3, None, None)), state(5, 8, Some(3)));
}

#[test]
fn a_value_is_visible_until_its_second_and_gone_from_then_on() {
    let row = simple(7, Some((5, 100)), Some(b"a"));
    assert!(row.exists(99));
    assert!(!row.exists(100));
    assert!(!row.exists(101));
}

#[test]
fn empty_bytes_are_a_value_and_a_tombstone_is_none() {
    assert!(simple(7, None, Some(b"")).exists(0));
    assert!(!simple(7, None, None).exists(0));
    assert!(!simple(7, None, None).is_empty());
}

#[test]
fn of_one_element_under_two_names_the_larger_name_wins() {
    let named = |name| {
        let data = Versioned::tombstone(7);
        let key = Bytes::from_static(b"k");
        let elements = vec![Element { key, name: Bytes::from_static(name), data }];
        let complex = Complex { deletion: None, elements };
        Row { columns: vec![(COLUMN, ColumnData::Complex(complex))], ..Row::default() }
    };
    beats(&named(b"name"), &named(b""));
}
