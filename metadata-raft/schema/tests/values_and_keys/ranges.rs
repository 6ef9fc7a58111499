//! Ranges hold exactly the rows that fulfil their restriction.

use std::cmp::Ordering;

use bytes::Bytes;
use cellar_schema::keys;
use cellar_schema::value::compare;
use cellar_schema::{CqlType, Order, Table, TableId};
use proptest::prelude::*;

use crate::order::rows;
use crate::values::{direction, table};

/// Whether a value is within bounds, in value order.
fn within(
    kind: &CqlType,
    value: &[u8],
    lower: Option<&(Bytes, bool)>,
    upper: Option<&(Bytes, bool)>,
) -> bool {
    let above = lower.is_none_or(|(bound, inclusive)| match compare(kind, value, bound) {
        Ordering::Greater => true,
        Ordering::Equal => *inclusive,
        Ordering::Less => false,
    });
    let below = upper.is_none_or(|(bound, inclusive)| match compare(kind, value, bound) {
        Ordering::Less => true,
        Ordering::Equal => *inclusive,
        Ordering::Greater => false,
    });
    above && below
}

/// The order of two tuples by value, whatever the directions of the columns, as far as both go.
fn tuple_order(table: &Table, left: &[Bytes], right: &[Bytes]) -> Ordering {
    let mut columns = table.clustering().zip(left.iter().zip(right));
    let found = columns.find_map(|((column, _), (l, r))| {
        let ordering = compare(&column.cql_type, l, r);
        ordering.is_ne().then_some(ordering)
    });
    found.unwrap_or(Ordering::Equal)
}

fn holds(range: &(Bytes, Bytes), suffix: &Bytes) -> bool {
    range.0 <= *suffix && *suffix < range.1
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_range_holds_the_rows_within_its_bounds(
        (table, rows) in rows(1..4, 5),
        equal in 0_usize..3,
        has_lower: bool,
        has_upper: bool,
        inclusive: (bool, bool)
    ) {
        let columns = table.clustering().map(|(column, _)| column.clone()).collect::<Vec<_>>();
        let equal = equal.min(columns.len() - 1);
        let prefix = &rows[0][..equal];
        let kind = &columns[equal].cql_type;
        let lower = has_lower.then(|| (rows[1][equal].clone(), inclusive.0));
        let upper = has_upper.then(|| (rows[2][equal].clone(), inclusive.1));
        let range = keys::suffix_range(&table, prefix, lower.clone(), upper.clone()).unwrap();
        for row in &rows {
            // Half of the rows get the prefix, else few would match.
            let mut matching = prefix.to_vec();
            matching.extend_from_slice(&row[equal..]);
            for row in [row, &matching] {
                let suffix = keys::row_suffix(&table, row).unwrap();
                let wanted = tuple_order(&table, prefix, row).is_eq()
                    && within(kind, &row[equal], lower.as_ref(), upper.as_ref());
                prop_assert_eq!(holds(&range, &suffix), wanted);
            }
        }
    }

    #[test]
    fn tuple_ranges_hold_the_rows_within_their_bounds_in_both_directions(
        directions in proptest::collection::vec(direction(), 1..4),
        rows in proptest::collection::vec(proptest::array::uniform3(0_i32..3), 8),
        lengths in (0_usize..4, 0_usize..4),
        inclusive: (bool, bool)
    ) {
        let columns = directions.iter().map(|order| (CqlType::Int, *order)).collect::<Vec<_>>();
        let table = table(&[CqlType::Int], &columns);
        let rows = rows.iter().map(|row| {
            row.iter().take(columns.len()).map(|value| cellar_schema::value::int(*value)).collect()
        }).collect::<Vec<Vec<Bytes>>>();
        let lower = &rows[0][..lengths.0.min(columns.len())];
        let upper = &rows[1][..lengths.1.min(columns.len())];
        let (has_lower, has_upper) = (!lower.is_empty(), !upper.is_empty());
        let ranges = keys::suffix_range_tuple(
            &table,
            has_lower.then_some((lower, inclusive.0)),
            has_upper.then_some((upper, inclusive.1)),
        ).unwrap();
        if directions.iter().all(|direction| *direction == directions[0]) {
            prop_assert!(ranges.len() <= 1);
        }
        prop_assert!(ranges.is_sorted() && ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        for row in &rows {
            let suffix = keys::row_suffix(&table, row).unwrap();
            let above = match tuple_order(&table, row, lower) {
                Ordering::Equal => !has_lower || inclusive.0,
                ordering => ordering.is_gt(),
            };
            let below = match tuple_order(&table, row, upper) {
                Ordering::Equal => !has_upper || inclusive.1,
                ordering => ordering.is_lt(),
            };
            let found = ranges.iter().filter(|range| holds(range, &suffix)).count();
            prop_assert_eq!(found, usize::from(above && below));
        }
    }

    #[test]
    fn token_ranges_hold_the_partitions_after_one_token_through_another(
        routing in proptest::collection::vec(any::<Vec<u8>>(), 3),
        table in 16_u32..20
    ) {
        let id = TableId(table);
        let partitions =
            routing.iter().map(|routing| keys::partition(id, routing)).collect::<Vec<_>>();
        let tokens = routing.iter().map(|r| cellar_schema::token::token(r)).collect::<Vec<_>>();
        for after in [None, Some(tokens[0])] {
            for through in [None, Some(tokens[1])] {
                let range = keys::token_range(id, after, through);
                for (key, token) in partitions.iter().zip(&tokens) {
                    let wanted = after.is_none_or(|after| *token > after)
                        && through.is_none_or(|through| *token <= through);
                    prop_assert_eq!(holds(&range, key), wanted);
                    let other = keys::partition(TableId(table + 1), &routing[0]);
                    prop_assert!(!holds(&range, &other));
                    prop_assert_eq!(keys::token_of(key).unwrap(), *token);
                    prop_assert!(keys::position_key(id, *token) <= *key);
                }
            }
        }
    }

    #[test]
    fn after_is_above_everything_with_the_prefix_and_nothing_else(
        prefix in proptest::collection::vec(prop_oneof![Just(0xff_u8), any::<u8>()], 1..4),
        rest: Vec<u8>,
        other in proptest::collection::vec(prop_oneof![Just(0xff_u8), any::<u8>()], 1..5)
    ) {
        if prefix.iter().all(|byte| *byte == 0xff) {
            return Ok(());
        }
        let after = keys::after(&prefix);
        prop_assert!([prefix.clone(), rest].concat() < after);
        if other > prefix && !other.starts_with(&prefix) {
            prop_assert!(*other >= *after);
        }
    }
}

#[test]
fn marks_and_statics_come_before_all_rows() {
    let table = table(&[CqlType::Int], &[(CqlType::Text, Order::Desc)]);
    let (start, end) = keys::suffix_range(&table, &[], None, None).unwrap();
    assert_eq!((&start, &end), (&keys::rows_start(), &keys::rows_end()));
    assert!(keys::marks_suffix() < keys::static_suffix() && keys::static_suffix() < start);
}

#[test]
fn bounds_beyond_the_last_column_and_components_too_long_are_refused() {
    let table = table(&[CqlType::Int], &[(CqlType::Text, Order::Asc)]);
    let value = Bytes::from_static(b"a");
    let bound = Some((value.clone(), true));
    assert!(keys::suffix_range(&table, std::slice::from_ref(&value), bound, None).is_err());
    assert!(keys::suffix_range(&table, &[value.clone(), value], None, None).is_err());
    assert!(keys::row_suffix(&table, &[]).is_err());
    assert!(keys::row_suffix(&table, &[Bytes::from(vec![0; 65_536])]).is_err());
    assert!(keys::row_suffix(&table, &[Bytes::from(vec![0; 65_535])]).is_ok());
}
