//! `+ - * / %` and negation, between numbers of any two types, and between moments and durations;
//! `+` also puts texts together.
//! The result is as wide as the wider operand, and fractional if one of them is; whole numbers of
//! fixed width wrap around, as in Cassandra.

use bytes::Bytes;
use cellar_schema::CqlType;

use super::choose::{Choice, choose};
use super::number::{self, Number, Reason};
use super::{Argument, ScalarFn, temporal};
use crate::ast::ArithmeticOperator;
use crate::plan::PlanError;

/// Why operands have no operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No operator takes such operands.
    None,
    /// Several operators do.
    Several,
}

impl Refusal {
    /// The error, with the operands as they are written.
    #[must_use]
    pub fn of(self, operator: ArithmeticOperator, left: &str, right: &str) -> PlanError {
        let symbol = symbol(operator);
        PlanError::invalid(match self {
            Self::None => {
                format!("the '{symbol}' operation is not supported between {left} and {right}")
            }
            Self::Several => format!(
                "Ambiguous '{symbol}' operation with args {left} and {right}: use type hint to \
                 disambiguate, example '(int) ?'"
            ),
        })
    }
}

/// The function of an operator.
pub(super) fn operator(
    operator: ArithmeticOperator,
    left: &Argument,
    right: &Argument,
    receiver: Option<&CqlType>,
) -> Result<ScalarFn, Refusal> {
    let signatures = signatures(operator);
    let arguments = [left.clone(), right.clone()];
    let choices = signatures.iter().map(|(operands, result)| (operands.as_slice(), result));
    let index = match choose(choices, &arguments, receiver) {
        Choice::One(index) => Some(index),
        Choice::None => return Err(Refusal::None),
        // Two constants are of the type they are wanted as.
        Choice::Several(indexes) if !arguments.contains(&Argument::Unknown) => {
            indexes.into_iter().find(|index| {
                let operands = signatures.get(*index).map(|(operands, _)| operands);
                operands.is_some_and(|types| types.iter().all(|one| Some(one) == receiver))
            })
        }
        Choice::Several(_) => None,
    };
    let Some(([first, second], result)) = index.and_then(|index| signatures.get(index)) else {
        return Err(Refusal::Several);
    };
    Ok(build(operator, first, second, result))
}

/// Operands and result.
type Signature = ([CqlType; 2], CqlType);

fn signatures(operator: ArithmeticOperator) -> Vec<Signature> {
    let pairs = number::TYPES.iter().flat_map(|left| number::TYPES.iter().map(move |r| (left, r)));
    let numeric = pairs.map(|(left, right)| ([left.clone(), right.clone()], promoted(left, right)));
    let mut all = numeric.collect::<Vec<_>>();
    if matches!(operator, ArithmeticOperator::Add | ArithmeticOperator::Subtract) {
        for moment in [CqlType::Timestamp, CqlType::Date] {
            all.push(([moment.clone(), CqlType::Duration], moment));
        }
    }
    if operator == ArithmeticOperator::Add {
        use CqlType::{Ascii, Text};
        all.push(([Text, Text], Text));
        all.push(([Ascii, Ascii], Ascii));
        all.push(([Ascii, Text], Text));
        all.push(([Text, Ascii], Text));
    }
    all
}

/// The type of a result.
fn promoted(left: &CqlType, right: &CqlType) -> CqlType {
    let fractional =
        |of: &CqlType| matches!(of, CqlType::Float | CqlType::Double | CqlType::Decimal);
    match (bytes(left).max(bytes(right)), fractional(left) || fractional(right)) {
        (0..=4, true) => CqlType::Float,
        (8, true) => CqlType::Double,
        (_, true) => CqlType::Decimal,
        (1, false) => CqlType::Tinyint,
        (2, false) => CqlType::Smallint,
        (4, false) => CqlType::Int,
        (8, false) => CqlType::Bigint,
        (_, false) => CqlType::Varint,
    }
}

/// Width of a type of numbers; more than any for those without bound.
fn bytes(of: &CqlType) -> u8 {
    match of {
        CqlType::Tinyint => 1,
        CqlType::Smallint => 2,
        CqlType::Int | CqlType::Float => 4,
        CqlType::Bigint | CqlType::Counter | CqlType::Double => 8,
        _ => u8::MAX,
    }
}

fn symbol(operator: ArithmeticOperator) -> char {
    match operator {
        ArithmeticOperator::Add => '+',
        ArithmeticOperator::Subtract => '-',
        ArithmeticOperator::Multiply => '*',
        ArithmeticOperator::Divide => '/',
        ArithmeticOperator::Modulo => '%',
    }
}

fn name(operator: ArithmeticOperator) -> &'static str {
    match operator {
        ArithmeticOperator::Add => "_add",
        ArithmeticOperator::Subtract => "_substract",
        ArithmeticOperator::Multiply => "_multiply",
        ArithmeticOperator::Divide => "_divide",
        ArithmeticOperator::Modulo => "_modulo",
    }
}

fn build(
    operator: ArithmeticOperator,
    left: &CqlType,
    right: &CqlType,
    result: &CqlType,
) -> ScalarFn {
    let types = (left.clone(), right.clone(), result.clone());
    let arguments = vec![left.clone(), right.clone()];
    ScalarFn::pure(name(operator), arguments, result.clone(), move |values| {
        let [Some(left), Some(right)] = values else { return Ok(None) };
        if matches!(types.2, CqlType::Text | CqlType::Ascii) {
            return Ok(Some(Bytes::from([left.as_ref(), right].concat())));
        }
        if left.is_empty() || right.is_empty() {
            return Ok(None);
        }
        let (left_type, right_type, result) = &types;
        let computed = if *right_type == CqlType::Duration {
            let sign = if operator == ArithmeticOperator::Subtract { -1 } else { 1 };
            temporal::shift(left_type, left, right, sign)
        } else {
            numeric(operator, (left_type, left), (right_type, right), result).map_err(str::to_owned)
        };
        computed.map(Some).map_err(|reason| PlanError::OperationFailure {
            operation: format!("{left_type} {} {right_type}", symbol(operator)),
            reason,
        })
    })
}

fn numeric(
    operator: ArithmeticOperator,
    left: (&CqlType, &[u8]),
    right: (&CqlType, &[u8]),
    result: &CqlType,
) -> Result<Bytes, Reason> {
    let left = Number::read(left.0, left.1).ok_or("a number with too many digits")?;
    let right = Number::read(right.0, right.1).ok_or("a number with too many digits")?;
    compute(operator, left, right, result)?.write(result)
}

/// Computes with the precision of the result.
pub(super) fn compute(
    operator: ArithmeticOperator,
    left: Number,
    right: Number,
    result: &CqlType,
) -> Result<Number, Reason> {
    use ArithmeticOperator::{Add, Divide, Modulo, Multiply, Subtract};
    Ok(match result {
        CqlType::Float => {
            let (left, right) = (left.to_f32(), right.to_f32());
            Number::Float(match operator {
                Add => left + right,
                Subtract => left - right,
                Multiply => left * right,
                Divide => left / right,
                Modulo => left % right,
            })
        }
        CqlType::Double => {
            let (left, right) = (left.to_f64(), right.to_f64());
            Number::Double(match operator {
                Add => left + right,
                Subtract => left - right,
                Multiply => left * right,
                Divide => left / right,
                Modulo => left % right,
            })
        }
        CqlType::Varint => {
            let (left, right) = (left.to_varint()?, right.to_varint()?);
            if matches!(operator, Divide | Modulo) && right == num_bigint::BigInt::ZERO {
                return Err("BigInteger divide by zero");
            }
            Number::Varint(match operator {
                Add => left + right,
                Subtract => left - right,
                Multiply => left * right,
                Divide => left / right,
                Modulo => left % right,
            })
        }
        CqlType::Decimal => {
            let (left, right) = (left.into_decimal()?, right.into_decimal()?);
            Number::Decimal(match operator {
                Add => left.add(&right)?,
                Subtract => left.subtract(&right)?,
                Multiply => left.multiply(&right)?,
                Divide => left.divide(&right)?,
                Modulo => left.remainder(&right)?,
            })
        }
        _ => Number::Integer(whole(operator, left.to_i64(), right.to_i64())?),
    })
}

/// In 64 bits; narrower results are its low bits.
fn whole(operator: ArithmeticOperator, left: i64, right: i64) -> Result<i64, Reason> {
    use ArithmeticOperator::{Add, Divide, Modulo, Multiply, Subtract};
    if right == 0 && matches!(operator, Divide | Modulo) {
        return Err("/ by zero");
    }
    Ok(match operator {
        Add => left.wrapping_add(right),
        Subtract => left.wrapping_sub(right),
        Multiply => left.wrapping_mul(right),
        Divide => left.wrapping_div(right),
        Modulo => left.wrapping_rem(right),
    })
}

/// The function that negates.
pub(super) fn negation(
    operand: &Argument,
    receiver: Option<&CqlType>,
) -> Result<ScalarFn, PlanError> {
    let signatures = number::TYPES.iter().map(|one| (std::slice::from_ref(one), one));
    let index = match choose(signatures, std::slice::from_ref(operand), receiver) {
        Choice::One(index) => index,
        Choice::None => {
            return Err(PlanError::invalid(format!("negation is not supported for {operand}")));
        }
        Choice::Several(indexes) => {
            let wanted = |index: &usize| number::TYPES.get(*index) == receiver;
            indexes.into_iter().find(wanted).ok_or_else(|| {
                PlanError::invalid("Ambiguous negation: use type casts to disambiguate")
            })?
        }
    };
    let of = number::TYPES.get(index).cloned().unwrap_or(CqlType::Int);
    let (source, result) = (of.clone(), of.clone());
    Ok(ScalarFn::unary("_negate", of, result, move |bytes| {
        let negated = Number::read(&source, bytes).map(negated);
        let written = negated.ok_or("a number with too many digits").and_then(|n| n.write(&source));
        written.map(Some).map_err(|reason| PlanError::FunctionFailure {
            function: format!("-{source}"),
            reason: reason.to_owned(),
        })
    }))
}

fn negated(number: Number) -> Number {
    match number {
        Number::Integer(number) => Number::Integer(number.wrapping_neg()),
        Number::Float(number) => Number::Float(-number),
        Number::Double(number) => Number::Double(-number),
        Number::Varint(number) => Number::Varint(-number),
        Number::Decimal(number) => Number::Decimal(number.negated()),
    }
}
