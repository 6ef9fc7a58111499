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
}

/// Single rows through the stock driver.
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
    /// Creates the table `bench.rows` and prepares the statements.
    ///
    /// # Errors
    /// The driver's.
    pub async fn new(
        session: Arc<Session>,
        scenario: Scenario,
        rows: u64,
        value_bytes: usize,
    ) -> anyhow::Result<Self> {
        session::run(
            &session,
            &[
                "CREATE KEYSPACE IF NOT EXISTS bench WITH replication = \
                 {'class': 'NetworkTopologyStrategy', 'dc1': 1}",
                "CREATE TABLE IF NOT EXISTS bench.rows (k bigint PRIMARY KEY, v blob)",
            ],
        )
        .await?;
        let condition = if scenario == Scenario::Lwt { " IF NOT EXISTS" } else { "" };
        let insert = format!("INSERT INTO bench.rows (k, v) VALUES (?, ?){condition}");
        let insert = session.prepare(insert).await.context("cannot prepare the insert")?;
        let select = "SELECT v FROM bench.rows WHERE k = ?";
        let select = session.prepare(select).await.context("cannot prepare the read")?;
        let (value, draw) = (vec![7; value_bytes], Stream::new(1, 1));
        Ok(Self { session, insert, select, scenario, rows: rows.max(1), value, draw })
    }

    fn key(&self, index: u64) -> Raw {
        Raw(Some(self.draw.below(index, self.rows).to_be_bytes().to_vec()))
    }
}

impl Target for CqlTarget {
    fn request(&self, index: u64) -> BoxFuture<'static, Result<(), String>> {
        let session = Arc::clone(&self.session);
        let reads = match self.scenario {
            Scenario::Read => true,
            Scenario::Mixed => index.is_multiple_of(2),
            Scenario::Write | Scenario::Lwt => false,
        };
        // Writes count up, so that a run leaves exactly the rows 0..requests.
        let (statement, values) = if reads {
            (self.select.clone(), vec![self.key(index)])
        } else {
            let key = Raw(Some(index.to_be_bytes().to_vec()));
            (self.insert.clone(), vec![key, Raw(Some(self.value.clone()))])
        };
        Box::pin(async move {
            let answer = session.execute_unpaged(&statement, values).await;
            let rows = answer.map_err(|error| error.to_string())?;
            if reads {
                let rows = rows.into_rows_result().map_err(|error| error.to_string())?;
                if rows.rows_num() != 1 {
                    return Err(format!("{} rows instead of one", rows.rows_num()));
                }
            }
            Ok(())
        })
    }
}
