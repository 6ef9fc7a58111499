//! Values of the Rust driver in the text form of `infra/tests/drivers/CANONICAL.md`.

use std::fmt::Write as _;

use cellar_workload::date;
use scylla::value::CqlValue;

pub mod number;

/// A value of a row, or null.
#[must_use]
pub fn canonical(value: Option<&CqlValue>) -> String {
    match value {
        Some(value) => text(value),
        None => "null".to_owned(),
    }
}

fn text(value: &CqlValue) -> String {
    match value {
        CqlValue::Ascii(text) | CqlValue::Text(text) => quoted(text),
        CqlValue::Boolean(truth) => truth.to_string(),
        CqlValue::Blob(bytes) => blob(bytes),
        CqlValue::Counter(counter) => counter.0.to_string(),
        CqlValue::Decimal(decimal) => {
            let (unscaled, scale) = decimal.as_signed_be_bytes_slice_and_exponent();
            format!("{}e{}", number::digits(unscaled), -i64::from(scale))
        }
        CqlValue::Date(day) => quoted(&date::day_text(i64::from(day.0) - (1 << 31))),
        CqlValue::Double(number) => double(*number),
        CqlValue::Float(number) => float(*number),
        CqlValue::Duration(duration) => {
            format!("{}mo{}d{}ns", duration.months, duration.days, duration.nanoseconds)
        }
        CqlValue::Empty => "empty".to_owned(),
        CqlValue::TinyInt(number) => number.to_string(),
        CqlValue::SmallInt(number) => number.to_string(),
        CqlValue::Int(number) => number.to_string(),
        CqlValue::BigInt(number) => number.to_string(),
        CqlValue::Varint(number) => number::digits(number.as_signed_bytes_be_slice()),
        CqlValue::Timestamp(time) => time.0.to_string(),
        CqlValue::Time(time) => quoted(&time_of_day(time.0)),
        CqlValue::Inet(address) => quoted(&address.to_string()),
        CqlValue::Uuid(id) => id.to_string(),
        CqlValue::Timeuuid(id) => id.to_string(),
        CqlValue::List(items) | CqlValue::Vector(items) => format!("[{}]", joined(items)),
        CqlValue::Set(items) => format!("{{{}}}", joined(items)),
        CqlValue::Map(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| format!("{}: {}", text(key), text(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        CqlValue::Tuple(items) => {
            let items = items.iter().map(|item| canonical(item.as_ref()));
            format!("({})", items.collect::<Vec<_>>().join(", "))
        }
        CqlValue::UserDefinedType { fields, .. } => {
            let fields =
                fields.iter().map(|(name, value)| format!("{name}: {}", canonical(value.as_ref())));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        other => format!("a kind of value this runner does not know: {other:?}"),
    }
}

fn joined(items: &[CqlValue]) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn blob(bytes: &[u8]) -> String {
    let mut text = "0x".to_owned();
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn float(number: f32) -> String {
    match number.is_finite() {
        true => format!("{number:e}"),
        false => double(f64::from(number)),
    }
}

fn double(number: f64) -> String {
    match number {
        _ if number.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        _ => format!("{number:e}"),
    }
}

fn time_of_day(nanoseconds: i64) -> String {
    let (seconds, fraction) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    let (minutes, second) = (seconds / 60, seconds % 60);
    format!("{:02}:{:02}:{second:02}.{fraction:09}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use scylla::value::{CqlDate, CqlDecimal, CqlTime};

    use super::*;

    #[test]
    fn values_have_the_text_that_the_other_runners_give_them() {
        let days = |days: i64| CqlDate(u32::try_from((1_i64 << 31) + days).unwrap());
        for (value, expected) in [
            (CqlValue::Text("it's".into()), "'it''s'"),
            (CqlValue::Float(f32::MIN), "-3.4028235e38"),
            (CqlValue::Double(0.1), "1e-1"),
            (CqlValue::Double(-0.0), "-0e0"),
            (CqlValue::Float(f32::NEG_INFINITY), "-Infinity"),
            (CqlValue::Date(days(0)), "'1970-01-01'"),
            (CqlValue::Time(CqlTime(48_654_234_000_001)), "'13:30:54.234000001'"),
            (CqlValue::Blob(vec![0, 255]), "0x00ff"),
            (CqlValue::Tuple(vec![Some(CqlValue::Int(5)), None]), "(5, null)"),
        ] {
            assert_eq!(canonical(Some(&value)), expected);
        }
        let decimal = CqlDecimal::from_signed_be_bytes_and_exponent(vec![0x30, 0x39], 3);
        assert_eq!(canonical(Some(&CqlValue::Decimal(decimal))), "12345e-3");
        assert_eq!(canonical(None), "null");
    }
}
