//! Any type and any of its values, plain ones and strange ones; tables to hold them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::value::{build_list, build_map, build_tuple, build_vector, compare, duration};
use cellar_schema::{
    Column, ColumnId, ColumnKind, CqlType, Frozen, Order, Table, TableId, TableOptions, UserType,
};
use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

/// Every scalar type.
pub(crate) fn scalar_type() -> impl Strategy<Value = CqlType> {
    proptest::sample::select(vec![
        CqlType::Ascii,
        CqlType::Bigint,
        CqlType::Blob,
        CqlType::Boolean,
        CqlType::Counter,
        CqlType::Date,
        CqlType::Decimal,
        CqlType::Double,
        CqlType::Duration,
        CqlType::Float,
        CqlType::Inet,
        CqlType::Int,
        CqlType::Smallint,
        CqlType::Text,
        CqlType::Time,
        CqlType::Timestamp,
        CqlType::Timeuuid,
        CqlType::Tinyint,
        CqlType::Uuid,
        CqlType::Varint,
    ])
}

/// Any type, nested up to three deep.
pub(crate) fn cql_type() -> impl Strategy<Value = CqlType> {
    scalar_type().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|kind| CqlType::List(Box::new(kind), Frozen::Yes)),
            inner.clone().prop_map(|kind| CqlType::Set(Box::new(kind), Frozen::Yes)),
            (inner.clone(), inner.clone()).prop_map(|(k, v)| CqlType::Map(
                Box::new(k),
                Box::new(v),
                Frozen::Yes
            )),
            vec(inner.clone(), 1..4).prop_map(CqlType::Tuple),
            vec(inner.clone(), 1..4).prop_map(|kinds| {
                let fields = kinds.into_iter().enumerate();
                let fields = fields.map(|(i, kind)| (format!("f{i}"), kind)).collect();
                let (keyspace, name) = ("ks".to_owned(), "udt".to_owned());
                CqlType::Udt(Arc::new(UserType { keyspace, name, fields }), Frozen::Yes)
            }),
            (inner, 1_u16..4).prop_map(|(kind, n)| CqlType::Vector(Box::new(kind), n)),
        ]
    })
}

/// A value of a type. Few distinct ones, so that equal and nearly equal values are common.
pub(crate) fn value_of(cql_type: &CqlType) -> BoxedStrategy<Bytes> {
    match cql_type {
        CqlType::Ascii | CqlType::Text => {
            "[\\x00\\x01ab]{0,3}".prop_map(|text| Bytes::from(text.into_bytes())).boxed()
        }
        CqlType::Blob | CqlType::Varint => bytes_up_to(4),
        CqlType::Boolean => prop_oneof![bytes_of(1), Just(Bytes::new())].boxed(),
        CqlType::Tinyint => bytes_of(1),
        CqlType::Smallint => bytes_of(2),
        CqlType::Date => bytes_of(4),
        CqlType::Int => prop_oneof![5 => bytes_of(4), 1 => Just(Bytes::new())].boxed(),
        CqlType::Float => prop_oneof![
            bytes_of(4),
            any::<f32>().prop_map(cellar_schema::value::float),
            Just(Bytes::new()),
        ]
        .boxed(),
        CqlType::Double => prop_oneof![
            bytes_of(8),
            any::<f64>().prop_map(cellar_schema::value::double),
            Just(Bytes::new()),
        ]
        .boxed(),
        CqlType::Bigint | CqlType::Counter | CqlType::Timestamp => {
            prop_oneof![5 => bytes_of(8), 1 => Just(Bytes::new())].boxed()
        }
        CqlType::Time => (0_i64..86_400_000_000_000).prop_map(cellar_schema::value::time).boxed(),
        CqlType::Duration => (0..4, 0..4, 0_i64..200, any::<bool>())
            .prop_map(|(months, days, ns, negative)| {
                let sign = if negative { -1 } else { 1 };
                duration(sign * months, sign * days, i64::from(sign) * ns)
            })
            .boxed(),
        CqlType::Inet => prop_oneof![bytes_of(4), bytes_of(16), Just(Bytes::new())].boxed(),
        CqlType::Uuid => prop_oneof![uuid(0..16), uuid(1..2), Just(Bytes::new())].boxed(),
        CqlType::Timeuuid => uuid(1..2),
        CqlType::Decimal => decimal(),
        _ => nested(cql_type),
    }
}

fn nested(cql_type: &CqlType) -> BoxedStrategy<Bytes> {
    match cql_type.clone() {
        CqlType::List(element, _) => {
            vec(value_of(&element), 0..3).prop_map(|parts| build_list(&parts)).boxed()
        }
        CqlType::Set(element, _) => vec(value_of(&element), 0..3)
            .prop_map(move |mut parts| {
                parts.sort_by(|l, r| compare(&element, l, r));
                parts.dedup_by(|l, r| compare(&element, l, r).is_eq());
                build_list(&parts)
            })
            .boxed(),
        CqlType::Map(key, value, _) => vec((value_of(&key), value_of(&value)), 0..3)
            .prop_map(move |mut entries| {
                entries.sort_by(|l, r| compare(&key, &l.0, &r.0));
                entries.dedup_by(|l, r| compare(&key, &l.0, &r.0).is_eq());
                build_map(&entries)
            })
            .boxed(),
        CqlType::Tuple(types) => fields(&types),
        CqlType::Udt(udt, _) => {
            fields(&udt.fields.iter().map(|(_, kind)| kind.clone()).collect::<Vec<_>>())
        }
        CqlType::Vector(element, dimensions) => {
            // An empty element of fixed width would not be a vector element.
            let part = value_of(&element);
            let fixed = cellar_schema::value::fixed_bytes(&element).is_some();
            let part = part.prop_filter("no empty fixed part", move |v| !fixed || !v.is_empty());
            vec(part, usize::from(dimensions))
                .prop_map(move |parts| build_vector(&element, &parts))
                .boxed()
        }
        scalar => panic!("{scalar} is not nested"),
    }
}

/// Tuples with nulls, and tuples that lack their last fields.
fn fields(types: &[CqlType]) -> BoxedStrategy<Bytes> {
    let all = types.iter().map(|kind| proptest::option::of(value_of(kind))).collect::<Vec<_>>();
    (all, 0..=types.len())
        .prop_map(|(mut fields, kept)| {
            fields.truncate(kept.max(1));
            build_tuple(&fields)
        })
        .boxed()
}

fn decimal() -> BoxedStrategy<Bytes> {
    let scale = prop_oneof![-3_i32..4, any::<i32>()];
    let unscaled = prop_oneof![-1200_i64..1200, any::<i64>()];
    prop_oneof![
        (unscaled, scale).prop_map(|(unscaled, scale)| {
            cellar_schema::value::decimal(&unscaled.into(), scale)
        }),
        (Just(vec![0, 0, 0, 1]), bytes_up_to(2)).prop_map(|(mut scale, unscaled)| {
            scale.extend_from_slice(&unscaled);
            Bytes::from(scale)
        }),
        Just(Bytes::new()),
    ]
    .boxed()
}

fn uuid(versions: std::ops::Range<u8>) -> BoxedStrategy<Bytes> {
    (bytes_of(16), versions)
        .prop_map(|(bytes, version)| {
            let mut bytes: [u8; 16] = bytes.as_ref().try_into().unwrap();
            bytes[6] = (bytes[6] & 0x0f) | (version << 4);
            cellar_schema::value::uuid(Uuid::from_bytes(bytes))
        })
        .boxed()
}

/// Bytes at the edges of the encodings.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        4 => proptest::sample::select(vec![0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff]),
        1 => any::<u8>(),
    ]
}

fn bytes_of(length: usize) -> BoxedStrategy<Bytes> {
    vec(byte(), length).prop_map(Bytes::from).boxed()
}

fn bytes_up_to(length: usize) -> BoxedStrategy<Bytes> {
    vec(byte(), 0..=length).prop_map(Bytes::from).boxed()
}

/// Either direction.
pub(crate) fn direction() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::Asc), Just(Order::Desc)]
}

/// A table with these partition key and clustering columns.
pub(crate) fn table(partition: &[CqlType], clustering: &[(CqlType, Order)]) -> Table {
    let partition =
        (0_u16..).zip(partition).map(|(at, kind)| (kind.clone(), ColumnKind::PartitionKey(at)));
    let clustering = (0_u16..)
        .zip(clustering)
        .map(|(at, (kind, order))| (kind.clone(), ColumnKind::Clustering(at, *order)));
    let columns = (0_u32..)
        .zip(partition.chain(clustering))
        .map(|(id, (cql_type, kind))| Column {
            id: ColumnId(id),
            name: format!("c{id}"),
            cql_type,
            kind,
        })
        .collect::<Vec<_>>();
    Table {
        id: TableId(0x0102),
        uuid: Uuid::nil(),
        keyspace: "ks".to_owned(),
        name: "t".to_owned(),
        version: 1,
        next_column: ColumnId(columns.len() as u32),
        columns,
        dropped: Vec::new(),
        options: TableOptions { text: BTreeMap::new(), ..TableOptions::default() },
    }
}
