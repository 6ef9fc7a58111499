//! Conditions of lightweight transactions are decided as in Cassandra.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::value::{build_list, build_map, build_tuple, int, text};
use cellar_schema::{
    Access, ColumnData, ColumnId, Comparison, Complex, CqlType, Element, Frozen, Liveness, Row,
    Test, UserType, Versioned, evaluate,
};

const COLUMN: ColumnId = ColumnId(3);

fn versioned(value: Bytes) -> Versioned {
    Versioned { live: Liveness { timestamp_us: 1, expiry: None }, value: Some(value) }
}

fn row(data: ColumnData) -> Row {
    Row { columns: vec![(COLUMN, data)], ..Row::default() }
}

fn simple(value: Bytes) -> Row {
    row(ColumnData::Simple(versioned(value)))
}

fn complex(elements: Vec<(Bytes, Bytes, Bytes)>) -> Row {
    let element = |(key, name, value)| Element { key, name, data: versioned(value) };
    let elements = elements.into_iter().map(element).collect();
    row(ColumnData::Complex(Complex { deletion: None, elements }))
}

fn holds(row: Option<&Row>, cql_type: &CqlType, access: Access, comparison: Comparison) -> bool {
    let test = Test::Column { column: COLUMN, cql_type: cql_type.clone(), access, comparison };
    evaluate(&test, row)
}

fn whole(row: Option<&Row>, cql_type: &CqlType, comparison: Comparison) -> bool {
    holds(row, cql_type, Access::Whole, comparison)
}

fn position(index: u8) -> Bytes {
    Bytes::copy_from_slice(&[index; 16])
}

#[test]
fn a_row_exists_or_not() {
    let there = simple(int(1));
    assert!(evaluate(&Test::Exists, Some(&there)) && !evaluate(&Test::Exists, None));
    assert!(evaluate(&Test::NotExists, None) && !evaluate(&Test::NotExists, Some(&there)));
}

#[test]
fn null_equals_null_and_differs_from_everything_else() {
    let present = simple(int(5));
    let absent = Row { marker: Some(versioned(int(0)).live), ..Row::default() };
    for null in [None, Some(&absent)] {
        assert!(whole(null, &CqlType::Int, Comparison::Equal(None)));
        assert!(!whole(null, &CqlType::Int, Comparison::NotEqual(None)));
        assert!(!whole(null, &CqlType::Int, Comparison::Equal(Some(int(5)))));
        assert!(whole(null, &CqlType::Int, Comparison::NotEqual(Some(int(5)))));
        assert!(!whole(null, &CqlType::Int, Comparison::Less(int(5))));
        assert!(!whole(null, &CqlType::Int, Comparison::GreaterOrEqual(int(5))));
        assert!(whole(null, &CqlType::Int, Comparison::In(vec![Some(int(5)), None])));
        assert!(!whole(null, &CqlType::Int, Comparison::In(vec![Some(int(5))])));
    }
    assert!(!whole(Some(&present), &CqlType::Int, Comparison::Equal(None)));
    assert!(whole(Some(&present), &CqlType::Int, Comparison::NotEqual(None)));
}

#[test]
fn values_compare_by_their_type() {
    let row = simple(int(-5));
    let holds = |comparison| whole(Some(&row), &CqlType::Int, comparison);
    assert!(holds(Comparison::Less(int(3))));
    assert!(holds(Comparison::LessOrEqual(int(-5))));
    assert!(!holds(Comparison::Less(int(-5))));
    assert!(holds(Comparison::Greater(int(-6))));
    assert!(holds(Comparison::GreaterOrEqual(int(-5))));
    assert!(!holds(Comparison::Greater(int(3))));
    assert!(holds(Comparison::Equal(Some(int(-5)))));
    assert!(holds(Comparison::In(vec![Some(int(1)), Some(int(-5))])));
    assert!(!holds(Comparison::In(vec![])));
}

#[test]
fn empty_text_is_not_null() {
    let row = simple(Bytes::new());
    assert!(!whole(Some(&row), &CqlType::Text, Comparison::Equal(None)));
    assert!(whole(Some(&row), &CqlType::Text, Comparison::Equal(Some(Bytes::new()))));
}

#[test]
fn a_list_is_compared_whole_by_index_and_by_content() {
    let list = CqlType::List(Box::new(CqlType::Int), Frozen::No);
    let row =
        complex(vec![(position(1), Bytes::new(), int(10)), (position(2), Bytes::new(), int(20))]);
    let wire = build_list(&[int(10), int(20)]);
    assert_eq!(row.wire_value(COLUMN, &list), Some(wire.clone()));
    assert!(whole(Some(&row), &list, Comparison::Equal(Some(wire.clone()))));
    assert!(whole(Some(&row), &list, Comparison::Less(build_list(&[int(10), int(21)]))));
    assert!(whole(Some(&row), &list, Comparison::Contains(int(20))));
    assert!(!whole(Some(&row), &list, Comparison::Contains(int(30))));
    let frozen = CqlType::List(Box::new(CqlType::Int), Frozen::Yes);
    for (cql_type, row) in [(&list, &row), (&frozen, &simple(wire))] {
        let at = |index, comparison| holds(Some(row), cql_type, Access::Index(index), comparison);
        assert!(at(1, Comparison::Equal(Some(int(20)))));
        assert!(at(1, Comparison::Greater(int(10))));
        assert!(at(2, Comparison::Equal(None)));
        assert!(at(-1, Comparison::Equal(None)));
    }
}

#[test]
fn an_empty_collection_stored_by_element_is_null_and_a_frozen_one_is_a_value() {
    let empty = || build_list(&[] as &[Bytes]);
    let set = CqlType::Set(Box::new(CqlType::Int), Frozen::No);
    assert!(whole(None, &set, Comparison::Equal(Some(empty()))));
    assert!(!whole(None, &set, Comparison::NotEqual(Some(empty()))));
    let row = complex(vec![(position(1), Bytes::new(), int(1))]);
    assert!(whole(Some(&row), &set, Comparison::NotEqual(Some(empty()))));
    let frozen = CqlType::Set(Box::new(CqlType::Int), Frozen::Yes);
    assert!(!whole(None, &frozen, Comparison::Equal(Some(empty()))));
    assert!(whole(Some(&simple(empty())), &frozen, Comparison::Equal(Some(empty()))));
}

#[test]
fn a_map_is_compared_by_entry_by_key_and_by_value() {
    let map = |frozen| CqlType::Map(Box::new(CqlType::Text), Box::new(CqlType::Int), frozen);
    let stored = complex(vec![
        (Bytes::from_static(b"a\0\x01"), text("a"), int(1)),
        (Bytes::from_static(b"b\0\x01"), text("b"), int(2)),
    ]);
    let wire = build_map(&[(text("a"), int(1)), (text("b"), int(2))]);
    let by_element = map(Frozen::No);
    assert_eq!(stored.wire_value(COLUMN, &by_element), Some(wire.clone()));
    for (cql_type, row) in [(&by_element, &stored), (&map(Frozen::Yes), &simple(wire.clone()))] {
        let entry =
            |key, comparison| holds(Some(row), cql_type, Access::Entry(text(key)), comparison);
        assert!(entry("b", Comparison::Equal(Some(int(2)))));
        assert!(entry("b", Comparison::Greater(int(1))));
        assert!(entry("c", Comparison::Equal(None)));
        assert!(whole(Some(row), cql_type, Comparison::Equal(Some(wire.clone()))));
        assert!(whole(Some(row), cql_type, Comparison::ContainsKey(text("a"))));
        assert!(!whole(Some(row), cql_type, Comparison::ContainsKey(text("c"))));
        assert!(whole(Some(row), cql_type, Comparison::Contains(int(2))));
        assert!(!whole(Some(row), cql_type, Comparison::Contains(int(3))));
    }
}

#[test]
fn a_user_defined_type_is_compared_by_field() {
    let fields = vec![("street".into(), CqlType::Text), ("number".into(), CqlType::Int)];
    let address = Arc::new(UserType { keyspace: "k".into(), name: "address".into(), fields });
    let number = Bytes::copy_from_slice(&1_u16.to_be_bytes());
    let stored = complex(vec![(number, Bytes::new(), int(7))]);
    let wire = build_tuple(&[None, Some(int(7))]);
    let by_field = CqlType::Udt(address.clone(), Frozen::No);
    assert_eq!(stored.wire_value(COLUMN, &by_field), Some(wire.clone()));
    let frozen = CqlType::Udt(address, Frozen::Yes);
    for (cql_type, row) in [(&by_field, &stored), (&frozen, &simple(wire))] {
        let field = |at, comparison| holds(Some(row), cql_type, Access::Field(at), comparison);
        assert!(field(1, Comparison::Equal(Some(int(7)))));
        assert!(field(0, Comparison::Equal(None)));
        assert!(!field(1, Comparison::Less(int(7))));
    }
}

#[test]
fn an_absent_collection_is_neither_less_nor_greater_than_another() {
    let of = |frozen| CqlType::List(Box::new(CqlType::Int), frozen);
    let set = CqlType::Set(Box::new(CqlType::Int), Frozen::No);
    let map = CqlType::Map(Box::new(CqlType::Text), Box::new(CqlType::Int), Frozen::No);
    let one = build_list(&[int(1)]);
    for (cql_type, other) in [
        (&of(Frozen::No), one.clone()),
        (&of(Frozen::Yes), one.clone()),
        (&set, one),
        (&map, build_map(&[(text("a"), int(1))])),
    ] {
        for never in [
            Comparison::Less,
            Comparison::LessOrEqual,
            Comparison::Greater,
            Comparison::GreaterOrEqual,
        ] {
            assert!(!whole(None, cql_type, never(other.clone())));
        }
        assert!(!whole(None, cql_type, Comparison::Equal(Some(other.clone()))));
        assert!(whole(None, cql_type, Comparison::NotEqual(Some(other))));
    }
}
