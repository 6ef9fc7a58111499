//! Writes: bound statements become one routed write; conditions answer with rows.

use cellar_cql::plan::write::BoundWrite;

use super::{Answer, Done, Executor, Parameters, ResultRows};
use crate::{
    error::RequestError,
    meter::Charge,
    route::{RoutedWrite, WriteDone},
};

impl Executor {
    /// Applies a bound write or batch.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn write(
        &self,
        mut bound: BoundWrite,
        parameters: &Parameters,
    ) -> Result<Done, RequestError> {
        let routed = RoutedWrite {
            mutations: std::mem::take(&mut bound.mutations),
            conditions: std::mem::take(&mut bound.conditions),
            idempotent: bound.idempotent,
        };
        let conditional = !routed.conditions.is_empty();
        let done = self.route.write(routed, parameters.timeout).await?;
        let (applied, current, charge) = match done {
            WriteDone::Applied { written_bytes, previous } => {
                (true, previous, Charge::write(written_bytes))
            }
            WriteDone::NotApplied { current, read_bytes } => {
                (false, current, Charge::read(read_bytes, false))
            }
        };
        if !conditional {
            return Ok(Done { answer: Answer::Void, charge, warnings: Vec::new() });
        }
        let result = bound.cas_result(applied, &current);
        let (columns, rows) = (result.columns.into(), result.rows);
        let answer = Answer::Rows(ResultRows { columns, rows, next: None });
        Ok(Done { answer, charge, warnings: Vec::new() })
    }
}
