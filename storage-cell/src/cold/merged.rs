//! The cold rows of a span from all segments that have some, in the order of their keys, each key
//! once.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{Row, Table};
use cellar_tiering::{ColdError, ColdStore, Cursor, SegmentMeta};

/// One segment, looked at one row ahead.
struct Ahead {
    cursor: Cursor,
    next: Option<(Bytes, Row)>,
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
        (start, end): (&Bytes, &Bytes),
        reverse: bool,
    ) -> Result<Self, ColdError> {
        let mut open = Vec::new();
        for meta in segments {
            let table = Arc::clone(table);
            let mut cursor = store.cursor(table, meta, start.clone(), end.clone(), reverse);
            if let Some(next) = cursor.next().await? {
                open.push(Ahead { cursor, next: Some(next) });
            }
        }
        Ok(Self { segments: open, reverse })
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
