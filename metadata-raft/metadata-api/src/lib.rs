//! What the metadata service tells everybody and what it can be asked to do: keyspaces, tables,
//! nodes, and which cell owns which range on which nodes.
//!
//! Guarantees: a [`Placement`] always tiles its key space without gap or overlap and its epochs
//! only grow (invariant I-16); a [`Catalog`] never changes, a newer one replaces it; every error
//! that is not [`MetadataError::Unknown`] means that nothing was changed. Knows nothing of Raft or
//! rows. Start at [`Metadata`] and [`Catalog`].

mod access;
mod catalog;
mod cell;
mod client;
mod command;
mod error;
mod ids;
mod limits;
mod members;
mod metadata;
mod placement;
mod range;
mod report;

pub use access::{
    Granted, NewRole, Permission, Resource, Role, RoleChange, RoleCommand, Roles, Secret,
};
pub use catalog::{Catalog, Frontend, KeyspaceChange, Node, NodeState, Update};
pub use cell::{Cell, SplitPlan};
pub use cellar_schema::TableId;
pub use client::{Client, protocol, protocol::Identity};
pub use command::{
    Answer, Command, NewIndex, NewTable, NewView, NewViewRelation, NodeRegistration, OptionChanges,
    SchemaChangeKind, SchemaEvent, SchemaTarget, TableChange, TieringChange, TypeChange,
};
pub use error::PlacementError;
pub use ids::{CellId, Epoch, GroupId, NodeId};
pub use members::{Member, Members, MembersRequest};
pub use metadata::{Metadata, MetadataError, MissingObject};
pub use placement::Placement;
pub use range::{KeyRange, Position};
pub use report::{CellLoad, DamagedBlocks, Event, HotPartition, NodeReport, Overview};
