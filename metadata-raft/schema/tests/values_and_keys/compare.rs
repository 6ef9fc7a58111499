//! The order of values, against definitions written a second time.

use std::cmp::Ordering;

use bytes::Bytes;
use cellar_schema::value::{
    self, build_list, build_map, build_tuple, build_vector, compare, from_text, validate,
};
use cellar_schema::{CqlType, Frozen};
use num_bigint::BigInt;
use proptest::prelude::*;
use uuid::Uuid;

/// Asserts that texts are values in rising order.
fn rising(cql_type: &CqlType, texts: &[&str]) {
    let values = texts.iter().map(|text| from_text(cql_type, text).unwrap()).collect::<Vec<_>>();
    for pair in values.windows(2) {
        assert_eq!(compare(cql_type, &pair[0], &pair[1]), Ordering::Less, "{cql_type} {pair:?}");
        assert_eq!(compare(cql_type, &pair[1], &pair[0]), Ordering::Greater);
    }
}

#[test]
fn scalars_sort_as_in_cassandra() {
    rising(&CqlType::Int, &["", "-2147483648", "-1", "0", "1", "2147483647"]);
    rising(&CqlType::Tinyint, &["-128", "-1", "0", "127"]);
    rising(&CqlType::Smallint, &["-32768", "-1", "0", "32767"]);
    rising(&CqlType::Bigint, &["", "-9223372036854775808", "-1", "0", "9223372036854775807"]);
    rising(&CqlType::Timestamp, &["1969-12-31", "1970-01-01", "2038-01-20"]);
    rising(&CqlType::Date, &["-5877641-06-23", "1969-12-31", "1970-01-01", "2038-01-20"]);
    rising(&CqlType::Time, &["00:00:00", "00:00:00.000000001", "23:59:59"]);
    rising(&CqlType::Boolean, &["", "false", "true"]);
    rising(&CqlType::Text, &["", "A", "a", "a\0", "aa", "b", "é"]);
    rising(
        &CqlType::Double,
        &["", "-Infinity", "-1e308", "-1", "-0.0", "0.0", "5e-324", "1", "Infinity", "NaN"],
    );
    rising(&CqlType::Float, &["", "-Infinity", "-1", "-0.0", "0.0", "1", "Infinity", "NaN"]);
    rising(&CqlType::Varint, &["", "-65536", "-256", "-1", "0", "1", "255", "256", "65536"]);
    rising(&CqlType::Decimal, &["", "-1e9", "-1.01", "-1", "-0.9", "0", "1e-9", "0.9", "1", "12"]);
    rising(&CqlType::Inet, &["", "1:2::", "1.2.3.4", "127.0.0.1"]);
    // Version first, and version 1 by time.
    rising(
        &CqlType::Uuid,
        &[
            "",
            "ffffffff-0000-1000-8000-000000000000",
            "00000000-0001-1000-8000-000000000000",
            "00000000-0001-1000-ff00-000000000000",
            "00000000-0000-4000-8000-000000000000",
            "00000001-0000-4000-8000-000000000000",
        ],
    );
    // Time, then signed bytes.
    rising(
        &CqlType::Timeuuid,
        &[
            "",
            "ffffffff-0000-1000-8000-000000000000",
            "00000000-0001-1000-8000-000000000000",
            "00000000-0001-1000-ff00-000000000000",
            "00000000-0001-1000-0080-000000000000",
            "00000000-0001-1000-0000-000000000000",
            "00000000-0001-1000-007f-000000000000",
        ],
    );
}

#[test]
fn numbers_that_are_equal_compare_equal_however_they_are_written() {
    let equal = |kind: &CqlType, left: &[u8], right: &[u8]| {
        assert_eq!(compare(kind, left, right), Ordering::Equal);
    };
    let decimal = |text| from_text(&CqlType::Decimal, text).unwrap();
    equal(&CqlType::Decimal, &decimal("1.0"), &decimal("1.00"));
    equal(&CqlType::Decimal, &decimal("100"), &decimal("1e2"));
    equal(&CqlType::Decimal, &decimal("0"), &decimal("0e5"));
    equal(&CqlType::Varint, &[0, 0, 1], &[1]);
    equal(&CqlType::Varint, &[0xff, 0xff], &[0xff]);
    equal(&CqlType::Double, &value::double(f64::NAN), &value::double(-f64::NAN));
    equal(&CqlType::Boolean, &[1], &[2]);
    let tuple = CqlType::Tuple(vec![CqlType::Int, CqlType::Int]);
    let one = Some(value::int(1));
    equal(&tuple, &build_tuple(&[one.clone(), None]), &build_tuple(&[one]));
}

#[test]
fn nested_values_sort_element_by_element() {
    let int = Box::new(CqlType::Int);
    let list = CqlType::List(int.clone(), Frozen::Yes);
    let ints = |values: &[i32]| values.iter().map(|v| value::int(*v)).collect::<Vec<_>>();
    let less = |kind: &CqlType, left: &Bytes, right: &Bytes| {
        assert_eq!(compare(kind, left, right), Ordering::Less, "{kind}");
    };
    less(&list, &build_list(&ints(&[])), &build_list(&ints(&[-5])));
    less(&list, &build_list(&ints(&[1])), &build_list(&ints(&[1, -5])));
    less(&list, &build_list(&ints(&[-1, 9])), &build_list(&ints(&[1])));
    let map = CqlType::Map(int.clone(), Box::new(CqlType::Text), Frozen::Yes);
    let entry = |key, text| (value::int(key), value::text(text));
    less(&map, &build_map(&[entry(-1, "z")]), &build_map(&[entry(1, "a")]));
    less(&map, &build_map(&[entry(1, "a")]), &build_map(&[entry(1, "b")]));
    let tuple = CqlType::Tuple(vec![CqlType::Int, CqlType::Text]);
    let null = build_tuple(&[None, Some(value::text("z"))]);
    less(&tuple, &null, &build_tuple(&[Some(value::int(-9)), None]));
    let vector = CqlType::Vector(Box::new(CqlType::Float), 2);
    let floats = |l, r| build_vector(&CqlType::Float, &[value::float(l), value::float(r)]);
    less(&vector, &floats(-1.0, 5.0), &floats(0.0, -5.0));
}

#[test]
fn only_what_cassandra_takes_is_valid() {
    for (kind, good, bad) in [
        (CqlType::Int, vec![&[0; 4][..], &[]], vec![&[0; 3][..], &[0; 5]]),
        (CqlType::Tinyint, vec![&[0][..]], vec![&[][..], &[0; 2]]),
        (CqlType::Smallint, vec![&[0; 2][..]], vec![&[][..]]),
        (CqlType::Date, vec![&[0; 4][..]], vec![&[][..]]),
        (CqlType::Time, vec![&[0; 8][..]], vec![&[][..], &[0x80, 0, 0, 0, 0, 0, 0, 0]]),
        (CqlType::Boolean, vec![&[0][..], &[2], &[]], vec![&[0, 0][..]]),
        (CqlType::Ascii, vec![&b"a"[..], &[]], vec![&[0x80][..]]),
        (CqlType::Text, vec![&b"a"[..], &[]], vec![&[0xff][..], &[0xc3]]),
        (CqlType::Inet, vec![&[0; 4][..], &[0; 16], &[]], vec![&[0; 5][..]]),
        (CqlType::Decimal, vec![&[0; 4][..], &[0; 5], &[]], vec![&[0; 3][..]]),
        (CqlType::Duration, vec![&[0; 3][..]], vec![&[][..], &[1, 2, 0], &[0; 4]]),
        (CqlType::Timeuuid, vec![&[0x10; 16][..], &[]], vec![&[0x40; 16][..]]),
    ] {
        good.iter().for_each(|bytes| assert_eq!(validate(&kind, bytes), Ok(()), "{kind}"));
        bad.iter().for_each(|bytes| assert!(validate(&kind, bytes).is_err(), "{kind}"));
    }
    let longest = vec![1; value::NUMBER_BYTES_MAX];
    assert_eq!(validate(&CqlType::Varint, &longest), Ok(()));
    assert_eq!(validate(&CqlType::Decimal, &[vec![0; 4], longest.clone()].concat()), Ok(()));
    assert!(validate(&CqlType::Varint, &[longest.clone(), vec![1]].concat()).is_err());
    assert!(validate(&CqlType::Decimal, &[longest, vec![1; 5]].concat()).is_err());
    let nines = from_text(&CqlType::Varint, &"9".repeat(39_000)).unwrap();
    assert_eq!(validate(&CqlType::Varint, &nines), Ok(()));
    assert!(from_text(&CqlType::Varint, &"9".repeat(39_001)).is_err());
    assert!(from_text(&CqlType::Decimal, &"9".repeat(39_001)).is_err());
    let floats = CqlType::Vector(Box::new(CqlType::Float), 2);
    assert_eq!(validate(&floats, &[0; 8]), Ok(()));
    assert!(validate(&floats, &[0; 7]).is_err() && validate(&floats, &[0; 12]).is_err());
    let list = CqlType::List(Box::new(CqlType::Int), Frozen::Yes);
    let null_inside = [0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff];
    assert!(validate(&list, &null_inside).is_err());
    assert!(validate(&list, &build_list(&[[0; 3]])).is_err());
    assert!(validate(&list, &[0x7f, 0xff, 0xff, 0xff]).is_err());
    assert!(validate(&list, &[0, 0, 0, 0, 0]).is_err());
    let tuple = CqlType::Tuple(vec![CqlType::Int]);
    assert_eq!(validate(&tuple, &[0xff; 4]), Ok(()));
    assert!(validate(&tuple, &[0xff; 8]).is_err());
    let vector = CqlType::Vector(Box::new(CqlType::Text), 2);
    assert_eq!(validate(&vector, &[1, b'a', 0]), Ok(()));
    assert!(validate(&vector, &[1, b'a']).is_err());
    assert!(validate(&vector, &[]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn decimals_sort_as_numbers(
        left: i64, left_scale in -20_i32..20, right: i64, right_scale in -20_i32..20, near: bool
    ) {
        let right = if near { left / 10 } else { right };
        let ten = BigInt::from(10);
        let at = |n: i64, scale: i32| BigInt::from(n) * ten.pow((20 - scale).cast_unsigned());
        let expected = at(left, left_scale).cmp(&at(right, right_scale));
        let left = value::decimal(&left.into(), left_scale);
        let right = value::decimal(&right.into(), right_scale);
        prop_assert_eq!(compare(&CqlType::Decimal, &left, &right), expected);
    }

    #[test]
    fn floats_sort_as_numbers(left: f64, right: f64) {
        prop_assume!(!left.is_nan() && !right.is_nan());
        let double = compare(&CqlType::Double, &value::double(left), &value::double(right));
        prop_assert_eq!(double, left.total_cmp(&right));
        let (left, right) = (left as f32, right as f32);
        let float = compare(&CqlType::Float, &value::float(left), &value::float(right));
        prop_assert_eq!(float, left.total_cmp(&right));
    }

    #[test]
    fn timeuuids_sort_by_time(left: u64, right: u64, low: [u8; 8]) {
        let (left, right) = (left >> 4, right >> 4);
        let id = |ticks: u64| {
            let time_high = (ticks >> 48) as u16 | 0x1000;
            Uuid::from_fields(ticks as u32, (ticks >> 32) as u16, time_high, &low)
        };
        let (l, r) = (value::uuid(id(left)), value::uuid(id(right)));
        prop_assert_eq!(compare(&CqlType::Timeuuid, &l, &r), left.cmp(&right));
        prop_assert_eq!(compare(&CqlType::Uuid, &l, &r), left.cmp(&right));
    }
}
