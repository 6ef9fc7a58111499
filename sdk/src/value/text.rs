//! Scalars as the text that CQL reads.

use num_bigint::{BigInt, Sign};

use super::{Value, calendar};

/// How many zeros a decimal shows before it changes to the form with an exponent.
const ZEROS_SHOWN_MAX: i64 = 40;

/// The text of a scalar; none for null, blobs and everything that holds other values.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    Some(match value {
        Value::Boolean(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Varint(value) => value.to_string(),
        Value::Decimal { unscaled, scale } => decimal(unscaled, *scale),
        Value::Float(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
        Value::Text(text) => text.clone(),
        Value::Uuid(value) => value.to_string(),
        Value::Inet(value) => value.to_string(),
        Value::Timestamp(ms) => calendar::timestamp(*ms),
        Value::Date(days) => calendar::date(*days),
        Value::Null | Value::Blob(_) | Value::List(_) | Value::Set(_) | Value::Map(_) => {
            return None;
        }
    })
}

/// Keeps every digit and the scale.
fn decimal(unscaled: &BigInt, scale: i64) -> String {
    let digits = unscaled.magnitude().to_string();
    let sign = if unscaled.sign() == Sign::Minus { "-" } else { "" };
    let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    if scale < 0 || scale.saturating_sub(length) > ZEROS_SHOWN_MAX {
        return format!("{sign}{digits}E{}", -i128::from(scale));
    }
    let zeros = usize::try_from(scale.saturating_sub(length) + 1).unwrap_or(0);
    let digits = format!("{}{digits}", "0".repeat(zeros));
    let point = digits.len().saturating_sub(usize::try_from(scale).unwrap_or(0));
    match digits.split_at_checked(point) {
        Some((whole, part)) => format!("{sign}{whole}.{part}"),
        None => format!("{sign}{digits}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_every_digit() {
        let shown = |unscaled: i64, scale| decimal(&BigInt::from(unscaled), scale);
        assert_eq!(shown(12_345, 2), "123.45");
        assert_eq!(shown(-5, 3), "-0.005");
        assert_eq!(shown(100, 2), "1.00");
        assert_eq!(shown(7, 0), "7");
        assert_eq!(shown(7, -3), "7E3");
        assert_eq!(shown(7, 100), "7E-100");
        assert_eq!(shown(0, 2), "0.00");
        assert_eq!(shown(1, i64::MIN), "1E9223372036854775808");
    }
}
