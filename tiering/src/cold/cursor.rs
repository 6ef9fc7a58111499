//! Walking through the rows of a segment.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{ColumnId, Row, Table};

use super::{ColdError, ColdStore};
use crate::limits::SCAN_STRIDES;
use crate::segment::{Decoded, Index, SegmentError, SegmentMeta, Wanted, decode, only_partition};

/// A position in a segment. Dropping it ends the read.
#[derive(Debug)]
pub struct Cursor {
    cold: ColdStore,
    table: Arc<Table>,
    meta: SegmentMeta,
    start: Bytes,
    end: Bytes,
    reverse: bool,
    columns: Option<Vec<ColumnId>>,
    /// Nothing before the first row was asked for.
    rest: Option<Rest>,
    ready: std::vec::IntoIter<(Bytes, Row)>,
}

/// Strides not read yet.
#[derive(Debug)]
struct Rest {
    index: Arc<Index>,
    strides: Range<usize>,
    /// How many are read next: one for a point, more the longer the scan.
    at_once: usize,
}

impl Cursor {
    pub(super) fn new(
        cold: ColdStore,
        table: Arc<Table>,
        meta: SegmentMeta,
        (start, end): (Bytes, Bytes),
        reverse: bool,
    ) -> Self {
        let ready = Vec::new().into_iter();
        Self { cold, table, meta, start, end, reverse, columns: None, rest: None, ready }
    }

    /// Reads the values of these columns only. The others keep their times, so that rows merge and
    /// exist as they do with all columns, but have empty values.
    #[must_use]
    pub fn with_columns(mut self, columns: Option<Vec<ColumnId>>) -> Self {
        self.columns = columns;
        self
    }

    /// The key of the last row that [`Cursor::next`] returns without reading more; nothing if it
    /// has to read.
    #[must_use]
    pub fn ready_to(&self) -> Option<&Bytes> {
        self.ready.as_slice().last().map(|(key, _)| key)
    }

    /// The next row with its engine key; `None` at the end.
    ///
    /// # Errors
    /// See [`ColdError`].
    pub async fn next(&mut self) -> Result<Option<(Bytes, Row)>, ColdError> {
        loop {
            if let Some(row) = self.ready.next() {
                return Ok(Some(row));
            }
            if self.rest.is_none() && !self.meta.overlaps(&self.start, &self.end) {
                return Ok(None);
            }
            let mut rest = match self.rest.take() {
                Some(rest) => rest,
                None => self.open().await?,
            };
            let chunk = rest.next_chunk(self.reverse);
            let more = match &chunk {
                Some(chunk) => Some(self.read(&rest.index, chunk.clone()).await?),
                None => None,
            };
            self.rest = Some(rest);
            let Some(mut rows) = more else { return Ok(None) };
            if self.reverse {
                rows.reverse();
            }
            self.ready = rows.into_iter();
        }
    }

    /// Finds what there is to read.
    async fn open(&self) -> Result<Rest, ColdError> {
        let index = self.cold.index(&self.meta).await?;
        let mut strides = index.strides_in(&self.start, &self.end);
        if let Some(partition) = only_partition(&self.table, &self.start, &self.end)
            && !strides.is_empty()
            && !index.may_have_partition(&self.table, &partition)
        {
            strides = 0..0;
        }
        Ok(Rest { index, strides, at_once: 1 })
    }

    /// Rows of neighbouring strides of one group, those in range, in the order of their keys.
    async fn read(&self, index: &Index, strides: Range<usize>) -> Result<Decoded, ColdError> {
        let strides = index.strides.get(strides).unwrap_or(&[]);
        let Some((group, first)) = strides.first().map(|stride| (stride.group, stride.first_row))
        else {
            return Ok(Vec::new());
        };
        let missing = || SegmentError::Corrupt { reason: "a row group is missing" };
        let failed = |source| ColdError::Segment { key: self.meta.key.clone(), source };
        let group = index.groups.get(group).ok_or_else(|| failed(missing()))?;
        let bytes = self.cold.group(&self.meta, group).await?;
        let count = strides.iter().map(|stride| stride.rows).sum();
        let wanted = Wanted { first, count, columns: self.columns.as_deref() };
        let mut rows = decode(&self.table, index, group, &bytes, wanted).map_err(failed)?;
        rows.retain(|(key, _)| *key >= self.start && *key < self.end);
        Ok(rows)
    }
}

impl Rest {
    /// The strides to read next: neighbours in one group.
    fn next_chunk(&mut self, reverse: bool) -> Option<Range<usize>> {
        let all = &self.index.strides;
        let near = if reverse { self.strides.end.checked_sub(1)? } else { self.strides.start };
        let group = all.get(near).filter(|_| !self.strides.is_empty())?.group;
        let in_group = |at: &usize| all.get(*at).is_some_and(|stride| stride.group == group);
        let limit = self.at_once;
        self.at_once = (self.at_once * 2).min(SCAN_STRIDES);
        let chunk = if reverse {
            let count = self.strides.clone().rev().take(limit).take_while(in_group).count();
            self.strides.end - count..self.strides.end
        } else {
            let count = self.strides.clone().take(limit).take_while(in_group).count();
            self.strides.start..self.strides.start + count
        };
        if reverse {
            self.strides.end = chunk.start;
        } else {
            self.strides.start = chunk.end;
        }
        Some(chunk)
    }
}
