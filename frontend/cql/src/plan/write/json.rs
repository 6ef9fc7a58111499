//! `INSERT ... JSON`: one document gives the values of all columns.

use cellar_schema::{CqlType, Table, value};
use serde_json::{Map, Value};

use crate::ast::JsonDefault;
use crate::plan::json_text;
use crate::plan::term::Expr;
use crate::plan::{Binding, BoundValue, PlanError};

/// A document and how it is read; `Expr::Json(i)` is the value of the table's column `i`.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) text: Expr,
    pub(super) default: JsonDefault,
}

impl Document {
    /// The values of all columns, in the table's column order.
    pub(super) fn read(
        &self,
        table: &Table,
        binding: &Binding<'_>,
    ) -> Result<Vec<BoundValue>, PlanError> {
        let bytes = self
            .text
            .evaluate_set(binding, "JSON")?
            .ok_or_else(|| PlanError::invalid("Got null for INSERT JSON values"))?;
        let text = value::as_str(&bytes).unwrap_or_default();
        let mut fields = match json_text::read(text) {
            Ok(Value::Object(fields)) => folded(fields),
            Ok(Value::Null) => {
                return Err(PlanError::invalid("Got null for INSERT JSON values"));
            }
            Ok(_) => {
                return Err(PlanError::invalid(format!(
                    "Could not decode JSON string as a map: {text}"
                )));
            }
            Err(error) => {
                return Err(PlanError::invalid(format!(
                    "Could not decode JSON string as a map: {error}. (String was: {text})"
                )));
            }
        };
        let values = table
            .columns
            .iter()
            .map(|column| match fields.remove(&column.name) {
                None if self.default == JsonDefault::Unset => Ok(BoundValue::Unset),
                None | Some(Value::Null) => Ok(BoundValue::Null),
                Some(_) if column.cql_type == CqlType::Counter => {
                    Err(PlanError::invalid("INSERT JSON cannot set counters"))
                }
                Some(json) => value::from_json(&column.cql_type, &json)
                    .map(BoundValue::from)
                    .map_err(|error| {
                        PlanError::invalid(format!(
                            "Error decoding JSON value for {}: {error}",
                            column.name
                        ))
                    }),
            })
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(name) = fields.keys().next() {
            return Err(PlanError::invalid(format!(
                "JSON values map contains unrecognized column: {name}"
            )));
        }
        Ok(values)
    }
}

/// Names as CQL reads them: lower case unless they are in double quotes.
fn folded(fields: Map<String, Value>) -> Map<String, Value> {
    let fold = |name: String| match name.strip_prefix('"').and_then(|n| n.strip_suffix('"')) {
        Some(exact) => exact.replace("\"\"", "\""),
        None => name.to_lowercase(),
    };
    fields.into_iter().map(|(name, value)| (fold(name), value)).collect()
}
