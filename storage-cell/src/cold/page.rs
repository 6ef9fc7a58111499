//! Pages out of hot and cold rows together.

use std::cmp::Ordering;

use bytes::Bytes;
use cellar_cell_api::{CellError, Page, Read};
use cellar_engine::Snapshot;
use cellar_schema::{PartitionMarks, Row, RowKind, keys};
use cellar_tiering::ColdError;

use super::{
    Cold, Manifest, failed,
    hot::Hot,
    merged::{Merged, Span},
};
use crate::read::{CurrentPartition, PageBuilder, ReadError, failed as hot_failed};

/// Why a page could not be made.
enum PageError {
    Hot(ReadError),
    Cold(ColdError),
}

impl<E: Into<ReadError>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self::Hot(error.into())
    }
}

impl Cold {
    /// Reads one page of a span; nothing if there are no cold rows in it. The manifest must be at
    /// least as new as the snapshot: rows that are in both are harmless, rows in neither lost.
    pub(crate) async fn page(
        &self,
        snapshot: &Snapshot,
        manifest: &Manifest,
        read: &Read,
        now_seconds: i64,
    ) -> Result<Option<Page>, CellError> {
        let mut segments = manifest.overlapping(&read.start, &read.end).peekable();
        let Some(first) = segments.peek() else { return Ok(None) };
        let table = self.table(first.table)?;
        // Spans lie in one table.
        let segments = segments.filter(|segment| segment.table == table.id);
        let span = Span {
            start: &read.start,
            end: &read.end,
            reverse: read.reverse,
            columns: read.columns.as_deref(),
        };
        let cold = Merged::open(&self.store, &table, segments, span).await;
        let cold = cold.map_err(|error| failed(&error))?;
        match page(snapshot, cold, read, now_seconds).await {
            Ok(page) => Ok(Some(page)),
            Err(PageError::Hot(error)) => Err(hot_failed(error)),
            Err(PageError::Cold(error)) => Err(failed(&error)),
        }
    }
}

async fn page(
    snapshot: &Snapshot,
    mut cold: Merged<'_>,
    read: &Read,
    now_seconds: i64,
) -> Result<Page, PageError> {
    let mut page = PageBuilder::new(read, now_seconds);
    let mut partition = CurrentPartition::default();
    let mut hot = Hot::new(snapshot, read);
    loop {
        let (key, from_hot, from_cold) = match first(hot.peek(&cold)?, cold.key(), read.reverse) {
            None => return Ok(page.finish(None)),
            Some((key, order)) => (key, order.is_le(), order.is_ge()),
        };
        if page.is_full() {
            return Ok(page.finish(Some(key)));
        }
        partition.enter(snapshot, &key, read.reverse)?;
        let value = if from_hot { hot.take().map(|(_, value)| value) } else { None };
        let suffix = partition.suffix(&key);
        if let (RowKind::Marks, Some(marks)) = (keys::kind_of(suffix)?, &value) {
            partition.marks = PartitionMarks::decode(marks.clone())?;
            continue;
        }
        let mut row = value.map(Row::decode).transpose()?.unwrap_or_default();
        if from_cold && let Some((_, older)) = cold.next().await.map_err(PageError::Cold)? {
            row.merge(older);
        }
        let bytes = row.estimated_bytes();
        page.push_row(&key, suffix, (row, bytes), &partition.marks);
    }
}

/// Which comes first: hot (less), cold (greater), or both.
fn first(
    hot: Option<&(Bytes, Bytes)>,
    cold: Option<&Bytes>,
    reverse: bool,
) -> Option<(Bytes, Ordering)> {
    match (hot, cold) {
        (None, None) => None,
        (Some((hot, _)), None) => Some((hot.clone(), Ordering::Less)),
        (None, Some(cold)) => Some((cold.clone(), Ordering::Greater)),
        (Some((hot, _)), Some(cold)) => {
            let order = if reverse { cold.cmp(hot) } else { hot.cmp(cold) };
            Some((if order.is_le() { hot.clone() } else { cold.clone() }, order))
        }
    }
}
