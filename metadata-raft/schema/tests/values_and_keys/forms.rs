//! Text and JSON forms of values.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::value::{
    as_f64, as_inet, build_list, build_map, build_tuple, build_vector, compare, from_json,
    from_text, int, list_elements, map_entries, text, to_json, to_text, tuple_fields, validate,
    vector_elements,
};
use cellar_schema::{CqlType, Frozen, UserType};
use proptest::prelude::*;
use serde_json::json;

use crate::values::{cql_type, scalar_type, value_of};

fn list(element: CqlType) -> CqlType {
    CqlType::List(Box::new(element), Frozen::Yes)
}

fn address() -> CqlType {
    let fields = vec![("street".to_owned(), CqlType::Text), ("No".to_owned(), CqlType::Int)];
    let udt = UserType { keyspace: "ks".to_owned(), name: "address".to_owned(), fields };
    CqlType::Udt(Arc::new(udt), Frozen::Yes)
}

#[test]
fn values_print_as_cql_literals() {
    for (kind, written, literal) in [
        (CqlType::Text, "it's", "'it''s'"),
        (CqlType::Blob, "0xCAFE", "0xcafe"),
        (CqlType::Boolean, "TRUE", "true"),
        (CqlType::Timestamp, "0", "'1970-01-01T00:00:00.000Z'"),
        (CqlType::Date, "2013-01-01", "'2013-01-01'"),
        (CqlType::Time, "08:12:54", "'08:12:54.000000000'"),
        (CqlType::Inet, "::1", "'0:0:0:0:0:0:0:1'"),
        (CqlType::Inet, "::ffff:1.2.3.4", "'1.2.3.4'"),
        (CqlType::Double, "1", "1.0"),
        (CqlType::Double, "-infinity", "-Infinity"),
        (CqlType::Float, "0.1", "0.1"),
        (CqlType::Decimal, "12.50", "12.50"),
        (CqlType::Duration, "P1Y2D", "1y2d"),
        (CqlType::Int, "", "null"),
    ] {
        assert_eq!(to_text(&kind, &from_text(&kind, written).unwrap()), literal);
    }
    let ints = build_list(&[int(1), int(2)]);
    assert_eq!(to_text(&list(CqlType::Int), &ints), "[1, 2]");
    assert_eq!(to_text(&CqlType::Set(Box::new(CqlType::Int), Frozen::No), &ints), "{1, 2}");
    let map = CqlType::Map(Box::new(CqlType::Text), Box::new(CqlType::Int), Frozen::No);
    assert_eq!(to_text(&map, &build_map(&[(text("a"), int(1))])), "{'a': 1}");
    let pair = build_tuple(&[Some(text("x")), None]);
    assert_eq!(to_text(&CqlType::Tuple(vec![CqlType::Text, CqlType::Int]), &pair), "('x', null)");
    assert_eq!(to_text(&address(), &pair), "{street: 'x', \"No\": null}");
    assert_eq!(to_text(&CqlType::Int, b"?"), "0x3f", "bytes that are no int");
}

#[test]
fn text_that_is_no_value_is_refused() {
    for (kind, text) in [
        (CqlType::Int, "2147483648"),
        (CqlType::Int, "1.0"),
        (CqlType::Varint, "1_000"),
        (CqlType::Tinyint, ""),
        (CqlType::Ascii, "é"),
        (CqlType::Blob, "cafe"),
        (CqlType::Blob, "0xabc"),
        (CqlType::Boolean, "yes"),
        (CqlType::Inet, "localhost"),
        (CqlType::Uuid, "550e8400e29b41d4a716446655440000"),
        (CqlType::Timeuuid, "550e8400-e29b-41d4-a716-446655440000"),
        (CqlType::Duration, ""),
        (list(CqlType::Int), "[1]"),
        (list(CqlType::Int), ""),
    ] {
        assert!(from_text(&kind, text).is_err(), "{kind} {text}");
    }
}

#[test]
fn json_follows_the_rules_of_to_json_and_from_json() {
    let udt = address();
    let map = CqlType::Map(Box::new(CqlType::Int), Box::new(CqlType::Text), Frozen::Yes);
    let keyed = CqlType::Map(Box::new(list(CqlType::Int)), Box::new(CqlType::Int), Frozen::Yes);
    for (kind, json) in [
        (CqlType::Int, json!(5)),
        (CqlType::Int, json!("")),
        (CqlType::Bigint, json!(i64::MIN)),
        (CqlType::Varint, json!(u64::MAX)),
        (CqlType::Varint, json!("18446744073709551616")),
        (CqlType::Decimal, json!(1.5)),
        (CqlType::Decimal, json!("1.50")),
        (CqlType::Decimal, json!(7)),
        (CqlType::Float, json!(0.1)),
        (CqlType::Double, json!(1e300)),
        (CqlType::Boolean, json!(true)),
        (CqlType::Blob, json!("0xcafe")),
        (CqlType::Timestamp, json!("2014-01-01 00:00:00.000Z")),
        (CqlType::Date, json!("2014-01-01")),
        (CqlType::Time, json!("08:12:54.123456789")),
        (CqlType::Duration, json!("1y2mo")),
        (list(CqlType::Int), json!([1, 2])),
        (CqlType::Set(Box::new(CqlType::Int), Frozen::Yes), json!([1, 2])),
        (CqlType::Vector(Box::new(CqlType::Float), 2), json!([1.5, 2.5])),
        (CqlType::Tuple(vec![CqlType::Int, CqlType::Text]), json!([1, null])),
        (map, json!({"1": "a", "2": "b"})),
        (keyed, json!({"[1,2]": 3})),
        (udt, json!({"street": "x", "\"No\"": null})),
    ] {
        let value = from_json(&kind, &json).unwrap().unwrap();
        assert_eq!(validate(&kind, &value), Ok(()));
        assert_eq!(to_json(&kind, &value), json, "{kind}");
    }
    assert_eq!(from_json(&CqlType::Int, &json!(null)).unwrap(), None);
    assert_eq!(to_json(&CqlType::Double, &f64::NAN.to_be_bytes()), json!(null));
}

#[test]
fn json_may_be_loose_where_cassandra_lets_it() {
    let set = CqlType::Set(Box::new(CqlType::Int), Frozen::Yes);
    let value = from_json(&set, &json!([3, "1", 3])).unwrap().unwrap();
    assert_eq!(value, build_list(&[int(1), int(3)]));
    let map = CqlType::Map(Box::new(CqlType::Int), Box::new(CqlType::Int), Frozen::Yes);
    let value = from_json(&map, &json!({"1": 1, "2": 2, "+1": 3})).unwrap().unwrap();
    assert_eq!(value, build_map(&[(int(1), int(3)), (int(2), int(2))]), "the last one counts");
    let value = from_json(&address(), &json!({"STREET": "x"})).unwrap().unwrap();
    assert_eq!(value, build_tuple(&[Some(text("x")), None]));
    let value = from_json(&CqlType::Timestamp, &json!(5)).unwrap().unwrap();
    assert_eq!(value.as_ref(), 5_i64.to_be_bytes());
}

#[test]
fn doubles_in_json_text_keep_their_last_bit() {
    let text = "1.3824178768778866e+306";
    let value = from_json(&CqlType::Double, &serde_json::from_str(text).unwrap()).unwrap();
    assert_eq!(value, Some(cellar_schema::value::double(text.parse().unwrap())));
}

/// Found by `cellar-fuzz values`: this number lies in the middle between two shortest forms of
/// its double, and the printer of JSON takes the other one.
#[test]
fn decimals_are_numbers_in_json_only_where_their_last_digit_stays() {
    for written in ["-598947208603251.3", "-598947208603251.2", "12.5", "0.1"] {
        let value = from_text(&CqlType::Decimal, written).unwrap();
        let json = to_json(&CqlType::Decimal, &value).to_string();
        assert_eq!(json.trim_matches('"'), written);
    }
}

#[test]
fn json_of_another_kind_is_refused() {
    let map = CqlType::Map(Box::new(CqlType::Int), Box::new(CqlType::Int), Frozen::Yes);
    for (kind, json) in [
        (CqlType::Int, json!(1.5)),
        (CqlType::Int, json!(2_147_483_648_i64)),
        (CqlType::Int, json!([1])),
        (CqlType::Text, json!(1)),
        (CqlType::Boolean, json!(1)),
        (CqlType::Varint, json!(1e30)),
        (CqlType::Uuid, json!(1)),
        (list(CqlType::Int), json!([1, null])),
        (list(CqlType::Int), json!({"1": 1})),
        (map.clone(), json!({"a": 1})),
        (map.clone(), json!({"1": null})),
        (map, json!([1])),
        (CqlType::Vector(Box::new(CqlType::Float), 2), json!([1])),
        (CqlType::Tuple(vec![CqlType::Int]), json!([1, 2])),
        (address(), json!({"town": "x"})),
        (address(), json!({"no": 1})),
    ] {
        assert!(from_json(&kind, &json).is_err(), "{kind} {json}");
    }
}

#[test]
fn collections_come_apart_as_they_were_built() {
    let parts = vec![text("a"), text(""), text("bcd")];
    assert_eq!(list_elements(&build_list(&parts)).unwrap(), parts);
    let entries = vec![(text("a"), int(1)), (text("b"), int(2))];
    assert_eq!(map_entries(&build_map(&entries)).unwrap(), entries);
    let fields = vec![Some(text("")), None, Some(int(3))];
    assert_eq!(tuple_fields(3, &build_tuple(&fields)).unwrap(), fields);
    assert_eq!(tuple_fields(4, &build_tuple(&fields)).unwrap().len(), 4, "added fields are null");
    assert!(tuple_fields(2, &build_tuple(&fields)).is_err());
    let vector = build_vector(&CqlType::Text, &parts);
    assert_eq!(vector.as_ref(), [1, b'a', 0, 3, b'b', b'c', b'd']);
    assert_eq!(vector_elements(&CqlType::Text, 3, &vector).unwrap(), parts);
    let ints = build_vector(&CqlType::Int, &[int(1), int(2)]);
    assert_eq!(ints.as_ref(), [0, 0, 0, 1, 0, 0, 0, 2], "fixed widths have no lengths");
}

#[test]
fn numbers_of_the_wrong_length_are_no_numbers() {
    assert_eq!(as_f64(&[0; 4]), None);
    assert_eq!(as_inet(&[0; 5]), None);
    assert_eq!(cellar_schema::value::as_i32(&[]), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_text_of_a_scalar_reads_back_as_an_equal_value(
        (kind, value) in scalar_type().prop_flat_map(|kind| {
            let value = value_of(&kind);
            (Just(kind), value)
        })
    ) {
        if value.is_empty() {
            return Ok(());
        }
        let literal = to_text(&kind, &value);
        let text = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        let text = text.map_or(literal.clone(), |inside| inside.replace("''", "'"));
        // Moments before the first representable day print, but do not read back.
        if literal.contains("-292275055-05-16") {
            return Ok(());
        }
        let read = from_text(&kind, &text).unwrap();
        prop_assert!(compare(&kind, &read, &value).is_eq(), "{} {}", kind, literal);
    }

    #[test]
    fn the_json_of_a_value_reads_back_as_an_equal_value(
        (kind, value) in cql_type().prop_flat_map(|kind| {
            let value = value_of(&kind);
            (Just(kind), value)
        })
    ) {
        let json = to_json(&kind, &value);
        // NaN, the infinities and what holds them are null in JSON, which is no element.
        if json.to_string().contains("null") {
            return Ok(());
        }
        let text = json.to_string();
        // Moments before the first representable day print, but do not read back.
        if text.contains("-292275055-05-16") {
            return Ok(());
        }
        // A number without a byte prints as "", which is no number: Cassandra refuses it, too.
        let digits = format!("{kind:?}");
        let digits = digits.contains("Varint") || digits.contains("Decimal");
        if digits && text.replace('\\', "").contains("\"\"") {
            return Ok(());
        }
        let read = from_json(&kind, &json).unwrap().unwrap();
        prop_assert!(compare(&kind, &read, &value).is_eq(), "{}", text);
    }

    #[test]
    fn any_bytes_print_and_are_checked_without_panic(
        kind in cql_type(),
        bytes in proptest::collection::vec(any::<u8>(), 0..40)
    ) {
        let bytes = Bytes::from(bytes);
        let _ = validate(&kind, &bytes);
        let _ = to_text(&kind, &bytes);
        let _ = to_json(&kind, &bytes);
    }

    #[test]
    fn any_text_and_json_is_read_without_panic(kind in cql_type(), text in "[-0-9a-zTZP:.µ ]{0,12}|.{0,8}") {
        if let Ok(value) = from_text(&kind, &text) {
            prop_assert_eq!(validate(&kind, &value), Ok(()));
        }
        if let Ok(json) = serde_json::from_str(&text)
            && let Ok(Some(value)) = from_json(&kind, &json)
        {
            prop_assert_eq!(validate(&kind, &value), Ok(()));
        }
    }
}

#[test]
fn tuples_are_written_as_text_with_colons() {
    let pair = CqlType::Tuple(vec![CqlType::Int, CqlType::Text]);
    let read = |written: &str| from_text(&pair, written).map_err(|error| error.to_string());
    assert_eq!(read("1:a"), Ok(build_tuple(&[Some(int(1)), Some(text("a"))])));
    assert_eq!(read("@:a\\:b"), Ok(build_tuple(&[None, Some(text("a:b"))])));
    assert_eq!(read("1"), Ok(build_tuple(&[Some(int(1))])));
    assert_eq!(
        read("1:a:b").unwrap_err(),
        "Invalid tuple literal: too many elements. Type frozen<tuple<int, text>> expects 2 but \
         got 3"
    );
    assert!(read("x:a").is_err());
}

#[test]
fn bytes_that_are_no_collection_or_duration_are_told() {
    let refused =
        |cql_type: &CqlType, bytes: &[u8]| validate(cql_type, bytes).unwrap_err().to_string();
    assert_eq!(refused(&list(CqlType::Int), &[]), "not enough bytes to read a list");
    let null_then_nothing = [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert!(refused(&list(CqlType::Int), &null_then_nothing).starts_with("not enough bytes"));
    assert_eq!(
        refused(&CqlType::Duration, &[&[0xf8, 0x02, 0, 0, 0, 0][..], &[0, 0]].concat()),
        "The duration months must be a 32 bits integer but was: 4294967296"
    );
}
