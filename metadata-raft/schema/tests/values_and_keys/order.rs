//! memcmp order of keys is the order of values, and keys read back.

use std::cmp::Ordering;

use bytes::Bytes;
use cellar_schema::keys::{self, RowKind};
use cellar_schema::value::{compare, validate};
use cellar_schema::{CqlType, Order, Table};
use proptest::prelude::*;

use crate::values::{cql_type, direction, table, value_of};

/// Columns of any types and directions, and some rows of them.
pub(crate) fn rows(
    columns: std::ops::Range<usize>,
    count: usize,
) -> impl Strategy<Value = (Table, Vec<Vec<Bytes>>)> {
    proptest::collection::vec((cql_type(), direction()), columns).prop_flat_map(move |columns| {
        let row = columns.iter().map(|(kind, _)| value_of(kind)).collect::<Vec<_>>();
        let table = table(&[CqlType::Int], &columns);
        (Just(table), proptest::collection::vec(row, count))
    })
}

/// The order in which a partition returns its rows.
pub(crate) fn clustering_order(table: &Table, left: &[Bytes], right: &[Bytes]) -> Ordering {
    let mut columns = table.clustering().zip(left.iter().zip(right));
    let found = columns.find_map(|((column, direction), (l, r))| {
        let ordering = compare(&column.cql_type, l, r);
        let ordering = if direction == Order::Desc { ordering.reverse() } else { ordering };
        ordering.is_ne().then_some(ordering)
    });
    found.unwrap_or(Ordering::Equal)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_values_made_here_are_valid(
        (cql_type, value) in cql_type().prop_flat_map(|kind| {
            let value = value_of(&kind);
            (Just(kind), value)
        })
    ) {
        prop_assert_eq!(validate(&cql_type, &value), Ok(()));
    }

    #[test]
    fn suffixes_sort_as_rows_do((table, rows) in rows(1..4, 2)) {
        let suffixes =
            rows.iter().map(|row| keys::row_suffix(&table, row).unwrap()).collect::<Vec<_>>();
        match clustering_order(&table, &rows[0], &rows[1]) {
            // Rows that only look different sort by how they look.
            Ordering::Equal => prop_assert_eq!(suffixes[0] == suffixes[1], rows[0] == rows[1]),
            ordering => prop_assert_eq!(suffixes[0].cmp(&suffixes[1]), ordering),
        }
        let none_prefix = suffixes[0] == suffixes[1] || !suffixes[0].starts_with(&suffixes[1]);
        let equal = clustering_order(&table, &rows[0], &rows[1]).is_eq();
        prop_assert!(none_prefix || equal, "no suffix is the beginning of another row's");
    }

    #[test]
    fn suffixes_read_back_to_the_very_bytes((table, rows) in rows(0..4, 1)) {
        let suffix = keys::row_suffix(&table, &rows[0]).unwrap();
        prop_assert_eq!(keys::clustering_of(&table, &suffix).unwrap(), rows[0].clone());
        prop_assert!(keys::rows_start() <= suffix && suffix < keys::rows_end());
    }

    #[test]
    fn element_keys_sort_as_elements_do_and_are_equal_when_they_are(
        (kind, left, right) in cql_type().prop_flat_map(|kind| {
            let (left, right) = (value_of(&kind), value_of(&kind));
            (Just(kind), left, right)
        })
    ) {
        let (l, r) = (keys::element_key(&kind, &left), keys::element_key(&kind, &right));
        prop_assert_eq!(l.unwrap().cmp(&r.unwrap()), compare(&kind, &left, &right));
    }

    #[test]
    fn compare_is_a_total_order_on_any_bytes(
        (kind, mut values) in cql_type().prop_flat_map(|kind| {
            let value = prop_oneof![
                value_of(&kind),
                proptest::collection::vec(any::<u8>(), 0..12).prop_map(Bytes::from),
            ];
            (Just(kind), proptest::collection::vec(value, 3))
        })
    ) {
        // Sorting and then comparing every pair finds cycles and one-sided answers.
        values.sort_by(|l, r| compare(&kind, l, r));
        for (at, left) in values.iter().enumerate() {
            for right in values.iter().skip(at) {
                prop_assert_ne!(compare(&kind, left, right), Ordering::Greater);
                prop_assert_eq!(compare(&kind, right, left), compare(&kind, left, right).reverse());
            }
        }
    }

    #[test]
    fn engine_keys_read_back(
        partition in proptest::collection::vec(any::<Vec<u8>>(), 1..4),
        (mut table, rows) in rows(0..3, 1),
        which in 0..3
    ) {
        let clustering = table.clustering().map(|(c, o)| (c.cql_type.clone(), o));
        let clustering = clustering.collect::<Vec<_>>();
        table = crate::values::table(&vec![CqlType::Blob; partition.len()], &clustering);
        let components = partition.iter().map(Vec::as_slice).collect::<Vec<_>>();
        let routing = keys::routing(&components);
        let (suffix, kind, clustering) = match which {
            0 => (keys::marks_suffix(), RowKind::Marks, Vec::new()),
            1 => (keys::static_suffix(), RowKind::Static, Vec::new()),
            _ => (keys::row_suffix(&table, &rows[0]).unwrap(), RowKind::Row, rows[0].clone()),
        };
        let prefix = keys::partition(table.id, &routing);
        let key = keys::engine_key(&prefix, &suffix).unwrap();
        prop_assert_eq!(keys::split(&key).unwrap(), (prefix, suffix));
        prop_assert_eq!(keys::table_of(&key).unwrap(), table.id);
        let decoded = keys::decode(&table, &key).unwrap();
        prop_assert_eq!(decoded.token, cellar_schema::token::token(&routing));
        prop_assert_eq!(&decoded.partition_values, &partition);
        prop_assert_eq!(decoded.routing, routing);
        prop_assert_eq!((decoded.kind, decoded.clustering), (kind, clustering));
    }

    #[test]
    fn bytes_that_are_no_key_are_refused_without_panic(
        (table, rows) in rows(0..4, 1),
        junk in proptest::collection::vec(any::<u8>(), 0..40),
        at in any::<proptest::sample::Index>(),
        byte: u8
    ) {
        let junk = Bytes::from(junk);
        let _ = keys::decode(&table, &junk);
        let _ = keys::split(&junk);
        let _ = keys::clustering_of(&table, &junk);
        let _ = keys::routing_components(2, &junk);
        let _ = keys::row_suffix(&table, &vec![junk; rows[0].len()]);
        let mut damaged = keys::row_suffix(&table, &rows[0]).unwrap().to_vec();
        let at = at.index(damaged.len());
        damaged[at] = byte;
        let _ = keys::clustering_of(&table, &damaged);
    }
}
