//! What a write asks for, before it meets the stored row: the content of messages to cells and of
//! log entries. Applying it is a pure function (see the `apply` module).

mod addable;
mod codec;
mod condition;

pub use addable::Addable;
pub use condition::{Access, Comparison, Condition, Test};

use bytes::Bytes;

use crate::ColumnId;

/// Changes to one partition, applied together and isolated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutation {
    /// Engine key of the partition: table, token, partition key (see `KEYS.md`).
    pub partition: Bytes,
    /// Changes in statement order.
    pub changes: Vec<Change>,
}

/// One statement's change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Microseconds; `None` until the leader stamps it.
    pub timestamp_us: Option<i64>,
    /// What happens.
    pub kind: ChangeKind,
}

/// What a change does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Delete the partition, statics included.
    DeletePartition,
    /// Delete rows whose suffix lies in `start..end`.
    DeleteRange {
        /// First suffix covered.
        start: Bytes,
        /// First suffix not covered.
        end: Bytes,
    },
    /// Delete one row (or all statics, with the static suffix).
    DeleteRow {
        /// Kind byte and clustering key.
        suffix: Bytes,
    },
    /// Write columns of one row.
    Upsert(RowChange),
}

/// Columns written to one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// Kind byte and clustering key.
    pub suffix: Bytes,
    /// INSERT sets the row marker, UPDATE does not.
    pub marker: bool,
    /// TTL in seconds; 0 is none.
    pub ttl_seconds: u32,
    /// In statement order.
    pub operations: Vec<(ColumnId, Operation)>,
}

/// What happens to one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Replace a simple value.
    Set(Bytes),
    /// Delete a simple value or a whole collection.
    Delete,
    /// Replace a whole element-wise value by these elements.
    Replace(Vec<NewElement>),
    /// Add or overwrite elements (set add, map put, field set).
    Put(Vec<NewElement>),
    /// Delete elements by key.
    Remove(Vec<Bytes>),
    /// Replace a whole list.
    ListReplace(Vec<Bytes>),
    /// Append to a list, in order.
    ListAppend(Vec<Bytes>),
    /// Prepend to a list; the result starts with these in order.
    ListPrepend(Vec<Bytes>),
    /// Overwrite (or with `None` delete) the element at an index; an index out of bounds fails
    /// the whole request as invalid.
    ListSet(i32, Option<Bytes>),
    /// Delete every element equal to one of these.
    ListDiscard(Vec<Bytes>),
    /// Add to a counter.
    Add(i64),
    /// Add to the simple value that is there; nothing where there is none.
    Plus(Addable, Bytes),
}

/// An element to store; see [`crate::Element`] for the fields. `value: None` deletes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewElement {
    /// Sort key.
    pub key: Bytes,
    /// Wire bytes of a map key; empty otherwise.
    pub name: Bytes,
    /// Wire bytes; `None` deletes the element.
    pub value: Option<Bytes>,
}
