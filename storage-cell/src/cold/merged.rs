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

impl Ahead {
    fn ready_to(&self) -> Option<&Bytes> {
        self.cursor.ready_to().or(self.next.as_ref().map(|(key, _)| key))
    }
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

/// Merges segments. One is opened when the merge comes to it, so that of many that follow each
/// other only one is read.
pub(super) struct Merged<'m> {
    store: &'m ColdStore,
    table: &'m Arc<Table>,
    span: Span<'m>,
    open: Vec<Ahead>,
    /// Not reached yet; the next one is the last.
    waiting: Vec<&'m SegmentMeta>,
}

impl<'m> Merged<'m> {
    /// Goes to the beginning of a span.
    pub(super) async fn open(
        store: &'m ColdStore,
        table: &'m Arc<Table>,
        segments: impl Iterator<Item = &'m SegmentMeta>,
        span: Span<'m>,
    ) -> Result<Self, ColdError> {
        let mut waiting: Vec<&SegmentMeta> = segments.collect();
        if span.reverse {
            waiting.sort_by(|one, two| one.last_key.cmp(&two.last_key));
        } else {
            waiting.sort_by(|one, two| two.first_key.cmp(&one.first_key));
        }
        let mut merged = Self { store, table, span, open: Vec::new(), waiting };
        merged.reach().await?;
        Ok(merged)
    }

    /// Opens every segment that may have the next key.
    async fn reach(&mut self) -> Result<(), ColdError> {
        while let Some(meta) = self.waiting.last() {
            let reached = match self.key() {
                None => true,
                Some(key) if self.span.reverse => meta.last_key >= *key,
                Some(key) => meta.first_key <= *key,
            };
            if !reached {
                break;
            }
            let (table, span) = (Arc::clone(self.table), self.span);
            let (start, end) = (span.start.clone(), span.end.clone());
            let cursor = self.store.cursor(table, meta, start, end, span.reverse);
            let mut cursor = cursor.with_columns(span.columns.map(<[ColumnId]>::to_vec));
            if let Some(next) = cursor.next().await? {
                self.open.push(Ahead { cursor, next: Some(next) });
            }
            self.waiting.pop();
        }
        Ok(())
    }

    /// The next key.
    pub(super) fn key(&self) -> Option<&Bytes> {
        let keys = self.open.iter().filter_map(|ahead| ahead.next.as_ref().map(|(key, _)| key));
        if self.span.reverse { keys.max() } else { keys.min() }
    }

    /// A key up to which nothing more has to be read, the next one or one behind it.
    pub(super) fn ready_to(&self) -> Option<&Bytes> {
        let ready = self.open.iter().filter_map(Ahead::ready_to);
        if self.span.reverse { ready.max() } else { ready.min() }
    }

    /// The row of the next key.
    pub(super) async fn next(&mut self) -> Result<Option<(Bytes, Row)>, ColdError> {
        let Some(key) = self.key().cloned() else { return Ok(None) };
        let mut merged = Row::default();
        for ahead in &mut self.open {
            if ahead.next.as_ref().is_some_and(|(next, _)| *next == key) {
                let row = ahead.next.take();
                merged.merge(row.map(|(_, row)| row).unwrap_or_default());
                ahead.next = ahead.cursor.next().await?;
            }
        }
        self.open.retain(|ahead| ahead.next.is_some());
        self.reach().await?;
        Ok(Some((key, merged)))
    }
}
