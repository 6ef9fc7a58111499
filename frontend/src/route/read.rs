//! Reads: a span of keys read page after page, across cell borders, in key order.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use cellar_cell_api::{CellError, Page, Read, ReadLevel, ReadRequest};
use cellar_metadata_api::KeyRange;
use cellar_schema::{ColumnId, IndexProbe, Row, keys};
use tokio::time::Instant;

use super::{Addressed, Attempt, Route, may_pass};
use crate::{error::RequestError, trace};

/// A span of engine keys and how to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadSpan {
    /// First key.
    pub start: Bytes,
    /// First key after the span.
    pub end: Bytes,
    /// From the end to the start; only inside one partition.
    pub reverse: bool,
    /// Columns wanted; `None` is all.
    pub columns: Option<Vec<ColumnId>>,
    /// How fresh.
    pub level: ReadLevel,
    /// Which rows are wanted at least; others may come, too.
    pub probe: Option<IndexProbe>,
    /// By which expiry is judged; none for the cell's clock.
    pub now_seconds: Option<i64>,
}

/// Where the reading of a span stands.
#[derive(Clone, Debug)]
pub struct Cursor {
    span: ReadSpan,
    done: bool,
}

/// A page and the clock it was judged by.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Live rows in order.
    pub page: Page,
    /// Seconds since the epoch.
    pub now_seconds: i64,
}

impl Cursor {
    /// At the beginning of the span.
    #[must_use]
    pub fn new(span: ReadSpan) -> Self {
        let done = span.start >= span.end;
        Self { span, done }
    }

    /// Whether everything was read.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Goes on after `key`, which was the last one used, whatever was read beyond it.
    pub fn rewind_to(&mut self, key: &[u8], span: &ReadSpan) {
        if span.reverse {
            self.span.end = Bytes::copy_from_slice(key);
        } else {
            self.span.start = key_after(key);
        }
        self.done = self.span.start >= self.span.end;
    }

    /// The next rows of the span, if these are all there are.
    pub(crate) fn take(&mut self, all: &BTreeMap<Bytes, Row>, rows_max: u32) -> Vec<(Bytes, Row)> {
        let rows_max = usize::try_from(rows_max).unwrap_or(usize::MAX);
        let within = all.range(self.span.start.clone()..self.span.end.clone());
        let copied = |(key, row): (&Bytes, &Row)| (key.clone(), row.clone());
        let rows: Vec<(Bytes, Row)> = if self.span.reverse {
            within.rev().take(rows_max).map(copied).collect()
        } else {
            within.take(rows_max).map(copied).collect()
        };
        match rows.last() {
            Some((key, _)) if rows.len() == rows_max && self.span.reverse => {
                self.span.end = key.clone();
            }
            Some((key, _)) if rows.len() == rows_max => self.span.start = key_after(key),
            _ => self.done = true,
        }
        self.done |= self.span.start >= self.span.end;
        rows
    }

    /// Goes on at `key`; only forward.
    pub fn skip_to(&mut self, key: Bytes) {
        if key > self.span.start {
            self.span.start = key;
        }
        self.done |= self.span.start >= self.span.end;
    }
}

/// The smallest key greater than this one.
pub(crate) fn key_after(key: &[u8]) -> Bytes {
    let mut next = Vec::with_capacity(key.len().saturating_add(1));
    next.extend_from_slice(key);
    next.push(0);
    next.into()
}

impl Route {
    /// The next page of a span: the rest of it in one cell, cut by rows and bytes.
    ///
    /// # Errors
    /// [`RequestError::ReadTimeout`] when no answer came in time.
    pub async fn read(
        &self,
        cursor: &mut Cursor,
        rows_max: u32,
        bytes_max: u32,
        timeout: Duration,
    ) -> Result<Answer, RequestError> {
        let mut attempt = Attempt::first(Instant::now() + timeout);
        loop {
            match self.try_read(cursor, rows_max, bytes_max, &mut attempt).await? {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    if !may_pass(&error) || !attempt.again(&error, &self.catalog).await {
                        return Err(RequestError::read(&error));
                    }
                }
            }
        }
    }

    async fn try_read(
        &self,
        cursor: &mut Cursor,
        rows_max: u32,
        bytes_max: u32,
        attempt: &mut Attempt,
    ) -> Result<Result<Answer, CellError>, RequestError> {
        let span = &cursor.span;
        let to = match Addressed::find(&self.catalog(), &self.leaders, &span.start, attempt) {
            Ok(to) => to,
            Err(RequestError::Unavailable { reason }) => {
                return Ok(Err(CellError::Unavailable { reason }));
            }
            Err(error) => return Err(error),
        };
        let turn = match self.turn(&to, attempt).await {
            Ok(turn) => turn,
            Err(error) => return Ok(Err(error)),
        };
        let border = border(to.cell.range).filter(|border| *border < span.end);
        let read = Read {
            start: span.start.clone(),
            end: border.clone().unwrap_or_else(|| span.end.clone()),
            reverse: span.reverse,
            rows_max,
            bytes_max,
            columns: span.columns.clone(),
            probe: span.probe.clone(),
        };
        let request = ReadRequest {
            cell: to.cell.id,
            epoch: to.cell.epoch,
            level: span.level,
            reads: vec![read],
            now_seconds: span.now_seconds,
        };
        let (cell, node, level) = (to.cell.id, to.node, span.level);
        trace::note(|| format!("Reading from {cell} at {node} ({level:?})"));
        let reply = self.cells.read(to.target(), request, attempt.patience(true)).await;
        turn.end_with(reply.as_ref().err());
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => {
                trace::note_at(&to.address, || format!("{cell} at {node} did not read: {error}"));
                self.leaders.failed(&to.cell, to.node);
                return Ok(Err(error));
            }
        };
        if span.level == ReadLevel::Leader {
            self.leaders.answered(&to.cell, to.node);
        }
        let nothing = CellError::Unavailable { reason: "the node's answer is empty".to_owned() };
        let page = match reply.pages.into_iter().next().unwrap_or(Err(nothing)) {
            Ok(page) => page,
            Err(error) => {
                trace::note_at(&to.address, || format!("{cell} at {node} refused: {error}"));
                return Ok(Err(error));
            }
        };
        trace::note_at(&to.address, || {
            let (rows, bytes) = (page.rows.len(), page.examined_bytes);
            format!("{cell} at {node} answered with {rows} rows, {bytes} bytes examined")
        });
        match (&page.resume, border) {
            (Some(resume), _) if span.reverse => cursor.span.end = resume.clone(),
            (Some(resume), _) => cursor.span.start = resume.clone(),
            // The cell is read to its border: the next one goes on from there.
            (None, Some(border)) if !span.reverse => cursor.span.start = border,
            (None, _) => cursor.done = true,
        }
        Ok(Ok(Answer { page, now_seconds: reply.now_seconds }))
    }
}

/// The first key after a cell's range, unless it reaches to the top.
fn border(range: KeyRange) -> Option<Bytes> {
    range.end.map(|end| keys::position_key(end.table, end.token))
}
