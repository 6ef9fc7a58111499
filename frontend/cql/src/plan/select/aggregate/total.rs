//! Sums of numbers, as Cassandra adds them: whole numbers of fixed width wrap around, floating
//! ones are compensated, the others are exact.

use bytes::Bytes;
use cellar_schema::{CqlType, value};
use num_bigint::BigInt;

use crate::plan::PlanError;

/// Digits that two decimals may lie apart before adding them is refused: every digit between
/// them would have to be written down.
const DECIMAL_SPREAD_DIGITS_MAX: u32 = 10_000;

/// A sum so far.
#[derive(Clone, Debug)]
pub(in crate::plan::select) enum Total {
    /// Of at most 64 bits each: no number of rows overflows this.
    Whole(i128),
    Big(BigInt),
    Floating {
        sum: f64,
        compensation: f64,
        simple: f64,
    },
    Decimal {
        unscaled: BigInt,
        scale: i32,
    },
}

impl Total {
    /// Whether values of this type can be added.
    pub(super) fn is_for(cql_type: &CqlType) -> bool {
        matches!(
            cql_type,
            CqlType::Tinyint
                | CqlType::Smallint
                | CqlType::Int
                | CqlType::Bigint
                | CqlType::Counter
                | CqlType::Varint
                | CqlType::Float
                | CqlType::Double
                | CqlType::Decimal
        )
    }

    /// The sum of nothing.
    pub(super) fn zero(cql_type: &CqlType) -> Self {
        match cql_type {
            CqlType::Varint => Self::Big(BigInt::ZERO),
            CqlType::Float | CqlType::Double => {
                Self::Floating { sum: 0.0, compensation: 0.0, simple: 0.0 }
            }
            CqlType::Decimal => Self::Decimal { unscaled: BigInt::ZERO, scale: 0 },
            _ => Self::Whole(0),
        }
    }

    /// Adds a value; whether there was one (the empty value of old clients is none).
    pub(super) fn add(&mut self, cql_type: &CqlType, bytes: &[u8]) -> Result<bool, PlanError> {
        match self {
            Self::Whole(sum) => {
                let Some(number) = whole(cql_type, bytes) else { return Ok(false) };
                *sum = sum.wrapping_add(i128::from(number));
            }
            Self::Big(sum) => {
                let Some(number) = value::as_varint(bytes) else { return Ok(false) };
                *sum += number;
            }
            Self::Floating { sum, compensation, simple } => {
                let number = match cql_type {
                    CqlType::Float => value::as_f32(bytes).map(f64::from),
                    _ => value::as_f64(bytes),
                };
                let Some(number) = number else { return Ok(false) };
                *simple += number;
                let y = number - *compensation;
                let t = *sum + y;
                *compensation = (t - *sum) - y;
                *sum = t;
            }
            Self::Decimal { unscaled, scale } => {
                let Some((more, more_scale)) = value::as_decimal(bytes) else { return Ok(false) };
                let common = (*scale).max(more_scale);
                *unscaled =
                    rescaled(unscaled, *scale, common)? + rescaled(&more, more_scale, common)?;
                *scale = common;
            }
        }
        Ok(true)
    }

    /// The sum as a value of the type that was added.
    pub(super) fn sum(&self, cql_type: &CqlType) -> Bytes {
        match self {
            Self::Whole(sum) => wrapped(cql_type, *sum),
            Self::Big(sum) => value::varint(sum),
            Self::Floating { .. } => self.floating(cql_type, 1),
            Self::Decimal { unscaled, scale } => value::decimal(unscaled, *scale),
        }
    }

    /// The sum divided by the number of values; zero if there are none.
    pub(super) fn average(&self, cql_type: &CqlType, count: i64) -> Result<Bytes, PlanError> {
        let divisor = count.max(1);
        Ok(match self {
            Self::Whole(sum) => wrapped(cql_type, sum.wrapping_div(i128::from(divisor))),
            Self::Big(sum) => value::varint(&(sum / BigInt::from(divisor))),
            Self::Floating { .. } => self.floating(cql_type, divisor),
            Self::Decimal { unscaled, scale } => {
                value::decimal(&half_even(unscaled, &BigInt::from(divisor)), *scale)
            }
        })
    }

    fn floating(&self, cql_type: &CqlType, divisor: i64) -> Bytes {
        let Self::Floating { sum, compensation, simple } = self else { return Bytes::new() };
        let exact = *sum - *compensation;
        // Infinities leave no compensation behind but a number that is none.
        let total = if exact.is_nan() { *simple } else { exact };
        #[expect(clippy::cast_precision_loss, reason = "a count of rows is far below 2^53")]
        let result = total / divisor as f64;
        if *cql_type == CqlType::Float {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a float's sum is a float in CQL"
            )]
            return value::float(result as f32);
        }
        value::double(result)
    }
}

fn whole(cql_type: &CqlType, bytes: &[u8]) -> Option<i64> {
    match cql_type {
        CqlType::Tinyint => value::as_i8(bytes).map(i64::from),
        CqlType::Smallint => value::as_i16(bytes).map(i64::from),
        CqlType::Int => value::as_i32(bytes).map(i64::from),
        _ => value::as_i64(bytes),
    }
}

/// The low bytes of a number: it wraps around as the type does.
fn wrapped(cql_type: &CqlType, number: i128) -> Bytes {
    let width = match cql_type {
        CqlType::Tinyint => 1,
        CqlType::Smallint => 2,
        CqlType::Int => 4,
        _ => 8,
    };
    let bytes = number.to_be_bytes();
    Bytes::copy_from_slice(bytes.get(bytes.len().saturating_sub(width)..).unwrap_or(&[]))
}

fn rescaled(unscaled: &BigInt, from: i32, to: i32) -> Result<BigInt, PlanError> {
    let digits = i64::from(to).saturating_sub(i64::from(from));
    let digits = u32::try_from(digits).ok().filter(|digits| *digits <= DECIMAL_SPREAD_DIGITS_MAX);
    let digits = digits.ok_or_else(|| PlanError::FunctionFailure {
        function: "system.sum [decimal]".to_owned(),
        reason: format!("decimals more than {DECIMAL_SPREAD_DIGITS_MAX} digits apart"),
    })?;
    Ok(unscaled * BigInt::from(10).pow(digits))
}

/// The quotient, rounded to the nearest and from the middle to the even one.
fn half_even(dividend: &BigInt, divisor: &BigInt) -> BigInt {
    let quotient = dividend / divisor;
    let rest = dividend - &quotient * divisor;
    let twice: BigInt = BigInt::from(rest.magnitude().clone()) * 2;
    let odd = quotient.bit(0);
    match twice.cmp(divisor) {
        std::cmp::Ordering::Greater => away(&quotient, dividend),
        std::cmp::Ordering::Equal if odd => away(&quotient, dividend),
        _ => quotient,
    }
}

fn away(quotient: &BigInt, dividend: &BigInt) -> BigInt {
    if *dividend < BigInt::ZERO { quotient - 1 } else { quotient + 1 }
}
