//! Decimals with the arithmetic of Cassandra 5.0, which is that of Java's `BigDecimal` with at
//! most 10 000 digits.

use std::cmp::Ordering;

use cellar_schema::value;
use num_bigint::{BigInt, Sign};

/// Digits a result keeps.
const PRECISION_MAX: i64 = 10_000;
/// Digits after the point that a quotient has at least, and significant digits.
const QUOTIENT_SCALE_MIN: i64 = 32;
/// Digits after the point that a quotient has at most.
const QUOTIENT_SCALE_MAX: i64 = 1_000;
/// Zeros appended to a number at most while computing with it: the digits the longest stored
/// number has, and those that results keep. Beyond them lie results nobody can store.
const SHIFT_MAX: i64 = 60_000;

/// `unscaled × 10^-scale`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plan::function) struct Decimal {
    pub(in crate::plan::function) unscaled: BigInt,
    pub(in crate::plan::function) scale: i32,
}

/// Why there is no result, as Java words it.
pub(in crate::plan::function) type Reason = &'static str;

const OVERFLOW: Reason = "Overflow";

impl Decimal {
    pub(in crate::plan::function) fn new(unscaled: impl Into<BigInt>, scale: i32) -> Self {
        Self { unscaled: unscaled.into(), scale }
    }

    /// The decimal in these bytes.
    pub(in crate::plan::function) fn read(bytes: &[u8]) -> Option<Self> {
        value::as_decimal(bytes).map(|(unscaled, scale)| Self { unscaled, scale })
    }

    /// The decimal a double is written as: `BigDecimal.valueOf(double)`.
    pub(in crate::plan::function) fn from_f64(value: f64) -> Result<Self, Reason> {
        if value.is_nan() {
            return Err("A NaN cannot be converted into a decimal");
        }
        if value.is_infinite() {
            return Err("An infinite number cannot be converted into a decimal");
        }
        Self::from_java(&super::java_text(value, &format!("{value:e}"))).ok_or(OVERFLOW)
    }

    /// The decimal a float is written as.
    pub(in crate::plan::function) fn from_f32(value: f32) -> Result<Self, Reason> {
        if !value.is_finite() {
            return Self::from_f64(f64::from(value));
        }
        let text = super::java_text(f64::from(value), &format!("{value:e}"));
        Self::from_java(&text).ok_or(OVERFLOW)
    }

    /// Reads what Java writes for a floating point number.
    fn from_java(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once('E') {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let unscaled = format!("{whole}{fraction}").parse().ok()?;
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        Some(Self { unscaled, scale })
    }

    fn is_zero(&self) -> bool {
        self.unscaled.sign() == Sign::NoSign
    }

    /// Significant digits; zero has one.
    pub(in crate::plan::function) fn precision(&self) -> i64 {
        digits(&self.unscaled)
    }

    pub(in crate::plan::function) fn add(&self, other: &Self) -> Result<Self, Reason> {
        let scale = self.scale.max(other.scale);
        let (large, small) =
            if self.magnitude() >= other.magnitude() { (self, other) } else { (other, self) };
        // Numbers so far apart that the smaller cannot change a digit the result keeps.
        let gap = large.magnitude() - small.magnitude();
        let longest = large.precision().max(PRECISION_MAX) + 2;
        if large.is_zero() || small.is_zero() || gap > longest {
            let kept = if large.is_zero() { small } else { large };
            return kept.rounded()?.padded(scale);
        }
        let unscaled = self.unscaled_at(scale)? + other.unscaled_at(scale)?;
        Self { unscaled, scale }.rounded()
    }

    pub(in crate::plan::function) fn subtract(&self, other: &Self) -> Result<Self, Reason> {
        self.add(&other.negated())
    }

    pub(in crate::plan::function) fn multiply(&self, other: &Self) -> Result<Self, Reason> {
        let scale = self.scale.checked_add(other.scale).ok_or(OVERFLOW)?;
        Self { unscaled: &self.unscaled * &other.unscaled, scale }.rounded()
    }

    /// With as many digits as Cassandra computes, without zeros at the end.
    pub(in crate::plan::function) fn divide(&self, other: &Self) -> Result<Self, Reason> {
        if other.is_zero() {
            return Err("BigInteger divide by zero");
        }
        let first_digit = self.magnitude() - other.magnitude();
        let scale = (QUOTIENT_SCALE_MIN - first_digit)
            .max(i64::from(self.scale))
            .max(i64::from(other.scale))
            .clamp(QUOTIENT_SCALE_MIN, QUOTIENT_SCALE_MAX);
        let shift = scale + i64::from(other.scale) - i64::from(self.scale);
        let quotient = if shift >= 0 {
            divide_half_up(&self.unscaled * ten_to(shift)?, &other.unscaled)
        } else if -shift > self.precision() + 1 {
            BigInt::ZERO
        } else {
            divide_half_up(self.unscaled.clone(), &(&other.unscaled * ten_to(-shift)?))
        };
        Self { unscaled: quotient, scale: i32::try_from(scale).map_err(|_| OVERFLOW)? }.stripped()
    }

    /// What is left of whole multiples of `other`; the sign is that of this number.
    pub(in crate::plan::function) fn remainder(&self, other: &Self) -> Result<Self, Reason> {
        if other.is_zero() {
            return Err(if self.is_zero() { "Division undefined" } else { "Division by zero" });
        }
        if self.is_zero() || self.magnitude() < other.magnitude() - 1 {
            return Ok(self.clone());
        }
        let scale = self.scale.max(other.scale);
        let (dividend, divisor) = (self.unscaled_at(scale)?, other.unscaled_at(scale)?);
        let quotient = &dividend / &divisor;
        if quotient.sign() == Sign::NoSign {
            return Ok(self.clone());
        }
        // Java computes this - quotient × other, where zeros at the end of the quotient save
        // digits after the point.
        let savable = (i64::from(other.scale) - i64::from(self.scale)).max(0);
        let saved = trailing_zeros(&quotient).min(savable);
        let exact = (i64::from(other.scale) - saved).max(i64::from(self.scale));
        let surplus = ten_to(i64::from(scale) - exact)?;
        let unscaled = (dividend % divisor) / surplus;
        Ok(Self { unscaled, scale: i32::try_from(exact).map_err(|_| OVERFLOW)? })
    }

    /// The mean of `count` numbers of which this is the sum, at the same scale; halves to even.
    pub(in crate::plan::function) fn divided_by_count(&self, count: i64) -> Self {
        let (quotient, rest) = (&self.unscaled / count, &self.unscaled % count);
        let twice = rest.magnitude() * 2_u8;
        let odd = quotient.bit(0);
        let away = match BigInt::from(twice).cmp(&BigInt::from(count)) {
            Ordering::Greater => true,
            Ordering::Equal => odd,
            Ordering::Less => false,
        };
        let step = if rest.sign() == Sign::Minus { -1 } else { 1 };
        let unscaled = if away { quotient + step } else { quotient };
        Self { unscaled, scale: self.scale }
    }

    pub(in crate::plan::function) fn negated(&self) -> Self {
        Self { unscaled: -&self.unscaled, scale: self.scale }
    }

    /// To a whole number; halves away from zero.
    pub(in crate::plan::function) fn round(&self) -> Result<Self, Reason> {
        Ok(Self { unscaled: self.unscaled_rounded(0)?, scale: 0 })
    }

    /// The digits before the point.
    pub(in crate::plan::function) fn whole(&self) -> Result<BigInt, Reason> {
        if self.scale <= 0 {
            return self.unscaled_at(0);
        }
        if self.magnitude() <= 0 {
            return Ok(BigInt::ZERO);
        }
        Ok(&self.unscaled / ten_to(i64::from(self.scale))?)
    }

    /// The unscaled value at another scale; halves away from zero where digits are lost.
    fn unscaled_rounded(&self, scale: i32) -> Result<BigInt, Reason> {
        if scale >= self.scale {
            return self.unscaled_at(scale);
        }
        let lost = i64::from(self.scale) - i64::from(scale);
        if lost > self.precision() + 1 {
            return Ok(BigInt::ZERO);
        }
        Ok(divide_half_up(self.unscaled.clone(), &ten_to(lost)?))
    }

    /// The unscaled value at a scale not below its own.
    fn unscaled_at(&self, scale: i32) -> Result<BigInt, Reason> {
        if self.is_zero() {
            return Ok(BigInt::ZERO);
        }
        Ok(&self.unscaled * ten_to(i64::from(scale) - i64::from(self.scale))?)
    }

    /// How many digits are before the point; negative when zeros follow it.
    fn magnitude(&self) -> i64 {
        self.precision() - i64::from(self.scale)
    }

    /// To the digits a result keeps.
    fn rounded(&self) -> Result<Self, Reason> {
        // That many bits are fewer digits; counting digits takes long.
        if self.unscaled.bits() < 33_000 {
            return Ok(self.clone());
        }
        self.to_precision(PRECISION_MAX)
    }

    /// To this many significant digits; halves away from zero.
    pub(in crate::plan::function) fn to_precision(&self, precision: i64) -> Result<Self, Reason> {
        let mut rounded = self.clone();
        // Rounding 9.99 up gives one digit more, so it may take a second step.
        while rounded.precision() > precision {
            let scale = i64::from(rounded.scale) - (rounded.precision() - precision);
            let scale = i32::try_from(scale).map_err(|_| OVERFLOW)?;
            rounded = Self { unscaled: rounded.unscaled_rounded(scale)?, scale };
        }
        Ok(rounded)
    }

    /// With zeros at the end up to this scale, as far as the digits a result keeps allow.
    fn padded(self, scale: i32) -> Result<Self, Reason> {
        let room = PRECISION_MAX - self.precision();
        let wanted = i64::from(scale) - i64::from(self.scale);
        let added = if self.is_zero() { wanted } else { wanted.min(room) }.max(0);
        let scale = i32::try_from(i64::from(self.scale) + added).map_err(|_| OVERFLOW)?;
        Ok(Self { unscaled: self.unscaled_at(scale)?, scale })
    }

    /// Without zeros at the end.
    pub(in crate::plan::function) fn stripped(self) -> Result<Self, Reason> {
        if self.is_zero() {
            return Ok(Self::new(0, 0));
        }
        let zeros = trailing_zeros(&self.unscaled);
        let scale = i32::try_from(i64::from(self.scale) - zeros).map_err(|_| OVERFLOW)?;
        Ok(Self { unscaled: self.unscaled / ten_to(zeros)?, scale })
    }
}

fn digits(number: &BigInt) -> i64 {
    i64::try_from(number.magnitude().to_string().len()).unwrap_or(i64::MAX)
}

fn trailing_zeros(number: &BigInt) -> i64 {
    let text = number.magnitude().to_string();
    let kept = text.trim_end_matches('0').len();
    if kept == 0 { 0 } else { i64::try_from(text.len() - kept).unwrap_or(0) }
}

/// 10 to a power that is not negative.
pub(in crate::plan::function) fn ten_to(power: i64) -> Result<BigInt, Reason> {
    let small = u32::try_from(power).ok().filter(|_| power <= SHIFT_MAX);
    small.map(|power| BigInt::from(10).pow(power)).ok_or(OVERFLOW)
}

/// Halves away from zero.
fn divide_half_up(dividend: BigInt, divisor: &BigInt) -> BigInt {
    let (quotient, rest) = (&dividend / divisor, &dividend % divisor);
    if rest.magnitude() * 2_u8 < *divisor.magnitude() {
        return quotient;
    }
    let negative = (dividend.sign() == Sign::Minus) != (divisor.sign() == Sign::Minus);
    if negative { quotient - 1 } else { quotient + 1 }
}
