//! Runs planned statements: binds values, reads and writes through [`crate::route`], cuts pages,
//! and counts what it cost. Shared by CQL and HTTP. Start at [`Executor::run`].

mod describe;
mod paging;
mod resume;
mod schema;
mod select;
mod view;
mod virtual_read;
mod write;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use cellar_cell_api::ReadLevel;
use cellar_cql::{
    Parsed,
    plan::{self, BoundValue, Env, Plan, Planned, ResultColumn, write::BoundWrite},
};
use cellar_metadata_api::{Catalog, Metadata, SchemaEvent};
use cellar_schema::Clock;

use crate::{
    access::{Access, Who},
    admission::Admission,
    cql::{Clients, Statements},
    error::RequestError,
    meter::{Charge, Totals},
    route::Route,
    system::System,
    trace,
};

pub use paging::PagingState;

/// Rows of a result.
#[derive(Clone, Debug)]
pub struct ResultRows {
    /// What the rows hold.
    pub columns: Arc<[ResultColumn]>,
    /// Wire bytes, null as none.
    pub rows: Vec<Vec<Option<Bytes>>>,
    /// Where the next page begins.
    pub next: Option<Bytes>,
}

/// What a statement answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Nothing to say.
    Void,
    /// Rows; `applied` is set for conditional writes.
    Rows(ResultRows),
    /// USE.
    Keyspace(String),
    /// A schema change.
    Schema(SchemaEvent),
}

/// An answer with what it cost and what the user should know.
#[derive(Clone, Debug)]
pub struct Done {
    /// The answer.
    pub answer: Answer,
    /// What it cost.
    pub charge: Charge,
    /// For the user.
    pub warnings: Vec<String>,
}

impl Done {
    pub(crate) fn free(answer: Answer) -> Self {
        Self { answer, charge: Charge::default(), warnings: Vec::new() }
    }
}

/// How to run a statement.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// Values of the statement's variables, in order.
    pub values: Vec<BoundValue>,
    /// How fresh reads must be.
    pub level: ReadLevel,
    /// Rows of a page; none for everything at once.
    pub page_size: Option<u32>,
    /// Where the page begins.
    pub paging_state: Option<Bytes>,
    /// Write time in microseconds, unless the statement names one.
    pub timestamp_us: Option<i64>,
    /// By which expiry is judged and from which it counts, seconds since the epoch; none for the
    /// clock of the cell.
    pub now_seconds: Option<i64>,
    /// How long each step may take.
    pub timeout: Duration,
    /// The keyspace of unqualified names, for statements planned while running.
    pub keyspace: Option<String>,
    /// Version of the native protocol, or what HTTP counts as.
    pub protocol: u8,
    /// Who asks.
    pub who: Who,
}

/// Runs statements.
#[derive(Clone)]
pub struct Executor {
    pub(crate) route: Route,
    pub(crate) metadata: Arc<dyn Metadata>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) system: Arc<System>,
    pub(crate) totals: Arc<Totals>,
    pub(crate) access: Access,
    pub(crate) statements: Arc<Statements>,
    pub(crate) clients: Clients,
    /// What is let in, of CQL and of HTTP.
    pub(crate) admission: Arc<Admission>,
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").finish_non_exhaustive()
    }
}

impl Executor {
    /// Runs one planned statement and counts it.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn run(
        &self,
        planned: &Planned,
        parameters: Parameters,
    ) -> Result<Done, RequestError> {
        let begun = Instant::now();
        let done = self.run_uncounted(planned, parameters).await;
        self.totals.add(done.as_ref().map(|done| &done.charge), begun.elapsed());
        done
    }

    /// Runs a write that was bound elsewhere (a batch message) and counts it.
    pub(crate) async fn run_bound(
        &self,
        bound: BoundWrite,
        parameters: &Parameters,
    ) -> Result<Done, RequestError> {
        let begun = Instant::now();
        let done = self.write(bound, parameters).await;
        self.totals.add(done.as_ref().map(|done| &done.charge), begun.elapsed());
        done
    }

    /// What this frontend has served.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    async fn run_uncounted(
        &self,
        planned: &Planned,
        parameters: Parameters,
    ) -> Result<Done, RequestError> {
        self.authorize(&parameters.who, planned)?;
        match &planned.plan {
            Plan::Select(select) => self.select(select, planned, &parameters).await,
            Plan::Write(write) => {
                let bound = write.bind(&parameters.values, &self.env(&parameters))?;
                self.write(bound, &parameters).await
            }
            Plan::Batch(batch) => match batch.bind(&parameters.values, &self.env(&parameters))? {
                Some(bound) => self.write(bound, &parameters).await,
                None => Ok(Done::free(Answer::Void)),
            },
            Plan::Schema(statement) => self.change_schema(statement, &parameters).await,
            Plan::Use(keyspace) => Ok(Done::free(Answer::Keyspace(keyspace.clone()))),
            Plan::Truncate(table) => self.truncate(table).await,
            Plan::Describe(describe) => self.describe(describe, parameters.keyspace.as_deref()),
            Plan::Access(statement) => {
                let keyspace = parameters.keyspace.as_deref();
                self.access_statement(statement, &parameters.who, keyspace).await
            }
        }
    }

    /// The environment that values are bound in.
    pub(crate) fn env(&self, parameters: &Parameters) -> Env {
        Env {
            now_us: self.clock.now_us(),
            default_timestamp_us: parameters.timestamp_us,
            protocol: parameters.protocol,
        }
    }

    /// Plans a statement by today's schema.
    pub(crate) fn plan(
        &self,
        keyspace: Option<&str>,
        parsed: &Parsed,
    ) -> Result<Planned, RequestError> {
        let catalog = self.route.catalog();
        trace::note(|| format!("Preparing statement by schema version {}", catalog.version));
        let view = self.system.view(catalog);
        Ok(plan::plan(&view, keyspace, &parsed.statement, &parsed.markers)?)
    }

    /// The newest catalog.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        self.route.catalog()
    }
}
