//! One cell in memory, with the rules of the schema crate for applying, testing and reading, and
//! with failures on demand.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

use bytes::Bytes;
use cellar_cell_api::{
    AdminAnswer, AdminRequest, CellError, CellService, Outcome, Page, Read, ReadReply, ReadRequest,
    Write, WriteReply, WriteRequest,
};
use cellar_schema::{
    Clock, PartitionMarks, Row, SystemClock,
    apply::{self, PartitionStore, Stamp},
    evaluate, keys,
};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;

#[derive(Default)]
pub(crate) struct InMemory {
    store: Mutex<Store>,
    /// Fails everything while it is set.
    pub(crate) failure: Mutex<Option<CellError>>,
}

#[derive(Default)]
struct Store {
    rows: BTreeMap<Bytes, Row>,
    marks: BTreeMap<Bytes, PartitionMarks>,
    last_us: i64,
}

struct Partition<'s> {
    store: &'s mut Store,
    prefix: Bytes,
}

impl Partition<'_> {
    fn key(&self, suffix: &[u8]) -> Bytes {
        keys::engine_key(&self.prefix, suffix).unwrap()
    }
}

impl PartitionStore for Partition<'_> {
    type Error = Infallible;

    fn marks(&mut self) -> Result<PartitionMarks, Infallible> {
        Ok(self.store.marks.get(&self.prefix).cloned().unwrap_or_default())
    }

    fn row(&mut self, suffix: &[u8]) -> Result<Option<Row>, Infallible> {
        Ok(self.store.rows.get(&self.key(suffix)).cloned())
    }

    fn set_marks(&mut self, marks: PartitionMarks) -> Result<(), Infallible> {
        self.store.marks.insert(self.prefix.clone(), marks);
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

impl Store {
    fn live(&self, key: &Bytes, row: &Row, now_seconds: i64) -> Option<Row> {
        let (partition, suffix) = keys::split(key).unwrap();
        let marks = self.marks.get(&partition).cloned().unwrap_or_default();
        marks.view(&suffix, row.clone(), now_seconds)
    }

    fn write(&mut self, write: &Write) -> Result<Outcome, CellError> {
        self.last_us = SystemClock.now_us().max(self.last_us + 1);
        let now_seconds = write.now_seconds.unwrap_or(self.last_us / 1_000_000);
        let mut current = Vec::new();
        let mut holds = true;
        for condition in &write.conditions {
            let key = keys::engine_key(&condition.partition, &condition.suffix).unwrap();
            let row = self.rows.get(&key).and_then(|row| self.live(&key, row, now_seconds));
            holds &= evaluate(&condition.test, row.as_ref());
            current.push(row);
        }
        if !holds {
            return Ok(Outcome::NotApplied { current, read_bytes: 100 });
        }
        for mutation in &write.mutations {
            let stamp = Stamp {
                timestamp_us: self.last_us,
                now_seconds,
                sequence: 0,
                repeats_from_us: None,
            };
            let prefix = mutation.partition.clone();
            apply::mutate(&mut Partition { store: self, prefix }, mutation, stamp)
                .map_err(|error| CellError::Invalid { message: error.to_string() })?;
        }
        Ok(Outcome::Applied { written_bytes: 100, previous: current })
    }

    fn read(&self, read: &Read, now_seconds: i64) -> Page {
        let span = self.rows.range(read.start.clone()..read.end.clone());
        let live = span.filter_map(|(key, row)| {
            let mut row = self.live(key, row, now_seconds)?;
            if let Some(columns) = &read.columns {
                row.columns.retain(|(id, _)| columns.contains(id));
            }
            Some((key.clone(), row))
        });
        let mut rows: Vec<_> = live.collect();
        if read.reverse {
            rows.reverse();
        }
        // Small pages, so that frontends have to ask again.
        let most = usize::try_from(read.rows_max).unwrap().min(3);
        let resume = match (rows.get(most), rows.get(most.saturating_sub(1)), read.reverse) {
            (Some(next), _, false) => Some(next.0.clone()),
            (Some(_), Some(last), true) => Some(last.0.clone()),
            _ => None,
        };
        rows.truncate(most);
        let examined_rows = u64::try_from(rows.len()).unwrap();
        Page { rows, resume, examined_bytes: examined_rows * 100, examined_rows }
    }
}

impl InMemory {
    fn fail(&self) -> Result<(), CellError> {
        self.failure.lock().clone().map_or(Ok(()), Err)
    }
}

/// The service of a cell that a test keeps hold of.
pub(crate) struct Service(pub(crate) Arc<InMemory>);

impl CellService for Service {
    fn write(&self, request: WriteRequest) -> BoxFuture<'static, Result<WriteReply, CellError>> {
        let answer = self.0.fail().map(|()| {
            let mut store = self.0.store.lock();
            let outcomes = request.writes.iter().map(|write| store.write(write)).collect();
            WriteReply { outcomes }
        });
        async move { answer }.boxed()
    }

    fn read(&self, request: ReadRequest) -> BoxFuture<'static, Result<ReadReply, CellError>> {
        let answer = self.0.fail().map(|()| {
            let store = self.0.store.lock();
            let now_seconds = request.now_seconds.unwrap_or_else(|| SystemClock.now_seconds());
            let reads = request.reads.iter();
            let pages = reads.map(|read| Ok(store.read(read, now_seconds))).collect();
            ReadReply { pages, now_seconds }
        });
        async move { answer }.boxed()
    }

    fn admin(&self, _: AdminRequest) -> BoxFuture<'static, Result<AdminAnswer, CellError>> {
        async { Ok(AdminAnswer::Done) }.boxed()
    }
}
