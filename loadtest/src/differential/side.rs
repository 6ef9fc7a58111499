//! One of the two services: sends statements through the stock driver and keeps what they return.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use scylla::{
    client::{
        PoolSize, execution_profile::ExecutionProfile, session::Session,
        session_builder::SessionBuilder,
    },
    cluster::metadata::ColumnType,
    errors::{DbError, ExecutionError, PrepareError, RequestAttemptError},
    policies::retry::FallthroughRetryPolicy,
    response::{PagingState, PagingStateResponse, query_result::QueryResult},
    serialize::{
        SerializationError,
        value::SerializeValue,
        writers::{CellWriter, WrittenCellProof},
    },
    statement::{
        Consistency, Statement,
        batch::{Batch, BatchType},
        prepared::PreparedStatement,
    },
    value::Row,
};

use super::statement::{Bound, Generated};
use crate::{canonical::canonical, raw::RawRow};

/// What a statement returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Refused, with the code of the protocol.
    Error {
        code: i32,
        message: String,
    },
    /// Done, without rows.
    Void,
    Rows(Rows),
    /// The driver and not the service failed: a lost connection, bytes that it cannot read.
    Driver(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rows {
    /// Name and type of each column.
    pub(super) columns: Vec<(String, String)>,
    /// Name and type of each marker, of prepared statements.
    pub(super) markers: Vec<(String, String)>,
    pub(super) rows: Vec<Vec<Value>>,
}

/// A value as it came: its bytes, and the text of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) text: String,
}

/// A connection to one service.
pub(super) struct Side {
    pub(super) name: &'static str,
    session: Session,
}

impl Side {
    pub(super) async fn connect(name: &'static str, node: &str) -> Result<Side> {
        let profile = ExecutionProfile::builder()
            .consistency(Consistency::One)
            .retry_policy(Arc::new(FallthroughRetryPolicy))
            .request_timeout(Some(Duration::from_secs(60)))
            .build();
        let session = SessionBuilder::new()
            .known_node(node)
            .default_execution_profile_handle(profile.into_handle())
            .fetch_schema_metadata(false)
            .pool_size(PoolSize::PerHost(std::num::NonZeroUsize::MIN))
            .build()
            .await
            .with_context(|| format!("cannot connect to {name} at {node}"))?;
        Ok(Side { name, session })
    }

    pub(super) async fn run(&self, statement: &Generated) -> Outcome {
        match self.attempt(statement).await {
            Ok(outcome) => outcome,
            Err(Failed::Execution(error)) => {
                let attempt = match &error {
                    ExecutionError::LastAttemptError(attempt) => Some(attempt),
                    ExecutionError::PrepareError(error) => attempt_of(error),
                    _ => None,
                };
                refused(attempt, &error)
            }
            Err(Failed::Prepare(error)) => refused(attempt_of(&error), &error),
            Err(Failed::Read(error)) => Outcome::Driver(format!("{error:#}")),
        }
    }

    /// Runs a statement without values.
    pub(super) async fn text(&self, text: impl Into<String>) -> Outcome {
        self.run(&Generated::plain(text)).await
    }

    /// Sends a batch as a message of its own.
    async fn batch(&self, generated: &Generated) -> Result<Outcome, Failed> {
        let counters = generated.text.contains(" + ") && generated.time.is_some();
        let kind = if counters { BatchType::Unlogged } else { BatchType::Logged };
        let mut batch = Batch::new(kind);
        batch.set_timestamp(generated.time);
        let mut values: Vec<Vec<Sent>> = Vec::new();
        for (text, bound) in &generated.parts {
            batch.append_statement(Statement::new(text));
            values.push(bound.iter().cloned().map(Sent).collect());
        }
        let result = self.session.batch(&batch, values).await.map_err(Failed::Execution)?;
        let rows = rows(result, Vec::new()).map_err(Failed::Read)?;
        Ok(rows.map_or(Outcome::Void, Outcome::Rows))
    }

    async fn attempt(&self, generated: &Generated) -> Result<Outcome, Failed> {
        if !generated.parts.is_empty() {
            return self.batch(generated).await;
        }
        let mut statement = Statement::new(&generated.text);
        statement.set_timestamp(generated.time);
        if let Some(rows) = generated.page_rows {
            statement.set_page_size(rows);
        }
        let mut prepared = None;
        if !generated.values.is_empty() {
            prepared =
                Some(self.session.prepare(statement.clone()).await.map_err(Failed::Prepare)?);
        }
        let values: Vec<Sent> = generated.values.iter().cloned().map(Sent).collect();
        if generated.page_rows.is_none() {
            let result = match &prepared {
                Some(prepared) => self.session.execute_unpaged(prepared, &values).await,
                None => self.session.query_unpaged(statement, ()).await,
            };
            let markers = prepared.as_ref().map(markers).unwrap_or_default();
            let rows = rows(result.map_err(Failed::Execution)?, markers).map_err(Failed::Read)?;
            return Ok(rows.map_or(Outcome::Void, Outcome::Rows));
        }
        self.pages(&statement, prepared.as_ref(), &values).await
    }

    async fn pages(
        &self,
        statement: &Statement,
        prepared: Option<&PreparedStatement>,
        values: &[Sent],
    ) -> Result<Outcome, Failed> {
        let mut state = PagingState::start();
        let mut all: Option<Rows> = None;
        loop {
            let result = match &prepared {
                Some(prepared) => self.session.execute_single_page(prepared, &values, state).await,
                None => self.session.query_single_page(statement.clone(), (), state).await,
            };
            let (result, next) = result.map_err(Failed::Execution)?;
            let markers = prepared.map(markers).unwrap_or_default();
            let Some(page) = rows(result, markers).map_err(Failed::Read)? else {
                return Ok(Outcome::Void);
            };
            match &mut all {
                None => all = Some(page),
                Some(all) => all.rows.extend(page.rows),
            }
            match next {
                PagingStateResponse::HasMorePages { state: next } => state = next,
                PagingStateResponse::NoMorePages => {
                    return Ok(all.map_or(Outcome::Void, Outcome::Rows));
                }
            }
        }
    }
}

/// A value as it is sent.
struct Sent(Bound);

impl SerializeValue for Sent {
    fn serialize<'b>(
        &self,
        _: &ColumnType<'_>,
        writer: CellWriter<'b>,
    ) -> Result<WrittenCellProof<'b>, SerializationError> {
        match &self.0 {
            Bound::Bytes(bytes) => writer.set_value(bytes).map_err(SerializationError::new),
            Bound::Null => Ok(writer.set_null()),
            Bound::Unset => Ok(writer.set_unset()),
        }
    }
}

enum Failed {
    Execution(ExecutionError),
    Prepare(PrepareError),
    Read(anyhow::Error),
}

fn attempt_of(error: &PrepareError) -> Option<&RequestAttemptError> {
    match error {
        PrepareError::AllAttemptsFailed { first_attempt } => Some(first_attempt),
        _ => None,
    }
}

fn refused(attempt: Option<&RequestAttemptError>, error: &dyn std::error::Error) -> Outcome {
    match attempt {
        Some(RequestAttemptError::DbError(error, message)) => {
            let code = match error {
                DbError::Other(code) => *code,
                known => known.code(&scylla::frame::protocol_features::ProtocolFeatures::default()),
            };
            Outcome::Error { code, message: message.clone() }
        }
        _ => Outcome::Driver(error.to_string()),
    }
}

fn markers(prepared: &PreparedStatement) -> Vec<(String, String)> {
    let specs = prepared.get_variable_col_specs();
    specs.iter().map(|spec| (spec.name().to_owned(), format!("{:?}", spec.typ()))).collect()
}

fn rows(result: QueryResult, markers: Vec<(String, String)>) -> Result<Option<Rows>> {
    if !result.is_rows() {
        return Ok(None);
    }
    let result = result.into_rows_result()?;
    let specs = result.column_specs();
    let columns =
        specs.iter().map(|spec| (spec.name().to_owned(), format!("{:?}", spec.typ()))).collect();
    let texts: Vec<Option<Row>> = match result.rows::<Row>() {
        Ok(rows) => rows.map(Result::ok).collect(),
        Err(_) => Vec::new(),
    };
    let mut rows = Vec::new();
    for (at, raw) in result.rows::<RawRow>()?.enumerate() {
        let row = texts.get(at).and_then(Option::as_ref);
        let values = raw?.0.into_iter().enumerate().map(|(column, bytes)| {
            let text = match row.and_then(|row| row.columns.get(column)) {
                Some(value) => canonical(value.as_ref()),
                None => {
                    bytes.as_ref().map_or_else(|| "null".into(), |b| format!("x{}", hex::encode(b)))
                }
            };
            Value { bytes, text }
        });
        rows.push(values.collect());
    }
    Ok(Some(Rows { columns, markers, rows }))
}
