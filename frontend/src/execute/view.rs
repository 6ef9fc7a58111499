//! SELECT from a materialized view whose rows have other keys than in their base table: the base
//! is read, its rows are put in the order of the view and fed to the plan's reader.
//!
//! A page holds on to no more rows than it returns where one row makes one, and to
//! [`SORT_BYTES_MAX`] of them elsewhere.

use std::{cmp::Ordering, collections::BTreeMap};

use bytes::Bytes;
use cellar_cql::plan::{BoundSelect, BoundView, Flow, Progress, Reads, RowReader};
use cellar_schema::{ColumnData, Row, keys};

use super::select::{FETCH_BYTES_MAX, FETCH_ROWS_MAX, Step, steps};
use super::{Executor, PagingState, Parameters};
use crate::{
    error::RequestError,
    route::{Cursor, ReadSpan},
};

/// Bytes of rows that wait to be sorted for one page, at most: a frontend serves many requests at
/// once.
const SORT_BYTES_MAX: usize = 64 << 20;
/// What a row costs in memory besides its values.
const ROW_BYTES: usize = 128;
/// What a value costs in memory besides its bytes.
const VALUE_BYTES: usize = 64;

/// Rows of a page of a view.
pub(super) struct ViewPage {
    pub(super) rows: Vec<Vec<Option<Bytes>>>,
    /// Where the next page begins: the read, the last key of it, and what the reader counted.
    pub(super) next: Option<(usize, Option<Bytes>, Progress)>,
    pub(super) read_bytes: u64,
}

/// Where a row stands in the result.
#[derive(Clone, Debug, PartialEq, Eq)]
struct At {
    /// Which read of the view.
    step: usize,
    key: Bytes,
    reverse: bool,
}

impl Ord for At {
    fn cmp(&self, other: &Self) -> Ordering {
        let keys = self.key.cmp(&other.key);
        let keys = if self.reverse { keys.reverse() } else { keys };
        self.step.cmp(&other.step).then(keys)
    }
}

impl PartialOrd for At {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A SELECT of a view while it runs.
struct Run<'a> {
    bound: &'a BoundSelect,
    view: &'a BoundView,
    /// The reads of the view by their first key: number and end.
    wanted: BTreeMap<Bytes, (usize, Bytes)>,
    /// Rows up to here were on former pages.
    after: Option<At>,
    /// No more rows than this are needed.
    keep: Option<usize>,
    waiting: BTreeMap<At, Row>,
    waiting_bytes: usize,
    reader: RowReader,
    partition: Option<Bytes>,
    last: Option<At>,
    ended: Option<Ended>,
    page_size: usize,
}

/// Why nothing more is fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    PageFull,
    Satisfied,
}

impl Executor {
    /// Reads one page of a view.
    pub(super) async fn read_view(
        &self,
        bound: &BoundSelect,
        view: &BoundView,
        parameters: &Parameters,
        (resumed, page_size): (Option<PagingState>, usize),
    ) -> Result<ViewPage, RequestError> {
        let mut run = Run::new(bound, view, self.now_seconds(parameters), resumed, page_size);
        let mut read_bytes = 0_u64;
        for step in steps(&view.reads) {
            let mut span = ReadSpan {
                start: step.start,
                end: step.end,
                reverse: false,
                columns: view.fetch.clone(),
                level: parameters.level,
                probe: view.probe.clone(),
                now_seconds: parameters.now_seconds,
            };
            if let Some(start) = run.begins_at().filter(|start| *start > span.start) {
                span.start = start.min(span.end.clone());
            }
            let mut cursor = Cursor::new(span);
            while !cursor.is_done() && run.ended.is_none() {
                let timeout = parameters.timeout;
                let read =
                    self.route.read(&mut cursor, FETCH_ROWS_MAX, FETCH_BYTES_MAX, timeout).await?;
                read_bytes = read_bytes.saturating_add(read.page.examined_bytes);
                for (key, row) in &read.page.rows {
                    run.take(key, row)?;
                }
            }
        }
        run.finish(read_bytes)
    }
}

impl<'a> Run<'a> {
    fn new(
        bound: &'a BoundSelect,
        view: &'a BoundView,
        now_seconds: i64,
        resumed: Option<PagingState>,
        page_size: usize,
    ) -> Self {
        let reverse = bound.reverse;
        let number = |read: u64| usize::try_from(read).unwrap_or(usize::MAX);
        let after = resumed.as_ref().and_then(|state| {
            let key = state.after.clone()?;
            Some(At { step: number(state.read), key, reverse })
        });
        let progress = resumed.map(|state| state.progress);
        let returned = progress.as_ref().map_or(0, |progress| progress.returned);
        let left = bound.limit().map(|limit| number(limit.saturating_sub(returned)));
        // One more shows whether there is a next page at all.
        let page = (page_size != usize::MAX).then(|| page_size.saturating_add(1));
        let keep = match (left, page) {
            (Some(left), Some(page)) => Some(left.min(page)),
            (left, page) => left.or(page),
        };
        let number_of = |(number, step): (usize, Step)| (step.start, (number, step.end));
        Self {
            bound,
            view,
            wanted: steps(&bound.reads).into_iter().enumerate().map(number_of).collect(),
            after,
            keep: keep.filter(|_| view.one_for_one),
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            reader: bound.reader(now_seconds, progress),
            partition: None,
            last: None,
            ended: None,
            page_size,
        }
    }

    /// Where reading of a base begins whose partitions come in the order of the view's.
    fn begins_at(&self) -> Option<Bytes> {
        let in_order = self.view.same_partitions && matches!(self.bound.reads, Reads::Scan { .. });
        let after = self.after.as_ref().filter(|_| in_order)?;
        keys::split(&after.key).ok().map(|(partition, _)| partition)
    }

    /// Takes a row of the base.
    fn take(&mut self, key: &Bytes, row: &Row) -> Result<(), RequestError> {
        let Some(key) = self.view.key(key, row)? else { return Ok(()) };
        let Some((_, (step, _))) =
            self.wanted.range::<Bytes, _>(..=&key).next_back().filter(|(_, (_, end))| key < *end)
        else {
            return Ok(());
        };
        let at = At { step: *step, key, reverse: self.bound.reverse };
        if self.after.as_ref().is_some_and(|after| at <= *after) {
            return Ok(());
        }
        if self.view.any_order {
            return self.feed(at, row);
        }
        self.leave_partition(&at)?;
        if self.keep.is_some_and(|keep| self.waiting.len() >= keep) {
            match self.waiting.last_entry() {
                Some(last) if at < *last.key() => {
                    let bytes = size(last.key(), last.get());
                    self.waiting_bytes = self.waiting_bytes.saturating_sub(bytes);
                    last.remove();
                }
                _ => return Ok(()),
            }
        }
        self.waiting_bytes = self.waiting_bytes.saturating_add(size(&at, row));
        self.waiting.insert(at, detached(row));
        if self.waiting_bytes > SORT_BYTES_MAX {
            return Err(RequestError::invalid(format!(
                "The rows of materialized view {}.{} that this query reads take more than {} MiB \
                 to sort. Read them in pages or with LIMIT, or restrict the query further",
                self.bound.table.keyspace,
                self.bound.table.name,
                SORT_BYTES_MAX >> 20
            )));
        }
        Ok(())
    }

    /// Feeds what waits of a partition if rows of the next one come, where none of the former one
    /// can come any more.
    fn leave_partition(&mut self, next: &At) -> Result<(), RequestError> {
        if !self.view.same_partitions || !matches!(self.bound.reads, Reads::Scan { .. }) {
            return Ok(());
        }
        let Some((first, _)) = self.waiting.first_key_value() else { return Ok(()) };
        let (partition, _) = keys::split(&first.key).map_err(RequestError::key)?;
        if next.key.starts_with(&partition) { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), RequestError> {
        self.waiting_bytes = 0;
        for (at, row) in std::mem::take(&mut self.waiting) {
            self.feed(at, &row)?;
        }
        Ok(())
    }

    fn feed(&mut self, at: At, row: &Row) -> Result<(), RequestError> {
        if self.ended.is_some() {
            return Ok(());
        }
        let inside = self.partition.as_ref().is_some_and(|prefix| at.key.starts_with(prefix));
        if !inside {
            if self.partition.is_some() && !self.view.any_order {
                self.reader.end_of_partition()?;
            }
            self.partition = Some(keys::split(&at.key).map_err(RequestError::key)?.0);
        }
        if !self.reader.must_read_all() && self.reader.ready() >= self.page_size {
            self.ended = Some(Ended::PageFull);
            return Ok(());
        }
        let mut flow = self.reader.push(&at.key, row)?;
        if flow == Flow::Again {
            if !self.reader.must_read_all() && self.reader.ready() >= self.page_size {
                self.ended = Some(Ended::PageFull);
                return Ok(());
            }
            flow = self.reader.push(&at.key, row)?;
        }
        if flow == Flow::Done {
            self.ended = Some(Ended::Satisfied);
        }
        self.last = Some(at);
        Ok(())
    }

    fn finish(mut self, read_bytes: u64) -> Result<ViewPage, RequestError> {
        self.flush()?;
        let mut next = None;
        if self.ended == Some(Ended::PageFull) {
            let (read, key) = self.last.map_or((0, None), |at| (at.step, Some(at.key)));
            next = Some((read, key, self.reader.progress()));
        } else {
            self.reader.end_of_partition()?;
            self.reader.finish()?;
        }
        Ok(ViewPage { rows: self.reader.take_rows(), next, read_bytes })
    }
}

/// A copy that does not hold on to what the row was read with.
fn detached(row: &Row) -> Row {
    let own = |bytes: &mut Bytes| *bytes = Bytes::copy_from_slice(bytes);
    let mut row = row.clone();
    for (_, data) in &mut row.columns {
        match data {
            ColumnData::Simple(simple) => simple.value.iter_mut().for_each(own),
            ColumnData::Counter(_) => {}
            ColumnData::Complex(complex) => {
                for element in &mut complex.elements {
                    own(&mut element.key);
                    own(&mut element.name);
                    element.data.value.iter_mut().for_each(own);
                }
            }
        }
    }
    row
}

/// What a waiting row takes in memory, nearly.
fn size(at: &At, row: &Row) -> usize {
    let value = |data: &ColumnData| match data {
        ColumnData::Simple(simple) => simple.value.as_ref().map_or(0, Bytes::len),
        ColumnData::Counter(_) => 0,
        ColumnData::Complex(complex) => {
            let element = |element: &cellar_schema::Element| {
                let value = element.data.value.as_ref().map_or(0, Bytes::len);
                VALUE_BYTES + element.key.len() + element.name.len() + value
            };
            complex.elements.iter().map(element).sum()
        }
    };
    let values: usize = row.columns.iter().map(|(_, data)| VALUE_BYTES + value(data)).sum();
    ROW_BYTES + at.key.len() + values
}
