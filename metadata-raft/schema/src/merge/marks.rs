//! The marks of a partition as a function from suffix to the newest deletion that covers it. The
//! ranges are kept disjoint, sorted and joined where neighbours are equal, so that one function
//! has one form and merging, the pointwise maximum, obeys the merge laws.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::{PartitionMarks, RangeMark};

impl PartitionMarks {
    /// Deletes the whole partition.
    pub fn delete_partition(&mut self, timestamp_us: i64) {
        self.deletion = self.deletion.max(Some(timestamp_us));
        let hidden_to = self.deletion;
        self.ranges.retain(|range| Some(range.timestamp_us) > hidden_to);
    }

    /// Deletes the rows with a suffix in `start..end`.
    pub fn delete_range(&mut self, start: Bytes, end: Bytes, timestamp_us: i64) {
        if start < end && Some(timestamp_us) > self.deletion {
            self.overlay(RangeMark { start, end, timestamp_us });
        }
    }

    /// The newest deletion that covers a suffix: what the row there must be shadowed with.
    #[must_use]
    pub fn covering(&self, suffix: &[u8]) -> Option<i64> {
        let after = self.ranges.partition_point(|range| range.start.as_ref() <= suffix);
        let range = after.checked_sub(1).and_then(|at| self.ranges.get(at));
        let covering = range.filter(|range| suffix < range.end.as_ref());
        covering.map(|range| range.timestamp_us).max(self.deletion)
    }

    /// Adds what `other` knows of the same partition.
    pub fn merge(&mut self, other: Self) {
        if let Some(deletion) = other.deletion {
            self.delete_partition(deletion);
        }
        for range in other.ranges {
            self.delete_range(range.start, range.end, range.timestamp_us);
        }
    }

    /// Whether there is nothing to store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.deletion.is_none() && self.ranges.is_empty()
    }

    /// Lays a range over those it overlaps; the newer wins at every point.
    fn overlay(&mut self, new: RangeMark) {
        let first = self.ranges.partition_point(|range| range.end < new.start);
        let last = self.ranges.partition_point(|range| range.start <= new.end);
        let touched: Vec<RangeMark> = self.ranges.splice(first..last, []).collect();
        let mut bounds = BTreeSet::from([new.start.clone(), new.end.clone()]);
        for range in &touched {
            bounds.insert(range.start.clone());
            bounds.insert(range.end.clone());
        }
        let bounds: Vec<Bytes> = bounds.into_iter().collect();
        let mut joined: Vec<RangeMark> = Vec::with_capacity(bounds.len());
        let mut touched = touched.into_iter().peekable();
        for (start, end) in bounds.iter().zip(bounds.iter().skip(1)) {
            while touched.next_if(|range| range.end <= *start).is_some() {}
            let old = touched.peek().filter(|range| range.start <= *start);
            let covered = (new.start <= *start && *end <= new.end).then_some(new.timestamp_us);
            let Some(timestamp_us) = covered.max(old.map(|range| range.timestamp_us)) else {
                continue;
            };
            match joined.last_mut() {
                Some(last) if last.end == *start && last.timestamp_us == timestamp_us => {
                    last.end = end.clone();
                }
                _ => {
                    joined.push(RangeMark { start: start.clone(), end: end.clone(), timestamp_us })
                }
            }
        }
        self.ranges.splice(first..first, joined);
    }
}
