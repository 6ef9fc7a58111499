//! Reads the segments at start and rebuilds the index.
//!
//! Recovery guarantees that everything synced is found or an error says why not: only the last
//! segment may end in a torn record, and only if nothing behind it proves that it was synced.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{
    LogError, Position,
    format::{Kind, Record, SegmentHeader},
    index::{Facts, GroupLog, Index, Location, Segment, Slot},
    pins::Pins,
    segment::{self, Scan},
};
use crate::disk::Disk;

/// No log lives so long that it counts further than this: larger numbers are damage, and adding
/// to those below cannot overflow.
const NUMBER_MAX: u64 = u64::MAX / 2;

/// What the segments said.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    pub(crate) index: Index,
    /// Number for the next record.
    pub(crate) next_lsn: u64,
    /// The last segment, if there is any.
    pub(crate) tail: Option<Tail>,
}

/// Where appending goes on.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) segment: Segment,
    /// Where its records end.
    pub(crate) end: u64,
    /// Length of what a torn write left behind the end.
    pub(crate) remnant_bytes: usize,
}

/// Reads every segment of the log in `dir`.
pub(crate) fn recover(disk: &dyn Disk, dir: &Path) -> Result<Recovered, LogError> {
    let failed = |error| LogError::io("list segments", dir, error);
    let names = disk.list(dir).map_err(failed)?;
    if names.iter().any(|name| name == segment::UNFINISHED) {
        disk.remove(&dir.join(segment::UNFINISHED)).map_err(failed)?;
    }
    let numbers: Vec<u64> = names.iter().filter_map(|name| segment::number(name)).collect();
    let mut recovered = Recovered { next_lsn: 1, ..Recovered::default() };
    let mut open: Option<OpenSegment> = None;
    for number in numbers {
        let next = OpenSegment::read(disk, dir, number)?;
        if let Some(before) = open.take() {
            if number != before.header.segment + 1 {
                return Err(next.corrupt(0, "the segment before it is missing"));
            }
            before.replay(&mut recovered, Some(next.header))?;
        }
        open = Some(next);
    }
    if let Some(last) = open {
        last.replay(&mut recovered, None)?;
    }
    for (group, log) in &recovered.index.groups {
        let expected = log.facts.purged.map_or(0, |purged| purged.index + 1);
        if !log.slots.is_empty() && log.first != expected {
            let reason = format!("group {group} begins at {} instead of {expected}", log.first);
            return Err(LogError::corrupt(dir, 0, reason));
        }
    }
    Ok(recovered)
}

/// A segment that has been read and not yet replayed: its end is known from the next one.
struct OpenSegment {
    path: PathBuf,
    header: SegmentHeader,
    segment: Segment,
    bytes: Bytes,
}

impl OpenSegment {
    fn read(disk: &dyn Disk, dir: &Path, number: u64) -> Result<Self, LogError> {
        let path = dir.join(segment::name(number));
        let failed = |error| LogError::io("read segment", &path, error);
        let bytes = Bytes::from(disk.read(&path).map_err(failed)?);
        let file = disk.open(&path).map_err(failed)?;
        let header = SegmentHeader::decode(&bytes)
            .filter(|header| header.segment == number && header.first_lsn <= NUMBER_MAX)
            .ok_or_else(|| LogError::corrupt(&path, 0, "invalid header"))?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let segment = Segment { number, bytes: length, file: file.into() };
        Ok(Self { path, header, segment, bytes })
    }

    fn corrupt(&self, offset: usize, reason: &str) -> LogError {
        LogError::corrupt(&self.path, offset, reason)
    }

    fn replay(self, into: &mut Recovered, next: Option<SegmentHeader>) -> Result<(), LogError> {
        if into.tail.is_some() && self.header.first_lsn != into.next_lsn {
            return Err(self.corrupt(0, "the record numbers do not go on"));
        }
        let mut scan = Scan::new(self.bytes.clone(), &self.header);
        while next.is_none_or(|next| u64::try_from(scan.offset()) != Ok(next.previous_end)) {
            let at = scan.offset();
            let Some((payload, record)) = scan.next() else { break };
            let location = Location {
                segment: self.header.segment,
                offset: u64::try_from(payload).unwrap_or(u64::MAX),
                length: record.payload.len(),
            };
            replay_record(&mut into.index, &record, location)
                .map_err(|reason| self.corrupt(at, reason))?;
        }
        let end = u64::try_from(scan.offset()).unwrap_or(u64::MAX);
        match next {
            Some(next) if end != next.previous_end => {
                return Err(self.corrupt(scan.offset(), "a record is damaged"));
            }
            None if end < self.header.checkpoint_end || scan.was_synced() => {
                return Err(self.corrupt(scan.offset(), "a record that was synced is damaged"));
            }
            _ => {}
        }
        into.next_lsn = scan.next_lsn();
        let behind = self.bytes.get(scan.offset()..).unwrap_or_default();
        let remnant = behind.iter().rposition(|byte| *byte != 0);
        let remnant_bytes = remnant.map_or(0, |last| last + 1);
        into.tail = Some(Tail { segment: self.segment.clone(), end, remnant_bytes });
        into.index.segments.push_back(self.segment);
        Ok(())
    }
}

fn replay_record(index: &mut Index, record: &Record, at: Location) -> Result<(), &'static str> {
    if record.index > NUMBER_MAX {
        return Err("an index is larger than any");
    }
    if record.kind == Kind::Remove {
        index.remove(record.group);
        return Ok(());
    }
    let log = index.groups.entry(record.group).or_default();
    let position = Position { index: record.index, term: record.term };
    match record.kind {
        Kind::Entry => replay_entry(log, record, at)?,
        Kind::Vote => log.facts.vote = Some(Bytes::copy_from_slice(&record.payload)),
        Kind::Committed => log.facts.committed = Some(position),
        Kind::Purge => log.purge(position),
        Kind::Truncate => log.truncate(record.index),
        Kind::Said => log.facts.said = Some(position),
        Kind::Remove => {}
    }
    Ok(())
}

fn replay_entry(log: &mut GroupLog, at: &Record, location: Location) -> Result<(), &'static str> {
    // Already gone by a purge in the checkpoint that this segment begins with.
    if log.facts.purged.is_some_and(|purged| at.index <= purged.index) {
        return Ok(());
    }
    let (term, tag) = (at.term, at.tag);
    let slot = Slot { term, tag, location: Some(location), payload: None };
    if log.push(at.index, slot) { Ok(()) } else { Err("an entry leaves a hole") }
}

/// The facts of every group, as the next segment is to begin with.
pub(crate) fn facts(index: &Index) -> BTreeMap<u64, Facts> {
    index.groups.iter().map(|(group, log)| (*group, log.facts.clone())).collect()
}

/// Which segments the entries are in.
pub(crate) fn pins(index: &Index) -> Pins {
    let mut pins = Pins::default();
    for (group, log) in &index.groups {
        for (entry, slot) in (log.first..).zip(&log.slots) {
            if let Some(location) = slot.location {
                pins.entry(*group, entry, location.segment);
            }
        }
    }
    pins
}
