//! Prepared statements of this frontend. A statement whose table has changed since is planned
//! again by itself, so that no client sees an old schema (invariant I-20); where that changes what
//! a client was told of its variables or columns, the client is asked to prepare it again, as
//! Cassandra does.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use cellar_cql::{
    Parsed, parse_statement,
    plan::{self, Plan, Planned, ResultColumn},
};
use cellar_metadata_api::Catalog;
use md5::{Digest, Md5};
use moka::sync::Cache;

use xxhash_rust::xxh3::Xxh3;

use super::session::Agreed;
use crate::{error::RequestError, execute::Executor};

/// Memory for prepared statements, in bytes, by [`weight`].
const CACHE_BYTES_MAX: u64 = 128 << 20;
/// What is parsed and planned takes about this many times the statement's text.
const PLAN_FACTOR: usize = 16;
/// What any statement takes in bytes. Statements of 100 to 300 bytes were measured at 5 to 16 KB
/// altogether by the example `bench_parse` of `frontend/cql`.
const PLAN_BYTES: usize = 8 << 10;
/// What each variable and each column of the result takes beside that, in bytes.
const COLUMN_BYTES: usize = 256;

/// Every prepared statement by id.
#[derive(Debug)]
pub struct Statements {
    by_id: Cache<Bytes, Arc<Statement>>,
}

/// One prepared statement.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) id: [u8; 16],
    keyspace: Option<String>,
    text: Box<str>,
    parsed: Parsed,
    current: ArcSwap<Current>,
    /// Memory it takes, in bytes, about.
    weight: usize,
    /// The id of the result columns when it was first prepared here.
    first_columns: [u8; 16],
    /// What the last client that prepared it was told.
    told: AtomicU64,
}

/// A statement by one schema.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) planned: Arc<Planned>,
    /// Names the result columns: equal exactly if names and types are.
    pub(crate) columns_id: [u8; 16],
    /// Names all that a client is told when it prepares: variables and result columns.
    pub(crate) mark: u64,
    /// Names the variables alone, which is what a client must know that is told of other columns
    /// with its rows.
    pub(crate) variables: u64,
}

impl Current {
    fn new(planned: Planned) -> Self {
        let columns_id = columns_id(planned.columns.as_deref());
        let mut hash = Xxh3::new();
        for variable in &planned.variables {
            hash.update(variable.cql_type.to_string().as_bytes());
            hash.update(&[0]);
        }
        let variables = hash.digest();
        hash.update(&columns_id);
        Self { planned: Arc::new(planned), columns_id, mark: hash.digest(), variables }
    }
}

impl Default for Statements {
    fn default() -> Self {
        let weigh = |_: &Bytes, statement: &Arc<Statement>| {
            u32::try_from(statement.weight).unwrap_or(u32::MAX)
        };
        let by_id = Cache::builder().max_capacity(CACHE_BYTES_MAX).weigher(weigh).build();
        Self { by_id }
    }
}

impl Statements {
    /// Prepares a statement for a client that remembers what it is told here, or finds it
    /// prepared.
    pub(crate) fn prepare(
        &self,
        executor: &Executor,
        keyspace: Option<String>,
        text: &str,
    ) -> Result<(Arc<Statement>, Arc<Current>), RequestError> {
        let prepared = self.plan(executor, keyspace, text)?;
        prepared.0.told.store(prepared.1.mark, Ordering::Release);
        Ok(prepared)
    }

    /// A plan that is kept for the next time.
    pub(crate) fn plan(
        &self,
        executor: &Executor,
        keyspace: Option<String>,
        text: &str,
    ) -> Result<(Arc<Statement>, Arc<Current>), RequestError> {
        let id = statement_id(keyspace.as_deref(), text);
        if let Some(found) = self.by_id.get(&id[..]) {
            let current = found.current(executor)?;
            return Ok((found, current));
        }
        let parsed = parse_statement(text).map_err(plan::PlanError::from)?;
        let current = Arc::new(Current::new(executor.plan(keyspace.as_deref(), &parsed)?));
        let statement = Arc::new(Statement {
            id,
            keyspace,
            text: text.into(),
            parsed,
            current: ArcSwap::new(Arc::clone(&current)),
            first_columns: current.columns_id,
            told: AtomicU64::new(current.mark),
            weight: weight(text, &current.planned),
        });
        self.by_id.insert(Bytes::copy_from_slice(&id), Arc::clone(&statement));
        Ok((statement, current))
    }

    /// Every statement that is in force by this catalog, but those about roles, which may hold
    /// passwords. One whose table has changed is not in force until it is planned again.
    pub(crate) fn all(&self, catalog: &Catalog) -> Vec<Arc<Statement>> {
        let all = self.by_id.iter().map(|(_, statement)| statement);
        let in_force = |statement: &Arc<Statement>| {
            let planned = &statement.current.load().planned;
            !matches!(planned.plan, Plan::Access(_)) && is_fresh(planned, catalog)
        };
        all.filter(in_force).collect()
    }

    /// The statement of this id by today's schema, if the client of this connection knows it so.
    pub(crate) fn find(
        &self,
        executor: &Executor,
        agreed: &Agreed,
        id: &Bytes,
    ) -> Result<(Arc<Statement>, Arc<Current>), RequestError> {
        let unprepared = || RequestError::Unprepared { id: id.clone() };
        let statement = self.by_id.get(id).ok_or_else(unprepared)?;
        let current = statement.current(executor)?;
        let told = statement.told.load(Ordering::Acquire) == current.mark;
        if told && agreed.knows(statement.id, &current) {
            return Ok((statement, current));
        }
        Err(unprepared())
    }
}

impl Statement {
    /// The plan by today's schema.
    fn current(&self, executor: &Executor) -> Result<Arc<Current>, RequestError> {
        let current = self.current.load_full();
        if is_fresh(&current.planned, &executor.catalog()) {
            return Ok(current);
        }
        let planned = executor.plan(self.keyspace.as_deref(), &self.parsed)?;
        let current = Arc::new(Current::new(planned));
        self.current.store(Arc::clone(&current));
        Ok(current)
    }

    /// Whether the result columns may not be what a client of v3 or v4 was told, which prepared
    /// through another connection.
    pub(crate) fn columns_changed(&self, current: &Current) -> bool {
        current.columns_id != self.first_columns
    }

    /// As it was prepared.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The keyspace of unqualified names.
    pub(crate) fn keyspace(&self) -> Option<&str> {
        self.keyspace.as_deref()
    }
}

/// Memory that a prepared statement takes, in bytes, about: rather too much than too little.
fn weight(text: &str, planned: &Planned) -> usize {
    let columns = planned.columns.as_ref().map_or(0, |columns| columns.len());
    let columns = columns.saturating_add(planned.variables.len());
    let of_text = text.len().saturating_mul(PLAN_FACTOR);
    of_text.saturating_add(columns.saturating_mul(COLUMN_BYTES)).saturating_add(PLAN_BYTES)
}

/// Whether every table of the plan is as it was. Virtual tables never change.
fn is_fresh(planned: &Planned, catalog: &Catalog) -> bool {
    planned.tables.iter().all(|(id, version)| {
        crate::system::is_virtual(*id)
            || catalog.table_by_id(*id).is_some_and(|table| table.version == *version)
    })
}

/// As Cassandra computes it: MD5 over keyspace and text.
fn statement_id(keyspace: Option<&str>, text: &str) -> [u8; 16] {
    let mut hash = Md5::new();
    hash.update(keyspace.unwrap_or_default());
    hash.update(text);
    hash.finalize().into()
}

fn columns_id(columns: Option<&[ResultColumn]>) -> [u8; 16] {
    let mut hash = Md5::new();
    for column in columns.unwrap_or_default() {
        for text in [&*column.keyspace, &*column.table, column.name.as_str()] {
            hash.update(text);
            hash.update([0]);
        }
        hash.update(column.cql_type.to_string());
        hash.update([1]);
    }
    hash.finalize().into()
}
