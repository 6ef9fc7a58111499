//! One request of a client, from decoded message to envelope.

use std::{sync::Arc, time::Duration};

use cellar_cell_api::ReadLevel;
use cellar_cql::{
    parse_statement,
    plan::{self, BoundValue, Plan, PlanError, Planned, batch},
};
use cellar_wire::{
    AuthResponse, Batch, BatchKind, BatchQuery, Consistency, Envelope, Execute, Prepare, Query,
    QueryParams, Request, Response, Value, Values, Version,
};

use super::{
    Shared,
    answer::{self, Describe},
    session::Agreed,
};
use crate::{
    access,
    error::RequestError,
    execute::{Answer, Done, Parameters},
};

/// How long a step of a request may take; drivers give up after 10 to 12 s themselves.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Runs a statement of a client.
pub(super) async fn run(
    shared: Shared,
    agreed: Agreed,
    version: Version,
    request: Request,
) -> Envelope {
    let consistency = consistency_of(&request);
    let answer = match request {
        Request::Query(query) => self::query(&shared, &agreed, version, query).await,
        Request::Execute(execute) => self::execute(&shared, &agreed, version, execute).await,
        Request::Batch(batch) => self::batch(&shared, &agreed, version, batch).await,
        Request::AuthResponse(response) => log_in(&shared, &agreed, &response).await,
        Request::Prepare(prepare) => self::prepare(&shared, &agreed, &prepare),
        other => Err(RequestError::protocol(format!("unexpected {:?}", other.opcode()))),
    };
    answer.unwrap_or_else(|error| answer::failed(&error, consistency, agreed.agreement()))
}

async fn log_in(
    shared: &Shared,
    agreed: &Agreed,
    response: &AuthResponse,
) -> Result<Envelope, RequestError> {
    let said = access::credentials(response.token.as_deref())?;
    let who = shared.executor.log_in(&said.name, &said.password).await?;
    agreed.log_in(who);
    Ok(Envelope::new(Response::AuthSuccess(None)))
}

fn consistency_of(request: &Request) -> Consistency {
    match request {
        Request::Query(query) => query.params.consistency,
        Request::Execute(execute) => execute.params.consistency,
        Request::Batch(batch) => batch.consistency,
        _ => Consistency::LocalQuorum,
    }
}

fn prepare(shared: &Shared, agreed: &Agreed, prepare: &Prepare) -> Result<Envelope, RequestError> {
    let keyspace = prepare.keyspace.clone().or_else(|| agreed.keyspace());
    let text = prepare.query.as_str();
    let (statement, current) = shared.statements.prepare(&shared.executor, keyspace, text)?;
    agreed.tell(statement.id, &current);
    Ok(answer::prepared(&statement, &current, agreed.agreement()))
}

async fn query(
    shared: &Shared,
    agreed: &Agreed,
    version: Version,
    query: Query,
) -> Result<Envelope, RequestError> {
    let keyspace = query.params.keyspace.clone().or_else(|| agreed.keyspace());
    let parsed = parse_statement(query.query.as_str()).map_err(PlanError::from)?;
    let planned = shared.executor.plan(keyspace.as_deref(), &parsed)?;
    agreed.ask_for(&planned);
    let parameters = parameters(&planned, query.params, version, agreed, keyspace)?;
    let mut done = shared.executor.run(&planned, parameters).await?;
    done.warnings.splice(0..0, planned.warnings.iter().cloned());
    if let Answer::Keyspace(name) = &done.answer {
        agreed.set_keyspace(name.clone());
    }
    Ok(answer::done(done, Describe::Always))
}

async fn execute(
    shared: &Shared,
    agreed: &Agreed,
    version: Version,
    execute: Execute,
) -> Result<Envelope, RequestError> {
    let (statement, current) = shared.statements.find(&shared.executor, agreed, &execute.id)?;
    let planned = &current.planned;
    agreed.ask_for(planned);
    let skip = execute.params.skip_metadata;
    let keyspace = statement.keyspace().map(str::to_owned);
    let parameters = parameters(planned, execute.params, version, agreed, keyspace)?;
    let done = shared.executor.run(planned, parameters).await?;
    if let Answer::Keyspace(name) = &done.answer {
        agreed.set_keyspace(name.clone());
    }
    if planned.columns.is_none() {
        // The columns of a conditional write depend on what happened.
        return Ok(answer::done(done, Describe::Always));
    }
    let describe = match execute.result_metadata_id {
        Some(known) if known[..] != current.columns_id => Describe::Changed(&current.columns_id),
        None if skip && statement.columns_changed(&current) => Describe::Always,
        Some(_) | None => skipped(skip),
    };
    Ok(answer::done(done, describe))
}

fn skipped(skip: bool) -> Describe<'static> {
    if skip { Describe::Skip } else { Describe::Always }
}

async fn batch(
    shared: &Shared,
    agreed: &Agreed,
    version: Version,
    message: Batch,
) -> Result<Envelope, RequestError> {
    let keyspace = message.keyspace.clone().or_else(|| agreed.keyspace());
    let parameters = Parameters {
        values: Vec::new(),
        level: ReadLevel::Leader,
        page_size: None,
        paging_state: None,
        timestamp_us: message.timestamp,
        now_seconds: now_of(message.now_in_seconds),
        timeout: TIMEOUT,
        keyspace: keyspace.clone(),
        protocol: version.as_u8(),
        who: agreed.who()?,
    };
    let env = shared.executor.env(&parameters);
    let mut writes = Vec::with_capacity(message.statements.len());
    for statement in message.statements {
        let planned = match &statement.query {
            BatchQuery::Text(text) => {
                let parsed = parse_statement(text.as_str()).map_err(PlanError::from)?;
                Arc::new(shared.executor.plan(keyspace.as_deref(), &parsed)?)
            }
            BatchQuery::Prepared(id) => {
                let (_, current) = shared.statements.find(&shared.executor, agreed, id)?;
                Arc::clone(&current.planned)
            }
        };
        let Plan::Write(write) = &planned.plan else {
            return Err(RequestError::invalid(
                "Invalid statement in batch: only UPDATE, INSERT and DELETE statements are \
                 allowed.",
            ));
        };
        agreed.ask_for(&planned);
        shared.executor.authorize(&parameters.who, &planned)?;
        let values: Vec<BoundValue> = statement.values.into_iter().map(bound).collect();
        writes.push(write.bind(&values, &env)?);
    }
    let kind = match message.kind {
        BatchKind::Logged => batch::BatchKind::Logged,
        BatchKind::Unlogged => batch::BatchKind::Unlogged,
        BatchKind::Counter => batch::BatchKind::Counter,
    };
    // The message's timestamp is the default each write was bound with, not a USING TIMESTAMP.
    let done = match batch::combine(kind, writes, None)? {
        Some(bound) => shared.executor.run_bound(bound, &parameters).await?,
        None => Done::free(Answer::Void),
    };
    Ok(answer::done(done, Describe::Always))
}

fn parameters(
    planned: &Planned,
    params: QueryParams,
    version: Version,
    agreed: &Agreed,
    keyspace: Option<String>,
) -> Result<Parameters, RequestError> {
    if params.serial_consistency.is_some_and(|level| !level.is_serial()) {
        return Err(RequestError::invalid(
            "Invalid consistency level for conditional update. Must be one of SERIAL or \
             LOCAL_SERIAL",
        ));
    }
    let values = match params.values {
        Values::None => Vec::new(),
        Values::Positional(values) => values.into_iter().map(bound).collect(),
        Values::Named(values) => {
            let named: Vec<(String, BoundValue)> =
                values.into_iter().map(|(name, value)| (name, bound(value))).collect();
            planned.ordered(&named)?
        }
    };
    Ok(Parameters {
        values,
        level: read_level(params.consistency),
        page_size: params.page_size.and_then(|rows| u32::try_from(rows).ok()).filter(|n| *n > 0),
        paging_state: params.paging_state,
        timestamp_us: params.timestamp,
        now_seconds: now_of(params.now_in_seconds),
        timeout: TIMEOUT,
        keyspace,
        protocol: version.as_u8(),
        who: agreed.who()?,
    })
}

/// Cassandra takes the field for a number without a sign, so that it reaches to the year 2106.
fn now_of(now_in_seconds: Option<i32>) -> Option<i64> {
    now_in_seconds.map(|now| i64::from(now.cast_unsigned()))
}

/// Every level is accepted: those of one replica may be answered by any, all others by the
/// leader, which is at least as strong as what was asked for.
fn read_level(consistency: Consistency) -> ReadLevel {
    match consistency {
        Consistency::Any | Consistency::One | Consistency::LocalOne => ReadLevel::Any,
        _ => ReadLevel::Leader,
    }
}

fn bound(value: Value) -> plan::BoundValue {
    match value {
        Value::Bytes(bytes) => BoundValue::Bytes(bytes),
        Value::Null => BoundValue::Null,
        Value::Unset => BoundValue::Unset,
    }
}
