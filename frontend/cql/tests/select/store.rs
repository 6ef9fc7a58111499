//! A model of the cells: rows in key order, written through the planner's own mutations and read
//! as the frontend reads, page by page.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bytes::Bytes;
use cellar_cql::plan::{
    BoundSelect, BoundValue, Env, Flow, Plan, PlanError, Planned, Progress, Reads, RowReader,
};
use cellar_schema::apply::{self, PartitionStore, Stamp};
use cellar_schema::{ColumnId, Mutation, PartitionMarks, Row, keys, value};

use crate::schema::{ENV, bind, try_plan};

/// All rows and marks by engine key.
#[derive(Default)]
pub(crate) struct Store {
    rows: BTreeMap<Bytes, Row>,
    marks: BTreeMap<Bytes, PartitionMarks>,
    sequence: u32,
}

/// What one page holds, and where the next one begins.
pub(crate) struct Page {
    pub(crate) rows: Vec<Vec<Option<Bytes>>>,
    pub(crate) next: Option<(usize, Option<Bytes>, Progress)>,
}

struct One<'s> {
    store: &'s mut Store,
    partition: Bytes,
}

impl One<'_> {
    fn key(&self, suffix: &[u8]) -> Bytes {
        keys::engine_key(&self.partition, suffix).unwrap()
    }
}

impl PartitionStore for One<'_> {
    type Error = Infallible;

    fn marks(&mut self) -> Result<PartitionMarks, Infallible> {
        Ok(self.store.marks.get(&self.partition).cloned().unwrap_or_default())
    }

    fn row(&mut self, suffix: &[u8]) -> Result<Option<Row>, Infallible> {
        Ok(self.store.rows.get(&self.key(suffix)).cloned())
    }

    fn set_marks(&mut self, marks: PartitionMarks) -> Result<(), Infallible> {
        self.store.marks.insert(self.partition.clone(), marks);
        Ok(())
    }

    fn set_row(&mut self, suffix: Bytes, row: Row) -> Result<(), Infallible> {
        let key = self.key(&suffix);
        self.store.rows.insert(key, row);
        Ok(())
    }

    fn remove_row(&mut self, suffix: &[u8]) -> Result<(), Infallible> {
        let key = self.key(suffix);
        self.store.rows.remove(&key);
        Ok(())
    }
}

/// Seconds since the epoch at which everything is written and read.
pub(crate) const NOW_SECONDS: i64 = 1;

impl Store {
    pub(crate) fn of(statements: &[&str]) -> Self {
        let mut store = Self::default();
        for statement in statements {
            store.write(statement, &[]);
        }
        store
    }

    pub(crate) fn write(&mut self, text: &str, values: &[BoundValue]) {
        self.apply(bind(text, values).mutations);
    }

    pub(crate) fn apply(&mut self, mutations: Vec<Mutation>) {
        for mutation in mutations {
            self.sequence += 1;
            let stamp = Stamp {
                timestamp_us: ENV.now_us + i64::from(self.sequence),
                now_seconds: NOW_SECONDS,
                sequence: self.sequence,
                repeats_from_us: None,
            };
            let partition = mutation.partition.clone();
            apply::mutate(&mut One { store: self, partition }, &mutation, stamp).unwrap();
        }
    }

    /// What a cell shows of a row: live, and only the columns asked for.
    fn view(&self, key: &Bytes, row: &Row, fetch: Option<&[ColumnId]>) -> Option<Row> {
        let (partition, suffix) = keys::split(key).unwrap();
        let marks = self.marks.get(&partition).cloned().unwrap_or_default();
        let mut live = marks.view(&suffix, row.clone(), NOW_SECONDS)?;
        if let Some(fetch) = fetch {
            live.columns.retain(|(id, _)| fetch.contains(id));
        }
        Some(live)
    }

    fn span(&self, start: &[u8], end: &[u8], bound: &BoundSelect) -> Vec<(Bytes, Row)> {
        assert!(start <= end, "a range the wrong way round");
        let range = Bytes::copy_from_slice(start)..Bytes::copy_from_slice(end);
        let fetch = bound.fetch.as_deref();
        let rows = self.rows.range(range);
        let live = rows.filter_map(|(key, row)| Some((key.clone(), self.view(key, row, fetch)?)));
        let mut rows: Vec<_> = live.collect();
        if bound.reverse {
            rows.reverse();
        }
        rows
    }

    fn statics(&self, partition: &Bytes, bound: &BoundSelect) -> Option<Row> {
        let key = keys::engine_key(partition, &keys::static_suffix()).unwrap();
        self.view(&key, self.rows.get(&key)?, bound.fetch.as_deref())
    }

    /// One page, read as the frontend reads.
    pub(crate) fn page(
        &self,
        bound: &BoundSelect,
        size: usize,
        resume: Option<(usize, Option<Bytes>, Progress)>,
    ) -> Result<Page, PlanError> {
        let progress = resume.as_ref().map(|(_, _, progress)| progress.clone());
        let mut reader = bound.reader(NOW_SECONDS, progress);
        let (first, mut after) = resume.map_or((0, None), |(step, after, _)| (step, after));
        let steps = steps(bound);
        let mut current: Option<Bytes> = None;
        let mut last: Option<Bytes> = None;
        'steps: for (index, step) in steps.iter().enumerate().skip(first) {
            let after = after.take();
            let partition = match (&step.partition, &after) {
                (Some(partition), _) => Some(partition.clone()),
                (None, Some(after)) => Some(keys::split(after).unwrap().0),
                (None, None) => None,
            };
            if let Some(partition) = partition
                && current.as_ref() != Some(&partition)
            {
                if current.is_some() {
                    reader.end_of_partition()?;
                }
                let statics = step.statics.then(|| self.statics(&partition, bound)).flatten();
                reader.partition(&partition, statics);
                current = Some(partition);
            }
            for (key, row) in self.span(&step.start, &step.end, bound) {
                let done =
                    |after: &Bytes| if bound.reverse { key >= *after } else { key <= *after };
                if after.as_ref().is_some_and(done) {
                    continue;
                }
                if step.partition.is_none() && !current.as_ref().is_some_and(|p| key.starts_with(p))
                {
                    if current.is_some() {
                        reader.end_of_partition()?;
                    }
                    current = Some(keys::split(&key).unwrap().0);
                }
                if !reader.must_read_all() && reader.ready() >= size {
                    let next = Some((index, last, reader.progress()));
                    return Ok(Page { rows: reader.take_rows(), next });
                }
                let before = reader.ready();
                let mut flow = reader.push(&key, &row)?;
                if flow == Flow::Again {
                    if !reader.must_read_all() && reader.ready() >= size {
                        let next = Some((index, last, reader.progress()));
                        return Ok(Page { rows: reader.take_rows(), next });
                    }
                    flow = reader.push(&key, &row)?;
                }
                assert!(reader.ready() <= before + 1, "one row at most becomes ready");
                last = Some(key);
                match flow {
                    Flow::More | Flow::Again => {}
                    Flow::Done => break 'steps,
                    Flow::SkipPartition if step.partition.is_some() => break,
                    // The rest of the partition may also be pushed.
                    Flow::SkipPartition => {}
                }
            }
            last = None;
        }
        reader.end_of_partition()?;
        reader.finish()?;
        Ok(Page { rows: reader.take_rows(), next: None })
    }

    /// All rows of a statement, read in pages of this size.
    pub(crate) fn try_read(
        &self,
        text: &str,
        values: &[BoundValue],
        size: usize,
        env: &Env,
    ) -> Result<Vec<Vec<Option<Bytes>>>, PlanError> {
        let planned = try_plan(text)?;
        self.read_planned(&planned, values, size, env)
    }

    pub(crate) fn read_planned(
        &self,
        planned: &Planned,
        values: &[BoundValue],
        size: usize,
        env: &Env,
    ) -> Result<Vec<Vec<Option<Bytes>>>, PlanError> {
        let Plan::Select(select) = &planned.plan else { panic!("no SELECT: {planned:?}") };
        let width = planned.columns.as_ref().unwrap().len();
        let bound = select.bind(values, env)?;
        let mut rows = Vec::new();
        let mut resume = None;
        loop {
            let page = self.page(&bound, size, resume.take())?;
            assert!(page.rows.iter().all(|row| row.len() == width));
            rows.extend(page.rows);
            resume = page.next;
            if resume.is_none() {
                return Ok(rows);
            }
        }
    }

    /// All rows as text, one line for each, the same in pages of every size.
    pub(crate) fn read_with(&self, text: &str, values: &[BoundValue]) -> Vec<String> {
        let columns = try_plan(text).unwrap_or_else(|e| panic!("{text}: {e}")).columns.unwrap();
        let show = |rows: Vec<Vec<Option<Bytes>>>| -> Vec<String> {
            let line = |row: Vec<Option<Bytes>>| {
                let cells = row.iter().zip(columns.iter()).map(|(cell, column)| match cell {
                    Some(bytes) => value::to_text(&column.cql_type, bytes),
                    None => "null".to_owned(),
                });
                cells.collect::<Vec<_>>().join(" ")
            };
            rows.into_iter().map(line).collect()
        };
        let whole = show(self.try_read(text, values, usize::MAX, &ENV).unwrap());
        for size in [1, 2, 3] {
            let paged = show(self.try_read(text, values, size, &ENV).unwrap());
            assert_eq!(paged, whole, "{text} in pages of {size}");
        }
        whole
    }

    pub(crate) fn read(&self, text: &str) -> Vec<String> {
        self.read_with(text, &[])
    }
}

struct Step {
    partition: Option<Bytes>,
    statics: bool,
    start: Vec<u8>,
    end: Vec<u8>,
}

fn steps(bound: &BoundSelect) -> Vec<Step> {
    match &bound.reads {
        Reads::Scan { start, end, statics } => vec![Step {
            partition: None,
            statics: *statics,
            start: start.to_vec(),
            end: end.to_vec(),
        }],
        Reads::Partitions(partitions) => partitions
            .iter()
            .flat_map(|read| {
                read.ranges.iter().map(|(start, end)| Step {
                    partition: Some(read.partition.clone()),
                    statics: read.statics,
                    start: [&read.partition[..], &start[..]].concat(),
                    end: [&read.partition[..], &end[..]].concat(),
                })
            })
            .collect(),
    }
}

/// What planning, binding without values or reading nothing says.
pub(crate) fn refusal(text: &str) -> String {
    refusal_with(text, &[])
}

pub(crate) fn refusal_with(text: &str, values: &[BoundValue]) -> String {
    match Store::default().try_read(text, values, 10, &ENV) {
        Ok(rows) => panic!("{text} is accepted: {rows:?}"),
        Err(error) => error.to_string(),
    }
}

/// Names of the result's columns.
pub(crate) fn names(text: &str) -> Vec<String> {
    let columns = try_plan(text).unwrap_or_else(|error| panic!("{text}: {error}")).columns.unwrap();
    columns.iter().map(|column| column.name.clone()).collect()
}

/// The reads of a statement.
pub(crate) fn reads(text: &str, values: &[BoundValue]) -> BoundSelect {
    let planned = try_plan(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let Plan::Select(select) = planned.plan else { panic!("{text} is no SELECT") };
    select.bind(values, &ENV).unwrap()
}

/// A reader for tests that feed it themselves.
pub(crate) fn reader(text: &str) -> RowReader {
    reads(text, &[]).reader(NOW_SECONDS, None)
}
