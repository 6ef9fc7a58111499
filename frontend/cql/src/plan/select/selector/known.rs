//! What is known of selectors before the functions they are arguments of are chosen.

use cellar_schema::{CqlType, Frozen};

use super::{Selection, name, token};
use crate::ast::{Arithmetic, Selector};
use crate::plan::function::{self, Argument};
use crate::plan::select::aggregate::AggregateCall;
use crate::plan::{PlanError, Scope, column, term, types};

impl Selection<'_> {
    /// What is known of a selector as an argument.
    pub(super) fn known(
        &self,
        scope: &Scope<'_>,
        selector: &Selector,
    ) -> Result<Argument, PlanError> {
        let keyspace = Some(self.table.keyspace.as_str());
        Ok(match selector {
            Selector::Column(name) => Argument::Typed(column(self.table, name)?.cql_type.clone()),
            Selector::Term(written) => term::argument(scope, written)?,
            Selector::CountRows => Argument::Typed(CqlType::Bigint),
            Selector::Function(name, _) if token::is_token(name) => {
                Argument::Typed(CqlType::Bigint)
            }
            Selector::Function(name, arguments) if AggregateCall::is_named(name) => {
                match arguments.as_slice() {
                    [only] => match self.type_of(scope, only)? {
                        Some(inner) => Argument::Typed(AggregateCall::result(name, &inner)?),
                        None => Argument::Unknown,
                    },
                    _ => Argument::Unknown,
                }
            }
            Selector::Function(name, arguments) => {
                let known = arguments.iter().map(|a| self.known(scope, a));
                let known = known.collect::<Result<Vec<_>, _>>()?;
                Argument::Typed(function::resolve(name, &known, None)?.result)
            }
            Selector::Cast(_, written) | Selector::TypeHint(written, _) => {
                Argument::Typed(types::resolve(scope, keyspace, written)?)
            }
            Selector::WriteTime(inner) => self.times_type(scope, inner, CqlType::Bigint)?,
            Selector::MaxWriteTime(_) => Argument::Typed(CqlType::Bigint),
            Selector::Ttl(inner) => self.times_type(scope, inner, CqlType::Int)?,
            Selector::Field(inner, field) => match self.type_of(scope, inner)? {
                Some(CqlType::Udt(udt, _)) => udt
                    .fields
                    .iter()
                    .find(|(name, _)| name == field.as_str())
                    .map_or(Argument::Unknown, |(_, t)| Argument::Typed(t.clone())),
                _ => Argument::Unknown,
            },
            Selector::Element(inner, _) => match self.type_of(scope, inner)? {
                Some(CqlType::Map(_, part, _) | CqlType::Set(part, _)) => Argument::Typed(*part),
                _ => Argument::Unknown,
            },
            Selector::Slice(inner, ..) => self.known(scope, inner)?,
            Selector::Tuple(_) | Selector::List(_) | Selector::Set(_) | Selector::Map(_) => {
                self.known_whole(scope, selector)?
            }
            Selector::Negate(inner) => {
                Argument::Typed(function::negation(&self.known(scope, inner)?, None)?.result)
            }
            Selector::Arithmetic(chain) => self.known_chain(scope, chain)?,
        })
    }

    fn known_chain(
        &self,
        scope: &Scope<'_>,
        chain: &Arithmetic<Selector>,
    ) -> Result<Argument, PlanError> {
        let mut left = self.known(scope, &chain.first)?;
        for (operator, operand) in &chain.rest {
            let right = self.known(scope, operand)?;
            if left == Argument::Unknown && right == Argument::Unknown {
                return Ok(Argument::Unknown);
            }
            let chosen = function::operator(*operator, &left, &right, None).map_err(|no| {
                no.of(*operator, &name::selector(&chain.first), &name::selector(operand))
            })?;
            left = Argument::Typed(chosen.result);
        }
        Ok(left)
    }

    /// What is known of a value put together from selectors.
    fn known_whole(&self, scope: &Scope<'_>, selector: &Selector) -> Result<Argument, PlanError> {
        Ok(match selector {
            Selector::Tuple(parts) => match parts.as_slice() {
                [only] => self.known(scope, only)?,
                parts => {
                    let types = parts.iter().map(|part| self.type_of(scope, part));
                    let types = types.collect::<Result<Option<Vec<_>>, _>>()?;
                    types.map_or(Argument::Unknown, |t| literal(parts, CqlType::Tuple(t)))
                }
            },
            Selector::List(parts) => match self.first(scope, parts)? {
                Some(part) => match literal(parts, CqlType::List(Box::new(part), Frozen::Yes)) {
                    Argument::Constant(list) => Argument::Array(list, parts.len()),
                    known => known,
                },
                None => Argument::Unknown,
            },
            Selector::Set(parts) => match self.first(scope, parts)? {
                Some(part) => literal(parts, CqlType::Set(Box::new(part), Frozen::Yes)),
                None => Argument::Unknown,
            },
            // As in Cassandra: it may as well be a user-defined type.
            _ => Argument::Unknown,
        })
    }

    /// The type of a selector, if it is known.
    pub(super) fn type_of(
        &self,
        scope: &Scope<'_>,
        selector: &Selector,
    ) -> Result<Option<CqlType>, PlanError> {
        Ok(match self.known(scope, selector)? {
            Argument::Typed(cql_type)
            | Argument::Constant(cql_type)
            | Argument::Array(cql_type, _) => Some(cql_type),
            Argument::Unknown => None,
        })
    }

    /// The first type that an element tells.
    pub(super) fn first(
        &self,
        scope: &Scope<'_>,
        parts: &[Selector],
    ) -> Result<Option<CqlType>, PlanError> {
        for part in parts {
            if let Some(found) = self.type_of(scope, part)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn times_type(
        &self,
        scope: &Scope<'_>,
        inner: &Selector,
        scalar: CqlType,
    ) -> Result<Argument, PlanError> {
        let whole = matches!(inner, Selector::Column(_) | Selector::Slice(..));
        let several = whole && self.type_of(scope, inner)?.is_some_and(|t| t.is_multi_cell());
        let list = |scalar| CqlType::List(Box::new(scalar), Frozen::Yes);
        Ok(Argument::Typed(if several { list(scalar) } else { scalar }))
    }
}

/// What is known of a list, set or tuple: one of constants takes the type that is wanted.
fn literal(parts: &[Selector], cql_type: CqlType) -> Argument {
    fn constant(part: &Selector) -> bool {
        match part {
            Selector::Term(_) => true,
            Selector::List(parts) | Selector::Set(parts) | Selector::Tuple(parts) => {
                parts.iter().all(constant)
            }
            _ => false,
        }
    }
    match parts.iter().all(constant) {
        true => Argument::Constant(cql_type),
        false => Argument::Typed(cql_type),
    }
}
