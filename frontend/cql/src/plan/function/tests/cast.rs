//! Casts: the whole matrix, and the digits.

use proptest::prelude::*;

use super::*;
use crate::plan::function::cast;
use crate::plan::function::number::TYPES;

fn try_cast(from: &CqlType, text: &str, to: &CqlType) -> Result<String, PlanError> {
    let function = cast(from, to)?;
    assert_eq!((&function.arguments[0], &function.result), (from, to));
    let bytes = run(&function, &[Some(of(from, text))])?.unwrap();
    value::validate(to, &bytes).unwrap();
    Ok(value::to_text(to, &bytes))
}

fn casted(from: &CqlType, text: &str, to: &CqlType) -> String {
    try_cast(from, text, to).unwrap()
}

#[test]
fn numbers_are_cast_to_all_numbers_but_counters() {
    for from in &TYPES {
        for to in &TYPES {
            if *to == CqlType::Counter && from != to {
                let message = cast(from, to).unwrap_err().to_string();
                assert_eq!(message, format!("{from} cannot be cast to counter"));
                continue;
            }
            let result = casted(from, "6", to).parse::<f64>().unwrap();
            assert!((result - 6.0).abs() < f64::EPSILON, "{from} {to}");
        }
        for text in [CqlType::Ascii, CqlType::Text] {
            assert!(["'6'", "'6.0'"].contains(&&*casted(from, "6", &text)), "{from}");
        }
    }
}

#[test]
fn everything_else_that_casts_is_listed_here() {
    use CqlType::{
        Ascii, Blob, Boolean, Date, Duration, Inet, Int, Text, Time, Timestamp, Timeuuid, Uuid,
    };
    let others =
        [Ascii, Blob, Boolean, Date, Duration, Inet, Text, Time, Timestamp, Timeuuid, Uuid];
    for from in &others {
        for to in others.iter().chain([&Int]).filter(|to| *to != from) {
            let expected = matches!(
                (from, to),
                (Timeuuid, Date | Timestamp)
                    | (Date, Timestamp)
                    | (Timestamp, Date)
                    | (Ascii, Text)
                    | (Boolean | Date | Inet | Time | Timestamp | Timeuuid | Uuid, Ascii | Text)
            );
            assert_eq!(cast(from, to).is_ok(), expected, "{from} {to}");
        }
    }
    assert!(cast(&Int, &Blob).is_err());
    assert!(cast(&list(Int), &Text).is_err());
}

#[test]
fn values_are_written_as_cassandra_writes_them() {
    for (from, text, expected) in [
        (CqlType::Timestamp, "2015-05-21 11:03:02", "'2015-05-21T11:03:02.000Z'"),
        (CqlType::Date, "2015-05-21", "'2015-05-21'"),
        (CqlType::Time, "11:03:02", "'11:03:02.000000000'"),
        (CqlType::Boolean, "true", "'true'"),
        (CqlType::Inet, "127.0.0.1", "'127.0.0.1'"),
        (CqlType::Float, "5.2", "'5.2'"),
        (CqlType::Double, "6.3", "'6.3'"),
        (CqlType::Double, "1e10", "'1.0E10'"),
        (CqlType::Double, "1234567.5", "'1234567.5'"),
        (CqlType::Double, "0.001", "'0.001'"),
        (CqlType::Double, "0.00012", "'1.2E-4'"),
        (CqlType::Float, "-100", "'-100.0'"),
        (CqlType::Double, "-0.0", "'-0.0'"),
        (CqlType::Double, "-inf", "'-Infinity'"),
        (CqlType::Double, "NaN", "'NaN'"),
        (CqlType::Decimal, "6.30", "'6.30'"),
        (CqlType::Varint, "-123456789012345678901234567890", "'-123456789012345678901234567890'"),
    ] {
        assert_eq!(casted(&from, text, &CqlType::Text), expected);
    }
}

#[test]
fn numbers_are_cut_as_java_cuts_them() {
    use CqlType::{Bigint, Decimal, Double, Float, Int, Smallint, Tinyint, Varint};
    for (from, text, to, expected) in [
        (Int, "300", Tinyint, "44"),
        (Bigint, "4294967297", Int, "1"),
        (Double, "3000000000", Int, "2147483647"),
        (Double, "70000", Smallint, "4464"),
        (Double, "-1e300", Bigint, "-9223372036854775808"),
        (Double, "NaN", Int, "0"),
        (Float, "5.9", Int, "5"),
        (Double, "-6.9", Varint, "-6"),
        (Decimal, "-6.99", Int, "-6"),
        (Decimal, "1e2000000000", Bigint, "0"),
        (Decimal, "4294967297.5", Int, "1"),
        (Varint, "-18446744073709551617", Bigint, "-1"),
        (Varint, "1", Double, "1.0"),
        (Float, "5.2", Decimal, "5.2"),
        (Double, "6.3", Decimal, "6.3"),
        (Double, "1e10", Decimal, "10000000000"),
        (Int, "3", Decimal, "3"),
        (Decimal, "0.1", Float, "0.1"),
        (Bigint, "9007199254740993", Double, "9007199254740992.0"),
    ] {
        assert_eq!(casted(&from, text, &to), expected, "{from} {text} {to}");
    }
    assert_eq!(
        try_cast(&Double, "NaN", &Decimal).unwrap_err().to_string(),
        "execution of 'system.cast_as_decimal[double]' failed: A NaN cannot be converted into a \
         decimal"
    );
}

#[test]
fn moments_are_cast_like_converted() {
    let id = "d2177dd0-eaa2-11de-a572-001b779c76e3";
    let as_date = casted(&CqlType::Timeuuid, id, &CqlType::Date);
    assert_eq!(as_date, call("toDate", &[(CqlType::Timeuuid, id)]));
    let midnight = casted(&CqlType::Date, "2015-05-21", &CqlType::Timestamp);
    assert_eq!(midnight, "'2015-05-21T00:00:00.000Z'");
}

proptest! {
    #[test]
    fn text_of_a_number_reads_back(whole: i64, double: f64, float: f32) {
        let text = casted(&CqlType::Bigint, &whole.to_string(), &CqlType::Text);
        prop_assert_eq!(text, format!("'{whole}'"));
        let as_text = cast(&CqlType::Double, &CqlType::Text).unwrap();
        let text = run(&as_text, &[Some(value::double(double))]).unwrap().unwrap();
        let back = value::as_str(&text).unwrap().parse::<f64>().unwrap();
        prop_assert!(back == double || back.is_nan() && double.is_nan());
        let as_text = cast(&CqlType::Float, &CqlType::Ascii).unwrap();
        let text = run(&as_text, &[Some(value::float(float))]).unwrap().unwrap();
        let back = value::as_str(&text).unwrap().parse::<f32>().unwrap();
        prop_assert!(back == float || back.is_nan() && float.is_nan());
    }

    #[test]
    fn there_and_back_through_a_wider_type_is_the_same(whole: i32, float in -1e30_f32..1e30) {
        for wide in [CqlType::Bigint, CqlType::Double, CqlType::Varint, CqlType::Decimal] {
            let there = casted(&CqlType::Int, &whole.to_string(), &wide);
            prop_assert_eq!(casted(&wide, &there, &CqlType::Int), whole.to_string());
        }
        for wide in [CqlType::Double, CqlType::Decimal] {
            let there = casted(&CqlType::Float, &float.to_string(), &wide);
            let back = casted(&wide, &there, &CqlType::Float);
            prop_assert_eq!(back.parse::<f32>().unwrap(), float);
        }
    }

    #[test]
    fn narrowing_keeps_the_low_bits(whole: i64) {
        let text = whole.to_string();
        let bigint = CqlType::Bigint;
        prop_assert_eq!(casted(&bigint, &text, &CqlType::Int), (whole as i32).to_string());
        prop_assert_eq!(casted(&bigint, &text, &CqlType::Smallint), (whole as i16).to_string());
        prop_assert_eq!(casted(&CqlType::Varint, &text, &CqlType::Tinyint),
                        (whole as i8).to_string());
    }
}

#[test]
fn bytes_of_another_type_are_taken_where_only_one_cast_takes_them() {
    use CqlType::{Bigint, Date, Int, Timestamp, Varint};
    assert_eq!(casted(&Timestamp, "86400001", &Bigint), "86400001");
    assert_eq!(casted(&Timestamp, "86400001", &Varint), "86400001");
    assert_eq!(casted(&Bigint, "86400000", &Date), "'1970-01-02'");
    assert!(cast(&Int, &Timestamp).is_ok());
    assert!(cast(&Timestamp, &Int).is_err());
}
