//! `exp`, `ln` and `log10` of decimals to a wanted number of significant digits, in whole numbers
//! scaled by a power of ten.

use num_bigint::{BigInt, Sign};

use super::decimal::{Decimal, Reason, ten_to};

/// Digits computed beyond those wanted, so that rounding errors do not reach them.
const GUARD_DIGITS: i64 = 12;
/// Digits computed at most. Cassandra goes to 10 000; more than this takes too long for a row.
const DIGITS_MAX: i64 = 1_000;
/// Java's scale of a decimal has 32 bits, and so has the exponent.
const EXPONENT_MAX: f64 = 2_147_483_000.0;

/// e to this power.
pub(in crate::plan::function) fn exp(power: &Decimal, digits: i64) -> Result<Decimal, Reason> {
    let digits = digits.min(DIGITS_MAX);
    if power.unscaled.sign() == Sign::NoSign {
        return Ok(Decimal::new(1, 0));
    }
    // As many digits more as the power has before its point: they are lost to the exponent.
    let whole = (power.precision() - i64::from(power.scale)).max(0);
    if whole > 11 || super::scientific(power).parse::<f64>().map_or(true, out_of_reach) {
        return Err(if power.unscaled.sign() == Sign::Minus { "Underflow" } else { "Overflow" });
    }
    let work = digits + whole + GUARD_DIGITS;
    let one = ten_to(work)?;
    let fixed = fixed(power, work)?;
    // exp(x) = 10^n · exp(x - n · ln 10), and the rest is small.
    let ln_ten = ln_fixed(&(&one * 10), &one);
    let tens = floor_divide(&fixed, &ln_ten);
    let rest = &fixed - &tens * &ln_ten;
    let scale = BigInt::from(work) - tens;
    let scale = i32::try_from(&scale).map_err(|_| "Overflow")?;
    Decimal::new(exp_fixed(&rest, &one), scale).to_precision(digits)
}

fn out_of_reach(power: f64) -> bool {
    power.abs() > EXPONENT_MAX * std::f64::consts::LN_10
}

/// The natural logarithm of a number above zero.
pub(in crate::plan::function) fn ln(number: &Decimal, digits: i64) -> Result<Decimal, Reason> {
    if number.unscaled.sign() != Sign::Plus {
        return Err("Natural log of number zero or less");
    }
    let digits = digits.min(DIGITS_MAX);
    let (sum, work) = ln_sum(number, digits)?;
    Decimal::new(sum, work).to_precision(digits)?.tidied()
}

/// The logarithm to base 10 of a number above zero.
pub(in crate::plan::function) fn log10(number: &Decimal, digits: i64) -> Result<Decimal, Reason> {
    if number.unscaled.sign() != Sign::Plus {
        return Err("Log10 of number zero or less");
    }
    let digits = digits.min(DIGITS_MAX);
    let bare = number.clone().stripped()?;
    if bare.unscaled == BigInt::from(1) {
        return Ok(Decimal::new(-i64::from(bare.scale), 0));
    }
    let (sum, work) = ln_sum(number, digits)?;
    let one = ten_to(work.into())?;
    let quotient = sum * &one / ln_fixed(&(&one * 10), &one);
    Decimal::new(quotient, work).to_precision(digits)
}

/// ln of a number with the scale it comes in: the logarithm of its digits as a number from 1 to
/// 10, plus its magnitude times ln 10.
fn ln_sum(number: &Decimal, digits: i64) -> Result<(BigInt, i32), Reason> {
    // Near one the logarithm begins with as many zeros as the distance from one does. The series
    // gets shorter then: the fraction it takes powers of is as small.
    let distance = number.subtract(&Decimal::new(1, 0))?;
    let zeros = i64::from(distance.scale) - distance.precision();
    let work = digits + zeros.max(0) + GUARD_DIGITS;
    let one = ten_to(work)?;
    let scale = i32::try_from(work).map_err(|_| "Overflow")?;
    if zeros > 0 {
        return Ok((ln_fixed(&fixed(number, work)?, &one), scale));
    }
    let magnitude = number.precision() - i64::from(number.scale) - 1;
    let mantissa = Decimal { scale: 0, ..number.clone() };
    let mantissa = fixed(&mantissa, work - (number.precision() - 1))?;
    let tens = if magnitude == 0 { BigInt::ZERO } else { ln_fixed(&(&one * 10), &one) };
    Ok((ln_fixed(&mantissa, &one) + tens * magnitude, scale))
}

/// A decimal in units of 10^-work.
fn fixed(number: &Decimal, work: i64) -> Result<BigInt, Reason> {
    let shift = work - i64::from(number.scale);
    if shift >= 0 {
        return Ok(&number.unscaled * ten_to(shift)?);
    }
    if -shift > number.precision() {
        return Ok(BigInt::ZERO);
    }
    Ok(&number.unscaled / ten_to(-shift)?)
}

fn floor_divide(dividend: &BigInt, divisor: &BigInt) -> BigInt {
    let (quotient, rest) = (dividend / divisor, dividend % divisor);
    if rest.sign() == Sign::Minus { quotient - 1 } else { quotient }
}

/// exp of a small number: its Taylor series after halving it, then as many squarings.
fn exp_fixed(power: &BigInt, one: &BigInt) -> BigInt {
    const HALVINGS: usize = 16;
    // Squaring loses a bit or two each time; compute with that many digits more.
    let finer = BigInt::from(10_000_000_000_i64);
    let one = one * &finer;
    let power = (power * &finer) >> HALVINGS;
    let (mut sum, mut term, mut index) = (one.clone(), one.clone(), 0_u32);
    while term.sign() != Sign::NoSign && index < 10_000 {
        index += 1;
        term = &term * &power / &one / index;
        sum += &term;
    }
    for _ in 0..HALVINGS {
        sum = &sum * &sum / &one;
    }
    sum / finer
}

/// ln of a number from 0.5 to 10: ln m = ln(m / 2^k) + k · ln 2, each as twice the inverse
/// hyperbolic tangent of a fraction.
fn ln_fixed(number: &BigInt, one: &BigInt) -> BigInt {
    let mut reduced = number.clone();
    let mut halvings = 0_u32;
    while reduced > one * 3 / 2 {
        reduced >>= 1;
        halvings += 1;
    }
    let fraction = (&reduced - one) * one / (&reduced + one);
    let sum = artanh(&fraction, one) << 1;
    if halvings == 0 { sum } else { sum + (artanh(&(one / 3), one) << 1) * halvings }
}

/// Of a fraction of at most a third.
fn artanh(fraction: &BigInt, one: &BigInt) -> BigInt {
    let square = fraction * fraction / one;
    let (mut sum, mut power, mut index) = (fraction.clone(), fraction.clone(), 1_u32);
    while power.sign() != Sign::NoSign && index < 100_000 {
        power = &power * &square / one;
        index += 2;
        sum += &power / index;
    }
    sum
}

impl Decimal {
    /// Zero with scale 0.
    fn tidied(self) -> Result<Self, Reason> {
        if self.unscaled.sign() == Sign::NoSign { self.stripped() } else { Ok(self) }
    }
}
