//! `CAST(x AS type)`: between numbers, between kinds of moments, and to text.

use bytes::Bytes;
use cellar_schema::{CqlType, value};

use super::number::{self, Decimal, Number, Reason};
use super::{ScalarFn, time};
use crate::plan::PlanError;

/// The function of a cast.
pub(super) fn cast(from: &CqlType, to: &CqlType) -> Result<ScalarFn, PlanError> {
    let name = format!("cast_as_{to}");
    if from == to {
        let same = |values: &[Option<Bytes>]| Ok(values.first().cloned().flatten());
        return Ok(ScalarFn::pure(name, vec![from.clone()], to.clone(), same));
    }
    match (from, to) {
        (CqlType::Ascii, CqlType::Text) => {
            let same = |values: &[Option<Bytes>]| Ok(values.first().cloned().flatten());
            Ok(ScalarFn::pure(name, vec![from.clone()], to.clone(), same))
        }
        (CqlType::Timeuuid, CqlType::Date | CqlType::Timestamp)
        | (CqlType::Timestamp, CqlType::Date)
        | (CqlType::Date, CqlType::Timestamp) => Ok(time::conversion(&name, from, to)),
        (_, CqlType::Ascii | CqlType::Text) if has_text(from) => Ok(to_text(name, from, to)),
        (_, CqlType::Counter) => Err(impossible(from, to)),
        _ if number::TYPES.contains(from) && number::TYPES.contains(to) => {
            Ok(to_number(name, from, to))
        }
        // Where only one cast to the type takes the bytes of another type, Cassandra uses it.
        (CqlType::Timestamp, CqlType::Bigint | CqlType::Varint) => {
            Ok(renamed(to_number(name, &CqlType::Bigint, to), from))
        }
        (CqlType::Bigint, CqlType::Date) => {
            Ok(renamed(time::conversion(&name, &CqlType::Timestamp, to), from))
        }
        (CqlType::Int, CqlType::Timestamp) => {
            Ok(renamed(time::conversion(&name, &CqlType::Date, to), from))
        }
        _ => Err(impossible(from, to)),
    }
}

/// A cast that takes the bytes of another type as they are.
fn renamed(mut cast: ScalarFn, from: &CqlType) -> ScalarFn {
    cast.arguments = vec![from.clone()];
    cast
}

fn impossible(from: &CqlType, to: &CqlType) -> PlanError {
    PlanError::invalid(format!("{from} cannot be cast to {to}"))
}

fn has_text(from: &CqlType) -> bool {
    number::TYPES.contains(from)
        || matches!(
            from,
            CqlType::Boolean
                | CqlType::Date
                | CqlType::Inet
                | CqlType::Time
                | CqlType::Timestamp
                | CqlType::Timeuuid
                | CqlType::Uuid
        )
}

/// As the literal is written, but without quotes; floating point numbers as Java writes them.
fn to_text(name: String, from: &CqlType, to: &CqlType) -> ScalarFn {
    let source = from.clone();
    ScalarFn::unary(name, from.clone(), to.clone(), move |bytes| {
        let text = match Number::read(&source, bytes) {
            Some(Number::Float(number)) => {
                number::java_text(f64::from(number), &format!("{number:e}"))
            }
            Some(Number::Double(number)) => number::java_text(number, &format!("{number:e}")),
            Some(Number::Decimal(number)) => number::decimal_text(&number.unscaled, number.scale),
            _ => value::to_text(&source, bytes).trim_matches('\'').to_owned(),
        };
        Ok(Some(value::text(&text)))
    })
}

fn to_number(name: String, from: &CqlType, to: &CqlType) -> ScalarFn {
    let (function, source, target) = (name.clone(), from.clone(), to.clone());
    ScalarFn::unary(name, from.clone(), to.clone(), move |bytes| {
        let read = Number::read(&source, bytes).ok_or("a number with too many digits");
        let written = read.and_then(|number| as_type(number, &target)?.write(&target));
        written
            .map(Some)
            .map_err(|reason| ScalarFn::failure(&function, std::slice::from_ref(&source), reason))
    })
}

/// A cast to decimal keeps the digits the number is written with; arithmetic does not.
fn as_type(number: Number, to: &CqlType) -> Result<Number, Reason> {
    if *to != CqlType::Decimal {
        return Ok(number);
    }
    Ok(Number::Decimal(match number {
        Number::Integer(number) => Decimal::new(number, 0),
        Number::Float(number) => Decimal::from_f32(number)?,
        other => other.into_decimal()?,
    }))
}
