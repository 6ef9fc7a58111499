//! The virtual keyspaces that drivers and tools read: `system`, `system_schema` and
//! `system_virtual_schema`. Tables are defined in CQL text, their rows made up from the catalog,
//! and every SELECT on them goes through the same planner as any other. Start at [`System`].

mod access;
mod builds;
mod cellar;
mod cluster;
mod definitions;
mod estimates;
mod record;
mod schema;
mod schema_view;
mod served;
mod settings;
pub(crate) mod text;
mod views;
mod wanted;

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use cellar_cql::plan::Reads;
use cellar_metadata_api::{Catalog, Overview};
use cellar_schema::{Keyspace, Row, Table, TableId};
use uuid::Uuid;

use crate::{
    cql::{Connected, Statement},
    error::RequestError,
    trace::{Told, Traces},
};

pub(crate) use schema::is_virtual_in_cassandra;
pub use schema_view::View;

use self::{record::Record, wanted::Wanted};

/// Virtual tables have ids from here on; stored tables never come near.
const FIRST_VIRTUAL: u32 = 0xFFFF_0000;

/// What a virtual table is made from besides the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Nothing else.
    Catalog,
    /// The overview too, without which much of it is null.
    CatalogAndOverview,
    /// The overview alone.
    Overview,
    /// The traces of every frontend.
    Traces,
    /// The connections of this frontend.
    Clients,
    /// What is prepared at this frontend.
    Statements,
}

/// What a virtual table is made from.
pub(crate) fn source(table: &Table) -> Source {
    match (table.keyspace.as_str(), table.name.as_str()) {
        ("system_cellar", "events" | "hot_partitions") => Source::Overview,
        ("system_cellar", _) | ("system", "size_estimates" | "table_estimates") => {
            Source::CatalogAndOverview
        }
        ("system_traces", _) => Source::Traces,
        ("system_views", "clients") => Source::Clients,
        ("system", "prepared_statements") => Source::Statements,
        _ => Source::Catalog,
    }
}

/// Whether a table is made up by the frontend.
#[must_use]
pub fn is_virtual(table: TableId) -> bool {
    table.0 >= FIRST_VIRTUAL
}

/// Who this frontend is, as drivers see it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Stable name of this process.
    pub host_id: Uuid,
    /// Where clients reach its CQL endpoint.
    pub cql_address: SocketAddr,
    /// Data centre.
    pub datacenter: String,
    /// Rack.
    pub rack: String,
}

/// What rows are made up from.
pub(crate) struct Facts<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) identity: &'a Identity,
    pub(crate) virtual_keyspaces: &'a BTreeMap<String, Arc<Keyspace>>,
    pub(crate) wanted: Wanted<'a>,
    pub(crate) learnt: &'a Learnt,
}

/// What was asked elsewhere before rows are made up.
#[derive(Debug, Default)]
pub(crate) struct Learnt {
    /// What the leader of the metadata service says, if it was asked and says anything.
    pub(crate) overview: Option<Overview>,
    /// The traces that are wanted, and maybe more.
    pub(crate) traces: Vec<Told>,
    /// Who is connected.
    pub(crate) clients: Vec<Connected>,
    /// What is prepared.
    pub(crate) statements: Vec<Arc<Statement>>,
}

type Fill = fn(&Facts<'_>) -> Vec<Record>;

/// The virtual keyspaces of one frontend.
#[derive(Debug)]
pub struct System {
    identity: Identity,
    keyspaces: Arc<BTreeMap<String, Arc<Keyspace>>>,
    fills: BTreeMap<TableId, Fill>,
    traces: Traces,
}

impl System {
    /// Defines them.
    ///
    /// # Errors
    /// [`RequestError`] if a definition is wrong, which a test rules out.
    pub fn new(identity: Identity, traces: Traces) -> Result<Self, RequestError> {
        let (keyspaces, fills) = definitions::define()?;
        Ok(Self { identity, keyspaces: Arc::new(keyspaces), fills, traces })
    }

    /// Who this frontend is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The requests that were traced.
    pub(crate) fn traces(&self) -> &Traces {
        &self.traces
    }

    /// Stored and virtual keyspaces together, as the planner sees them.
    #[must_use]
    pub fn view(&self, catalog: Arc<Catalog>) -> View {
        View::new(catalog, Arc::clone(&self.keyspaces))
    }

    /// The rows of a virtual table that are read, and maybe more, by engine key; none if the table
    /// is stored.
    ///
    /// # Errors
    /// [`RequestError::Internal`] if a row does not fit its table.
    pub(crate) fn rows(
        &self,
        table: &Table,
        catalog: &Catalog,
        reads: &Reads,
        learnt: &Learnt,
    ) -> Result<Option<Vec<(Bytes, Row)>>, RequestError> {
        if !is_virtual(table.id) {
            return Ok(None);
        }
        let Some(fill) = self.fills.get(&table.id) else { return Ok(Some(Vec::new())) };
        let facts = Facts {
            catalog,
            identity: &self.identity,
            virtual_keyspaces: &self.keyspaces,
            wanted: Wanted::new(table, reads),
            learnt,
        };
        fill(&facts)
            .into_iter()
            .map(|record| record.stored(table))
            .collect::<Result<_, _>>()
            .map(Some)
    }
}
