//! The messages between the metadata service and those who use it over the network.

use serde::{Deserialize, Serialize};

use crate::{Frontend, MetadataError, NodeId};

/// Runs a [`crate::Command`]; answers [`crate::Answer`] or [`SubmitError`].
pub const SUBMIT: &str = "/metadata/submit";
/// Pushes an [`crate::Update`] for each change, to a [`WatchRequest`]; ends with [`SubmitError`].
pub const WATCH: &str = "/metadata/watch";
/// Takes an [`Acknowledgement`].
pub const ACKNOWLEDGE: &str = "/metadata/acknowledge";
/// Takes a [`crate::NodeReport`]; answers nothing or [`SubmitError`].
pub const REPORT: &str = "/metadata/report";
/// Answers [`crate::Overview`] or [`SubmitError`] to nothing.
pub const OVERVIEW: &str = "/metadata/overview";
/// Shows or changes members by a [`crate::MembersRequest`]; answers [`crate::Members`] or
/// [`SubmitError`].
pub const MEMBERS: &str = "/metadata/members";

/// Who uses the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Identity {
    /// A frontend: it is registered by its watch, and changes of the schema wait for it.
    Frontend(Frontend),
    /// A node that has registered: its watch shows that it is in touch, and changes of the schema
    /// wait for it.
    Node(NodeId),
    /// Anything else, for example an operator's tool: nothing waits for it.
    Observer(String),
}

/// The opening of a watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchRequest {
    /// Who watches.
    pub identity: Identity,
    /// Names this watch in acknowledgements; chosen at random by the one who watches.
    pub watch: u64,
    /// The version that the watcher serves already; 0 if none.
    pub version: u64,
    /// Whether the watcher takes single cells that changed, [`crate::Update::cells`]. One that
    /// does not say so is older and gets whole placements.
    #[serde(default)]
    pub takes_cells: bool,
}

/// A watcher serves a version now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// The watch.
    pub watch: u64,
    /// The version served.
    pub version: u64,
}

/// Why a command or a watch was turned away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum SubmitError {
    /// This member is not the leader; nothing was done.
    #[error("this member of the metadata service is not its leader")]
    NotLeader {
        /// Where the leader is, as "host:port", if it is known.
        leader: Option<String>,
    },
    /// The command was refused or failed.
    #[error(transparent)]
    Failed(MetadataError),
}
