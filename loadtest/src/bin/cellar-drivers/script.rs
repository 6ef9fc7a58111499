//! Runs `script.json` through the driver and prints one JSON line per step, as described in
//! `infra/tests/drivers/CANONICAL.md`.

use std::{io::Write as _, path::Path, time::Duration};

use anyhow::{Context, Result};
use futures::{TryStreamExt, stream};
use scylla::{
    client::session::Session,
    errors::{DbError, ExecutionError, PrepareError, RequestAttemptError},
    response::{PagingState, PagingStateResponse, query_result::QueryResult},
    statement::{
        Statement,
        batch::{Batch, BatchType},
    },
    value::Row,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use cellar_loadtest::canonical::canonical;

use crate::parameter::{Bound, parameters};

/// Executions in flight in a step that is repeated.
const IN_FLIGHT: usize = 64;
/// Rows of a page where a step does not say.
const PAGE_ROWS: i32 = 5_000;

/// Runs every step; a step that fails is an outcome too.
///
/// # Errors
/// A script that cannot be read.
pub(crate) async fn run(session: &Session, script: &Path) -> Result<()> {
    let text = std::fs::read_to_string(script)
        .with_context(|| format!("cannot read {}", script.display()))?;
    let steps: Vec<Value> = serde_json::from_str(&text)?;
    for step in &steps {
        let outcome = match execute(session, step).await {
            Ok(outcome) => outcome,
            Err(error) => failure(&error),
        };
        let mut line = Map::new();
        line.insert("name".to_owned(), step.get("name").cloned().unwrap_or_default());
        line.extend(outcome.as_object().cloned().unwrap_or_default());
        writeln!(std::io::stdout(), "{}", Value::Object(line))?;
    }
    Ok(())
}

async fn execute(session: &Session, step: &Value) -> Result<Value> {
    if let Some(pause) = step.get("sleep_ms").and_then(Value::as_u64) {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        return Ok(void());
    }
    if let Some(kind) = step.get("batch").and_then(Value::as_str) {
        let result = batch(session, kind, list(step, "statements")).await?;
        let mut shown = Shown::default();
        shown.add(result)?;
        return Ok(shown.outcome(step));
    }
    let mut statement = Statement::new(text(step, "cql")?);
    let page_rows = step.get("page_size").and_then(Value::as_i64);
    statement.set_page_size(page_rows.map(i32::try_from).transpose()?.unwrap_or(PAGE_ROWS));
    if let Some(turns) = step.get("repeat").and_then(Value::as_u64) {
        return repeat(session, statement, list(step, "params"), turns).await;
    }
    let prepared = match step.get("prepared").and_then(Value::as_bool) {
        Some(true) => Some(session.prepare(statement.clone()).await?),
        _ => None,
    };
    let values = parameters(list(step, "params"), 0)?;
    let mut shown = Shown::default();
    let mut state = PagingState::start();
    loop {
        let (result, next) = match &prepared {
            Some(prepared) => session.execute_single_page(prepared, &values, state).await?,
            None => session.query_single_page(statement.clone(), (), state).await?,
        };
        shown.add(result)?;
        match next {
            PagingStateResponse::HasMorePages { state: next } => state = next,
            PagingStateResponse::NoMorePages => return Ok(shown.outcome(step)),
        }
    }
}

async fn batch(session: &Session, kind: &str, statements: &[Value]) -> Result<QueryResult> {
    let mut batch = Batch::new(match kind {
        "unlogged" => BatchType::Unlogged,
        "counter" => BatchType::Counter,
        _ => BatchType::Logged,
    });
    let mut values: Vec<Vec<Bound>> = Vec::new();
    for part in statements {
        batch.append_statement(session.prepare(text(part, "cql")?).await?);
        values.push(parameters(list(part, "params"), 0)?);
    }
    Ok(session.batch(&batch, values).await?)
}

async fn repeat(
    session: &Session,
    statement: Statement,
    params: &[Value],
    turns: u64,
) -> Result<Value> {
    let prepared = session.prepare(statement).await?;
    let prepared = &prepared;
    stream::iter((0..turns).map(|turn| parameters(params, turn)))
        .map_ok(|values| async move {
            session.execute_unpaged(prepared, values).await?;
            anyhow::Ok(())
        })
        .try_buffer_unordered(IN_FLIGHT)
        .try_collect::<()>()
        .await?;
    Ok(void())
}

/// What a statement returned, over all its pages.
#[derive(Default)]
struct Shown {
    columns: Option<Vec<String>>,
    rows: Vec<Vec<String>>,
    pages: u64,
}

impl Shown {
    fn add(&mut self, result: QueryResult) -> Result<()> {
        self.pages = self.pages.saturating_add(1);
        if !result.is_rows() {
            return Ok(());
        }
        let rows = result.into_rows_result()?;
        let names = rows.column_specs().iter().map(|column| column.name().to_owned());
        self.columns.get_or_insert_with(|| names.collect());
        for row in rows.rows::<Row>()? {
            let row = row?;
            self.rows.push(row.columns.iter().map(|value| canonical(value.as_ref())).collect());
        }
        Ok(())
    }

    fn outcome(self, step: &Value) -> Value {
        let Some(columns) = self.columns else { return void() };
        if step.get("summary").is_none() {
            return json!({"columns": columns, "rows": self.rows});
        }
        let mut digest = Sha256::new();
        for row in &self.rows {
            digest.update(row.join("|"));
            digest.update("\n");
        }
        let digest = hex::encode(digest.finalize());
        json!({"count": self.rows.len(), "pages": self.pages, "sha256": digest})
    }
}

fn void() -> Value {
    json!({"void": true})
}

fn text<'a>(step: &'a Value, key: &str) -> Result<&'a str> {
    step.get(key).and_then(Value::as_str).with_context(|| format!("the step has no {key}"))
}

fn list<'a>(step: &'a Value, key: &str) -> &'a [Value] {
    step.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn failure(error: &anyhow::Error) -> Value {
    let attempt = error
        .downcast_ref::<ExecutionError>()
        .and_then(|error| match error {
            ExecutionError::LastAttemptError(attempt) => Some(attempt),
            ExecutionError::PrepareError(error) => attempt_of(error),
            _ => None,
        })
        .or_else(|| error.downcast_ref::<PrepareError>().and_then(attempt_of));
    match attempt {
        Some(RequestAttemptError::DbError(error, message)) => {
            json!({"error": error_name(error), "message": message})
        }
        _ => json!({"error": "driver", "message": format!("{error:#}")}),
    }
}

fn attempt_of(error: &PrepareError) -> Option<&RequestAttemptError> {
    match error {
        PrepareError::AllAttemptsFailed { first_attempt } => Some(first_attempt),
        _ => None,
    }
}

fn error_name(error: &DbError) -> String {
    match error {
        DbError::SyntaxError => "Syntax".to_owned(),
        DbError::Invalid => "Invalid".to_owned(),
        DbError::AlreadyExists { .. } => "AlreadyExists".to_owned(),
        DbError::ConfigError => "Config".to_owned(),
        DbError::Unauthorized => "Unauthorized".to_owned(),
        other => format!("{other:?}"),
    }
}
