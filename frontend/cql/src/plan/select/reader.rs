//! Turns stored rows, fed in the order of the reads, into rows of the result. Pure: whoever
//! feeds it decides when a page is full and remembers [`RowReader::progress`].

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{ColumnId, Row, RowKind, keys};
use serde::{Deserialize, Serialize};

use super::bound::Shape;
use super::sink::Sink;
use super::view::RowView;
use crate::plan::PlanError;
use crate::plan::error::invalid;

/// Whether more rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    More,
    /// The row was not taken: it made a group before it ready. It is pushed again, perhaps for the
    /// next page.
    Again,
    /// Nothing more of this partition.
    SkipPartition,
    /// Nothing more at all.
    Done,
}

/// What going on after a page needs besides the last key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Rows of the result so far, for `LIMIT`.
    pub returned: u64,
    /// Those of the partition that the page ended in, for `PER PARTITION LIMIT`.
    pub in_partition: u64,
    /// Whether that partition had rows, or has been answered as one without rows.
    pub partition_seen: bool,
    /// Engine key prefix of that partition.
    pub partition: Bytes,
}

/// Makes the rows of a result.
#[derive(Debug)]
pub struct RowReader {
    shape: Arc<Shape>,
    now_seconds: i64,
    current: Option<Current>,
    sink: Sink,
}

/// The partition that rows come from.
#[derive(Debug)]
struct Current {
    prefix: Bytes,
    values: Vec<Bytes>,
    token: Option<i64>,
    statics: Option<Row>,
    skipped: bool,
}

impl RowReader {
    pub(super) fn new(shape: Arc<Shape>, now_seconds: i64, progress: Progress) -> Self {
        Self { shape, now_seconds, current: None, sink: Sink::new(progress) }
    }

    /// Announces a partition and its static row before its rows.
    pub fn partition(&mut self, partition: &Bytes, statics: Option<Row>) {
        let statics = statics.filter(|row| !self.has_only_dropped(row));
        self.enter(partition.clone(), statics);
    }

    /// Takes a row (its live view) with its engine key; at most one row becomes ready.
    ///
    /// # Errors
    /// Keys that are not of this table, functions that fail.
    pub fn push(&mut self, key: &Bytes, row: &Row) -> Result<Flow, PlanError> {
        if self.sink.is_full(&self.shape) {
            return Ok(Flow::Done);
        }
        if self.has_only_dropped(row) {
            return Ok(Flow::More);
        }
        let inside = self.current.as_ref().is_some_and(|current| key.starts_with(&current.prefix));
        if !inside {
            let (prefix, _) = keys::split(key).map_err(invalid)?;
            self.enter(prefix, None);
        }
        let Some(current) = &mut self.current else { return Ok(Flow::Done) };
        if current.values.is_empty() && self.shape.wants_partition {
            current.decode(&self.shape)?;
        }
        if current.skipped {
            return Ok(Flow::SkipPartition);
        }
        let suffix = key.get(current.prefix.len()..).unwrap_or(&[]);
        match keys::kind_of(suffix).map_err(invalid)? {
            RowKind::Marks => return Ok(Flow::More),
            RowKind::Static => {
                current.statics = Some(row.clone());
                return Ok(Flow::More);
            }
            RowKind::Row => {}
        }
        let clustering = if self.shape.wants_clustering {
            keys::clustering_of(&self.shape.table, suffix).map_err(invalid)?
        } else {
            Vec::new()
        };
        let view = RowView {
            prefix: &current.prefix,
            partition: &current.values,
            token: current.token,
            clustering: &clustering,
            statics: current.statics.as_ref(),
            row: Some(row),
            now_seconds: self.now_seconds,
        };
        let flow = self.sink.accept(&self.shape, &view)?;
        current.skipped |= flow == Flow::SkipPartition;
        Ok(flow)
    }

    /// Whether nothing is left of a row since columns were dropped.
    fn has_only_dropped(&self, row: &Row) -> bool {
        let dropped = &self.shape.table.dropped;
        let is_dropped = |id: &ColumnId| dropped.iter().any(|column| column.id == *id);
        !dropped.is_empty()
            && row.marker.is_none()
            && !row.columns.is_empty()
            && row.columns.iter().all(|(id, _)| is_dropped(id))
    }

    /// Ends the partition; one that has only static columns becomes a row.
    ///
    /// # Errors
    /// Functions that fail.
    pub fn end_of_partition(&mut self) -> Result<(), PlanError> {
        let Some(current) = &mut self.current else { return Ok(()) };
        self.sink.end_of_partition(&self.shape)?;
        let alone = self.shape.static_rows && !self.sink.progress.partition_seen;
        if !alone || current.statics.is_none() || self.sink.is_full(&self.shape) {
            return Ok(());
        }
        if current.values.is_empty() && self.shape.wants_partition {
            current.decode(&self.shape)?;
        }
        let view = RowView {
            prefix: &current.prefix,
            partition: &current.values,
            token: current.token,
            clustering: &[],
            statics: current.statics.as_ref(),
            row: None,
            now_seconds: self.now_seconds,
        };
        self.sink.accept(&self.shape, &view)?;
        current.skipped = true;
        self.sink.end_of_partition(&self.shape)
    }

    /// Makes the rows ready that only the end of all reads completes.
    ///
    /// # Errors
    /// Functions that fail.
    pub fn finish(&mut self) -> Result<(), PlanError> {
        self.sink.finish(&self.shape)
    }

    /// The rows that are ready.
    pub fn take_rows(&mut self) -> Vec<Vec<Option<Bytes>>> {
        std::mem::take(&mut self.sink.rows)
    }

    /// How many rows are ready.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.sink.rows.len()
    }

    /// Whether rows were taken that are not in the result yet: a page cannot end here.
    #[must_use]
    pub fn is_in_group(&self) -> bool {
        self.sink.has_open_group()
    }

    /// Whether `LIMIT` is reached.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.sink.is_full(&self.shape)
    }

    /// Whether rows only become ready at the end: aggregates over everything, sorted results.
    #[must_use]
    pub fn must_read_all(&self) -> bool {
        self.shape.must_read_all()
    }

    /// What to hand to [`super::BoundSelect::reader`] to go on.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.sink.progress.clone()
    }

    fn enter(&mut self, prefix: Bytes, statics: Option<Row>) {
        let progress = &mut self.sink.progress;
        // What a former page has seen of the same partition still counts.
        if progress.partition != prefix {
            progress.in_partition = 0;
            progress.partition_seen = false;
            progress.partition = prefix.clone();
        }
        let skipped = self.sink.is_partition_full(&self.shape);
        self.current = Some(Current { prefix, values: Vec::new(), token: None, statics, skipped });
    }
}

impl Current {
    /// Decodes the partition key, once and only if someone looks at it.
    fn decode(&mut self, shape: &Shape) -> Result<(), PlanError> {
        let key = [&self.prefix[..], &keys::static_suffix()[..]].concat();
        let decoded = keys::decode(&shape.table, &Bytes::from(key)).map_err(invalid)?;
        self.values = decoded.partition_values;
        self.token = Some(decoded.token);
        Ok(())
    }
}
