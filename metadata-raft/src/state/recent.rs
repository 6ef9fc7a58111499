//! The last changes, for watchers that were away for a moment.

use std::collections::VecDeque;

use cellar_metadata_api::Update;

use crate::limits::{RECENT_PARTS_MAX, RECENT_UPDATES_MAX};

/// Changes without gaps, oldest first, bounded by their number and by what they name.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    updates: VecDeque<Update>,
    parts: usize,
}

impl Recent {
    /// Adds the newest, and lets go of the oldest that are too many.
    pub(super) fn push(&mut self, update: Update) {
        self.parts = self.parts.saturating_add(update.parts());
        self.updates.push_back(update);
        while self.updates.len() > RECENT_UPDATES_MAX || self.parts > RECENT_PARTS_MAX {
            let Some(oldest) = self.updates.pop_front() else { return };
            self.parts = self.parts.saturating_sub(oldest.parts());
        }
    }

    /// Everything that changed after a version, as one change; none if not all of it is here.
    pub(super) fn since(&self, version: u64) -> Option<Update> {
        let oldest = self.updates.front()?.since;
        let newer = self.updates.iter().filter(|update| update.since >= version);
        (oldest <= version).then(|| Update::join(newer))
    }

    pub(super) fn parts(&self) -> usize {
        self.parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cellar_metadata_api::TableId;

    fn update(since: u64, parts: usize) -> Update {
        let dropped = (0..parts).map(|_| (TableId(1), None)).collect();
        Update { version: since + 1, since, dropped, ..Update::default() }
    }

    #[test]
    fn changes_that_name_much_are_kept_for_a_shorter_time() {
        let mut recent = Recent::default();
        recent.push(update(1, 1));
        recent.push(update(2, RECENT_PARTS_MAX - 1));
        assert!(recent.since(1).is_some());
        recent.push(update(3, 1));
        assert!(recent.since(1).is_none());
        assert!(recent.since(2).is_some_and(|joined| joined.version == 4));
        assert_eq!(recent.parts(), RECENT_PARTS_MAX);
        for since in 4..4 + 2_000 {
            recent.push(update(since, 1));
        }
        assert_eq!(recent.parts(), RECENT_UPDATES_MAX);
    }
}
