//! Numbers of all CQL types, with the conversions of Java's `Number` that Cassandra computes by.

mod decimal;
pub(super) mod series;

use bytes::Bytes;
use cellar_schema::{CqlType, value};
use num_bigint::BigInt;

pub(super) use decimal::{Decimal, Reason};

/// All types of numbers.
pub(super) const TYPES: [CqlType; 9] = [
    CqlType::Tinyint,
    CqlType::Smallint,
    CqlType::Int,
    CqlType::Bigint,
    CqlType::Float,
    CqlType::Double,
    CqlType::Decimal,
    CqlType::Varint,
    CqlType::Counter,
];

/// A number.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Number {
    Integer(i64),
    Float(f32),
    Double(f64),
    Varint(BigInt),
    Decimal(Decimal),
}

impl Number {
    /// The number in these bytes; nothing for the empty value.
    pub(super) fn read(cql_type: &CqlType, bytes: &[u8]) -> Option<Self> {
        Some(match cql_type {
            CqlType::Tinyint => Self::Integer(value::as_i8(bytes)?.into()),
            CqlType::Smallint => Self::Integer(value::as_i16(bytes)?.into()),
            CqlType::Int => Self::Integer(value::as_i32(bytes)?.into()),
            CqlType::Bigint | CqlType::Counter => Self::Integer(value::as_i64(bytes)?),
            CqlType::Float => Self::Float(value::as_f32(bytes)?),
            CqlType::Double => Self::Double(value::as_f64(bytes)?),
            CqlType::Varint => Self::Varint(value::as_varint(bytes)?),
            CqlType::Decimal => Self::Decimal(Decimal::read(bytes)?),
            _ => return None,
        })
    }

    /// The number as a value of a type of numbers. Whole numbers lose the bits the type has no
    /// room for, as in Java.
    pub(super) fn write(self, cql_type: &CqlType) -> Result<Bytes, Reason> {
        Ok(match cql_type {
            CqlType::Tinyint => value::tinyint(low8(self.to_i32())),
            CqlType::Smallint => value::smallint(low16(self.to_i32())),
            CqlType::Int => value::int(self.to_i32()),
            CqlType::Bigint | CqlType::Counter => value::bigint(self.to_i64()),
            CqlType::Float => value::float(self.to_f32()),
            CqlType::Double => value::double(self.to_f64()),
            CqlType::Varint => {
                let bytes = value::varint(&self.to_varint()?);
                storable(bytes.len(), bytes)?
            }
            CqlType::Decimal => {
                let decimal = self.into_decimal()?;
                let bytes = value::decimal(&decimal.unscaled, decimal.scale);
                storable(bytes.len().saturating_sub(4), bytes)?
            }
            _ => return Err("not a type of numbers"),
        })
    }

    pub(super) fn to_i64(&self) -> i64 {
        match self {
            Self::Integer(number) => *number,
            Self::Float(number) => truncated(f64::from(*number)),
            Self::Double(number) => truncated(*number),
            Self::Varint(number) => low64(number),
            // A whole part too long to compute ends in zeros, in binary too.
            Self::Decimal(number) => number.whole().map_or(0, |whole| low64(&whole)),
        }
    }

    /// Floating point numbers end at the bounds of the type, others lose their high bits.
    fn to_i32(&self) -> i32 {
        let whole = self.to_i64();
        match self {
            Self::Float(_) | Self::Double(_) => {
                let bounded = whole.clamp(i32::MIN.into(), i32::MAX.into());
                i32::try_from(bounded).unwrap_or(i32::MAX)
            }
            _ => low32(whole),
        }
    }

    pub(super) fn to_f64(&self) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "to the nearest, as in Java")]
            Self::Integer(number) => *number as f64,
            Self::Float(number) => f64::from(*number),
            Self::Double(number) => *number,
            // Through text, which rounds to the nearest.
            Self::Varint(number) => number.to_string().parse().unwrap_or(f64::NAN),
            Self::Decimal(number) => scientific(number).parse().unwrap_or(f64::NAN),
        }
    }

    pub(super) fn to_f32(&self) -> f32 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "to the nearest, as in Java")]
            Self::Integer(number) => *number as f32,
            Self::Float(number) => *number,
            #[expect(clippy::cast_possible_truncation, reason = "to the nearest, as in Java")]
            Self::Double(number) => *number as f32,
            Self::Varint(number) => number.to_string().parse().unwrap_or(f32::NAN),
            Self::Decimal(number) => scientific(number).parse().unwrap_or(f32::NAN),
        }
    }

    pub(super) fn to_varint(&self) -> Result<BigInt, Reason> {
        match self {
            Self::Varint(number) => Ok(number.clone()),
            Self::Decimal(number) => number.whole(),
            _ => Ok(BigInt::from(self.to_i64())),
        }
    }

    /// As arithmetic takes it: small numbers through double, so that a whole number has the digit
    /// 0 after its point, and the scale of the result is that of Cassandra.
    pub(super) fn into_decimal(self) -> Result<Decimal, Reason> {
        match self {
            Self::Decimal(number) => Ok(number),
            Self::Varint(number) => Ok(Decimal::new(number, 0)),
            other => Decimal::from_f64(other.to_f64()),
        }
    }
}

/// Refuses numbers longer than any value may be.
fn storable(length: usize, bytes: Bytes) -> Result<Bytes, Reason> {
    if length > value::NUMBER_BYTES_MAX { Err("the result has too many digits") } else { Ok(bytes) }
}

fn scientific(number: &Decimal) -> String {
    format!("{}e{}", number.unscaled, -i64::from(number.scale))
}

#[expect(clippy::cast_possible_truncation, reason = "ends at the bounds, as in Java")]
fn truncated(number: f64) -> i64 {
    number as i64
}

#[expect(clippy::cast_possible_truncation, reason = "only the low bits count, as in Java")]
fn low32(number: i64) -> i32 {
    number as i32
}

#[expect(clippy::cast_possible_truncation, reason = "only the low bits count, as in Java")]
fn low16(number: i32) -> i16 {
    number as i16
}

#[expect(clippy::cast_possible_truncation, reason = "only the low bits count, as in Java")]
fn low8(number: i32) -> i8 {
    number as i8
}

fn low64(number: &BigInt) -> i64 {
    let mut bytes = number.to_signed_bytes_le();
    let sign = if number.sign() == num_bigint::Sign::Minus { 0xff } else { 0x00 };
    bytes.resize(bytes.len().max(8), sign);
    bytes.first_chunk::<8>().map_or(0, |low| i64::from_le_bytes(*low))
}

/// What Java's `BigDecimal` writes: with an exponent where plain digits would hide the scale or
/// be long.
pub(in crate::plan) fn decimal_text(unscaled: &BigInt, scale: i32) -> String {
    let (sign, digits) = (unscaled.sign(), unscaled.magnitude().to_string());
    let sign = if sign == num_bigint::Sign::Minus { "-" } else { "" };
    let count = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let exponent = count.saturating_sub(1).saturating_sub(i64::from(scale));
    if scale >= 0 && exponent >= -6 {
        let Ok(places) = usize::try_from(scale) else { return String::new() };
        if places == 0 {
            return format!("{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = places.saturating_add(1));
        let (whole, fraction) = padded.split_at(padded.len().saturating_sub(places));
        return format!("{sign}{whole}.{fraction}");
    }
    let (first, rest) = digits.split_at_checked(1).unwrap_or((&digits, ""));
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{first}{point}{rest}E{exponent:+}")
}

/// What Java writes for a floating point number whose shortest digits Rust writes as `shortest`,
/// in the form of `{:e}`.
pub(in crate::plan) fn java_text(number: f64, shortest: &str) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    let (sign, unsigned) = match shortest.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", shortest),
    };
    if number.is_infinite() {
        return format!("{sign}Infinity");
    }
    let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
    let digits = mantissa.replace('.', "");
    let exponent = exponent.parse::<i32>().unwrap_or(0);
    if digits == "0" {
        return format!("{sign}0.0");
    }
    if !(-3..7).contains(&exponent) {
        let (first, rest) = digits.split_at_checked(1).unwrap_or((&digits, ""));
        let rest = if rest.is_empty() { "0" } else { rest };
        return format!("{sign}{first}.{rest}E{exponent}");
    }
    let Ok(before) = usize::try_from(exponent + 1) else {
        let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0));
        return format!("{sign}0.{zeros}{digits}");
    };
    if before == 0 {
        return format!("{sign}0.{digits}");
    }
    match digits.split_at_checked(before) {
        Some((whole, fraction)) if !fraction.is_empty() => format!("{sign}{whole}.{fraction}"),
        _ => format!("{sign}{digits}{}.0", "0".repeat(before.saturating_sub(digits.len()))),
    }
}
