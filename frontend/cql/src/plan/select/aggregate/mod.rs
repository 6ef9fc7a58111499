//! `count`, `min`, `max`, `sum` and `avg` over the rows of a group.

mod total;

use bytes::Bytes;
use cellar_schema::{CqlType, value};

use super::selector::{Context, Sel};
use crate::ast::QualifiedName;
use crate::plan::PlanError;
use total::Total;

/// An aggregate over the rows of a group.
#[derive(Clone, Debug)]
pub(super) struct AggregateCall {
    kind: Kind,
    argument: Option<Sel>,
    argument_type: CqlType,
    pub(super) result: CqlType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Count,
    Min,
    Max,
    Sum,
    Average,
}

/// An aggregate while rows come.
#[derive(Clone, Debug)]
pub(super) enum Accumulator {
    Count(i64),
    Best(Option<Bytes>),
    Total(Total, i64),
}

impl Kind {
    fn named(name: &QualifiedName) -> Option<Self> {
        if name.keyspace.as_ref().is_some_and(|keyspace| keyspace.as_str() != "system") {
            return None;
        }
        Some(match name.name.as_str() {
            "count" => Self::Count,
            "min" => Self::Min,
            "max" => Self::Max,
            "sum" => Self::Sum,
            "avg" => Self::Average,
            _ => return None,
        })
    }
}

impl AggregateCall {
    /// Whether a call of this function is an aggregate.
    pub(super) fn is_named(name: &QualifiedName) -> bool {
        Kind::named(name).is_some()
    }

    /// The type that the aggregate of this name gives over values of this type.
    pub(super) fn result(name: &QualifiedName, argument: &CqlType) -> Result<CqlType, PlanError> {
        match Kind::named(name) {
            Some(Kind::Count) => Ok(CqlType::Bigint),
            Some(Kind::Sum | Kind::Average) if !Total::is_for(argument) => {
                Err(PlanError::invalid(format!(
                    "Invalid call to function {}, none of its type signatures match (known type \
                     signatures: those of the numeric types; it was called with {argument})",
                    name.name
                )))
            }
            _ => Ok(argument.clone()),
        }
    }

    /// `count(*)`
    pub(super) fn rows() -> Self {
        let (argument_type, result) = (CqlType::Bigint, CqlType::Bigint);
        Self { kind: Kind::Count, argument: None, argument_type, result }
    }

    /// The aggregate of this name over a selector.
    pub(super) fn over(
        name: &QualifiedName,
        argument: Sel,
        argument_type: &CqlType,
    ) -> Result<Self, PlanError> {
        let result = Self::result(name, argument_type)?;
        let kind = Kind::named(name).unwrap_or(Kind::Count);
        Ok(Self { kind, argument: Some(argument), argument_type: argument_type.clone(), result })
    }

    /// The state before the first row.
    pub(super) fn start(&self) -> Accumulator {
        match self.kind {
            Kind::Count => Accumulator::Count(0),
            Kind::Min | Kind::Max => Accumulator::Best(None),
            Kind::Sum | Kind::Average => Accumulator::Total(Total::zero(&self.argument_type), 0),
        }
    }

    /// Takes a row.
    pub(super) fn add(
        &self,
        accumulator: &mut Accumulator,
        context: &Context<'_>,
    ) -> Result<(), PlanError> {
        let value = match &self.argument {
            None => None,
            Some(argument) => match argument.evaluate(context)? {
                Some(value) => Some(value),
                None => return Ok(()),
            },
        };
        match (accumulator, value) {
            (Accumulator::Count(count), _) => *count = count.saturating_add(1),
            (Accumulator::Best(best), Some(value)) => {
                let better = best.as_ref().is_none_or(|best| {
                    let order = value::compare(&self.argument_type, &value, best);
                    if self.kind == Kind::Min { order.is_lt() } else { order.is_gt() }
                });
                if better {
                    *best = Some(value);
                }
            }
            (Accumulator::Total(total, count), Some(value)) => {
                if total.add(&self.argument_type, &value)? {
                    *count = count.saturating_add(1);
                }
            }
            (_, None) => {}
        }
        Ok(())
    }

    /// The result.
    pub(super) fn finish(&self, accumulator: &Accumulator) -> Result<Option<Bytes>, PlanError> {
        Ok(match accumulator {
            Accumulator::Count(count) => Some(value::bigint(*count)),
            Accumulator::Best(best) => best.clone(),
            Accumulator::Total(total, _) if self.kind == Kind::Sum => {
                Some(total.sum(&self.argument_type))
            }
            Accumulator::Total(total, count) => Some(total.average(&self.argument_type, *count)?),
        })
    }
}
