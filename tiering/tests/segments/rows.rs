//! Arbitrary tables and rows of them.

use std::collections::BTreeMap;

use bytes::Bytes;
use cellar_schema::{
    Column, ColumnData, ColumnId, ColumnKind, Complex, CounterState, CqlType, Element, Expiry,
    Frozen, Liveness, Order, Row, Table, Versioned, keys,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use crate::values::{cql_type, direction, table, value_of};

fn timestamp() -> impl Strategy<Value = i64> {
    prop_oneof![
        1_700_000_000_000_000..1_700_000_000_000_003_i64,
        Just(1_700_000_000_000_000),
        any::<i64>(),
    ]
}

fn liveness() -> BoxedStrategy<Liveness> {
    let expiry = (1..4_u32, prop_oneof![0..4_i64, any::<i64>()])
        .prop_map(|(ttl_seconds, at_seconds)| Expiry { ttl_seconds, at_seconds });
    (timestamp(), option::weighted(0.3, expiry))
        .prop_map(|(timestamp_us, expiry)| Liveness { timestamp_us, expiry })
        .boxed()
}

fn versioned(cql_type: &CqlType) -> BoxedStrategy<Versioned> {
    (liveness(), option::weighted(0.8, value_of(cql_type)))
        .prop_map(|(live, value)| match value {
            Some(_) => Versioned { live, value },
            None => Versioned::tombstone(live.timestamp_us),
        })
        .boxed()
}

fn data(cql_type: &CqlType) -> BoxedStrategy<ColumnData> {
    let (named, key, value) = match cql_type {
        CqlType::Counter => {
            return (any::<i64>(), timestamp(), option::weighted(0.3, timestamp()))
                .prop_map(|(total, timestamp_us, deletion)| {
                    ColumnData::Counter(CounterState { total, timestamp_us, deletion })
                })
                .boxed();
        }
        CqlType::List(element, Frozen::No) => (false, CqlType::Uuid, element.as_ref().clone()),
        CqlType::Set(element, Frozen::No) => {
            (false, element.as_ref().clone(), element.as_ref().clone())
        }
        CqlType::Map(key, value, Frozen::No) => {
            (true, key.as_ref().clone(), value.as_ref().clone())
        }
        _ => return versioned(cql_type).prop_map(ColumnData::Simple).boxed(),
    };
    let elements = btree_map(value_of(&key), versioned(&value), 0..4);
    (option::weighted(0.3, timestamp()), elements)
        .prop_map(move |(deletion, elements)| {
            let element = |(key, data): (Bytes, Versioned)| {
                let name = if named { key.clone() } else { Bytes::new() };
                Element { key, name, data }
            };
            let elements = elements.into_iter().map(element).collect();
            ColumnData::Complex(Complex { deletion, elements })
        })
        .boxed()
}

fn column_type() -> impl Strategy<Value = CqlType> {
    prop_oneof![
        6 => cql_type(),
        1 => cql_type().prop_map(|t| CqlType::List(Box::new(t), Frozen::No)),
        1 => cql_type().prop_map(|t| CqlType::Set(Box::new(t), Frozen::No)),
        1 => (cql_type(), cql_type())
            .prop_map(|(k, v)| CqlType::Map(Box::new(k), Box::new(v), Frozen::No)),
    ]
}

fn row(table: &Table) -> BoxedStrategy<Row> {
    let regular = table.columns.iter().filter(|column| column.kind == ColumnKind::Regular);
    let columns: Vec<_> = regular
        .map(|column| {
            option::weighted(0.8, data(&column.cql_type)).prop_map({
                let id = column.id;
                move |data| data.map(|data| (id, data))
            })
        })
        .collect();
    (option::weighted(0.7, liveness()), option::weighted(0.2, timestamp()), columns)
        .prop_map(|(marker, deletion, columns)| Row {
            marker,
            deletion,
            columns: columns.into_iter().flatten().collect(),
        })
        .boxed()
}

/// A table and rows of it, by engine key.
pub(crate) fn table_and_rows() -> impl Strategy<Value = (Table, BTreeMap<Bytes, Row>)> {
    let partition = vec(cql_type(), 1..3);
    let clustering = vec((cql_type(), direction()), 0..3);
    (partition, clustering, vec(column_type(), 0..5)).prop_flat_map(
        |(partition, clustering, regular)| {
            let mut table = table(&partition, &clustering);
            add_columns(&mut table, regular);
            let key = (
                partition.iter().map(value_of).collect::<Vec<_>>(),
                clustering.iter().map(|(kind, _)| value_of(kind)).collect::<Vec<_>>(),
            );
            let of = table.clone();
            let rows = vec((key, row(&table)), 1..12).prop_map(move |rows| {
                let rows = rows.into_iter().filter_map(|((partition, clustering), row)| {
                    Some((engine_key(&of, &partition, &clustering)?, row))
                });
                rows.collect::<BTreeMap<_, _>>()
            });
            (Just(table), rows)
        },
    )
}

pub(crate) fn engine_key(table: &Table, partition: &[Bytes], rest: &[Bytes]) -> Option<Bytes> {
    let partition: Vec<&[u8]> = partition.iter().map(AsRef::as_ref).collect();
    let partition = keys::partition(table.id, &keys::routing(&partition));
    keys::engine_key(&partition, &keys::row_suffix(table, rest).ok()?).ok()
}

fn add_columns(table: &mut Table, types: Vec<CqlType>) {
    for cql_type in types {
        let id = table.next_column;
        let name = format!("v{}", id.0);
        table.columns.push(Column { id, name, cql_type, kind: ColumnKind::Regular });
        table.next_column = ColumnId(id.0 + 1);
    }
}

/// A table of events: a text and a descending int as key, a text and an int as values.
pub(crate) fn events() -> Table {
    let mut table = table(&[CqlType::Text], &[(CqlType::Int, Order::Desc)]);
    add_columns(&mut table, vec![CqlType::Text, CqlType::Int]);
    table
}

/// Rows of [`events`]: partitions of ten rows.
pub(crate) fn many_events(table: &Table, count: i32) -> BTreeMap<Bytes, Row> {
    let row = |at: i32| {
        let name = cellar_schema::value::text(&format!("p{}", at / 10));
        let key = engine_key(table, &[name], &[cellar_schema::value::int(at % 10)]).unwrap();
        let live = Liveness { timestamp_us: 1_700_000_000_000_000 + i64::from(at), expiry: None };
        let simple = |value| ColumnData::Simple(Versioned { live, value: Some(value) });
        let columns = vec![
            (ColumnId(2), simple(cellar_schema::value::text(&format!("value of event {at}")))),
            (ColumnId(3), simple(cellar_schema::value::int(at.wrapping_mul(0x9e37)))),
        ];
        (key, Row { marker: Some(live), deletion: None, columns })
    };
    (0..count).map(row).collect()
}
