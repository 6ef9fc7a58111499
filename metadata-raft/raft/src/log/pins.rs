//! Which segments the durable entries of each group are in.
//!
//! The index in memory runs ahead of the disk: it forgets entries when a purge is asked for. A
//! segment may only go when the purge is durable, so the log thread keeps this account of what
//! the written records say.

use std::collections::{HashMap, VecDeque};

/// The entries of one group in one segment, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    segment: u64,
    first: u64,
    last: u64,
}

/// The spans of every group, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Pins {
    groups: HashMap<u64, VecDeque<Span>>,
}

impl Pins {
    /// Notes an entry.
    pub(crate) fn entry(&mut self, group: u64, index: u64, segment: u64) {
        let spans = self.groups.entry(group).or_default();
        match spans.back_mut() {
            Some(span) if span.segment == segment && span.last + 1 == index => span.last = index,
            _ => spans.push_back(Span { segment, first: index, last: index }),
        }
    }

    /// The entries up to and including `index` are not needed.
    pub(crate) fn purge(&mut self, group: u64, index: u64) {
        let Some(spans) = self.groups.get_mut(&group) else { return };
        while spans.front().is_some_and(|span| span.last <= index) {
            spans.pop_front();
        }
    }

    /// The entries from `index` on are not needed.
    pub(crate) fn truncate(&mut self, group: u64, index: u64) {
        let Some(spans) = self.groups.get_mut(&group) else { return };
        while spans.back().is_some_and(|span| span.first >= index) {
            spans.pop_back();
        }
        if let Some(span) = spans.back_mut() {
            span.last = span.last.min(index.saturating_sub(1));
        }
    }

    /// No entry of the group is needed.
    pub(crate) fn remove(&mut self, group: u64) {
        self.groups.remove(&group);
    }

    /// The oldest segment that an entry is in.
    pub(crate) fn oldest(&self) -> Option<u64> {
        let fronts = self.groups.values().filter_map(VecDeque::front);
        fronts.map(|span| span.segment).min()
    }
}
