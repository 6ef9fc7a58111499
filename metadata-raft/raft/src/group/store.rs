//! A group's part of the log, as openraft wants to see it.

use std::{
    fmt::Debug,
    io,
    ops::{Bound, RangeBounds},
};

use bytes::Bytes;
use futures::{Stream, stream};
use openraft::{
    OptionalSend, RaftLogReader,
    storage::{IOFlushed, LogState, RaftLogStorage},
};
use tokio::sync::{oneshot, watch};

use crate::{
    limits::{APPEND_BYTES, READ_BYTES},
    log::{Log, LogEntry, LogError},
    types::{self, LogId, RaftEntry, RaftVote, Types},
};

/// The log of one group; clones are the same log.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub(crate) log: Log,
    pub(crate) group: u64,
    /// Told the index up to which the log was purged.
    pub(crate) purged: watch::Sender<Option<u64>>,
}

/// The indexes of a range, as a half-open one.
fn indexes(range: &impl RangeBounds<u64>) -> (u64, u64) {
    let start = match range.start_bound() {
        Bound::Included(start) => *start,
        Bound::Excluded(before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(last) => last.saturating_add(1),
        Bound::Excluded(end) => *end,
        Bound::Unbounded => u64::MAX,
    };
    (start, end)
}

/// Entries on their way out of the log.
struct Reading {
    store: Store,
    entries: std::vec::IntoIter<LogEntry>,
    next: u64,
    end: u64,
}

impl Reading {
    /// The next entry; reads on when what was read is used up.
    fn next(&mut self) -> io::Result<Option<RaftEntry>> {
        if self.entries.as_slice().is_empty() && self.next < self.end {
            let range = self.next..self.end;
            self.entries = self.store.log.read(self.store.group, range, READ_BYTES)?.into_iter();
        }
        let Some(entry) = self.entries.next() else { return Ok(None) };
        self.next = entry.index + 1;
        types::from_log(entry).map(Some)
    }
}

impl Store {
    /// Whether it never had an entry.
    pub(crate) fn is_empty(&self) -> bool {
        self.log.state(self.group).last.is_none()
    }

    /// Queues an operation and waits until it is durable.
    async fn durably(
        &self,
        start: impl FnOnce(&Log, Box<dyn FnOnce(Result<(), LogError>) + Send>),
    ) -> io::Result<()> {
        let (tell, told) = oneshot::channel();
        let done = move |outcome| drop(tell.send(outcome));
        start(&self.log, Box::new(done));
        told.await.map_err(io::Error::other)?.map_err(io::Error::from)
    }
}

/// For operations whose failure shows in whatever waits next: the log takes nothing after it.
fn nobody() -> Box<dyn FnOnce(Result<(), LogError>) + Send> {
    Box::new(|_| ())
}

impl RaftLogReader<Types> for Store {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> io::Result<Vec<RaftEntry>> {
        let (start, end) = indexes(&range);
        let entries = self.log.read(self.group, start..end, usize::MAX)?;
        entries.into_iter().map(types::from_log).collect()
    }

    async fn entries_stream<RB>(
        &mut self,
        range: RB,
    ) -> impl Stream<Item = io::Result<RaftEntry>> + OptionalSend
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (next, end) = indexes(&range);
        let store = self.clone();
        let mut reading = Reading { store, entries: Vec::new().into_iter(), next, end };
        stream::iter(std::iter::from_fn(move || reading.next().transpose()))
    }

    async fn limited_get_log_entries(
        &mut self,
        start: u64,
        end: u64,
    ) -> io::Result<Vec<RaftEntry>> {
        let entries = self.log.read(self.group, start..end, APPEND_BYTES)?;
        entries.into_iter().map(types::from_log).collect()
    }

    async fn read_vote(&mut self) -> io::Result<Option<RaftVote>> {
        let vote = self.log.state(self.group).vote;
        vote.map(|vote| types::decode(&vote)).transpose()
    }
}

impl RaftLogStorage<Types> for Store {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<Types>> {
        let state = self.log.state(self.group);
        Ok(LogState {
            last_purged_log_id: state.purged.map(types::log_id),
            last_log_id: state.last.map(types::log_id),
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &RaftVote) -> io::Result<()> {
        let vote = Bytes::from(types::encode(vote)?);
        self.durably(|log, done| log.save_vote(self.group, vote, done)).await
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        if let Some(committed) = committed {
            self.log.save_committed(self.group, types::position(&committed));
        }
        Ok(())
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        Ok(self.log.state(self.group).committed.map(types::log_id))
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types>) -> io::Result<()>
    where
        I: IntoIterator<Item = RaftEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries = entries.into_iter().map(types::to_log).collect::<io::Result<Vec<_>>>()?;
        let done = move |outcome: Result<(), LogError>| {
            callback.io_completed(outcome.map_err(io::Error::from));
        };
        self.log.append(self.group, entries, Box::new(done));
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        let from = last.map_or(0, |last| last.index + 1);
        // The log keeps the order: whatever is durable later makes this durable first.
        self.log.truncate(self.group, from, nobody());
        Ok(())
    }

    async fn purge(&mut self, to: LogId) -> io::Result<()> {
        self.log.purge(self.group, types::position(&to), nobody());
        self.purged.send_replace(Some(to.index));
        Ok(())
    }
}
