//! Decimals as text, and how long numbers may be.

use num_bigint::BigInt;

/// Two's complement of a varint, or of a decimal's unscaled value: 39 000 decimal digits. To and
/// from decimal digits takes time that grows with the square of the length; at this length it is
/// about a millisecond. Cassandra has no limit.
pub const NUMBER_BYTES_MAX: usize = 16 << 10;

/// Decimal digits that surely fit [`NUMBER_BYTES_MAX`].
pub(super) const NUMBER_DIGITS_MAX: usize = 39_000;

/// Zeros written out at most; a number with more is written with an exponent. Cassandra writes
/// them all, up to two billion.
const MAX_ZEROS: i64 = 1_000;

/// Reads a decimal as Java's `BigDecimal` does: the scale is kept, `1.10` is 110 with scale 2.
pub(super) fn parse_decimal(text: &str) -> Option<(BigInt, i32)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let only_digits = digits.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    let length = digits.len() + fraction.len();
    if !only_digits || length == 0 || length > NUMBER_DIGITS_MAX {
        return None;
    }
    let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    let unscaled = format!("{whole}{fraction}").parse().ok()?;
    Some((unscaled, i32::try_from(scale).ok()?))
}

/// Reads a varint.
pub(super) fn parse_varint(text: &str) -> Option<BigInt> {
    // The parser of big numbers would also take underscores between digits.
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let only_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    (only_digits && digits.len() <= NUMBER_DIGITS_MAX).then(|| text.parse().ok()).flatten()
}

/// Writes a decimal without exponent, unless it is too long that way.
pub(super) fn print_decimal(unscaled: &BigInt, scale: i32) -> String {
    let text = unscaled.to_string();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.as_str()),
    };
    if scale == 0 {
        return text;
    }
    let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let whole = length.saturating_sub(i64::from(scale));
    if whole < -MAX_ZEROS || i64::from(scale) < -MAX_ZEROS {
        return format!("{sign}{digits}e{}", -i64::from(scale));
    }
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
    if scale < 0 {
        if digits == "0" {
            return text;
        }
        return format!("{sign}{digits}{}", zeros(-i64::from(scale)));
    }
    match usize::try_from(whole).ok().filter(|whole| *whole > 0) {
        Some(whole) => {
            let (whole, fraction) = digits.split_at_checked(whole).unwrap_or((digits, ""));
            format!("{sign}{whole}.{fraction}")
        }
        None => format!("{sign}0.{}{digits}", zeros(-whole)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail loudly")]
    use num_bigint::BigInt;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_keep_their_scale() {
        for (text, unscaled, scale, printed) in [
            ("1.10", 110, 2, "1.10"),
            ("-0.05", -5, 2, "-0.05"),
            ("+5", 5, 0, "5"),
            (".5", 5, 1, "0.5"),
            ("5.", 5, 0, "5"),
            ("1e3", 1, -3, "1000"),
            ("1.5E-3", 15, 4, "0.0015"),
            ("1e2000", 1, -2000, "1e2000"),
            ("1e-2000", 1, 2000, "1e-2000"),
            ("0e5", 0, -5, "0"),
            // The smallest scale, found by `cellar-fuzz values`: it printed and did not read back.
            ("1e2147483648", 1, i32::MIN, "1e2147483648"),
            ("1e-2147483647", 1, i32::MAX, "1e-2147483647"),
        ] {
            assert_eq!(parse_decimal(text), Some((BigInt::from(unscaled), scale)), "{text}");
            assert_eq!(print_decimal(&BigInt::from(unscaled), scale), printed);
        }
        for text in ["", ".", "-", "e5", "1e", "1e99999999999", "1.2.3", "0x1", "1_0", "--1"] {
            assert_eq!(parse_decimal(text), None, "{text}");
        }
        assert_eq!(parse_decimal("1e2147483649"), None);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_the_same_number(unscaled: i128, scale in -3000_i32..3000) {
            let (read, at) = parse_decimal(&print_decimal(&unscaled.into(), scale)).unwrap();
            let ten = BigInt::from(10);
            let shift = |n: i32| ten.pow(u32::try_from(n.max(0)).unwrap());
            prop_assert_eq!(
                read * shift(scale - at),
                BigInt::from(unscaled) * shift(at - scale)
            );
        }
    }
}
