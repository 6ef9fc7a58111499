//! Every type in both forms, both ways.

use std::sync::Arc;

use cellar_schema::{Frozen, UserType};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn text_of(cql_type: &CqlType, bytes: Option<&Bytes>, numbers: Numbers) -> String {
    let mut out = Vec::new();
    write_json(&mut out, cql_type, bytes, numbers);
    String::from_utf8(out).unwrap()
}

fn cbor_of(cql_type: &CqlType, bytes: Option<&Bytes>) -> Bytes {
    let mut out = CborOut::default();
    write_cbor(&mut out, cql_type, bytes);
    out.finish()
}

fn of_cbor(cql_type: &CqlType, cbor: &[u8]) -> Result<Option<Bytes>, ValueError> {
    use cbor4ii::core::{Value, dec::Decode, utils::SliceReader};
    let value = Value::decode(&mut SliceReader::new(cbor)).unwrap();
    read_cbor(cql_type, &value)
}

fn of_json(cql_type: &CqlType, json: serde_json::Value) -> Result<Option<Bytes>, ValueError> {
    read_json(cql_type, &json)
}

fn list(element: CqlType) -> CqlType {
    CqlType::List(Box::new(element), Frozen::No)
}

fn set(element: CqlType) -> CqlType {
    CqlType::Set(Box::new(element), Frozen::No)
}

fn map(key: CqlType, value: CqlType) -> CqlType {
    CqlType::Map(Box::new(key), Box::new(value), Frozen::No)
}

fn user_type() -> CqlType {
    let fields = vec![("Street".to_owned(), CqlType::Text), ("no".to_owned(), CqlType::Int)];
    let (keyspace, name) = ("ks".to_owned(), "address".to_owned());
    CqlType::Udt(Arc::new(UserType { keyspace, name, fields }), Frozen::No)
}

/// Type, CQL text, JSON, CBOR in hexadecimal.
fn examples() -> Vec<(CqlType, &'static str, &'static str, &'static str)> {
    use CqlType as T;
    vec![
        (T::Int, "-7", "-7", "26"),
        (T::Smallint, "300", "300", "19012c"),
        (T::Tinyint, "-128", "-128", "387f"),
        (T::Bigint, "9007199254740993", "\"9007199254740993\"", "1b0020000000000001"),
        (T::Bigint, "-9223372036854775808", "\"-9223372036854775808\"", "3b7fffffffffffffff"),
        (T::Counter, "5", "\"5\"", "05"),
        (T::Varint, "18446744073709551615", "\"18446744073709551615\"", "1bffffffffffffffff"),
        (T::Varint, "18446744073709551616", "\"18446744073709551616\"", "c249010000000000000000"),
        (T::Varint, "-18446744073709551617", "\"-18446744073709551617\"", "c349010000000000000000"),
        (T::Decimal, "-1.50", "\"-1.50\"", "c482213895"),
        (T::Float, "0.1", "0.1", "fa3dcccccd"),
        (T::Double, "0.1", "0.1", "fb3fb999999999999a"),
        (T::Double, "NaN", "\"NaN\"", "fb7ff8000000000000"),
        (T::Double, "-Infinity", "\"-Infinity\"", "fbfff0000000000000"),
        (T::Float, "Infinity", "\"Infinity\"", "fa7f800000"),
        (T::Text, "é\"\n", "\"é\\\"\\n\"", "64c3a9220a"),
        (T::Ascii, "", "\"\"", "60"),
        (T::Boolean, "true", "true", "f5"),
        (T::Blob, "0x00ff", "\"AP8=\"", "4200ff"),
        (
            T::Uuid,
            "123e4567-e89b-42d3-a456-426614174000",
            "\"123e4567-e89b-42d3-a456-426614174000\"",
            "d82550123e4567e89b42d3a456426614174000",
        ),
        (T::Inet, "192.0.2.1", "\"192.0.2.1\"", "d83444c0000201"),
        (T::Inet, "2001:db8::1", "\"2001:db8::1\"", "d8365020010db8000000000000000000000001"),
        (T::Timestamp, "2026-01-02T03:04:05Z", "\"2026-01-02T03:04:05.000Z\"", "c11a695735a5"),
        (
            T::Timestamp,
            "1969-12-31T23:59:59.999Z",
            "\"1969-12-31T23:59:59.999Z\"",
            "d903e9a20120221903e7",
        ),
        (T::Date, "1969-12-31", "\"1969-12-31\"", "d86420"),
        (T::Time, "08:00:00.000000001", "\"08:00:00.000000001\"", "1b00001a3185c50001"),
        (T::Duration, "-1mo2d3ns", "\"-1mo2d3ns\"", "83202122"),
    ]
}

#[test]
fn every_scalar_is_written_as_the_table_says() {
    for (cql_type, text, json, cbor) in examples() {
        let bytes = value::from_text(&cql_type, text).unwrap();
        let written = text_of(&cql_type, Some(&bytes), Numbers::Strings);
        assert_eq!(written, json, "{cql_type} {text}");
        assert_eq!(hex::encode(cbor_of(&cql_type, Some(&bytes))), cbor, "{cql_type} {text}");
    }
}

#[test]
fn every_scalar_reads_back_from_both_forms_and_from_a_path() {
    for (cql_type, text, json, cbor) in examples() {
        let bytes = Some(value::from_text(&cql_type, text).unwrap());
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(of_json(&cql_type, json).unwrap(), bytes, "{cql_type} {text}");
        let cbor = hex::decode(cbor).unwrap();
        assert_eq!(of_cbor(&cql_type, &cbor).unwrap(), bytes, "{cql_type} {text}");
        assert_eq!(read_segment(&cql_type, text).ok(), bytes, "{cql_type} {text}");
    }
}

#[test]
fn large_numbers_are_numbers_when_asked_for() {
    for (cql_type, text) in [
        (CqlType::Bigint, "9007199254740993"),
        (CqlType::Varint, "18446744073709551616"),
        (CqlType::Decimal, "1.50"),
    ] {
        let bytes = value::from_text(&cql_type, text).unwrap();
        assert_eq!(text_of(&cql_type, Some(&bytes), Numbers::Native), text);
    }
}

#[test]
fn json_has_other_forms_of_some_types_too() {
    let same = |cql_type: CqlType, json, text: &str| {
        let expected = value::from_text(&cql_type, text).unwrap();
        assert_eq!(of_json(&cql_type, json).unwrap(), Some(expected), "{cql_type} {text}");
    };
    same(CqlType::Bigint, json!(-5), "-5");
    same(CqlType::Varint, json!(18_446_744_073_709_551_615_u64), "18446744073709551615");
    same(CqlType::Decimal, json!(1.5), "1.5");
    same(CqlType::Int, json!("12"), "12");
    same(CqlType::Blob, json!({"$hex": "00FF"}), "0x00ff");
    same(CqlType::Blob, json!("AP8"), "0x00ff");
    same(CqlType::Timestamp, json!(1_500), "1970-01-01T00:00:01.500Z");
    same(CqlType::Date, json!(2_147_483_647_u32), "1969-12-31");
    same(CqlType::Time, json!(1), "00:00:00.000000001");
    for (cql_type, json) in [
        (CqlType::Blob, json!("0x*")),
        (CqlType::Blob, json!({"$hex": "0"})),
        (CqlType::Date, json!(-1)),
        (CqlType::Time, json!(86_400_000_000_000_i64)),
        (CqlType::Int, json!(2_147_483_648_i64)),
        (CqlType::Int, json!(1.5)),
        (CqlType::Text, json!(1)),
        (CqlType::Boolean, json!("yes")),
        (CqlType::Timeuuid, json!("123e4567-e89b-42d3-a456-426614174000")),
    ] {
        assert!(of_json(&cql_type, json.clone()).is_err(), "{cql_type} {json}");
    }
}

#[test]
fn cbor_has_other_forms_of_some_types_too() {
    let same = |cql_type: CqlType, cbor: &str, text: &str| {
        let expected = value::from_text(&cql_type, text).unwrap();
        let read = of_cbor(&cql_type, &hex::decode(cbor).unwrap());
        assert_eq!(read.unwrap(), Some(expected), "{cql_type} {cbor}");
    };
    same(CqlType::Bigint, "6135", "5");
    same(CqlType::Varint, "c241ff", "255");
    same(CqlType::Varint, "c343000000", "-1");
    same(CqlType::Decimal, "05", "5");
    same(CqlType::Decimal, "fb3ff8000000000000", "1.5");
    same(CqlType::Double, "03", "3");
    same(CqlType::Timestamp, "c1fb3ff8000000000000", "1970-01-01T00:00:01.500Z");
    same(CqlType::Timestamp, "1905dc", "1970-01-01T00:00:01.500Z");
    same(
        CqlType::Timestamp,
        "c074313937302d30312d30315430303a30303a30315a",
        "1970-01-01T00:00:01Z",
    );
    same(CqlType::Date, "d903ec6a313936392d31322d3331", "1969-12-31");
    same(CqlType::Inet, "44c0000201", "192.0.2.1");
    same(
        CqlType::Uuid,
        "50123e4567e89b42d3a456426614174000",
        "123e4567-e89b-42d3-a456-426614174000",
    );
    for (cql_type, cbor) in [
        (CqlType::Int, "1a80000000"),
        (CqlType::Int, "fb3ff8000000000000"),
        (CqlType::Uuid, "43010203"),
        (CqlType::Inet, "43010203"),
        (CqlType::Timeuuid, "d82550123e4567e89b42d3a456426614174000"),
        (CqlType::Time, "1b00004e94914f0000"),
        (CqlType::Timestamp, "c11b7fffffffffffffff"),
        (CqlType::Text, "01"),
        (CqlType::Ascii, "62c3a9"),
        (CqlType::Duration, "83012001"),
    ] {
        let bytes = hex::decode(cbor).unwrap();
        assert!(of_cbor(&cql_type, &bytes).is_err(), "{cql_type} {cbor}");
    }
}

#[test]
fn null_is_null() {
    for cql_type in [CqlType::Int, CqlType::Text, list(CqlType::Int), user_type()] {
        assert_eq!(text_of(&cql_type, None, Numbers::Strings), "null");
        assert_eq!(cbor_of(&cql_type, None).as_ref(), [0xf6]);
        assert_eq!(of_json(&cql_type, json!(null)).unwrap(), None);
        assert_eq!(of_cbor(&cql_type, &[0xf6]).unwrap(), None);
    }
}

#[test]
fn collections_keep_the_forms_of_what_is_in_them() {
    let cases = [
        (list(CqlType::Bigint), json!(["1", "2", "1"]), "83010201"),
        (set(CqlType::Text), json!(["a", "b"]), "d90102826161 6162"),
        (map(CqlType::Text, CqlType::Blob), json!({"a": "AP8=", "b": ""}), "a261614200ff616240"),
        (map(CqlType::Int, CqlType::Bigint), json!([[1, "2"], [3, "4"]]), "a201020304"),
        (map(CqlType::Date, list(CqlType::Int)), json!({"1970-01-01": [1]}), "a1d864008101"),
        (CqlType::Tuple(vec![CqlType::Int, CqlType::Bigint]), json!([null, "7"]), "82f607"),
        (user_type(), json!({"Street": "x", "no": null}), "a266537472656574617862 6e6ff6"),
        (
            CqlType::Vector(Box::new(CqlType::Float), 2),
            json!([0.5, -1.0]),
            "82fa3f000000fabf800000",
        ),
    ];
    for (cql_type, json, cbor) in cases {
        let bytes = of_json(&cql_type, json.clone()).unwrap().unwrap();
        let written = text_of(&cql_type, Some(&bytes), Numbers::Strings);
        assert_eq!(written, json.to_string(), "{cql_type}");
        let encoded = cbor_of(&cql_type, Some(&bytes));
        assert_eq!(hex::encode(&encoded), cbor.replace(' ', ""), "{cql_type}");
        assert_eq!(of_cbor(&cql_type, &encoded).unwrap(), Some(bytes), "{cql_type}");
    }
}

#[test]
fn sets_and_maps_come_in_any_order_and_maps_in_either_shape() {
    let sorted = of_json(&set(CqlType::Int), json!([1, 2, 3])).unwrap();
    assert_eq!(of_json(&set(CqlType::Int), json!([3, 1, 2, 3, 1])).unwrap(), sorted);
    assert_eq!(of_cbor(&set(CqlType::Int), &[0x83, 3, 2, 1]).unwrap(), sorted);
    let cql_type = map(CqlType::Int, CqlType::Text);
    let expected = of_json(&cql_type, json!([[1, "a"], [2, "b"]])).unwrap();
    assert_eq!(of_json(&cql_type, json!([[2, "z"], [1, "a"], [2, "b"]])).unwrap(), expected);
    assert_eq!(of_json(&cql_type, json!({"2": "b", "1": "a"})).unwrap(), expected);
}

#[test]
fn collections_of_the_wrong_shape_are_refused() {
    for (cql_type, json) in [
        (list(CqlType::Int), json!([1, null])),
        (list(CqlType::Int), json!({"0": 1})),
        (map(CqlType::Text, CqlType::Int), json!([["a"]])),
        (map(CqlType::Text, CqlType::Int), json!({"a": null})),
        (CqlType::Tuple(vec![CqlType::Int]), json!([1, 2])),
        (user_type(), json!({"street": "x"})),
        (CqlType::Vector(Box::new(CqlType::Float), 2), json!([1.0])),
    ] {
        assert!(of_json(&cql_type, json.clone()).is_err(), "{cql_type} {json}");
    }
}

#[test]
fn paths_hold_collections_as_json() {
    let cql_type = list(CqlType::Text);
    let expected = of_json(&cql_type, json!(["a", "b"])).unwrap().unwrap();
    assert_eq!(read_segment(&cql_type, "[\"a\",\"b\"]").unwrap(), expected);
    assert!(read_segment(&cql_type, "a,b").is_err());
    assert!(read_segment(&CqlType::Int, "seven").is_err());
}

#[test]
fn bytes_that_are_no_value_never_break_the_document() {
    for cql_type in [CqlType::Int, CqlType::Text, list(CqlType::Int), user_type()] {
        let broken = Bytes::from_static(&[0xff, 0xfe, 0xfd]);
        let text = text_of(&cql_type, Some(&broken), Numbers::Strings);
        assert_eq!(text, "\"0xfffefd\"", "{cql_type}");
        assert_eq!(cbor_of(&cql_type, Some(&broken)).as_ref(), [0x43, 0xff, 0xfe, 0xfd]);
    }
    let empty = Bytes::new();
    assert_eq!(text_of(&CqlType::Int, Some(&empty), Numbers::Strings), "\"\"");
    assert_eq!(of_json(&CqlType::Int, json!("")).unwrap(), Some(empty));
}

fn any_scalar() -> impl Strategy<Value = CqlType> {
    proptest::sample::select(vec![
        CqlType::Ascii,
        CqlType::Bigint,
        CqlType::Blob,
        CqlType::Boolean,
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

fn any_type() -> impl Strategy<Value = CqlType> {
    any_scalar().prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(list),
            inner.clone().prop_map(set),
            (any_scalar(), inner.clone()).prop_map(|(key, value)| map(key, value)),
            proptest::collection::vec(inner, 1..3).prop_map(CqlType::Tuple),
        ]
    })
}

proptest! {
    /// Whatever bytes and type: both documents are well formed, and the value they hold is
    /// written the same way again.
    #[test]
    fn documents_are_well_formed_and_stable(
        cql_type in any_type(),
        bytes in proptest::collection::vec(any::<u8>(), 0..24),
    ) {
        let bytes = Bytes::from(bytes);
        let text = text_of(&cql_type, Some(&bytes), Numbers::Strings);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let cbor = cbor_of(&cql_type, Some(&bytes));
        if value::validate(&cql_type, &bytes).is_ok() && !bytes.is_empty() {
            let again = read_json(&cql_type, &json).unwrap();
            prop_assert_eq!(text_of(&cql_type, again.as_ref(), Numbers::Strings), text);
            let again = of_cbor(&cql_type, &cbor).unwrap();
            prop_assert_eq!(cbor_of(&cql_type, again.as_ref()), cbor);
        } else {
            let _ = of_cbor(&cql_type, &cbor);
        }
    }

    /// Whatever CBOR: it is read or refused.
    #[test]
    fn any_cbor_is_read_or_refused(
        cql_type in any_type(),
        bytes in proptest::collection::vec(any::<u8>(), 0..32),
    ) {
        use cbor4ii::core::{Value, dec::Decode, utils::SliceReader};
        if let Ok(value) = Value::decode(&mut SliceReader::new(&bytes))
            && let Ok(Some(read)) = read_cbor(&cql_type, &value)
        {
            prop_assert!(value::validate(&cql_type, &read).is_ok());
        }
    }
}
