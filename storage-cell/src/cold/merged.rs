//! The cold rows of a span from all segments that have some, in the order of their keys, each key
//! once.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{ColumnId, Row, Table};
use cellar_tiering::{ColdError, ColdStore, Cursor, SegmentMeta};

/// One segment, looked at one row ahead.
struct Ahead {
    cursor: Cursor,
    next: Option<(Bytes, Row)>,
}

/// What of the segments to read.
#[derive(Clone, Copy)]
pub(super) struct Span<'s> {
    /// First key.
    pub(super) start: &'s Bytes,
    /// First key after it.
    pub(super) end: &'s Bytes,
    /// From the last key to the first.
    pub(super) reverse: bool,
    /// Columns whose values are wanted; `None` is all.
    pub(super) columns: Option<&'s [ColumnId]>,
}

/// Merges segments.
pub(super) struct Merged {
    segments: Vec<Ahead>,
    reverse: bool,
}

impl Merged {
    /// Opens the segments at the beginning of a span.
    pub(super) async fn open<'m>(
        store: &ColdStore,
        table: &Arc<Table>,
        segments: impl Iterator<Item = &'m SegmentMeta>,
        span: Span<'_>,
    ) -> Result<Self, ColdError> {
        let mut open = Vec::new();
        for meta in segments {
            let table = Arc::clone(table);
            let (start, end) = (span.start.clone(), span.end.clone());
            let cursor = store.cursor(table, meta, start, end, span.reverse);
            let mut cursor = cursor.with_columns(span.columns.map(<[ColumnId]>::to_vec));
            if let Some(next) = cursor.next().await? {
                open.push(Ahead { cursor, next: Some(next) });
            }
        }
        Ok(Self { segments: open, reverse: span.reverse })
    }

    /// The next key.
    pub(super) fn key(&self) -> Option<&Bytes> {
        let keys = self.segments.iter().filter_map(|ahead| ahead.next.as_ref().map(|(key, _)| key));
        if self.reverse { keys.max() } else { keys.min() }
    }

    /// The row of the next key.
    pub(super) async fn next(&mut self) -> Result<Option<(Bytes, Row)>, ColdError> {
        let Some(key) = self.key().cloned() else { return Ok(None) };
        let mut merged = Row::default();
        for ahead in &mut self.segments {
            if ahead.next.as_ref().is_some_and(|(next, _)| *next == key) {
                let row = ahead.next.take();
                merged.merge(row.map(|(_, row)| row).unwrap_or_default());
                ahead.next = ahead.cursor.next().await?;
            }
        }
        self.segments.retain(|ahead| ahead.next.is_some());
        Ok(Some((key, merged)))
    }
}
