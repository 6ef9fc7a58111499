//! Prepared statements of this frontend. A statement whose table has changed since is planned
//! again by itself, so that no client sees an old schema (invariant I-20).

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use cellar_cql::{
    Parsed, parse_statement,
    plan::{self, Planned, ResultColumn},
};
use cellar_metadata_api::Catalog;
use md5::{Digest, Md5};
use moka::sync::Cache;

use crate::{error::RequestError, execute::Executor};

/// Memory for prepared statements, in bytes of statement text times a factor for its plan.
const CACHE_BYTES_MAX: u64 = 128 << 20;
/// A plan takes about this many times the statement's text.
const PLAN_FACTOR: usize = 16;

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
    parsed: Parsed,
    planned: ArcSwap<Planned>,
    /// Memory it takes, in bytes, about.
    weight: usize,
    /// The id of the result columns when it was first prepared here.
    first_columns: [u8; 16],
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
    /// Prepares a statement, or finds it prepared.
    pub(crate) fn prepare(
        &self,
        executor: &Executor,
        keyspace: Option<String>,
        text: &str,
    ) -> Result<(Arc<Statement>, Arc<Planned>), RequestError> {
        let id = statement_id(keyspace.as_deref(), text);
        if let Some(found) = self.by_id.get(&id[..]) {
            let planned = found.planned(executor)?;
            return Ok((found, planned));
        }
        let parsed = parse_statement(text).map_err(plan::PlanError::from)?;
        let planned = Arc::new(executor.plan(keyspace.as_deref(), &parsed)?);
        let first_columns = columns_id(planned.columns.as_deref());
        let statement = Arc::new(Statement {
            id,
            keyspace,
            parsed,
            planned: ArcSwap::new(Arc::clone(&planned)),
            first_columns,
            weight: text.len().saturating_mul(PLAN_FACTOR).saturating_add(1024),
        });
        self.by_id.insert(Bytes::copy_from_slice(&id), Arc::clone(&statement));
        Ok((statement, planned))
    }

    /// The statement of this id, if it is still known.
    pub(crate) fn find(&self, id: &Bytes) -> Result<Arc<Statement>, RequestError> {
        self.by_id.get(id).ok_or_else(|| RequestError::Unprepared { id: id.clone() })
    }
}

impl Statement {
    /// The plan by today's schema.
    pub(crate) fn planned(&self, executor: &Executor) -> Result<Arc<Planned>, RequestError> {
        let planned = self.planned.load_full();
        if is_fresh(&planned, &executor.catalog()) {
            return Ok(planned);
        }
        let planned = Arc::new(executor.plan(self.keyspace.as_deref(), &self.parsed)?);
        self.planned.store(Arc::clone(&planned));
        Ok(planned)
    }

    /// Whether the result columns are not what a client of v3 or v4 was told when it prepared.
    pub(crate) fn columns_changed(&self, planned: &Planned) -> bool {
        columns_id(planned.columns.as_deref()) != self.first_columns
    }

    /// The keyspace of unqualified names.
    pub(crate) fn keyspace(&self) -> Option<&str> {
        self.keyspace.as_deref()
    }
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

/// Names the result columns: equal exactly if names and types are.
pub(crate) fn columns_id(columns: Option<&[ResultColumn]>) -> [u8; 16] {
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
