//! Identities that cross process walls. None of them is ever reused.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$note:meta])* $name:ident, $prefix:literal) => {
        $(#[$note])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

id!(
    /// A cell: one Raft-replicated range.
    CellId,
    "cell-"
);
id!(
    /// A node process; a wiped disk comes back under a new id.
    NodeId,
    "node-"
);
id!(
    /// A placement group: all keyspaces with one normalised replication setting.
    GroupId,
    "group-"
);
id!(
    /// Grows at every change of a cell's range or replicas.
    Epoch,
    "epoch-"
);

impl Epoch {
    /// The epoch after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}
