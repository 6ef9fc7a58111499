//! The members of the metadata service itself: who they are, and changing them while it runs.

use serde::{Deserialize, Serialize};

/// What can be asked about the members of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MembersRequest {
    /// Who they are.
    Show,
    /// One that runs with an empty disk gets everything there is, and then a vote. Asking again
    /// goes on where it stopped.
    Add {
        /// Its number; never one that another member had before.
        id: u64,
        /// Where it is reached, as "host:port".
        address: String,
    },
    /// One leaves, whether it still runs or not. Asking again changes nothing.
    Remove {
        /// Its number.
        id: u64,
    },
}

/// The members of the service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    /// The one that leads.
    pub leader: Option<u64>,
    /// All of them by number.
    pub members: Vec<Member>,
}

/// A member of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its number.
    pub id: u64,
    /// Where it is reached, as "host:port".
    pub address: String,
    /// Whether it votes; one that does not is on its way in.
    pub votes: bool,
}
