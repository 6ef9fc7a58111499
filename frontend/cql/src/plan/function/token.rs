//! `token()`: the place of a partition on the ring.

use cellar_schema::{CqlType, keys, value};

use super::choose::Call;
use super::{Argument, ScalarFn};
use crate::plan::PlanError;

/// `token()` over a partition key of these types, in key order; null if a component is null.
#[must_use]
pub fn token(partition_key: Vec<CqlType>) -> ScalarFn {
    ScalarFn::pure("token", partition_key, CqlType::Bigint, |values| {
        let Some(components) =
            values.iter().map(|value| value.as_deref()).collect::<Option<Vec<&[u8]>>>()
        else {
            return Ok(None);
        };
        let routing = keys::routing(&components);
        // No partition has an empty key: it stands for the beginning of the ring.
        let token = match routing.is_empty() {
            true => i64::MIN,
            false => cellar_schema::token::token(&routing),
        };
        Ok(Some(value::bigint(token)))
    })
}

/// `token()` where no table says what the types are: the arguments must tell. Callers that know
/// the table use [`token()`] instead.
pub(super) fn find(call: &Call<'_>) -> Option<Result<ScalarFn, PlanError>> {
    if call.name != "token" {
        return None;
    }
    let known = call.arguments.iter().map(|argument| match argument {
        Argument::Typed(cql_type) => Some(cql_type.clone()),
        Argument::Constant(_) | Argument::Array(..) | Argument::Unknown => None,
    });
    Some(match known.collect::<Option<Vec<_>>>() {
        Some(types) if !types.is_empty() => Ok(token(types)),
        Some(_) => Err(PlanError::invalid(
            "Invalid number of arguments in call to function system.token: the components of the \
             partition key are required but 0 provided",
        )),
        None => Err(PlanError::invalid(
            "Cannot infer type of an argument in call to function system.token: use type casts to \
             disambiguate",
        )),
    })
}
