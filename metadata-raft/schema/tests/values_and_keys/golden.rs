//! Bytes of keys, as `KEYS.md` shows them. They must never change: keys are on disk.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::value::{
    bigint, boolean, build_list, build_map, build_tuple, build_vector, date, double, duration,
    float, from_text, int, smallint, text, time, timestamp, tinyint,
};
use cellar_schema::{CqlType, Frozen, Order, UserType, keys};

use crate::values::table;

/// Presence byte and form, which are the element key.
fn form(kind: &CqlType, value: &[u8]) -> String {
    hex::encode(keys::element_key(kind, value).unwrap())
}

fn read(kind: &CqlType, text: &str) -> Bytes {
    from_text(kind, text).unwrap()
}

#[test]
fn the_forms_of_scalars_are_these_bytes() {
    for (kind, value, expected) in [
        (CqlType::Text, text(""), "01"),
        (CqlType::Text, text("a\0b"), "026100ff620001"),
        (CqlType::Ascii, text("a"), "02610001"),
        (CqlType::Blob, Bytes::from_static(&[0]), "0200ff0001"),
        (CqlType::Inet, read(&CqlType::Inet, "127.0.0.1"), "027f00ff00ff010001"),
        (CqlType::Duration, duration(1, 2, 3), "020204060001"),
        (CqlType::Boolean, boolean(true), "0201"),
        (CqlType::Tinyint, tinyint(-1), "027f"),
        (CqlType::Smallint, smallint(1), "028001"),
        (CqlType::Int, int(-2), "027ffffffe"),
        (CqlType::Bigint, bigint(1), "028000000000000001"),
        (CqlType::Counter, bigint(1), "028000000000000001"),
        (CqlType::Timestamp, timestamp(-1), "027fffffffffffffff"),
        (CqlType::Date, date(1 << 31), "0280000000"),
        (CqlType::Time, time(1), "020000000000000001"),
        (CqlType::Float, float(1.0), "02bf800000"),
        (CqlType::Double, double(-1.0), "02400fffffffffffff"),
        (CqlType::Double, double(f64::NAN), "02fff8000000000000"),
    ] {
        assert_eq!(form(&kind, &value), expected, "{kind}");
    }
    for (kind, value, expected) in [
        (CqlType::Varint, "0", "0280"),
        (CqlType::Varint, "1", "028101"),
        (CqlType::Varint, "-1", "027efe"),
        (CqlType::Varint, "256", "02820100"),
        (CqlType::Varint, "-256", "027dfeff"),
        (CqlType::Decimal, "0.00", "0201"),
        (CqlType::Decimal, "12.50", "020280000000000000020d3300"),
        (CqlType::Decimal, "-12.5", "02007ffffffffffffffdf2ccff"),
        (
            CqlType::Uuid,
            "01234567-89ab-4cde-8123-456789abcdef",
            "0240123456789abcde8123456789abcdef",
        ),
        (
            CqlType::Timeuuid,
            "01234567-89ab-1cde-8123-456789abcdef",
            "021cde89ab0123456701a3c5e7092b4d6f",
        ),
    ] {
        assert_eq!(form(&kind, &read(&kind, value)), expected, "{kind} {value}");
    }
}

#[test]
fn the_forms_of_nested_values_are_these_bytes() {
    let tiny = Box::new(CqlType::Tinyint);
    let parts = [tinyint(1), tinyint(2)];
    let list = CqlType::List(tiny.clone(), Frozen::Yes);
    assert_eq!(form(&list, &build_list(&parts)), "020281028200");
    assert_eq!(form(&CqlType::Set(tiny.clone(), Frozen::Yes), &build_list(&parts)), "020281028200");
    let map = CqlType::Map(tiny.clone(), Box::new(CqlType::Text), Frozen::Yes);
    assert_eq!(form(&map, &build_map(&[(tinyint(1), text("a"))])), "0202810261000100");
    let tuple = build_tuple(&[None, Some(tinyint(1))]);
    let types = vec![CqlType::Text, CqlType::Tinyint];
    assert_eq!(form(&CqlType::Tuple(types.clone()), &tuple), "02000281");
    let fields = [("a".to_owned(), CqlType::Text), ("b".to_owned(), CqlType::Tinyint)];
    let udt = UserType { keyspace: String::new(), name: String::new(), fields: fields.into() };
    assert_eq!(form(&CqlType::Udt(Arc::new(udt), Frozen::Yes), &tuple), "02000281");
    let vector = CqlType::Vector(Box::new(CqlType::Boolean), 2);
    let value = build_vector(&CqlType::Boolean, &[boolean(true), boolean(false)]);
    assert_eq!(form(&vector, &value), "020100");
    let value = build_vector(&CqlType::Tinyint, &parts);
    assert_eq!(form(&CqlType::Vector(tiny, 2), &value), "0202810282");
}

#[test]
fn whole_keys_are_these_bytes() {
    let table = table(
        &[CqlType::Text, CqlType::Int],
        &[(CqlType::Decimal, Order::Asc), (CqlType::Text, Order::Desc)],
    );
    let routing = keys::routing(&[b"a", &int(1)]);
    assert_eq!(hex::encode(&routing), "0001610000040000000100");
    let partition = keys::partition(table.id, &routing);
    let token = cellar_schema::token::token(&routing);
    let placed = token.cast_unsigned() ^ (1 << 63);
    let expected = format!("00000102{placed:016x}{}", "00ff016100ff00ff0400ff00ff00ff0100ff0001");
    assert_eq!(hex::encode(&partition), expected);
    let exact = [read(&CqlType::Decimal, "12.5"), text("b")];
    let suffix = keys::row_suffix(&table, &exact).unwrap();
    assert_eq!(hex::encode(suffix), "02020280000000000000020d3300fd9dfffe");
    // 12.50 loses its last zero in the form, so its bytes follow behind all components.
    let inexact = [read(&CqlType::Decimal, "12.50"), text("b")];
    let suffix = keys::row_suffix(&table, &inexact).unwrap();
    let expected = "02020280000000000000020d3300fd9dfffe000000ff00ff00ff0204e20001";
    assert_eq!(hex::encode(suffix), expected);
    assert_eq!(keys::value_bytes(&table, &hex::decode(expected).unwrap()), Ok(18));
    assert!(keys::has_equal_rows(&table));
    assert_eq!(hex::encode(keys::marks_suffix()), "00");
    assert_eq!(hex::encode(keys::static_suffix()), "01");
}

#[test]
fn a_routing_key_of_one_component_is_its_bytes() {
    assert_eq!(keys::routing(&[b"abc"]).as_ref(), b"abc");
    // The token of "123" is -7468325962851647638.
    let position = keys::position_key(cellar_schema::TableId(16), -7_468_325_962_851_647_638);
    assert_eq!(hex::encode(&position), "00000010185b2d1b0d667f6a");
    let partition = keys::partition(cellar_schema::TableId(16), b"123");
    assert_eq!(hex::encode(partition), "00000010185b2d1b0d667f6a3132330001");
}
