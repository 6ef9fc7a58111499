//! Where a group stands on this node, for those who watch that it keeps Raft's rules.

use openraft::{async_runtime::WatchReceiver, type_config::alias::LogIdOf};

use super::Group;
use crate::types::Types;

/// The places of one replica in its group's log, all of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The current term.
    pub term: u64,
    /// Who leads in it, if that is known here.
    pub leader: Option<u64>,
    /// Index of the last entry dropped from the log.
    pub purged: Option<u64>,
    /// Index of the last entry that the machine has made durable.
    pub snapshot: Option<u64>,
    /// Index of the last entry applied.
    pub applied: Option<u64>,
    /// Index of the last entry known to be decided.
    pub committed: Option<u64>,
    /// Index of the last entry.
    pub last: Option<u64>,
}

impl Group {
    /// Where the group stands here.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let metrics = self.inner.raft.metrics();
        let now = metrics.borrow_watched();
        let index = |id: &Option<LogIdOf<Types>>| id.as_ref().map(|id| id.index);
        Standing {
            term: now.current_term,
            leader: now.current_leader,
            purged: index(&now.purged),
            snapshot: index(&now.snapshot),
            applied: match self.lacks_base() {
                true => *self.inner.state.applied.borrow(),
                false => index(&now.last_applied),
            },
            committed: index(&now.local_committed),
            last: now.last_log_index,
        }
    }
}
