//! Types as written become types of the schema; which types can stand for which.

pub(in crate::plan) mod class;

use std::sync::Arc;

use cellar_schema::{CqlType, Frozen};

use super::{PlanError, Scope};
use crate::ast;
use crate::ast::NativeType;

/// Resolves a type as written, looking user-defined types up in `keyspace` (the session's when
/// `None`).
///
/// # Errors
/// Unknown types, and shapes CQL refuses.
pub fn resolve(
    scope: &Scope<'_>,
    keyspace: Option<&str>,
    written: &ast::CqlType,
) -> Result<CqlType, PlanError> {
    Resolver { scope, keyspace }.resolve(written, false)
}

struct Resolver<'s, 'a> {
    scope: &'s Scope<'a>,
    keyspace: Option<&'s str>,
}

impl Resolver<'_, '_> {
    fn resolve(&self, written: &ast::CqlType, frozen: bool) -> Result<CqlType, PlanError> {
        let flag = if frozen { Frozen::Yes } else { Frozen::No };
        Ok(match written {
            ast::CqlType::Native(native) => self::native(*native),
            ast::CqlType::List(element) => {
                CqlType::List(Box::new(self.element(written, element, frozen)?), flag)
            }
            ast::CqlType::Set(element) => {
                CqlType::Set(Box::new(self.element(written, element, frozen)?), flag)
            }
            ast::CqlType::Map(key, value) => CqlType::Map(
                Box::new(self.element(written, key, frozen)?),
                Box::new(self.element(written, value, frozen)?),
                flag,
            ),
            ast::CqlType::Tuple(types) => CqlType::Tuple(
                types.iter().map(|t| self.resolve(t, true)).collect::<Result<_, _>>()?,
            ),
            ast::CqlType::Vector(element, dimensions) => {
                let dimensions = u16::try_from(*dimensions).ok().filter(|n| *n > 0);
                let dimensions = dimensions.ok_or_else(|| {
                    PlanError::invalid("vectors may only have positive dimensions below 65536")
                })?;
                CqlType::Vector(Box::new(self.resolve(element, true)?), dimensions)
            }
            ast::CqlType::Frozen(inner) => return self.frozen(inner),
            ast::CqlType::User(name) => {
                CqlType::Udt(self.scope.user_type(name, self.keyspace)?, flag)
            }
            ast::CqlType::Custom(class) => return class::resolve(self, class, flag),
        })
    }

    fn element(
        &self,
        outer: &ast::CqlType,
        element: &ast::CqlType,
        frozen: bool,
    ) -> Result<CqlType, PlanError> {
        let resolved = self.resolve(element, frozen)?;
        if resolved == CqlType::Counter {
            return Err(PlanError::invalid(format!(
                "Counters are not allowed inside collections: {outer}"
            )));
        }
        if resolved.is_multi_cell() {
            let what = if resolved.is_collection() { "collections" } else { "UDTs" };
            return Err(PlanError::invalid(format!(
                "Non-frozen {what} are not allowed inside collections: {outer}"
            )));
        }
        Ok(resolved)
    }

    fn frozen(&self, inner: &ast::CqlType) -> Result<CqlType, PlanError> {
        match inner {
            ast::CqlType::Native(native) => Err(PlanError::syntax(format!(
                "frozen<> is only allowed on collections, tuples, and user-defined types (got {})",
                native.name()
            ))),
            ast::CqlType::Custom(class) => Err(PlanError::syntax(format!(
                "frozen<> is only allowed on collections, tuples, and user-defined types (got \
                 '{class}')"
            ))),
            _ => self.resolve(inner, true),
        }
    }
}

fn native(native: NativeType) -> CqlType {
    match native {
        NativeType::Ascii => CqlType::Ascii,
        NativeType::Bigint => CqlType::Bigint,
        NativeType::Blob => CqlType::Blob,
        NativeType::Boolean => CqlType::Boolean,
        NativeType::Counter => CqlType::Counter,
        NativeType::Date => CqlType::Date,
        NativeType::Decimal => CqlType::Decimal,
        NativeType::Double => CqlType::Double,
        NativeType::Duration => CqlType::Duration,
        NativeType::Float => CqlType::Float,
        NativeType::Inet => CqlType::Inet,
        NativeType::Int => CqlType::Int,
        NativeType::Smallint => CqlType::Smallint,
        NativeType::Text => CqlType::Text,
        NativeType::Time => CqlType::Time,
        NativeType::Timestamp => CqlType::Timestamp,
        NativeType::Timeuuid => CqlType::Timeuuid,
        NativeType::Tinyint => CqlType::Tinyint,
        NativeType::Uuid => CqlType::Uuid,
        NativeType::Varint => CqlType::Varint,
    }
}

/// How well a value of one type can stand where another is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// Not at all.
    No,
    /// Its bytes are a value of the other type.
    Weak,
    /// The same type.
    Exact,
}

/// Whether two types are the same, however they are frozen.
#[must_use]
pub fn same(a: &CqlType, b: &CqlType) -> bool {
    match (a, b) {
        (CqlType::List(x, _), CqlType::List(y, _)) | (CqlType::Set(x, _), CqlType::Set(y, _)) => {
            same(x, y)
        }
        (CqlType::Map(k, v, _), CqlType::Map(l, w, _)) => same(k, l) && same(v, w),
        (CqlType::Tuple(x), CqlType::Tuple(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y))
        }
        (CqlType::Udt(x, _), CqlType::Udt(y, _)) => {
            Arc::ptr_eq(x, y) || (x.keyspace == y.keyspace && x.name == y.name)
        }
        (CqlType::Vector(x, n), CqlType::Vector(y, m)) => n == m && same(x, y),
        _ => a == b,
    }
}

/// How well a value of type `given` can be stored where `expected` is wanted.
#[must_use]
pub fn fit(expected: &CqlType, given: &CqlType) -> Fit {
    if same(expected, given) {
        return Fit::Exact;
    }
    let weak = match (expected, given) {
        (CqlType::Text, CqlType::Ascii)
        | (CqlType::Uuid, CqlType::Timeuuid)
        | (CqlType::Bigint, CqlType::Timestamp)
        | (CqlType::Timestamp | CqlType::Time, CqlType::Bigint)
        | (CqlType::Date, CqlType::Int)
        | (CqlType::Varint, CqlType::Int | CqlType::Bigint | CqlType::Timestamp)
        | (CqlType::Blob, _) => true,
        (CqlType::List(x, _), CqlType::List(y, _)) | (CqlType::Set(x, _), CqlType::Set(y, _)) => {
            fit(x, y) != Fit::No
        }
        (CqlType::Map(k, v, _), CqlType::Map(l, w, _)) => {
            fit(k, l) != Fit::No && fit(v, w) != Fit::No
        }
        (CqlType::Tuple(x), CqlType::Tuple(y)) => {
            y.len() <= x.len() && x.iter().zip(y).all(|(x, y)| fit(x, y) != Fit::No)
        }
        _ => false,
    };
    if weak { Fit::Weak } else { Fit::No }
}

/// What a type with durations inside is called; durations have no order, and so it has none.
#[must_use]
pub fn holding_durations(cql_type: &CqlType) -> Option<&'static str> {
    let what = match cql_type {
        CqlType::List(..) | CqlType::Set(..) | CqlType::Map(..) => "collections",
        CqlType::Tuple(_) => "tuples",
        CqlType::Udt(..) => "UDTs",
        _ => return None,
    };
    has_duration(cql_type).then_some(what)
}

fn has_duration(cql_type: &CqlType) -> bool {
    match cql_type {
        CqlType::Duration => true,
        CqlType::List(part, _) | CqlType::Set(part, _) | CqlType::Vector(part, _) => {
            has_duration(part)
        }
        CqlType::Map(key, part, _) => has_duration(key) || has_duration(part),
        CqlType::Tuple(types) => types.iter().any(has_duration),
        CqlType::Udt(udt, _) => udt.fields.iter().any(|(_, field)| has_duration(field)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_found_inside_of_other_types() {
        let list = |of: CqlType| CqlType::List(Box::new(of), Frozen::Yes);
        let pair = CqlType::Tuple(vec![CqlType::Int, list(CqlType::Duration)]);
        assert_eq!(holding_durations(&pair), Some("tuples"));
        assert_eq!(holding_durations(&list(pair)), Some("collections"));
        assert_eq!(holding_durations(&list(CqlType::Int)), None);
        assert_eq!(holding_durations(&CqlType::Duration), None);
    }
}
