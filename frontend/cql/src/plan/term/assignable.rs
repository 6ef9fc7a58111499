//! Whether a term can be a value of a type, as far as its text alone tells: asked of the parts of
//! literals, so that the whole is named in the error.

use cellar_schema::CqlType;

use super::infer::argument;
use crate::ast::Term;
use crate::plan::function::{Argument, constant_accepts};
use crate::plan::select::term_name;
use crate::plan::types::{self, Fit};
use crate::plan::{ColumnSpec, PlanError, Scope};

/// Refuses a part of a literal that is not of the type it must have.
pub(super) fn check(
    scope: &Scope<'_>,
    part: &Term,
    expected: &CqlType,
    (literal, what): (&str, &str),
    receiver: &ColumnSpec,
) -> Result<(), PlanError> {
    if fits(scope, part, expected) {
        return Ok(());
    }
    let part = if what.starts_with("component") { String::new() } else { term_name(part) + " " };
    Err(PlanError::invalid(format!(
        "Invalid {literal} literal for {}: {what} {part}is not of type {expected}",
        receiver.name
    )))
}

fn fits(scope: &Scope<'_>, term: &Term, expected: &CqlType) -> bool {
    let all = |terms: &[Term], element: &CqlType| terms.iter().all(|t| fits(scope, t, element));
    match (term, expected) {
        (Term::Null | Term::Marker(_), _) => true,
        (Term::Literal(_), _) => match argument(scope, term) {
            Ok(Argument::Constant(natural)) => constant_accepts(&natural, expected),
            _ => true,
        },
        (Term::List(terms), CqlType::List(element, _)) => all(terms, element),
        (Term::List(terms), CqlType::Vector(element, dimensions)) => {
            terms.len() == usize::from(*dimensions) && all(terms, element)
        }
        (Term::Set(terms), CqlType::Set(element, _)) => all(terms, element),
        (Term::Set(terms), CqlType::Map(..) | CqlType::Udt(..)) => terms.is_empty(),
        (Term::Map(entries), CqlType::Map(key, value, _)) => {
            entries.iter().all(|(k, v)| fits(scope, k, key) && fits(scope, v, value))
        }
        (Term::Tuple(terms), CqlType::Tuple(types)) => {
            let mut pairs = terms.iter().zip(types);
            terms.len() <= types.len() && pairs.all(|(term, part)| fits(scope, term, part))
        }
        (Term::Tuple(terms), _) => match terms.as_slice() {
            [only] => fits(scope, only, expected),
            _ => false,
        },
        // What a user type has no field for is said where its fields are looked up.
        (Term::UserType(_), CqlType::Udt(..)) => true,
        (Term::List(_) | Term::Set(_) | Term::Map(_) | Term::UserType(_), _) => false,
        (Term::TypeHint(..) | Term::Cast(..), _) => match argument(scope, term) {
            Ok(Argument::Typed(given)) => types::fit(expected, &given) != Fit::No,
            _ => true,
        },
        // Which function is meant depends on what is expected.
        _ => true,
    }
}
