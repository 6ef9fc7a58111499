//! EVENT: `<kind string>`, then for addresses `<change string><inet>`, for the schema what
//! [`SchemaChange`] writes.

use std::net::SocketAddr;

use super::SchemaChange;
use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;

/// What a client can register for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// Nodes come and go for good.
    TopologyChange,
    /// Nodes come up and go down.
    StatusChange,
    /// The schema changes.
    SchemaChange,
}

/// What happened to the set of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopologyChange {
    /// A node has been added.
    NewNode,
    /// A node has been removed.
    RemovedNode,
    /// A node has another place in the ring.
    MovedNode,
}

/// What happened to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusChange {
    /// It answers.
    Up,
    /// It does not.
    Down,
}

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// To the set of nodes.
    TopologyChange {
        /// What.
        change: TopologyChange,
        /// The node.
        address: SocketAddr,
    },
    /// To a node.
    StatusChange {
        /// What.
        change: StatusChange,
        /// The node.
        address: SocketAddr,
    },
    /// To the schema.
    SchemaChange(SchemaChange),
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::TopologyChange, Self::StatusChange, Self::SchemaChange];

    /// The name in REGISTER and EVENT.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TopologyChange => "TOPOLOGY_CHANGE",
            Self::StatusChange => "STATUS_CHANGE",
            Self::SchemaChange => "SCHEMA_CHANGE",
        }
    }

    /// The kind a name stands for.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl TopologyChange {
    const ALL: [Self; 3] = [Self::NewNode, Self::RemovedNode, Self::MovedNode];

    const fn name(self) -> &'static str {
        match self {
            Self::NewNode => "NEW_NODE",
            Self::RemovedNode => "REMOVED_NODE",
            Self::MovedNode => "MOVED_NODE",
        }
    }
}

impl StatusChange {
    const ALL: [Self; 2] = [Self::Up, Self::Down];

    const fn name(self) -> &'static str {
        match self {
            Self::Up => "UP",
            Self::Down => "DOWN",
        }
    }
}

fn unknown(what: &'static str, word: String) -> DecodeError {
    DecodeError::UnknownWord { what, word }
}

impl Event {
    /// The kind a client has to have registered for.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::TopologyChange { .. } => EventKind::TopologyChange,
            Self::StatusChange { .. } => EventKind::StatusChange,
            Self::SchemaChange(_) => EventKind::SchemaChange,
        }
    }

    pub(super) fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let name = reader.string()?;
        let kind = EventKind::from_name(&name).ok_or_else(|| unknown("event type", name))?;
        if kind == EventKind::SchemaChange {
            return Ok(Self::SchemaChange(SchemaChange::read(reader)?));
        }
        let name = reader.string()?;
        let address = reader.inet()?;
        if kind == EventKind::TopologyChange {
            let change = TopologyChange::ALL.into_iter().find(|change| change.name() == name);
            let change = change.ok_or_else(|| unknown("topology change", name))?;
            return Ok(Self::TopologyChange { change, address });
        }
        let change = StatusChange::ALL.into_iter().find(|change| change.name() == name);
        let change = change.ok_or_else(|| unknown("status change", name))?;
        Ok(Self::StatusChange { change, address })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.string(self.kind().name());
        match self {
            Self::TopologyChange { change, address } => {
                writer.string(change.name());
                writer.inet(*address);
            }
            Self::StatusChange { change, address } => {
                writer.string(change.name());
                writer.inet(*address);
            }
            Self::SchemaChange(change) => change.write(writer),
        }
    }
}
