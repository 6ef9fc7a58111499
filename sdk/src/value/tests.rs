//! Values over the wire and back, and in and out of Rust types.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use proptest::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::*;

fn wire(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    encode(value, &mut out);
    out
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, ValueError> {
    T::deserialize(ValueReader(value))
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn big(digits: &str) -> BigInt {
    digits.parse().unwrap()
}

#[test]
fn every_kind_has_the_bytes_of_its_rfc() {
    let id: Uuid = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6".parse().unwrap();
    let cases = [
        (Value::Null, "f6"),
        (Value::Boolean(true), "f5"),
        (Value::Int(-500), "39 01f3"),
        (Value::Int(i64::MAX), "1b 7fffffffffffffff"),
        (Value::Varint(big("18446744073709551616")), "c2 49 010000000000000000"),
        (Value::Varint(big("-18446744073709551617")), "c3 49 010000000000000000"),
        (Value::Decimal { unscaled: big("27315"), scale: 2 }, "c4 82 21 196ab3"),
        (Value::Float(1.5), "fa 3fc00000"),
        (Value::Double(1.1), "fb 3ff199999999999a"),
        (Value::Text("ü".into()), "62 c3bc"),
        (Value::Blob(vec![1, 2]), "42 0102"),
        (Value::Uuid(id), "d8 25 50 f81d4fae7dec11d0a76500a0c91e6bf6"),
        (Value::Inet("192.0.2.1".parse().unwrap()), "d8 34 44 c0000201"),
        (Value::Inet("2001:db8::1".parse().unwrap()), "d8 36 50 20010db8000000000000000000000001"),
        (Value::Timestamp(1_363_896_240_000), "c1 1a 514b67b0"),
        (Value::Timestamp(-1), "d9 03e9 a2 01 20 22 1903e7"),
        (Value::Date(-1), "d8 64 20"),
        (Value::List(vec![Value::Int(1), Value::Null]), "82 01 f6"),
        (Value::Set(vec![Value::Int(1)]), "d9 0102 81 01"),
        (Value::Map(vec![(Value::Int(1), Value::Text("a".into()))]), "a1 01 61 61"),
    ];
    for (value, bytes) in cases {
        assert_eq!(wire(&value), hex(bytes), "{value:?}");
        assert_eq!(decode(&hex(bytes)), Ok(value));
    }
}

#[test]
fn other_forms_that_a_server_may_choose_are_read_too() {
    let cases = [
        ("1b ffffffffffffffff", Value::Varint(big("18446744073709551615"))),
        ("3b ffffffffffffffff", Value::Varint(big("-18446744073709551616"))),
        ("c2 41 07", Value::Int(7)),
        ("c1 fb 41d452d9ec200000", Value::Timestamp(1_363_896_240_500)),
        ("9f 01 ff", Value::List(vec![Value::Int(1)])),
        ("bf 01 02 ff", Value::Map(vec![(Value::Int(1), Value::Int(2))])),
        ("f7", Value::Null),
        ("7f 61 61 61 62 ff", Value::Text("ab".into())),
    ];
    for (bytes, value) in cases {
        assert_eq!(decode(&hex(bytes)), Ok(value), "{bytes}");
    }
}

#[test]
fn damaged_or_hostile_bytes_are_errors() {
    for bytes in [
        "",
        "18",
        "82 01",
        "62 c3",
        "61 ff",
        "9b 4000000000000000",
        "5b 7fffffffffffffff",
        "d8 25 41 00",
        "d8 34 43 000000",
        "c1 61 61",
        "c1 fb 7ff8000000000000",
        "c4 81 01",
        "c4 82 fb 3ff199999999999a 01",
        "d8 63 01",
        "f6 f6",
        "ff",
        "1c",
        "f9 3c00",
        "c1 1b 7fffffffffffffff",
    ] {
        assert!(decode(&hex(bytes)).is_err(), "{bytes}");
    }
    let deep = [vec![0x81; 100_000], vec![0xf6]].concat();
    assert!(decode(&deep).is_err());
    let deep_tags = [vec![0xc1; 100_000], vec![0x00]].concat();
    assert!(decode(&deep_tags).is_err());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    id: Uuid,
    small: i8,
    large: u64,
    ratio: f32,
    name: String,
    maybe: Option<String>,
    tags: BTreeSet<String>,
    counts: HashMap<String, i64>,
    numbered: BTreeMap<i32, String>,
    pair: (i32, bool),
    address: IpAddr,
    kind: Kind,
    nested: Vec<Inner>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    x: f64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Plain,
    Holding(i32),
    Named { a: i32 },
}

#[test]
fn a_struct_comes_back_as_it_went() {
    for kind in [Kind::Plain, Kind::Holding(3), Kind::Named { a: 1 }] {
        let sent = Everything {
            id: Uuid::from_u128(7),
            small: -8,
            large: u64::MAX,
            ratio: 0.1,
            name: "n".into(),
            maybe: None,
            tags: ["a".to_owned(), "b".to_owned()].into(),
            counts: HashMap::from([("k".to_owned(), 5)]),
            numbered: BTreeMap::from([(2, "two".to_owned())]),
            pair: (1, true),
            address: "::1".parse().unwrap(),
            kind,
            nested: vec![Inner { x: 1.5 }],
        };
        let value = to_value(&sent).unwrap();
        let value = decode(&wire(&value)).unwrap();
        assert_eq!(read::<Everything>(&value), Ok(sent));
    }
}

#[test]
fn scalars_show_themselves_as_the_rust_type_asks() {
    let moment = Value::Timestamp(1_767_225_600_123);
    assert_eq!(read::<i64>(&moment), Ok(1_767_225_600_123));
    assert_eq!(read::<String>(&moment).unwrap(), "2026-01-01T00:00:00.123Z");
    assert_eq!(read::<String>(&Value::Date(0)).unwrap(), "1970-01-01");
    assert_eq!(read::<i32>(&Value::Date(-1)), Ok(-1));
    let id = Uuid::from_u128(1);
    assert_eq!(read::<Uuid>(&Value::Uuid(id)), Ok(id));
    assert_eq!(read::<String>(&Value::Int(5)).unwrap(), "5");
    assert_eq!(read::<u128>(&Value::Varint(BigInt::from(u128::MAX))), Ok(u128::MAX));
    let varint = Value::Varint(big("123456789012345678901234567890123456789012"));
    assert_eq!(read::<String>(&varint).unwrap(), "123456789012345678901234567890123456789012");
    assert!(read::<i128>(&varint).is_err());
    let decimal = Value::Decimal { unscaled: big("125"), scale: 2 };
    assert_eq!(read::<f64>(&decimal), Ok(1.25));
    assert_eq!(read::<String>(&decimal).unwrap(), "1.25");
    assert_eq!(read::<Vec<u8>>(&Value::Blob(vec![1, 2])), Ok(vec![1, 2]));
    assert_eq!(read::<bytes::Bytes>(&Value::Blob(vec![1, 2])).unwrap(), [1, 2].as_slice());
    assert_eq!(read::<Option<i32>>(&Value::Null), Ok(None));
    assert_eq!(read::<Vec<i32>>(&Value::Null), Ok(vec![]));
    assert_eq!(read::<BTreeMap<String, i32>>(&Value::Null), Ok(BTreeMap::new()));
    let duration = Value::List(vec![Value::Int(1), Value::Int(2), Value::Int(3)]);
    assert_eq!(read::<(i32, i32, i64)>(&duration), Ok((1, 2, 3)));
}

#[test]
fn what_does_not_fit_is_an_error_that_names_the_place() {
    let value = Value::Map(vec![(Value::Text("x".into()), Value::Text("no number".into()))]);
    let error = read::<Inner>(&value).unwrap_err().within("column").to_string();
    assert!(error.starts_with("\"column\".\"x\": "), "{error}");
    assert!(read::<i8>(&Value::Int(128)).is_err());
    assert!(read::<i32>(&Value::Null).is_err());
    assert!(read::<bool>(&Value::Int(1)).is_err());
}

#[test]
fn byte_strings_are_sent_as_blobs() {
    let value = to_value(&bytes::Bytes::from_static(b"ab")).unwrap();
    assert_eq!(value, Value::Blob(b"ab".to_vec()));
    assert_eq!(to_value(&Value::Blob(vec![1])).unwrap(), Value::Blob(vec![1]));
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Int),
        (any::<i128>()).prop_map(|n| match i64::try_from(n) {
            Ok(n) => Value::Int(n),
            Err(_) => Value::Varint(n.into()),
        }),
        (any::<i128>(), any::<i32>())
            .prop_map(|(n, s)| Value::Decimal { unscaled: n.into(), scale: s.into() }),
        any::<f32>().prop_map(Value::Float),
        any::<f64>().prop_map(Value::Double),
        any::<String>().prop_map(Value::Text),
        any::<Vec<u8>>().prop_map(Value::Blob),
        any::<u128>().prop_map(|n| Value::Uuid(Uuid::from_u128(n))),
        any::<IpAddr>().prop_map(Value::Inet),
        any::<i64>().prop_map(Value::Timestamp),
        any::<i64>().prop_map(Value::Date),
    ];
    scalar.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Set),
            prop::collection::vec((inner.clone(), inner), 0..4).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(value in any_value()) {
        prop_assert_eq!(decode(&wire(&value)), Ok(value));
    }

    #[test]
    fn whatever_is_read_is_written_and_read_alike(bytes: Vec<u8>) {
        if let Ok(value) = decode(&bytes) {
            let again = wire(&value);
            // Compared as bytes: NaN is not equal to itself.
            prop_assert_eq!(wire(&decode(&again).unwrap()), again);
        }
    }

    #[test]
    fn a_changed_byte_never_panics(value in any_value(), at: prop::sample::Index, to: u8) {
        let mut bytes = wire(&value);
        let at = at.index(bytes.len());
        bytes[at] = to;
        let _ = decode(&bytes);
    }
}
