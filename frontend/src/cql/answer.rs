//! Answers as the protocol has them.

use std::sync::Arc;

use bytes::Bytes;
use cellar_cql::plan::{Plan, write::Write};
use cellar_metadata_api::{self as metadata, SchemaEvent};
use cellar_wire::{
    ColumnSpec, Consistency, Envelope, ErrorBody, FrameError, PreparedResult, Response,
    ResultMetadata, RowsContent, RowsResult, SchemaChange, SchemaChangeKind, SchemaTarget,
};

use super::{
    extensions::Agreement,
    prepared::{Current, Statement},
    types,
};
use crate::{
    error::RequestError,
    execute::{Answer, Done, ResultRows},
};

/// How the client wants the columns of a result described.
#[derive(Clone, Copy, Debug)]
pub(super) enum Describe<'a> {
    /// In full.
    Always,
    /// Not at all: it knows them.
    Skip,
    /// In full, with their new id, because those it knows are not these.
    Changed(&'a [u8; 16]),
}

/// The answer of a request that was done.
pub(super) fn done(done: Done, describe: Describe<'_>) -> Envelope {
    let response = match done.answer {
        Answer::Void => Response::ResultVoid,
        Answer::Keyspace(name) => Response::SetKeyspace(name),
        Answer::Schema(event) => Response::SchemaChange(schema_change(event)),
        Answer::Rows(rows) => Response::Rows(rows_result(rows, describe)),
    };
    let mut envelope = Envelope::new(response);
    envelope.warnings = done.warnings;
    // The Java driver 4 looks for the payload where the warnings stand; it closes the connection
    // over an answer with both.
    if envelope.warnings.is_empty() {
        envelope.payload = vec![("RequestCharge".to_owned(), done.charge.payload())];
    }
    envelope
}

fn rows_result(rows: ResultRows, describe: Describe<'_>) -> RowsResult {
    let mut metadata = ResultMetadata::new(types::columns(&rows.columns));
    metadata.paging_state = rows.next;
    match describe {
        Describe::Always => {}
        Describe::Skip => metadata.no_metadata = true,
        Describe::Changed(id) => metadata.new_metadata_id = Some(*id),
    }
    RowsResult { metadata, rows: RowsContent::Rows(rows.rows) }
}

/// The answer of a request that was not.
pub(super) fn failed(
    error: &RequestError,
    consistency: Consistency,
    agreement: Agreement,
) -> Envelope {
    let body = match error {
        RequestError::Overloaded { write, .. } if agreement.rate_limit => ErrorBody::RateLimit {
            message: error.to_string(),
            code: ErrorBody::RATE_LIMIT_CODE,
            write: *write,
            // A queue of the cell is full, whichever frontend asks.
            rejected_by_coordinator: false,
        },
        error => error.to_cql(consistency),
    };
    Envelope::new(Response::Error(body))
}

/// The answer to bytes that are no request.
pub(super) fn frame_error(error: &FrameError) -> Envelope {
    Envelope::new(Response::Error(error.to_error_body()))
}

/// The answer of PREPARE.
pub(super) fn prepared(statement: &Statement, current: &Current, agreement: Agreement) -> Envelope {
    let planned = &current.planned;
    let columns = planned.columns.as_deref();
    let none: Arc<[ColumnSpec]> = Arc::from([]);
    let mut envelope = Envelope::new(Response::Prepared(PreparedResult {
        id: Bytes::copy_from_slice(&statement.id),
        result_metadata_id: Some(current.columns_id),
        variables: types::columns(&planned.variables),
        pk_indexes: planned.partition_key_variables.clone(),
        conditional: agreement.conditional_mark && is_conditional(&planned.plan),
        result: ResultMetadata::new(columns.map_or(none, types::columns)),
    }));
    envelope.warnings.clone_from(&planned.warnings);
    envelope
}

fn is_conditional(plan: &Plan) -> bool {
    match plan {
        Plan::Write(write) => write.is_conditional(),
        Plan::Batch(batch) => batch.writes().iter().any(Write::is_conditional),
        _ => false,
    }
}

/// A schema change as drivers are told of it.
pub(super) fn schema_change(event: SchemaEvent) -> SchemaChange {
    let name = event.name.unwrap_or_default();
    SchemaChange {
        change: match event.kind {
            metadata::SchemaChangeKind::Created => SchemaChangeKind::Created,
            metadata::SchemaChangeKind::Updated => SchemaChangeKind::Updated,
            metadata::SchemaChangeKind::Dropped => SchemaChangeKind::Dropped,
        },
        keyspace: event.keyspace,
        target: match event.target {
            metadata::SchemaTarget::Keyspace => SchemaTarget::Keyspace,
            metadata::SchemaTarget::Table => SchemaTarget::Table(name),
            metadata::SchemaTarget::Type => SchemaTarget::Type(name),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_warning_or_says_its_charge_but_never_both() {
        let answer = |warnings: &[&str]| {
            let warnings = warnings.iter().map(|text| (*text).to_owned()).collect();
            done(Done { warnings, ..Done::free(Answer::Void) }, Describe::Always)
        };
        let quiet = answer(&[]);
        assert_eq!((quiet.warnings.len(), quiet.payload.len()), (0, 1));
        let warned = answer(&["careful"]);
        assert_eq!((warned.warnings.len(), warned.payload.len()), (1, 0));
    }
}
