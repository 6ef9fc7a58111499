//! `BATCH`.

use super::{Delete, Insert, Update, Using};

/// `BEGIN [UNLOGGED | COUNTER] BATCH ... APPLY BATCH`
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The kind.
    pub kind: BatchKind,
    /// Attributes of the whole batch.
    pub using: Using,
    /// The statements, in order.
    pub statements: Vec<Modification>,
}

/// The kinds of batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchKind {
    /// All or nothing.
    Logged,
    /// Grouped only.
    Unlogged,
    /// Counter updates.
    Counter,
}

/// A statement that can be in a batch.
#[derive(Debug, Clone, PartialEq)]
pub enum Modification {
    /// `INSERT`
    Insert(Insert),
    /// `UPDATE`
    Update(Update),
    /// `DELETE`
    Delete(Delete),
}
