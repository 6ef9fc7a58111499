//! One page in the making, cut by rows, bytes and work.

use bytes::Bytes;
use cellar_cell_api::{Page, Read};
use cellar_schema::{PartitionMarks, Row};

use super::{ReadError, row};
use crate::limits::{PAGE_BYTES_EXAMINED_MAX, PAGE_ROWS_EXAMINED_MAX};

/// Collects the live rows of a page.
pub(crate) struct PageBuilder<'r> {
    read: &'r Read,
    now_seconds: i64,
    rows: Vec<(Bytes, Row)>,
    /// Encoded bytes of the rows taken.
    bytes: u64,
    examined_bytes: u64,
    examined_rows: u64,
    /// The last key looked at.
    last: Option<Bytes>,
}

impl<'r> PageBuilder<'r> {
    pub(crate) fn new(read: &'r Read, now_seconds: i64) -> Self {
        Self {
            read,
            now_seconds,
            rows: Vec::new(),
            bytes: 0,
            examined_bytes: 0,
            examined_rows: 0,
            last: None,
        }
    }

    /// Looks at a stored row.
    pub(crate) fn push(
        &mut self,
        key: &Bytes,
        suffix: &[u8],
        value: Bytes,
        marks: &PartitionMarks,
    ) -> Result<(), ReadError> {
        let bytes = value.len();
        self.push_row(key, suffix, (row(value)?, bytes), marks);
        Ok(())
    }

    /// Looks at a row of so many encoded bytes.
    pub(crate) fn push_row(
        &mut self,
        key: &Bytes,
        suffix: &[u8],
        (row, bytes): (Row, usize),
        marks: &PartitionMarks,
    ) {
        let bytes = u64::try_from(key.len().saturating_add(bytes)).unwrap_or(u64::MAX);
        self.examined_rows = self.examined_rows.saturating_add(1);
        self.examined_bytes = self.examined_bytes.saturating_add(bytes);
        self.last = Some(key.clone());
        let Some(mut live) = marks.view(suffix, row, self.now_seconds) else { return };
        if let Some(columns) = &self.read.columns {
            live.columns.retain(|(id, _)| columns.contains(id));
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.rows.push((key.clone(), live));
    }

    /// Whether the next row belongs to the next page.
    pub(crate) fn is_full(&self) -> bool {
        let rows_max = usize::try_from(self.read.rows_max).unwrap_or(usize::MAX);
        self.rows.len() >= rows_max
            || (self.bytes >= u64::from(self.read.bytes_max) && !self.rows.is_empty())
            || self.examined_rows >= PAGE_ROWS_EXAMINED_MAX
            || self.examined_bytes >= PAGE_BYTES_EXAMINED_MAX
    }

    /// The page; `next` is the first key that is not in it.
    pub(crate) fn finish(self, next: Option<Bytes>) -> Page {
        // Backwards, the rest ends before the last key looked at, which is then excluded.
        let resume = next.map(|next| match self.last {
            Some(last) if self.read.reverse => last,
            _ if self.read.reverse => self.read.end.clone(),
            _ => next,
        });
        Page {
            rows: self.rows,
            resume,
            examined_bytes: self.examined_bytes,
            examined_rows: self.examined_rows,
        }
    }
}
