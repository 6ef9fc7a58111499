//! SELECT: reads spans page after page, feeds them to the plan's reader, and cuts the result
//! exactly at the page size.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use cellar_cell_api::ReadLevel;
use cellar_cql::plan::{BoundSelect, Flow, Planned, Reads, RowReader, Select};
use cellar_schema::{Row, keys};

use super::resume::Origin;
use super::{Answer, Done, Executor, PagingState, Parameters, ResultRows};
use crate::{
    error::RequestError,
    meter::Charge,
    route::{Cursor, ReadSpan, key_after},
};

/// Rows asked of a cell at once, at most.
pub(super) const FETCH_ROWS_MAX: u32 = 5_000;
/// Bytes asked of a cell at once, at most: a few of the largest values.
pub(super) const FETCH_BYTES_MAX: u32 = 4 << 20;

/// A page ends early when this much was read for it; a page of few large rows stays small.
const PAGE_BYTES: u64 = 4 << 20;

/// One read of a statement, in the order of the result.
pub(super) struct Step {
    /// The partition, unless it is a scan.
    pub(super) partition: Option<Bytes>,
    /// Whether static columns are wanted with it.
    pub(super) statics: bool,
    pub(super) start: Bytes,
    pub(super) end: Bytes,
}

/// A SELECT while it runs.
struct Run<'a> {
    executor: &'a Executor,
    /// All there is, if the table is made up here and not stored.
    made_up: Option<BTreeMap<Bytes, Row>>,
    bound: BoundSelect,
    parameters: &'a Parameters,
    reader: Option<RowReader>,
    resumed: Option<PagingState>,
    /// Prefix of the partition that the reader is in.
    partition: Option<Bytes>,
    last_key: Option<Bytes>,
    read_bytes: u64,
    page_size: usize,
}

/// Why a step ended.
#[derive(PartialEq, Eq)]
enum Ended {
    /// It was read to its end.
    Exhausted,
    /// The page is full.
    PageFull,
    /// The reader wants nothing more.
    Satisfied,
}

impl Executor {
    /// Runs a SELECT.
    pub(super) async fn select(
        &self,
        select: &Select,
        planned: &Planned,
        parameters: &Parameters,
    ) -> Result<Done, RequestError> {
        let bound = select.bind(&parameters.values, &self.env(parameters))?;
        let columns = planned
            .columns
            .clone()
            .ok_or_else(|| RequestError::internal("a SELECT without result columns"))?;
        let origin = Origin::of(planned, &bound, parameters);
        let resumed = match &parameters.paging_state {
            Some(state) => Some(origin.resume(state, &bound, &steps(&bound.reads))?),
            None => None,
        };
        let page_size = parameters
            .page_size
            .map_or(usize::MAX, |rows| usize::try_from(rows.max(1)).unwrap_or(usize::MAX));
        if let Some(view) = &bound.view {
            let page = self.read_view(&bound, view, parameters, (resumed, page_size)).await?;
            let charge = Charge::read(page.read_bytes, parameters.level == ReadLevel::Any);
            let next = page.next.map(|(read, after, progress)| {
                let read = u64::try_from(read).unwrap_or(u64::MAX);
                let Origin { statement, table } = origin;
                PagingState { statement, table, read, after, progress }.encode()
            });
            let rows = ResultRows { columns, rows: page.rows, next: next.transpose()? };
            return Ok(Done { answer: Answer::Rows(rows), charge, warnings: Vec::new() });
        }
        let made_up = self.made_up(&bound).await?;
        let free = made_up.is_some();
        let run = Run {
            executor: self,
            made_up,
            bound,
            parameters,
            reader: None,
            resumed,
            partition: None,
            last_key: None,
            read_bytes: 0,
            page_size,
        };
        let mut done = run.all(columns, origin).await?;
        if free {
            done.charge = Charge::default();
        }
        Ok(Done { warnings: select.warnings(), ..done })
    }
}

impl Run<'_> {
    async fn all(
        mut self,
        columns: Arc<[cellar_cql::plan::ResultColumn]>,
        origin: Origin,
    ) -> Result<Done, RequestError> {
        let steps = steps(&self.bound.reads);
        let first = match &self.resumed {
            Some(state) => usize::try_from(state.read).unwrap_or(usize::MAX),
            None => 0,
        };
        let mut next = None;
        let mut satisfied = false;
        for (index, step) in steps.iter().enumerate().skip(first) {
            // A page that ends before the first row of a step goes on at the step's begin.
            self.last_key = None;
            match self.step(step).await? {
                Ended::Exhausted => {}
                Ended::PageFull => {
                    next = Some((index, self.last_key.take()));
                    break;
                }
                Ended::Satisfied => {
                    satisfied = true;
                    break;
                }
            }
        }
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => self.bound.reader(self.executor.now_seconds(self.parameters), None),
        };
        // Whether there is more shows when it is asked for, as in Cassandra: applications count on
        // it that a page of full size is followed by another one.
        let full = |reader: &RowReader| {
            let paged = !satisfied && !reader.must_read_all() && !reader.is_full();
            paged && reader.ready() >= self.page_size
        };
        if next.is_none() {
            if !full(&reader) {
                reader.end_of_partition()?;
                reader.finish()?;
            }
            let last = steps.len().saturating_sub(1);
            next = full(&reader).then(|| (last, self.last_key.take()));
        }
        let mut paging = None;
        if let Some((index, after)) = next {
            let state = PagingState {
                statement: origin.statement,
                table: origin.table,
                read: u64::try_from(index).unwrap_or(u64::MAX),
                after,
                progress: reader.progress(),
            };
            paging = Some(state.encode()?);
        }
        let rows = reader.take_rows();
        let half = self.parameters.level == ReadLevel::Any;
        let answer = Answer::Rows(ResultRows { columns, rows, next: paging });
        let charge = Charge::read(self.read_bytes, half);
        Ok(Done { answer, charge, warnings: Vec::new() })
    }

    async fn step(&mut self, step: &Step) -> Result<Ended, RequestError> {
        let span = ReadSpan {
            start: step.start.clone(),
            end: step.end.clone(),
            reverse: self.bound.reverse,
            columns: self.bound.fetch.clone(),
            level: self.parameters.level,
            probe: self.bound.probe.clone(),
            now_seconds: self.parameters.now_seconds,
        };
        let mut cursor = Cursor::new(span.clone());
        let resumed = self.resumed.take();
        if let Some(after) = resumed.as_ref().and_then(|state| state.after.as_ref()) {
            cursor.rewind_to(after, &span);
        }
        let now_seconds = self.executor.now_seconds(self.parameters);
        let progress = resumed.as_ref().map(|state| state.progress.clone());
        if self.reader.is_none() {
            self.reader = Some(self.bound.reader(now_seconds, progress));
        }
        if self.leave(step)? == Ended::PageFull {
            return Ok(Ended::PageFull);
        }
        self.enter(step, resumed.and_then(|state| state.after)).await?;
        while !cursor.is_done() {
            let rows = self.fetch(&mut cursor, self.rows_wanted()).await?;
            let mut skipped: Option<Bytes> = None;
            for (key, row) in &rows {
                if skipped.as_ref().is_some_and(|partition| key.starts_with(partition)) {
                    continue;
                }
                match self.feed(key, row, step)? {
                    Fed::On => skipped = None,
                    Fed::Satisfied => return Ok(Ended::Satisfied),
                    Fed::PageFull => return Ok(Ended::PageFull),
                    Fed::Skip(_) if step.partition.is_some() => return Ok(Ended::Exhausted),
                    Fed::Skip(partition) => skipped = Some(partition),
                }
            }
            if let Some(partition) = skipped {
                cursor.skip_to(keys::after(&partition));
            }
            if self.is_heavy() && !cursor.is_done() {
                return Ok(Ended::PageFull);
            }
        }
        Ok(Ended::Exhausted)
    }
}

/// What came of feeding one row.
enum Fed {
    On,
    Satisfied,
    PageFull,
    /// The reader wants nothing more of this partition.
    Skip(Bytes),
}

impl Run<'_> {
    /// Ends the partition of the step before, which may make a row of its static columns.
    fn leave(&mut self, step: &Step) -> Result<Ended, RequestError> {
        if self.partition.is_none() || self.partition == step.partition {
            return Ok(Ended::Exhausted);
        }
        self.partition = None;
        let Some(reader) = self.reader.as_mut() else { return Ok(Ended::Exhausted) };
        reader.end_of_partition()?;
        let full = !reader.must_read_all() && reader.ready() >= self.page_size;
        Ok(if full { Ended::PageFull } else { Ended::Exhausted })
    }

    /// Announces the partition of a step, or the one in which a page goes on.
    async fn enter(&mut self, step: &Step, after: Option<Bytes>) -> Result<(), RequestError> {
        let partition = match (&step.partition, after) {
            (Some(partition), _) => partition.clone(),
            (None, Some(after)) => keys::split(&after).map_err(RequestError::key)?.0,
            (None, None) => return Ok(()),
        };
        if self.partition.as_ref() == Some(&partition) {
            // Another range of the same partition.
            return Ok(());
        }
        let statics = if step.statics { self.statics(&partition).await? } else { None };
        if let Some(reader) = self.reader.as_mut() {
            reader.partition(&partition, statics);
        }
        self.partition = Some(partition);
        Ok(())
    }

    async fn statics(&mut self, partition: &Bytes) -> Result<Option<Row>, RequestError> {
        let start = joined(partition, &keys::static_suffix());
        let span = ReadSpan {
            end: key_after(&start),
            start,
            reverse: false,
            columns: self.bound.fetch.clone(),
            level: self.parameters.level,
            probe: None,
            now_seconds: self.parameters.now_seconds,
        };
        let mut cursor = Cursor::new(span);
        Ok(self.fetch(&mut cursor, 1).await?.into_iter().next().map(|(_, row)| row))
    }

    async fn fetch(
        &mut self,
        cursor: &mut Cursor,
        rows_max: u32,
    ) -> Result<Vec<(Bytes, Row)>, RequestError> {
        if let Some(all) = &self.made_up {
            return Ok(cursor.take(all, rows_max));
        }
        let timeout = self.parameters.timeout;
        let route = &self.executor.route;
        let answer = route.read(cursor, rows_max, FETCH_BYTES_MAX, timeout).await?;
        self.read_bytes = self.read_bytes.saturating_add(answer.page.examined_bytes);
        Ok(answer.page.rows)
    }

    /// Whether the page should end here although rows are missing: they may be large.
    fn is_heavy(&self) -> bool {
        let reader = self.reader.as_ref().filter(|reader| !reader.must_read_all());
        self.parameters.page_size.is_some()
            && self.read_bytes >= PAGE_BYTES
            && reader.is_some_and(|reader| reader.ready() > 0 && !reader.is_in_group())
    }

    /// How many rows the next fetch should bring: no more than the page can use.
    fn rows_wanted(&self) -> u32 {
        let Some(reader) = self.reader.as_ref().filter(|reader| !reader.must_read_all()) else {
            return FETCH_ROWS_MAX;
        };
        let left = self.page_size.saturating_sub(reader.ready());
        let left = u32::try_from(left).unwrap_or(FETCH_ROWS_MAX).min(FETCH_ROWS_MAX);
        // One more shows whether there is a next page at all.
        let wanted = left.saturating_add(1);
        self.bound.row_limit_hint.map_or(wanted, |limit| wanted.min(limit)).max(1)
    }

    fn feed(&mut self, key: &Bytes, row: &Row, step: &Step) -> Result<Fed, RequestError> {
        let Some(reader) = self.reader.as_mut() else { return Ok(Fed::Satisfied) };
        let paged = !reader.must_read_all();
        if step.partition.is_none() {
            let inside = self.partition.as_ref().is_some_and(|prefix| key.starts_with(prefix));
            if !inside {
                if self.partition.is_some() {
                    reader.end_of_partition()?;
                }
                self.partition = Some(keys::split(key).map_err(RequestError::key)?.0);
            }
        }
        if paged && reader.ready() >= self.page_size {
            return Ok(Fed::PageFull);
        }
        let mut flow = reader.push(key, row)?;
        if flow == Flow::Again {
            let heavy = self.parameters.page_size.is_some() && self.read_bytes >= PAGE_BYTES;
            if paged && (heavy || reader.ready() >= self.page_size) {
                return Ok(Fed::PageFull);
            }
            flow = reader.push(key, row)?;
        }
        self.last_key = Some(key.clone());
        Ok(match flow {
            Flow::More | Flow::Again => Fed::On,
            Flow::Done => Fed::Satisfied,
            Flow::SkipPartition => Fed::Skip(self.partition.clone().unwrap_or_default()),
        })
    }
}

/// The reads one by one.
pub(super) fn steps(reads: &Reads) -> Vec<Step> {
    match reads {
        Reads::Scan { start, end, statics } => vec![Step {
            partition: None,
            statics: *statics,
            start: start.clone(),
            end: end.clone(),
        }],
        Reads::Partitions(partitions) => partitions
            .iter()
            .flat_map(|read| {
                read.ranges.iter().map(|(start, end)| Step {
                    partition: Some(read.partition.clone()),
                    statics: read.statics,
                    start: joined(&read.partition, start),
                    end: joined(&read.partition, end),
                })
            })
            .collect(),
    }
}

pub(super) fn joined(partition: &Bytes, suffix: &[u8]) -> Bytes {
    let mut key = Vec::with_capacity(partition.len().saturating_add(suffix.len()));
    key.extend_from_slice(partition);
    key.extend_from_slice(suffix);
    key.into()
}
