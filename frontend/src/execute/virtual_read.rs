//! The rows of virtual tables, made up from the catalog and what else is known.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use cellar_cql::plan::{BoundSelect, Reads};
use cellar_metadata_api::{Catalog, Overview};
use cellar_schema::{Row, keys};
use uuid::Uuid;

use super::{Executor, Parameters};
use crate::{
    error::RequestError,
    system::{Learnt, Source, is_virtual, source},
    trace::Wish,
};

/// How long the metadata service may take to say what it knows.
const OVERVIEW_MAX: Duration = Duration::from_secs(3);

impl Executor {
    /// Every row that a SELECT from a virtual table can want, by engine key; none if the table is
    /// stored.
    pub(super) async fn made_up(
        &self,
        bound: &BoundSelect,
    ) -> Result<Option<BTreeMap<Bytes, Row>>, RequestError> {
        if !is_virtual(bound.table.id) {
            return Ok(None);
        }
        let catalog = self.route.catalog();
        let learnt = self.learn(bound, &catalog).await?;
        let rows = self.system.rows(&bound.table, &catalog, &bound.reads, &learnt)?;
        Ok(rows.map(|rows| rows.into_iter().collect()))
    }

    /// Asks others for what the table is made from.
    async fn learn(&self, bound: &BoundSelect, catalog: &Catalog) -> Result<Learnt, RequestError> {
        let source = source(&bound.table);
        Ok(match source {
            Source::Catalog => Learnt::default(),
            Source::Traces => {
                let own = self.system.identity();
                let own = (own.host_id, own.cql_address);
                let traces = self.system.traces().find(wish(bound), catalog, own).await;
                Learnt { traces, ..Learnt::default() }
            }
            Source::Clients => Learnt { clients: self.clients.all(), ..Learnt::default() },
            Source::Statements => {
                Learnt { statements: self.statements.all(catalog), ..Learnt::default() }
            }
            Source::CatalogAndOverview | Source::Overview => {
                Learnt { overview: self.overview(source).await?, ..Learnt::default() }
            }
        })
    }

    /// What the leader of the metadata service says. It is waited for only where nothing can be
    /// said without it.
    async fn overview(&self, source: Source) -> Result<Option<Overview>, RequestError> {
        let asked = tokio::time::timeout(OVERVIEW_MAX, self.metadata.overview()).await;
        match (asked, source) {
            (Ok(Ok(overview)), _) => Ok(Some(overview)),
            (_, Source::CatalogAndOverview) => Ok(None),
            (Ok(Err(error)), _) => Err(error.into()),
            (Err(_), _) => Err(RequestError::unavailable(
                "the leader of the metadata service does not say what it knows of the cluster",
            )),
        }
    }

    /// Seconds since the epoch, as the request says or by this frontend's clock.
    pub(super) fn now_seconds(&self, parameters: &Parameters) -> i64 {
        let clock = || self.clock.now_us().div_euclid(1_000_000);
        parameters.now_seconds.unwrap_or_else(clock)
    }
}

/// The sessions whose traces are read.
fn wish(bound: &BoundSelect) -> Wish {
    let Reads::Partitions(partitions) = &bound.reads else { return Wish::All };
    let session = |partition: &Bytes| {
        let key = keys::engine_key(partition, &keys::marks_suffix()).ok()?;
        let decoded = keys::decode(&bound.table, &key).ok()?;
        Uuid::from_slice(decoded.partition_values.first()?).ok()
    };
    Wish::These(partitions.iter().filter_map(|read| session(&read.partition)).collect())
}
