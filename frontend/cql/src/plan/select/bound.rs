//! A `SELECT` with its values: what to read, and how to make a result of it.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{ColumnId, IndexProbe, Table};

use super::group::GroupBy;
use super::materialized::BoundView;
use super::nearest::BoundNearest;
use super::output::Output;
use super::reader::{Progress, RowReader};
use super::restrict::BoundFilter;
use super::view::ColumnRef;
use crate::plan::Env;

/// A bound `SELECT`.
#[derive(Clone, Debug)]
pub struct BoundSelect {
    /// The table.
    pub table: Arc<Table>,
    /// What to read, in the order of the result.
    pub reads: Reads,
    /// Whether rows of a partition are wanted backwards; ranges are in output order already.
    pub reverse: bool,
    /// The stored columns that are needed; all if none are named.
    pub fetch: Option<Vec<ColumnId>>,
    /// How many rows are enough, where that is known before reading.
    pub row_limit_hint: Option<u32>,
    /// The rows of the view, if it is one whose rows have other keys in their base; `reads` are
    /// then of the keys that they have in the view.
    pub view: Option<Arc<BoundView>>,
    /// Rows that are wanted at least: the others may be left out, where an index shows them.
    pub probe: Option<IndexProbe>,
    pub(super) shape: Arc<Shape>,
}

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reads {
    /// These partitions, one after the other.
    Partitions(Vec<PartitionRead>),
    /// All partitions between two engine keys.
    Scan {
        /// First key.
        start: Bytes,
        /// End, exclusive.
        end: Bytes,
        /// Whether static rows, which a scan meets by itself, are wanted when it is resumed
        /// inside a partition.
        statics: bool,
    },
}

/// A read of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionRead {
    /// Its engine key prefix.
    pub partition: Bytes,
    /// Ranges of suffixes, end exclusive, in output order.
    pub ranges: Vec<(Bytes, Bytes)>,
    /// Whether its static row is wanted.
    pub statics: bool,
}

/// Everything a reader must know; shared by the pages of one execution.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) table: Arc<Table>,
    pub(super) output: Arc<Output>,
    pub(super) terms: Vec<Option<Bytes>>,
    pub(super) env: Env,
    pub(super) filters: Vec<BoundFilter>,
    pub(super) distinct: bool,
    pub(super) group_by: Option<GroupBy>,
    pub(super) limit: Option<u64>,
    pub(super) per_partition_limit: Option<u64>,
    pub(super) static_rows: bool,
    pub(super) sort: Vec<(ColumnRef, bool)>,
    pub(super) nearest: Option<BoundNearest>,
    pub(super) wants_partition: bool,
    pub(super) wants_clustering: bool,
}

impl Shape {
    /// Whether several rows become one.
    pub(super) fn is_grouping(&self) -> bool {
        self.group_by.is_some() || !self.output.aggregates.is_empty()
    }

    /// Whether all rows become one.
    pub(super) fn is_aggregate_of_all(&self) -> bool {
        self.group_by.is_none() && !self.output.aggregates.is_empty()
    }

    /// Whether each row that passes the filters becomes one of the result, as soon as it comes.
    pub(super) fn is_one_for_one(&self) -> bool {
        !self.distinct && !self.is_grouping() && !self.must_read_all()
    }

    /// Whether a page cannot end before the last row is read.
    pub(super) fn must_read_all(&self) -> bool {
        !self.sort.is_empty() || self.nearest.is_some() || self.is_aggregate_of_all()
    }
}

impl BoundSelect {
    /// `LIMIT`, unless all rows become one.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        self.shape.limit
    }

    /// A reader of what the reads bring, going on after `progress`. `now_seconds` is for `ttl()`.
    #[must_use]
    pub fn reader(&self, now_seconds: i64, progress: Option<Progress>) -> RowReader {
        RowReader::new(Arc::clone(&self.shape), now_seconds, progress.unwrap_or_default())
    }
}
