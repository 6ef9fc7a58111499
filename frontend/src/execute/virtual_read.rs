//! SELECT from virtual tables: rows made up from the catalog, read by the same plans.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use cellar_cql::plan::{BoundSelect, Flow, Reads, RowReader};
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

type Stored = BTreeMap<Bytes, Row>;

impl Executor {
    /// The result rows if the table is virtual. They come in one page: virtual tables are small.
    pub(super) async fn read_virtual(
        &self,
        bound: &BoundSelect,
        parameters: &Parameters,
    ) -> Result<Option<Vec<Vec<Option<Bytes>>>>, RequestError> {
        if !is_virtual(bound.table.id) {
            return Ok(None);
        }
        let catalog = self.route.catalog();
        let learnt = self.learn(bound, &catalog).await?;
        let rows = self.system.rows(&bound.table, &catalog, &bound.reads, &learnt)?;
        let Some(rows) = rows else { return Ok(None) };
        // Paging is not needed, but a state that belongs to nothing is a client's mistake.
        if parameters.paging_state.is_some() {
            return Err(RequestError::protocol("Invalid value for the paging state"));
        }
        let stored: Stored = rows.into_iter().collect();
        let mut reader = bound.reader(self.now_seconds(), None);
        match &bound.reads {
            Reads::Scan { start, end, .. } => {
                feed(&mut reader, &stored, start, end, false)?;
            }
            Reads::Partitions(partitions) => {
                for read in partitions {
                    let at_statics = [&read.partition[..], &keys::static_suffix()[..]].concat();
                    let statics = stored.get(at_statics.as_slice()).cloned();
                    reader.partition(&read.partition, statics);
                    for (start, end) in &read.ranges {
                        let start = [&read.partition[..], &start[..]].concat();
                        let end = [&read.partition[..], &end[..]].concat();
                        feed(&mut reader, &stored, &start, &end, bound.reverse)?;
                    }
                    reader.end_of_partition()?;
                }
            }
        }
        reader.end_of_partition()?;
        reader.finish()?;
        Ok(Some(reader.take_rows()))
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

    /// Seconds since the epoch by this frontend's clock.
    pub(super) fn now_seconds(&self) -> i64 {
        self.clock.now_us().div_euclid(1_000_000)
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

fn feed(
    reader: &mut RowReader,
    stored: &Stored,
    start: &[u8],
    end: &[u8],
    reverse: bool,
) -> Result<(), RequestError> {
    if start >= end {
        return Ok(());
    }
    let span = stored.range(Bytes::copy_from_slice(start)..Bytes::copy_from_slice(end));
    let in_order: Vec<_> = if reverse { span.rev().collect() } else { span.collect() };
    let mut partition: Option<Bytes> = None;
    for (key, row) in in_order {
        if !partition.as_ref().is_some_and(|prefix| key.starts_with(prefix)) {
            if partition.is_some() {
                reader.end_of_partition()?;
            }
            partition = Some(keys::split(key).map_err(RequestError::key)?.0);
        }
        if reader.push(key, row)? == Flow::Done {
            break;
        }
    }
    Ok(())
}
