//! The metadata service as its users see it, in the same process or over the network.

use std::{fmt, sync::Arc};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{Answer, Catalog, Command, Epoch, Members, MembersRequest, NodeReport, Overview};

/// Whoever can change the metadata and see every change of it.
pub trait Metadata: Send + Sync {
    /// Runs a command. A change of the schema is answered once every live frontend serves it, or
    /// after a bounded wait, and then the answer carries a warning.
    ///
    /// # Errors
    /// See [`MetadataError`]; all but [`MetadataError::Unknown`] mean that nothing was changed.
    fn submit(&self, command: Command) -> BoxFuture<'_, Result<Answer, MetadataError>>;

    /// The newest catalog known here. It never goes back to an older version, and it stays when
    /// the service is away.
    fn catalog(&self) -> watch::Receiver<Arc<Catalog>>;

    /// Tells the leader of the service what a node carries. A report that does not arrive is
    /// replaced by the next one.
    ///
    /// # Errors
    /// It did not arrive.
    fn report(&self, _report: NodeReport) -> BoxFuture<'_, Result<(), MetadataError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// What the leader of the service knows of the cluster now.
    ///
    /// # Errors
    /// The service is away, or this one keeps no overview.
    fn overview(&self) -> BoxFuture<'_, Result<Overview, MetadataError>> {
        let reason = "no overview is kept here".to_owned();
        Box::pin(std::future::ready(Err(MetadataError::Unavailable { reason })))
    }

    /// Shows or changes the members of the service itself.
    ///
    /// # Errors
    /// The service is away, the change is not possible, or this one has no members.
    fn members(&self, _request: MembersRequest) -> BoxFuture<'_, Result<Members, MetadataError>> {
        let reason = "this metadata service has no members".to_owned();
        Box::pin(std::future::ready(Err(MetadataError::Unavailable { reason })))
    }
}

/// Why a command was not done. The text is what a CQL client reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum MetadataError {
    /// A keyspace, table or type of this name exists (CQL error 0x2400).
    #[error("Cannot add already existing {} \"{}\"{}", kind_of(table.as_deref()),
        table.as_deref().unwrap_or(keyspace), in_keyspace(keyspace, table.as_deref()))]
    AlreadyExists {
        /// The keyspace.
        keyspace: String,
        /// The table, unless the keyspace itself is meant.
        table: Option<String>,
    },
    /// Something that the command names does not exist (CQL error 0x2200).
    #[error("{what} '{name}' doesn't exist{}", hint.as_deref().map(|hint| format!(". {hint}"))
        .unwrap_or_default())]
    Missing {
        /// What kind of thing.
        what: MissingObject,
        /// Its name, with the keyspace before a dot if it is in one.
        name: String,
        /// What may have been meant.
        hint: Option<String>,
    },
    /// The command contradicts the schema or itself (CQL error 0x2200).
    #[error("{message}")]
    Invalid {
        /// What a client reads.
        message: String,
    },
    /// An option or setting is not acceptable (CQL error 0x2300).
    #[error("{message}")]
    Config {
        /// What a client reads.
        message: String,
    },
    /// The cell has moved on since the change was planned: plan it again.
    #[error("the cell is at {current} by now; plan the change again")]
    Conflict {
        /// The epoch of the cell, 0 if there is no such cell any more.
        current: Epoch,
    },
    /// The service cannot be reached or has no leader; nothing was changed.
    #[error("metadata service unavailable: {reason}")]
    Unavailable {
        /// What stands in the way.
        reason: String,
    },
    /// Nobody can say whether the command was done. All commands may be sent again if the one
    /// who sends can tell "already done" from "done by somebody else".
    #[error("outcome unknown: {reason}")]
    Unknown {
        /// What happened instead of an answer.
        reason: String,
    },
}

fn kind_of(table: Option<&str>) -> &'static str {
    if table.is_some() { "table" } else { "keyspace" }
}

fn in_keyspace(keyspace: &str, table: Option<&str>) -> String {
    table.map(|_| format!(" to keyspace \"{keyspace}\"")).unwrap_or_default()
}

impl MetadataError {
    /// A command that contradicts the schema or itself.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into() }
    }

    /// A setting that is not acceptable.
    #[must_use]
    pub fn config(message: impl Into<String>) -> Self {
        Self::Config { message: message.into() }
    }

    /// Whether the command may have been done all the same.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }
}

/// What kind of thing does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MissingObject {
    /// A keyspace.
    Keyspace,
    /// A table.
    Table,
    /// A user-defined type.
    Type,
    /// A node.
    Node,
}

impl fmt::Display for MissingObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keyspace => "Keyspace",
            Self::Table => "Table",
            Self::Type => "Type",
            Self::Node => "Node",
        })
    }
}
