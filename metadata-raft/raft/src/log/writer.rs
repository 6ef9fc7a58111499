//! The log thread: takes everything that is queued, writes it once, syncs once, tells everyone.
//!
//! It alone changes segments. A failed write or sync is the end of the log: what is on disk is
//! then unknown, so nothing is acknowledged any more and the owner is told.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{
    LogError, Position, Shared,
    format::{Kind, Record, SEGMENT_HEADER_BYTES, SegmentHeader, Sequence},
    index::{Facts, Location, Segment},
    pins::Pins,
    segment,
    spare::Spare,
};
use crate::{
    disk::{Disk, DiskFile, is_full},
    limits::{BATCH_BYTES, PROBE_BYTES, SEGMENT_BYTES_MIN, SPACE_RETRY_MS},
};

/// Told once when the records of an operation are durable, or never will be.
pub(crate) type Done = Box<dyn FnOnce(Result<(), LogError>) + Send>;

/// Records to be written together, in order.
pub(crate) struct Operation {
    pub(crate) records: Vec<Record>,
    pub(crate) done: Done,
}

/// The state of the log thread.
pub(crate) struct Writer {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) segment_bytes: u64,
    pub(crate) cache_bytes: usize,
    pub(crate) shared: Arc<Shared>,
    pub(crate) current: Segment,
    /// End of what is written in the current segment.
    pub(crate) offset: u64,
    pub(crate) next_lsn: u64,
    /// The facts as the records written so far tell them: a new segment begins with them, so
    /// that only entries keep an old segment.
    pub(crate) facts: BTreeMap<u64, Facts>,
    /// Which segments the written entries are in.
    pub(crate) pins: Pins,
    pub(crate) buffer: Vec<u8>,
    pub(crate) spare: Spare,
}

/// An entry in the buffer.
struct Placed {
    group: u64,
    position: Position,
    location: Location,
}

impl Writer {
    /// Writes what is queued until the log is closed.
    pub(crate) fn run(mut self) {
        while let Some(operations) = self.shared.queue.take() {
            self.write(operations);
        }
    }

    /// Writes these operations; if that fails, so does everything that is queued.
    pub(crate) fn write(&mut self, operations: Vec<Operation>) {
        let mut operations = VecDeque::from(operations);
        while !operations.is_empty() {
            if let Err(error) = self.write_some(&mut operations) {
                self.shared.fail(&error);
                for operation in operations {
                    (operation.done)(Err(error.clone()));
                }
                break;
            }
        }
    }

    /// Writes and syncs one batch from the front of `operations` and completes it.
    fn write_some(&mut self, operations: &mut VecDeque<Operation>) -> Result<(), LogError> {
        let mut completions = Vec::new();
        *self.shared.busy.lock() = Some(Instant::now());
        let outcome = self.write_batch(operations, &mut completions);
        *self.shared.busy.lock() = None;
        // The last first: of several of one group Raft needs only the last, and then wakes once.
        for done in completions.into_iter().rev() {
            done(outcome.as_ref().map(|_| ()).map_err(Clone::clone));
        }
        if outcome? {
            self.delete_segments()?;
            self.reserve();
        }
        Ok(())
    }

    /// Whether entries were dropped, so that segments may be free.
    fn write_batch(
        &mut self,
        operations: &mut VecDeque<Operation>,
        completions: &mut Vec<Done>,
    ) -> Result<bool, LogError> {
        let mut placed = Vec::new();
        let mut dropped = false;
        let mut batch = self.next_lsn;
        let mut bytes = 0;
        while bytes < BATCH_BYTES
            && let Some(operation) = operations.pop_front()
        {
            completions.push(operation.done);
            for record in operation.records {
                let size = record.encoded_bytes();
                bytes += size;
                if self.end() + to_u64(size) > self.current.bytes {
                    self.flush()?;
                    self.roll(size)?;
                    batch = self.next_lsn;
                }
                dropped |= matches!(record.kind, Kind::Purge | Kind::Truncate | Kind::Remove);
                self.place(&record, batch, &mut placed);
            }
        }
        if bytes == 0 {
            self.probe()?;
            self.reserve();
        }
        self.flush()?;
        let mut index = self.shared.index.lock();
        for Placed { group, position, location } in placed {
            index.written(group, position.index, position.term, location);
        }
        index.evict(self.cache_bytes);
        Ok(dropped)
    }

    /// Encodes a record into the buffer.
    fn place(&mut self, record: &Record, batch: u64, placed: &mut Vec<Placed>) {
        let end = self.end() + to_u64(record.encoded_bytes());
        record.encode(Sequence { lsn: self.next_lsn, batch }, &mut self.buffer);
        self.next_lsn += 1;
        let position = Position { index: record.index, term: record.term };
        if record.kind == Kind::Entry {
            let length = record.payload.len();
            let offset = end - to_u64(length);
            let location = Location { segment: self.current.number, offset, length };
            placed.push(Placed { group: record.group, position, location });
        }
        self.account(record, position);
    }

    /// Keeps the account of what the written records say.
    fn account(&mut self, record: &Record, position: Position) {
        let group = record.group;
        match record.kind {
            Kind::Entry => self.pins.entry(group, position.index, self.current.number),
            Kind::Vote => self.facts.entry(group).or_default().vote = Some(record.payload.clone()),
            Kind::Committed => self.facts.entry(group).or_default().committed = Some(position),
            Kind::Purge => {
                self.facts.entry(group).or_default().purged = Some(position);
                self.pins.purge(group, position.index);
            }
            Kind::Truncate => self.pins.truncate(group, position.index),
            Kind::Remove => {
                let left = self.facts.remove(&group).and_then(|facts| facts.after_removal());
                self.facts.extend(left.map(|facts| (group, facts)));
                self.pins.remove(group);
            }
            Kind::Said => self.facts.entry(group).or_default().said = Some(position),
        }
    }

    /// End of the current segment's records once the buffer is written.
    fn end(&self) -> u64 {
        self.offset + to_u64(self.buffer.len())
    }

    /// Makes the buffer durable.
    fn flush(&mut self) -> Result<(), LogError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let file = &self.current.file;
        // Written again at the same place, nothing of a write for which there was no space stays.
        let written = self.with_space(|| file.write_at(self.offset, &self.buffer));
        written.and_then(|()| sync(&**file)).map_err(|error| {
            LogError::io("write", &self.dir.join(segment::name(self.current.number)), error)
        })?;
        self.offset = self.end();
        self.buffer.clear();
        Ok(())
    }

    /// Writes zeros behind the end, where nothing is.
    fn probe(&mut self) -> Result<(), LogError> {
        if self.offset + PROBE_BYTES > self.current.bytes {
            return Ok(());
        }
        let file = &self.current.file;
        let zeros = vec![0; usize::try_from(PROBE_BYTES).unwrap_or_default()];
        let written = self.with_space(|| file.write_at(self.offset, &zeros));
        written.and_then(|()| sync(&**file)).map_err(|error| {
            LogError::io("write", &self.dir.join(segment::name(self.current.number)), error)
        })
    }

    /// Begins a new segment that has room for a record of `size` bytes.
    fn roll(&mut self, size: usize) -> Result<(), LogError> {
        let first = First {
            segment: self.current.number + 1,
            first_lsn: self.next_lsn,
            previous_end: self.offset,
            room_bytes: to_u64(size),
        };
        let (start, bytes) = first.start(self.segment_bytes, &self.facts);
        let unfinished = self.dir.join(segment::UNFINISHED);
        let file = match self.spare.take(&*self.disk, &self.dir, bytes) {
            Some(file) => file,
            None => self
                .with_space(|| self.disk.create(&unfinished, bytes))
                .map_err(|error| LogError::io("create segment", &unfinished, error))?,
        };
        let made = start.finish(&*self.disk, &self.dir, (file, bytes))?;
        self.next_lsn = made.next_lsn;
        self.offset = made.offset;
        self.current = made.segment;
        self.shared.index.lock().segments.push_back(self.current.clone());
        self.reserve();
        Ok(())
    }

    /// Keeps a segment ready.
    pub(crate) fn reserve(&mut self) {
        self.spare.reserve(&*self.disk, &self.dir, self.segment_bytes);
        self.shared.spared.store(self.spare.is_there(), Ordering::Relaxed);
    }

    /// Does something again and again while the disk is full, until the log is closed: what waits
    /// here was accepted, and a log that ended would take what can still be read with it.
    fn with_space<T>(&self, mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        let mut told = false;
        loop {
            match attempt() {
                Err(error) if is_full(&error) && self.disk.pace().is_none() => {
                    if !told {
                        tracing::error!(%error, dir = %self.dir.display(), "no space for the log");
                        told = true;
                    }
                    *self.shared.busy.lock() = None;
                    if self.shared.queue.wait_closed(Duration::from_millis(SPACE_RETRY_MS)) {
                        return Err(error);
                    }
                    *self.shared.busy.lock() = Some(Instant::now());
                }
                done => return done,
            }
        }
    }

    /// Removes the oldest segments that no entry is in, in order.
    pub(crate) fn delete_segments(&mut self) -> Result<(), LogError> {
        loop {
            let free = {
                let index = self.shared.index.lock();
                let needed = self.pins.oldest().unwrap_or(self.current.number);
                let oldest = index.segments.front().map(|oldest| (oldest.number, oldest.bytes));
                oldest.filter(|(oldest, _)| *oldest < needed.min(self.current.number))
            };
            let Some((number, bytes)) = free else { return Ok(()) };
            let bytes = (bytes, self.segment_bytes);
            // Durably one after the other: a gap would look like a lost segment.
            let removed = self.spare.recycle(&*self.disk, &self.dir, number, bytes);
            removed.and_then(|()| self.disk.sync_dir(&self.dir)).map_err(|error| {
                LogError::io("remove segment", &self.dir.join(segment::name(number)), error)
            })?;
            self.shared.index.lock().segments.pop_front();
        }
    }
}

fn sync(file: &dyn DiskFile) -> io::Result<()> {
    #[cfg(feature = "sabotage")]
    if crate::sabotage::is(crate::sabotage::Sabotage::SkipSync) {
        return Ok(());
    }
    file.sync_data()
}

/// A segment about to be made.
pub(crate) struct First {
    pub(crate) segment: u64,
    pub(crate) first_lsn: u64,
    pub(crate) previous_end: u64,
    /// Room that there must be behind the checkpoint.
    pub(crate) room_bytes: u64,
}

impl Default for First {
    /// The first segment of all.
    fn default() -> Self {
        Self { segment: 1, first_lsn: 1, previous_end: 0, room_bytes: SEGMENT_BYTES_MIN }
    }
}

/// What a segment begins with.
pub(crate) struct Beginning {
    header: SegmentHeader,
    records: Vec<u8>,
    next_lsn: u64,
}

/// A segment that was made.
pub(crate) struct Made {
    pub(crate) segment: Segment,
    pub(crate) offset: u64,
    pub(crate) next_lsn: u64,
}

impl First {
    /// Makes the segment, beginning with the facts of every group, durably.
    pub(crate) fn create(
        &self,
        disk: &dyn Disk,
        dir: &Path,
        segment_bytes: u64,
        facts: &BTreeMap<u64, Facts>,
    ) -> Result<Made, LogError> {
        let (start, bytes) = self.start(segment_bytes, facts);
        let unfinished = dir.join(segment::UNFINISHED);
        let file = disk
            .create(&unfinished, bytes)
            .map_err(|error| LogError::io("create segment", &unfinished, error))?;
        start.finish(disk, dir, (file, bytes))
    }

    /// What the segment begins with, the facts of every group, and the size it needs.
    fn start(&self, segment_bytes: u64, facts: &BTreeMap<u64, Facts>) -> (Beginning, u64) {
        let mut next_lsn = self.first_lsn;
        let mut records = Vec::new();
        for record in checkpoint_records(facts) {
            record.encode(Sequence { lsn: next_lsn, batch: self.first_lsn }, &mut records);
            next_lsn += 1;
        }
        let checkpoint_end = to_u64(SEGMENT_HEADER_BYTES + records.len());
        let header = SegmentHeader {
            segment: self.segment,
            first_lsn: self.first_lsn,
            previous_end: self.previous_end,
            checkpoint_end,
        };
        let bytes = segment_bytes.max(checkpoint_end + self.room_bytes);
        (Beginning { header, records, next_lsn }, bytes)
    }
}

impl Beginning {
    /// Writes it into a file that is not yet a segment, and makes it one.
    fn finish(
        self,
        disk: &dyn Disk,
        dir: &Path,
        file: (Box<dyn DiskFile>, u64),
    ) -> Result<Made, LogError> {
        let Self { header, records, next_lsn } = self;
        let segment = segment::finish(disk, dir, header, &records, file)?;
        Ok(Made { segment, offset: header.checkpoint_end, next_lsn })
    }
}

/// The records that tell the facts of every group.
fn checkpoint_records(facts: &BTreeMap<u64, Facts>) -> impl Iterator<Item = Record> {
    facts.iter().flat_map(|(group, facts)| {
        let record = |kind, position: Position, payload: Bytes| Record {
            kind,
            group: *group,
            index: position.index,
            term: position.term,
            tag: 0,
            payload,
        };
        let vote = facts.vote.clone().map(|vote| record(Kind::Vote, Position::default(), vote));
        let purged = facts.purged.map(|purged| record(Kind::Purge, purged, Bytes::new()));
        let committed = facts.committed.map(|last| record(Kind::Committed, last, Bytes::new()));
        let said = facts.said.map(|last| record(Kind::Said, last, Bytes::new()));
        [vote, purged, committed, said].into_iter().flatten()
    })
}

fn to_u64(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
