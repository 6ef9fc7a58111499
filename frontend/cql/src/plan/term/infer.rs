//! What the text alone tells of a term's type, for choosing functions and typing markers.

use cellar_schema::{CqlType, Frozen};

use super::literal::natural_type;
use super::prepare::so_far;
use crate::ast::Term;
use crate::plan::function::{self, Argument};
use crate::plan::select::term_name as named;
use crate::plan::{PlanError, Scope, types};

/// What is known of a term that is an argument of a function.
///
/// # Errors
/// Calls of unknown functions inside, unknown types.
pub fn argument(scope: &Scope<'_>, term: &Term) -> Result<Argument, PlanError> {
    Ok(match term {
        Term::Null | Term::Marker(_) => Argument::Unknown,
        Term::Literal(literal) => Argument::Constant(natural_type(literal)),
        Term::TypeHint(written, _) | Term::Cast(_, written) => {
            Argument::Typed(types::resolve(scope, None, written)?)
        }
        Term::Function(name, terms) => {
            Argument::Typed(function::resolve(name, &arguments(scope, terms)?, None)?.result)
        }
        Term::List(terms) => match common(scope, terms)? {
            Some(element) => {
                Argument::Array(CqlType::List(Box::new(element), Frozen::Yes), terms.len())
            }
            None => Argument::Unknown,
        },
        Term::Set(terms) => match common(scope, terms)? {
            Some(element) => Argument::Constant(CqlType::Set(Box::new(element), Frozen::Yes)),
            None => Argument::Unknown,
        },
        Term::Map(entries) => match entries.first() {
            Some((key, value)) => match (infer(scope, key)?, infer(scope, value)?) {
                (Some(k), Some(v)) => {
                    Argument::Constant(CqlType::Map(Box::new(k), Box::new(v), Frozen::Yes))
                }
                _ => Argument::Unknown,
            },
            None => Argument::Unknown,
        },
        Term::Tuple(terms) => tuple(scope, terms)?,
        Term::UserType(_) => Argument::Unknown,
        Term::Negate(inner) => {
            let operand = argument(scope, inner)?;
            match (function::negation(&operand, None), operand) {
                (Ok(function), Argument::Constant(_)) => Argument::Constant(function.result),
                (Ok(function), _) => Argument::Typed(function.result),
                (Err(_), _) => Argument::Unknown,
            }
        }
        Term::Arithmetic(chain) => {
            let mut left = argument(scope, &chain.first)?;
            for (position, (operator, term)) in chain.rest.iter().enumerate() {
                let right = argument(scope, term)?;
                if left == Argument::Unknown && right == Argument::Unknown {
                    return Ok(Argument::Unknown);
                }
                let function = function::operator(*operator, &left, &right, None)
                    .map_err(|no| no.of(*operator, &so_far(chain, position), &named(term)))?;
                let result = function.result;
                // What is computed of constants is as open as they are.
                left = match (left, right) {
                    (Argument::Constant(_), Argument::Constant(_)) => Argument::Constant(result),
                    _ => Argument::Typed(result),
                };
            }
            left
        }
    })
}

/// The type of a term, if its text tells.
///
/// # Errors
/// As [`argument`].
pub fn infer(scope: &Scope<'_>, term: &Term) -> Result<Option<CqlType>, PlanError> {
    Ok(match argument(scope, term)? {
        Argument::Typed(cql_type) | Argument::Constant(cql_type) | Argument::Array(cql_type, _) => {
            Some(cql_type)
        }
        Argument::Unknown => None,
    })
}

pub(super) fn arguments(scope: &Scope<'_>, terms: &[Term]) -> Result<Vec<Argument>, PlanError> {
    terms.iter().map(|term| argument(scope, term)).collect()
}

fn tuple(scope: &Scope<'_>, terms: &[Term]) -> Result<Argument, PlanError> {
    if let [only] = terms {
        return argument(scope, only);
    }
    let mut parts = Vec::with_capacity(terms.len());
    for term in terms {
        match infer(scope, term)? {
            Some(part) => parts.push(part),
            None => return Ok(Argument::Unknown),
        }
    }
    Ok(Argument::Constant(CqlType::Tuple(parts)))
}

/// The first type an element tells.
fn common(scope: &Scope<'_>, terms: &[Term]) -> Result<Option<CqlType>, PlanError> {
    for term in terms {
        if let Some(found) = infer(scope, term)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
