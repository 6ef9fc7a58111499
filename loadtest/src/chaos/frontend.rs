//! One frontend, and nothing but it: a session of the stock driver that knows no other host.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use futures::TryStreamExt;
use scylla::{
    client::{
        PoolSize, execution_profile::ExecutionProfile, session::Session,
        session_builder::SessionBuilder,
    },
    errors::ExecutionError,
    policies::{host_filter::AllowListHostFilter, retry::FallthroughRetryPolicy},
    response::query_result::QueryResult,
    serialize::row::SerializeRow,
    statement::{Consistency, SerialConsistency, Statement, prepared::PreparedStatement},
    value::{Counter, CqlValue, Row},
};

use crate::history::{Action, Outcome};

/// How long a request may take before the driver gives it up: longer than any pause of a process.
const REQUEST_WITHIN: Duration = Duration::from_secs(30);
/// How long a connection may take; a frontend that is paused answers nothing.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// Rows of a page of the scan at the end.
const PAGE_ROWS: i32 = 500;

const CREATE: [&str; 4] = [
    "CREATE KEYSPACE IF NOT EXISTS chaos WITH replication = \
     {'class': 'NetworkTopologyStrategy', 'dc1': 3}",
    "CREATE TABLE IF NOT EXISTS chaos.registers (k bigint PRIMARY KEY, v bigint)",
    "CREATE TABLE IF NOT EXISTS chaos.counters (k bigint PRIMARY KEY, n counter)",
    "CREATE TABLE IF NOT EXISTS chaos.batches (k bigint PRIMARY KEY, v bigint)",
];

/// Statements against one frontend.
pub(super) struct Frontend {
    session: Session,
    read: PreparedStatement,
    read_serial: PreparedStatement,
    write: PreparedStatement,
    delete: PreparedStatement,
    replace: PreparedStatement,
    create: PreparedStatement,
    add: PreparedStatement,
    count: PreparedStatement,
}

/// A failed request, or an answer that is none.
#[derive(Debug)]
pub(super) enum Unanswered {
    Failed(Box<ExecutionError>),
    /// The driver could not read the answer.
    Unreadable(anyhow::Error),
}

/// A session that reaches one frontend only and tries every request once.
pub(super) async fn session(address: &str) -> Result<Session> {
    let profile = ExecutionProfile::builder()
        .consistency(Consistency::Quorum)
        .serial_consistency(Some(SerialConsistency::Serial))
        .retry_policy(Arc::new(FallthroughRetryPolicy))
        .request_timeout(Some(REQUEST_WITHIN))
        .build();
    SessionBuilder::new()
        .known_node(address)
        .host_filter(Arc::new(AllowListHostFilter::new([address])?))
        .default_execution_profile_handle(profile.into_handle())
        .connection_timeout(CONNECT_WITHIN)
        .keepalive_interval(Duration::from_secs(5))
        .keepalive_timeout(Duration::from_secs(20))
        .pool_size(PoolSize::PerHost(NonZeroUsize::MIN))
        .build()
        .await
        .with_context(|| format!("cannot connect to {address}"))
}

impl Frontend {
    /// Connects, and creates the tables if this is the first one.
    pub(super) async fn connect(address: &str, create: bool) -> Result<Self> {
        let session = session(address).await?;
        if create {
            crate::session::run(&session, &CREATE).await?;
        }
        let prepare = async |text: &str, consistency| {
            let prepared = session.prepare(text).await;
            let mut prepared = prepared.with_context(|| format!("cannot prepare {text}"))?;
            prepared.set_consistency(consistency);
            anyhow::Ok(prepared)
        };
        let quorum = Consistency::Quorum;
        let read = "SELECT v FROM chaos.registers WHERE k = ?";
        let replace = "UPDATE chaos.registers SET v = ? WHERE k = ? IF v = ?";
        let create = "INSERT INTO chaos.registers (k, v) VALUES (?, ?) IF NOT EXISTS";
        let add = "UPDATE chaos.counters SET n = n + ? WHERE k = ?";
        let write = "INSERT INTO chaos.registers (k, v) VALUES (?, ?)";
        Ok(Self {
            read: prepare(read, quorum).await?,
            read_serial: prepare(read, Consistency::Serial).await?,
            write: prepare(write, quorum).await?,
            delete: prepare("DELETE FROM chaos.registers WHERE k = ?", quorum).await?,
            replace: prepare(replace, quorum).await?,
            create: prepare(create, quorum).await?,
            add: prepare(add, quorum).await?,
            count: prepare("SELECT n FROM chaos.counters WHERE k = ?", quorum).await?,
            session,
        })
    }

    /// Where a key lies on the ring.
    pub(super) fn token(&self, key: u32) -> Result<i64> {
        let token = self.read.calculate_token(&(i64::from(key),))?;
        Ok(token.context("the key of a table has a token")?.value())
    }

    /// Makes one request.
    pub(super) async fn ask(
        &self,
        key: u32,
        action: Action,
        serial: bool,
    ) -> Result<Outcome, Unanswered> {
        let key = i64::from(key);
        match action {
            Action::Read => {
                let read = if serial { &self.read_serial } else { &self.read };
                let answer = self.answer(read, (key,)).await?;
                Ok(Outcome::Found(one(answer).map_err(Unanswered::Unreadable)?))
            }
            Action::Write(Some(value)) => {
                self.answer(&self.write, (key, wire(value))).await.map(|_| Outcome::Done)
            }
            Action::Write(None) => self.answer(&self.delete, (key,)).await.map(|_| Outcome::Done),
            Action::Cas { expected, new } => {
                let answer = match expected {
                    Some(value) => {
                        let values = (wire(new), key, wire(value));
                        self.answer(&self.replace, values).await?
                    }
                    None => self.answer(&self.create, (key, wire(new))).await?,
                };
                applied(answer).map_err(Unanswered::Unreadable)
            }
            Action::Add(amount) => {
                let values = (Counter(wire(amount)), key);
                self.answer(&self.add, values).await.map(|_| Outcome::Done)
            }
            Action::Count => {
                let answer = self.answer(&self.count, (key,)).await?;
                Ok(Outcome::Counted(counted(answer).map_err(Unanswered::Unreadable)?))
            }
        }
    }

    /// Runs a statement without values or rows.
    pub(super) async fn run(&self, text: &str) -> Result<(), Unanswered> {
        let answer = self.session.query_unpaged(text, ()).await;
        answer.map(|_| ()).map_err(|error| Unanswered::Failed(Box::new(error)))
    }

    /// How many of these parts of a batch are there.
    pub(super) async fn count_batch(&self, keys: &str) -> Result<u64> {
        let text = format!("SELECT k FROM chaos.batches WHERE k IN ({keys})");
        let answer = self.session.query_unpaged(text, ()).await?;
        Ok(u64::try_from(answer.into_rows_result()?.rows_num())?)
    }

    async fn answer(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow,
    ) -> Result<QueryResult, Unanswered> {
        let answer = self.session.execute_unpaged(statement, values).await;
        answer.map_err(|error| Unanswered::Failed(Box::new(error)))
    }

    /// All registers, page by page.
    pub(super) async fn scan(&self) -> Result<Vec<(u32, Option<u64>)>> {
        let mut statement = Statement::new("SELECT k, v FROM chaos.registers");
        statement.set_page_size(PAGE_ROWS);
        let pager = self.session.query_iter(statement, ()).await?;
        let rows = pager.rows_stream::<(i64, Option<i64>)>()?;
        let rows: Vec<(i64, Option<i64>)> = rows.try_collect().await?;
        let row = |(key, value): (i64, Option<i64>)| {
            Ok((u32::try_from(key)?, value.map(u64::try_from).transpose()?))
        };
        rows.into_iter().map(row).collect()
    }
}

/// A value as CQL has it; values count up from one.
fn wire(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn one(answer: QueryResult) -> Result<Option<u64>> {
    let row = answer.into_rows_result()?.maybe_first_row::<(Option<i64>,)>()?;
    let value = row.and_then(|(value,)| value);
    Ok(value.map(u64::try_from).transpose()?)
}

fn counted(answer: QueryResult) -> Result<u64> {
    let row = answer.into_rows_result()?.maybe_first_row::<(Option<Counter>,)>()?;
    let value = row.and_then(|(value,)| value).map_or(0, |counter| counter.0);
    u64::try_from(value).with_context(|| format!("a counter that only grew is {value}"))
}

/// `[applied]`, and if it was not the value that was there in the last column.
fn applied(answer: QueryResult) -> Result<Outcome> {
    let row = answer.into_rows_result()?.first_row::<Row>()?;
    let mut columns = row.columns.into_iter();
    let applied = columns.next().flatten().and_then(|value| value.as_boolean());
    if applied.context("a condition's answer begins with [applied]")? {
        return Ok(Outcome::Done);
    }
    let found = columns.next_back().flatten().as_ref().and_then(CqlValue::as_bigint);
    Ok(Outcome::Refused(found.map(u64::try_from).transpose()?))
}
