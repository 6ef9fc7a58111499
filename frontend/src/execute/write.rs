//! Writes: bound statements become one routed write; conditions answer with rows.

use bytes::Bytes;
use cellar_cell_api::ReadLevel;
use cellar_cql::plan::write::BoundWrite;
use cellar_schema::keys;

use super::{
    Answer, Done, Executor, Parameters, ResultRows,
    select::{FETCH_BYTES_MAX, joined},
};
use crate::{
    error::RequestError,
    meter::Charge,
    route::{Cursor, ReadSpan, RoutedWrite, WriteDone},
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
            logged: bound.logged,
            now_seconds: parameters.now_seconds,
        };
        let warnings = std::mem::take(&mut bound.warnings);
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
            return Ok(Done { answer: Answer::Void, charge, warnings });
        }
        let first = match bound.first_row_of(applied, &current) {
            Some(partition) => self.first_row(partition, parameters).await?,
            None => None,
        };
        let result = bound.cas_result(applied, &current, first.as_ref());
        let (columns, rows) = (result.columns.into(), result.rows);
        let answer = Answer::Rows(ResultRows { columns, rows, next: None });
        Ok(Done { answer, charge, warnings })
    }

    /// The suffix of the first live row of a partition.
    async fn first_row(
        &self,
        partition: &Bytes,
        parameters: &Parameters,
    ) -> Result<Option<Bytes>, RequestError> {
        let span = ReadSpan {
            start: joined(partition, &keys::rows_start()),
            end: joined(partition, &keys::rows_end()),
            reverse: false,
            columns: Some(Vec::new()),
            level: ReadLevel::Leader,
            probe: None,
            now_seconds: parameters.now_seconds,
        };
        let mut cursor = Cursor::new(span);
        while !cursor.is_done() {
            let page = self.route.read(&mut cursor, 1, FETCH_BYTES_MAX, parameters.timeout).await?;
            if let Some((key, _)) = page.page.rows.first() {
                return Ok(Some(keys::split(key).map_err(RequestError::key)?.1));
            }
        }
        Ok(None)
    }
}
