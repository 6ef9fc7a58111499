//! What load is made against.

use std::sync::Arc;

use anyhow::Context;
use cellar_workload::draw::Stream;
use futures::future::BoxFuture;
use scylla::{client::session::Session, statement::prepared::PreparedStatement};

use crate::{raw::Raw, session};

/// Takes requests, each named by its number.
pub trait Target: Send + Sync + 'static {
    /// Makes one request; the error is for the report.
    fn request(&self, index: u64) -> BoxFuture<'static, Result<(), String>>;
}

/// What the requests are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Inserts of one row by a prepared statement.
    Write,
    /// Reads of one row by its key, over rows that were written before.
    Read,
    /// Half of each.
    Mixed,
    /// Inserts with IF NOT EXISTS.
    Lwt,
    /// Inserts of one row into a table with an index.
    IndexedWrite,
    /// Reads of the rows with one value of an indexed column, over rows that were written before.
    IndexedRead,
}

/// Rows with the same value of the indexed column.
const ROWS_OF_A_VALUE: u64 = 10;

impl Scenario {
    fn is_indexed(self) -> bool {
        matches!(self, Self::IndexedWrite | Self::IndexedRead)
    }

    /// Creates its table and gives the texts of its insert and of its read.
    async fn prepare(self, session: &Session) -> anyhow::Result<(&'static str, &'static str)> {
        const KEYSPACE: &str = "CREATE KEYSPACE IF NOT EXISTS bench WITH replication = \
            {'class': 'NetworkTopologyStrategy', 'dc1': 1}";
        const ROWS: &str = "CREATE TABLE IF NOT EXISTS bench.rows (k bigint PRIMARY KEY, v blob)";
        const INDEXED: &str = "CREATE TABLE IF NOT EXISTS bench.indexed \
            (k bigint PRIMARY KEY, of bigint, v blob)";
        const INDEX: &str = "CREATE INDEX IF NOT EXISTS of_indexed ON bench.indexed (of)";
        if self.is_indexed() {
            session::run(session, &[KEYSPACE, INDEXED, INDEX]).await?;
            return Ok((
                "INSERT INTO bench.indexed (k, of, v) VALUES (?, ?, ?)",
                "SELECT v FROM bench.indexed WHERE of = ?",
            ));
        }
        session::run(session, &[KEYSPACE, ROWS]).await?;
        let insert = match self {
            Self::Lwt => "INSERT INTO bench.rows (k, v) VALUES (?, ?) IF NOT EXISTS",
            _ => "INSERT INTO bench.rows (k, v) VALUES (?, ?)",
        };
        Ok((insert, "SELECT v FROM bench.rows WHERE k = ?"))
    }
}

/// Single rows, or those of a value, through the stock driver.
pub struct CqlTarget {
    session: Arc<Session>,
    insert: PreparedStatement,
    select: PreparedStatement,
    scenario: Scenario,
    /// Rows that reads choose among.
    rows: u64,
    value: Vec<u8>,
    draw: Stream,
}

impl CqlTarget {
    /// Creates the table, `bench.rows` or `bench.indexed`, and prepares the statements.
    ///
    /// # Errors
    /// The driver's.
    pub async fn new(
        session: Arc<Session>,
        scenario: Scenario,
        rows: u64,
        value_bytes: usize,
    ) -> anyhow::Result<Self> {
        let (insert, select) = scenario.prepare(&session).await?;
        let insert = session.prepare(insert).await.context("cannot prepare the insert")?;
        let select = session.prepare(select).await.context("cannot prepare the read")?;
        let (value, draw) = (vec![7; value_bytes], Stream::new(1, 1));
        Ok(Self { session, insert, select, scenario, rows: rows.max(1), value, draw })
    }

    /// What a read asks for.
    fn drawn(&self, index: u64) -> Raw {
        if self.scenario.is_indexed() {
            // Values that have all their rows.
            let values = (self.rows / ROWS_OF_A_VALUE).max(1);
            return number(self.draw.below(index, values));
        }
        number(self.draw.below(index, self.rows))
    }

    /// The row that a write writes.
    fn row(&self, index: u64) -> Vec<Raw> {
        let value = Raw(Some(self.value.clone()));
        if self.scenario.is_indexed() {
            return vec![number(index), number(index / ROWS_OF_A_VALUE), value];
        }
        vec![number(index), value]
    }
}

fn number(number: u64) -> Raw {
    Raw(Some(number.to_be_bytes().to_vec()))
}

impl Target for CqlTarget {
    fn request(&self, index: u64) -> BoxFuture<'static, Result<(), String>> {
        let session = Arc::clone(&self.session);
        let reads = match self.scenario {
            Scenario::Read | Scenario::IndexedRead => true,
            Scenario::Mixed => index.is_multiple_of(2),
            Scenario::Write | Scenario::Lwt | Scenario::IndexedWrite => false,
        };
        // Writes count up, so that a run leaves exactly the rows 0..requests.
        let (statement, values) = if reads {
            (self.select.clone(), vec![self.drawn(index)])
        } else {
            (self.insert.clone(), self.row(index))
        };
        let expected = if self.scenario.is_indexed() { ROWS_OF_A_VALUE } else { 1 };
        Box::pin(async move {
            let answer = session.execute_unpaged(&statement, values).await;
            let rows = answer.map_err(|error| error.to_string())?;
            if reads {
                let rows = rows.into_rows_result().map_err(|error| error.to_string())?;
                let found = rows.rows_num();
                if u64::try_from(found).ok() != Some(expected) {
                    return Err(format!("{found} rows instead of {expected}"));
                }
            }
            Ok(())
        })
    }
}
