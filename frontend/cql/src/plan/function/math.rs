//! `abs`, `exp`, `log`, `log10` and `round` of all numbers. The result has the type of the
//! argument, so that `exp` of an int is cut off to an int, as in Cassandra.

use cellar_schema::CqlType;

use super::ScalarFn;
use super::choose::Call;
use super::number::{self, Decimal, Number, Reason, series};
use crate::plan::PlanError;

/// Significant digits of a decimal result, and more if the argument has more.
const DIGITS_MIN: i64 = 32;

/// A function of this family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Abs,
    Exp,
    Log,
    Log10,
    Round,
}

/// The function of this family that a call means.
pub(super) fn find(call: &Call<'_>) -> Option<Result<ScalarFn, PlanError>> {
    let function = match call.name {
        "abs" => Function::Abs,
        "exp" => Function::Exp,
        "log" => Function::Log,
        "log10" => Function::Log10,
        "round" => Function::Round,
        _ => return None,
    };
    let candidates = number::TYPES.iter().map(|of| build(call.name, function, of));
    Some(call.among(candidates.collect()))
}

fn build(name: &str, function: Function, of: &CqlType) -> ScalarFn {
    let (source, called) = (of.clone(), name.to_owned());
    ScalarFn::unary(name, of.clone(), of.clone(), move |bytes| {
        let read = Number::read(&source, bytes).ok_or("a number with too many digits");
        let computed = read.and_then(|number| compute(function, number)?.write(&source));
        computed
            .map(Some)
            .map_err(|reason| ScalarFn::failure(&called, std::slice::from_ref(&source), reason))
    })
}

fn compute(function: Function, number: Number) -> Result<Number, Reason> {
    Ok(match number {
        Number::Integer(number) => match function {
            Function::Abs => Number::Integer(number.wrapping_abs()),
            Function::Round => Number::Integer(number),
            _ => Number::Double(transcendental(function, Number::Integer(number).to_f64())),
        },
        Number::Float(number) => match function {
            Function::Abs => Number::Float(number.abs()),
            // Java rounds a float to an int.
            Function::Round => {
                let bounded = rounded(number.into()).clamp(i32::MIN.into(), i32::MAX.into());
                Number::Integer(bounded)
            }
            _ => Number::Double(transcendental(function, number.into())),
        },
        Number::Double(number) => match function {
            Function::Abs => Number::Double(number.abs()),
            Function::Round => Number::Integer(rounded(number)),
            _ => Number::Double(transcendental(function, number)),
        },
        Number::Varint(number) => match function {
            Function::Abs => Number::Varint(number.magnitude().clone().into()),
            Function::Round => Number::Varint(number),
            _ => Number::Varint(exact(function, &Decimal::new(number, 0))?.whole()?),
        },
        Number::Decimal(number) => Number::Decimal(match function {
            Function::Abs if number.unscaled < num_bigint::BigInt::ZERO => number.negated(),
            Function::Abs => number,
            Function::Round => number.round()?,
            _ => exact(function, &number)?,
        }),
    })
}

fn transcendental(function: Function, number: f64) -> f64 {
    match function {
        Function::Exp => number.exp(),
        Function::Log => number.ln(),
        Function::Log10 => number.log10(),
        Function::Abs | Function::Round => number,
    }
}

fn exact(function: Function, number: &Decimal) -> Result<Decimal, Reason> {
    let digits = number.precision().max(DIGITS_MIN);
    match function {
        Function::Exp => series::exp(number, digits),
        Function::Log => series::ln(number, digits),
        Function::Log10 => series::log10(number, digits),
        Function::Abs | Function::Round => Ok(number.clone()),
    }
}

/// To the nearest whole number, halves upwards; NaN is 0.
fn rounded(number: f64) -> i64 {
    let floor = number.floor();
    let up = if number - floor >= 0.5 { floor + 1.0 } else { floor };
    Number::Double(up).to_i64()
}
