//! `toJson` and `fromJson`, in both spellings.

use cellar_schema::{CqlType, value};

use super::choose::Call;
use super::{Argument, ScalarFn};
use crate::plan::PlanError;
use crate::plan::json_text;

/// The function of this family that a call means.
pub(super) fn find(call: &Call<'_>) -> Option<Result<ScalarFn, PlanError>> {
    match call.name {
        "to_json" | "tojson" => Some(to_json(call)),
        "from_json" | "fromjson" => Some(from_json(call)),
        _ => None,
    }
}

fn to_json(call: &Call<'_>) -> Result<ScalarFn, PlanError> {
    let types = call.types(&["any"], 1)?;
    let [Some(from)] = types.as_slice() else { return Err(call.untold(0, &["any"])) };
    let source = from.clone();
    Ok(ScalarFn::pure(call.name, vec![from.clone()], CqlType::Text, move |values| {
        // Null has a JSON form too.
        let json = match values.first() {
            Some(Some(bytes)) => value::text(&json_text::text(&source, bytes)),
            _ => value::text("null"),
        };
        Ok(Some(json))
    }))
}

/// What the JSON must be is told by where the result goes.
fn from_json(call: &Call<'_>) -> Result<ScalarFn, PlanError> {
    let Some(receiver) = call.receiver else {
        return Err(PlanError::invalid(format!(
            "{}() cannot be used in the selection clause of a SELECT statement",
            call.name
        )));
    };
    call.check(&[CqlType::Text])?;
    let (name, target) = (call.name.to_owned(), receiver.clone());
    let argument = match call.arguments.first() {
        Some(Argument::Typed(CqlType::Ascii)) => CqlType::Ascii,
        _ => CqlType::Text,
    };
    Ok(ScalarFn::pure(call.name, vec![argument], receiver.clone(), move |values| {
        let Some(Some(bytes)) = values.first() else { return Ok(None) };
        let failed = |reason| ScalarFn::failure(&name, &[CqlType::Text], reason);
        let text = value::as_str(bytes).unwrap_or_default();
        let json = json_text::read(text)
            .map_err(|error| failed(format!("Could not decode JSON string '{text}': {error}")))?;
        value::from_json(&target, &json).map_err(|error| failed(error.to_string()))
    }))
}
