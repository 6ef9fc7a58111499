//! Merging counters. Increments are applied one after the other to the whole known state, so of
//! two states the later one contains the earlier; only deletions may come out of order.

use crate::CounterState;

impl CounterState {
    /// Whether a reader sees it: incremented after its deletion.
    #[must_use]
    pub fn is_live(&self) -> bool {
        Some(self.timestamp_us) > self.deletion
    }

    /// The later state, under the later deletion.
    pub(super) fn merged(self, other: Self) -> Self {
        let rank = |state: &Self| (state.timestamp_us, state.total);
        let newest = if rank(&other) > rank(&self) { other } else { self };
        newest.deleted(self.deletion.max(other.deletion))
    }

    /// Adds a deletion; one that is not older starts the counter again at 0.
    pub(crate) fn deleted(mut self, deletion_us: Option<i64>) -> Self {
        self.deletion = self.deletion.max(deletion_us);
        if let Some(deletion) = self.deletion.filter(|deletion| *deletion >= self.timestamp_us) {
            self.total = 0;
            self.timestamp_us = deletion;
        }
        self
    }

    /// Applies a deletion from outside; says whether anything is left.
    pub(super) fn shadow(&mut self, deletion_us: Option<i64>) -> bool {
        *self = self.deleted(None);
        self.deletion = self.deletion.filter(|deletion| Some(*deletion) > deletion_us);
        Some(self.timestamp_us) > deletion_us
    }
}
