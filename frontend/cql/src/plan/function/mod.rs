//! Scalar functions: which one a call means, and how it is computed. Functions are pure over
//! their arguments and the [`Env`] of the request.

mod arithmetic;
mod blob;
mod cast;
mod choose;
mod collection;
mod floor;
mod json;
mod mask;
mod math;
mod number;
mod temporal;
#[cfg(test)]
mod tests;
mod time;
mod token;
pub(crate) mod vector;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::CqlType;

use super::types::{Fit, fit};
use super::{Env, PlanError};
use crate::ast::{ArithmeticOperator, QualifiedName};
use choose::Call;

pub use arithmetic::Refusal;
pub(super) use number::{decimal_text, java_text};
pub use token::token;

/// What is known of an argument before the function is chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// A column, a call, a cast or a type hint: this type and no other.
    Typed(CqlType),
    /// A constant: this type by nature, others that accept the literal too.
    Constant(CqlType),
    /// A list of so many constants: a list of this type, or a vector of that dimension.
    Array(CqlType, usize),
    /// A bind marker or null: whatever is expected.
    Unknown,
}

/// Computes a value from argument values; null is `None`.
pub type Compute =
    Arc<dyn Fn(&Env, &[Option<Bytes>]) -> Result<Option<Bytes>, PlanError> + Send + Sync>;

/// A function chosen for given argument types.
#[derive(Clone)]
pub struct ScalarFn {
    /// Its name as in CQL, without keyspace.
    pub name: String,
    /// The types it takes.
    pub arguments: Vec<CqlType>,
    /// The type it gives.
    pub result: CqlType,
    /// Whether equal arguments always give equal results (not so for `now()`).
    pub pure: bool,
    /// The computation.
    pub compute: Compute,
}

impl fmt::Debug for ScalarFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({:?}) -> {:?}", self.name, self.arguments, self.result)
    }
}

/// Finds the function a call means; nothing if the family has none of that name.
type Family = fn(&Call<'_>) -> Option<Result<ScalarFn, PlanError>>;

const FAMILIES: [Family; 9] = [
    time::find,
    blob::find,
    json::find,
    math::find,
    floor::find,
    collection::find,
    mask::find,
    vector::find,
    token::find,
];

/// The function that `name(arguments)` means where `receiver` is expected.
///
/// # Errors
/// No such function, or none that takes these arguments.
pub fn resolve(
    name: &QualifiedName,
    arguments: &[Argument],
    receiver: Option<&CqlType>,
) -> Result<ScalarFn, PlanError> {
    if name.keyspace.as_ref().is_some_and(|keyspace| keyspace.as_str() != "system") {
        return Err(unknown(name));
    }
    let call = Call { name: name.name.as_str(), arguments, receiver };
    FAMILIES.iter().find_map(|family| family(&call)).unwrap_or_else(|| Err(unknown(name)))
}

/// The function that `left op right` means where `receiver` is expected.
///
/// # Errors
/// Operands that have no such operator, and operands that leave open which one is meant.
pub fn operator(
    operator: ArithmeticOperator,
    left: &Argument,
    right: &Argument,
    receiver: Option<&CqlType>,
) -> Result<ScalarFn, Refusal> {
    arithmetic::operator(operator, left, right, receiver)
}

/// The function that `-operand` means where `receiver` is expected.
///
/// # Errors
/// An operand that is not a number, or that leaves open which kind of number it is.
pub fn negation(operand: &Argument, receiver: Option<&CqlType>) -> Result<ScalarFn, PlanError> {
    arithmetic::negation(operand, receiver)
}

/// The function that `CAST(from AS to)` means.
///
/// # Errors
/// Types that cannot be cast.
pub fn cast(from: &CqlType, to: &CqlType) -> Result<ScalarFn, PlanError> {
    cast::cast(from, to)
}

/// The error for a name that is no function.
fn unknown(name: &QualifiedName) -> PlanError {
    PlanError::invalid(format!("Unknown function '{name}'"))
}

/// What computes a value from argument values alone.
trait Computes:
    Fn(&[Option<Bytes>]) -> Result<Option<Bytes>, PlanError> + Send + Sync + 'static
{
}

impl<F> Computes for F where
    F: Fn(&[Option<Bytes>]) -> Result<Option<Bytes>, PlanError> + Send + Sync + 'static
{
}

impl ScalarFn {
    /// A function that only looks at its arguments.
    fn pure(
        name: impl Into<String>,
        arguments: Vec<CqlType>,
        result: CqlType,
        compute: impl Computes,
    ) -> Self {
        let compute: Compute = Arc::new(move |_, values| compute(values));
        Self { name: name.into(), arguments, result, pure: true, compute }
    }

    /// A function of one argument that gives null for null and for the empty value.
    fn unary(
        name: impl Into<String>,
        argument: CqlType,
        result: CqlType,
        compute: impl Fn(&Bytes) -> Result<Option<Bytes>, PlanError> + Send + Sync + 'static,
    ) -> Self {
        Self::pure(name, vec![argument], result, move |values| match values {
            [Some(bytes)] if !bytes.is_empty() => compute(bytes),
            _ => Ok(None),
        })
    }

    /// The error for values this function cannot compute with.
    fn failure(name: &str, arguments: &[CqlType], reason: impl Into<String>) -> PlanError {
        let arguments = arguments.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        PlanError::FunctionFailure {
            function: format!("system.{name}[{arguments}]"),
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Typed(cql_type) => write!(f, "{cql_type}"),
            Self::Constant(cql_type) | Self::Array(cql_type, _) => {
                write!(f, "a constant of type {cql_type}")
            }
            Self::Unknown => f.write_str("?"),
        }
    }
}

impl Argument {
    /// How well this argument fits a parameter.
    #[must_use]
    pub fn fit(&self, parameter: &CqlType) -> Fit {
        match self {
            Self::Typed(given) => fit(parameter, given),
            Self::Constant(given) | Self::Array(given, _) if given == parameter => Fit::Exact,
            Self::Constant(given) | Self::Array(given, _) if constant_accepts(given, parameter) => {
                Fit::Weak
            }
            Self::Constant(_) | Self::Array(..) => Fit::No,
            Self::Unknown => Fit::Weak,
        }
    }
}

/// Whether a constant whose natural type is `natural` may be written for `parameter`.
#[must_use]
pub fn constant_accepts(natural: &CqlType, parameter: &CqlType) -> bool {
    use CqlType::{
        Ascii, Bigint, Blob, Boolean, Counter, Date, Decimal, Double, Duration, Float, Inet, Int,
        Smallint, Text, Time, Timestamp, Timeuuid, Tinyint, Uuid, Varint,
    };
    match natural {
        Text => matches!(parameter, Ascii | Text | Inet | Timestamp | Date | Time),
        Int | Bigint | Varint => matches!(
            parameter,
            Bigint
                | Counter
                | Date
                | Decimal
                | Double
                | Float
                | Int
                | Smallint
                | Time
                | Timestamp
                | Tinyint
                | Varint
        ),
        Double | Decimal => matches!(parameter, Decimal | Double | Float),
        Uuid => matches!(parameter, Uuid | Timeuuid),
        Boolean => *parameter == Boolean,
        Blob => *parameter == Blob,
        Duration => *parameter == Duration,
        other => parts_accept(other, parameter),
    }
}

/// The same for constants that have constants inside.
fn parts_accept(natural: &CqlType, parameter: &CqlType) -> bool {
    let part = |of: &CqlType, wanted: &CqlType| of == wanted || constant_accepts(of, wanted);
    match (natural, parameter) {
        (CqlType::List(x, _), CqlType::List(y, _) | CqlType::Vector(y, _))
        | (CqlType::Set(x, _), CqlType::Set(y, _)) => part(x, y),
        (CqlType::Map(k, v, _), CqlType::Map(l, w, _)) => part(k, l) && part(v, w),
        (CqlType::Tuple(x), CqlType::Tuple(y)) => {
            x.len() <= y.len() && x.iter().zip(y).all(|(x, y)| part(x, y))
        }
        _ => fit(parameter, natural) != Fit::No,
    }
}
