//! What the log knows in memory of each group: where its entries are, and its small facts.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;

use super::{LogEntry, Position};
use crate::disk::DiskFile;

/// Where an entry's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) length: usize,
}

/// An entry; its payload is in memory until it is on disk, and after that while the cache lasts.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) term: u64,
    pub(crate) tag: u8,
    pub(crate) location: Option<Location>,
    pub(crate) payload: Option<Bytes>,
}

/// The facts of a group that are not entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) vote: Option<Bytes>,
    pub(crate) committed: Option<Position>,
    pub(crate) purged: Option<Position>,
    /// The last entry that it had before it was removed: others may count on that.
    pub(crate) said: Option<Position>,
}

impl Facts {
    /// What is left of them when the group is removed, if anything is.
    pub(crate) fn after_removal(&self) -> Option<Self> {
        let left = Self { vote: self.vote.clone(), said: self.said, ..Self::default() };
        (left != Self::default()).then_some(left)
    }
}

/// One group's log.
#[derive(Debug, Default)]
pub(crate) struct GroupLog {
    pub(crate) facts: Facts,
    /// Index of the first entry, if there are any.
    pub(crate) first: u64,
    pub(crate) slots: VecDeque<Slot>,
    /// Whether `facts.committed` is newer than what was handed to the log thread.
    pub(crate) committed_unwritten: bool,
}

/// Everything that handles and the log thread share.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) groups: HashMap<u64, GroupLog>,
    /// Every segment, oldest first; the last is being written.
    pub(crate) segments: VecDeque<Segment>,
    /// Cached payloads that are on disk, oldest first.
    pub(crate) cached: VecDeque<Cached>,
    pub(crate) cached_bytes: usize,
}

/// A segment that can be read.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) bytes: u64,
    pub(crate) file: Arc<dyn DiskFile>,
}

/// A payload that may be dropped from memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cached {
    pub(crate) group: u64,
    pub(crate) index: u64,
    pub(crate) bytes: usize,
}

impl GroupLog {
    /// The last entry, or the last that was purged.
    pub(crate) fn last(&self) -> Option<Position> {
        let entry =
            self.slots.back().map(|slot| Position { index: self.end() - 1, term: slot.term });
        entry.or(self.facts.purged)
    }

    /// The later one of the last entry and of what it had before it was removed.
    pub(crate) fn said(&self) -> Option<Position> {
        [self.last(), self.facts.said].into_iter().flatten().max_by_key(Position::rank)
    }

    /// The index after the last entry.
    pub(crate) fn end(&self) -> u64 {
        self.first + u64::try_from(self.slots.len()).unwrap_or(u64::MAX)
    }

    /// The entry at an index.
    pub(crate) fn slot(&mut self, index: u64) -> Option<&mut Slot> {
        let at = usize::try_from(index.checked_sub(self.first)?).ok()?;
        self.slots.get_mut(at)
    }

    /// Adds an entry after the last; false if it would leave a hole or overwrite.
    pub(crate) fn push(&mut self, index: u64, slot: Slot) -> bool {
        if self.slots.is_empty() {
            self.first = index;
        } else if self.end() != index {
            return false;
        }
        self.slots.push_back(slot);
        true
    }

    /// Drops the entries from `index` on.
    pub(crate) fn truncate(&mut self, index: u64) {
        let keep = usize::try_from(index.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.slots.truncate(keep);
    }

    /// Drops the entries up to and including `position`.
    pub(crate) fn purge(&mut self, position: Position) {
        if self.facts.purged.is_some_and(|purged| purged.index >= position.index) {
            return;
        }
        let count = (position.index + 1).saturating_sub(self.first);
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.slots.len());
        self.slots.drain(..count);
        // Recovery may meet this purge after the segments that a later purge made free are gone:
        // the entries that remain then begin after it.
        self.first = self.first.max(position.index + 1);
        self.facts.purged = Some(position);
    }

    /// Whether nothing is left of it but what it said before it was removed.
    pub(crate) fn is_removed(&self) -> bool {
        self.last().is_none() && self.facts.committed.is_none() && self.facts.said.is_some()
    }

    /// The segment of the oldest entry.
    pub(crate) fn oldest_segment(&self) -> Option<u64> {
        self.slots.front().and_then(|slot| slot.location).map(|location| location.segment)
    }
}

/// An entry's payload, or where to read it.
pub(crate) enum Found {
    Cached(LogEntry),
    OnDisk { index: u64, term: u64, tag: u8, location: Location, file: Arc<dyn DiskFile> },
}

impl Index {
    /// The entries `from..to` of a group that exist, stopping after `bytes_max` of payload.
    pub(crate) fn find(&self, group: u64, from: u64, to: u64, bytes_max: usize) -> Vec<Found> {
        let Some(log) = self.groups.get(&group) else { return Vec::new() };
        let skip = usize::try_from(from.saturating_sub(log.first)).unwrap_or(usize::MAX);
        let first = from.max(log.first);
        let mut found = Vec::new();
        let mut bytes: usize = 0;
        for (index, slot) in (first..).zip(log.slots.iter().skip(skip)) {
            if index >= to || bytes >= bytes_max {
                break;
            }
            match (&slot.payload, slot.location) {
                (Some(payload), _) => {
                    bytes += payload.len();
                    let (term, tag, payload) = (slot.term, slot.tag, payload.clone());
                    found.push(Found::Cached(LogEntry { index, term, tag, payload }));
                }
                (None, Some(location)) => {
                    bytes += location.length;
                    let Some(file) = self.segment_file(location.segment) else { break };
                    let (term, tag) = (slot.term, slot.tag);
                    found.push(Found::OnDisk { index, term, tag, location, file });
                }
                (None, None) => break,
            }
        }
        found
    }

    /// Forgets a group, but for its vote and for what it said to have.
    pub(crate) fn remove(&mut self, group: u64) {
        let left = self.groups.remove(&group).and_then(|log| log.facts.after_removal());
        if let Some(facts) = left {
            self.groups.insert(group, GroupLog { facts, ..GroupLog::default() });
        }
    }

    fn segment_file(&self, number: u64) -> Option<Arc<dyn DiskFile>> {
        let oldest = self.segments.front()?.number;
        let at = usize::try_from(number.checked_sub(oldest)?).ok()?;
        self.segments.get(at).map(|segment| Arc::clone(&segment.file))
    }

    /// Notes where an entry has been written; its payload may now leave the cache.
    pub(crate) fn written(&mut self, group: u64, index: u64, term: u64, location: Location) {
        let slot = self.groups.get_mut(&group).and_then(|log| log.slot(index));
        let Some(slot) = slot.filter(|slot| slot.term == term) else { return };
        slot.location = Some(location);
        self.cached.push_back(Cached { group, index, bytes: location.length });
        self.cached_bytes += location.length;
    }

    /// Drops the oldest payloads from memory until the rest is within `bytes_max`.
    pub(crate) fn evict(&mut self, bytes_max: usize) {
        while self.cached_bytes > bytes_max {
            let Some(oldest) = self.cached.pop_front() else { return };
            self.cached_bytes = self.cached_bytes.saturating_sub(oldest.bytes);
            let log = self.groups.get_mut(&oldest.group);
            if let Some(slot) = log.and_then(|log| log.slot(oldest.index))
                && slot.location.is_some()
            {
                slot.payload = None;
            }
        }
    }

    /// The groups whose oldest entry is in `segment` or before.
    pub(crate) fn holding(&self, segment: u64) -> Vec<u64> {
        let holding = self
            .groups
            .iter()
            .filter(|(_, log)| log.oldest_segment().is_some_and(|oldest| oldest <= segment));
        let mut groups: Vec<u64> = holding.map(|(group, _)| *group).collect();
        groups.sort_unstable();
        groups
    }
}
