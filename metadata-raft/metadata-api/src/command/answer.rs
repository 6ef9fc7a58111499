//! What a command that was done answers.

use serde::{Deserialize, Serialize};

use crate::{CellId, NodeId};

/// The answer of a command that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// A change of the schema.
    Schema {
        /// The catalog's version that has it.
        version: u64,
        /// What changed; none if IF EXISTS or IF NOT EXISTS left everything as it was.
        change: Option<SchemaEvent>,
        /// What a client should be told besides.
        warnings: Vec<String>,
    },
    /// The id of the node that registered.
    Node(NodeId),
    /// The first of the cell ids handed out; the others follow it without gaps.
    Cells(CellId),
    /// Anything else.
    Done {
        /// The catalog's version that has it.
        version: u64,
    },
}

impl Answer {
    /// The catalog's version that has what was done, if the answer is about the catalog.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        match self {
            Self::Schema { version, .. } | Self::Done { version } => Some(*version),
            Self::Node(_) | Self::Cells(_) => None,
        }
    }
}

/// A change of the schema, as drivers are told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaEvent {
    /// What happened to it.
    pub kind: SchemaChangeKind,
    /// What sort of thing it is.
    pub target: SchemaTarget,
    /// The keyspace.
    pub keyspace: String,
    /// The table or type; none if the keyspace itself is meant.
    pub name: Option<String>,
}

/// What happened to a schema object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SchemaChangeKind {
    /// It is new.
    Created,
    /// Its definition changed.
    Updated,
    /// It is gone.
    Dropped,
}

/// What sort of schema object changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SchemaTarget {
    /// A keyspace.
    Keyspace,
    /// A table.
    Table,
    /// A user-defined type.
    Type,
}
