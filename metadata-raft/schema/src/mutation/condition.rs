//! Conditions of lightweight transactions, evaluated where the row is.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{ColumnId, CqlType};

/// A test on one row; all conditions of a request must hold for any of it to apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Engine key of the partition.
    pub partition: Bytes,
    /// Kind byte and clustering key of the row (static suffix for static columns).
    pub suffix: Bytes,
    /// What must hold.
    pub test: Test,
}

/// What must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Test {
    /// IF EXISTS.
    Exists,
    /// IF NOT EXISTS.
    NotExists,
    /// IF column op value.
    Column {
        /// The column.
        column: ColumnId,
        /// Its type.
        cql_type: CqlType,
        /// Whole or part.
        access: Access,
        /// How to compare.
        comparison: Comparison,
    },
}

/// Which part of a column is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// The whole value.
    Whole,
    /// The map entry with this key (wire bytes).
    Entry(Bytes),
    /// The list element at this index.
    Index(i32),
    /// A field of a user-defined type.
    Field(u16),
}

/// Comparison with given values (wire bytes of the compared part's type; `None` is null).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// Equal; null equals null.
    Equal(Option<Bytes>),
    /// Not equal.
    NotEqual(Option<Bytes>),
    /// Less; false for null.
    Less(Bytes),
    /// Less or equal.
    LessOrEqual(Bytes),
    /// Greater.
    Greater(Bytes),
    /// Greater or equal.
    GreaterOrEqual(Bytes),
    /// Equal to one of these.
    In(Vec<Option<Bytes>>),
    /// A collection holds this element or map value.
    Contains(Bytes),
    /// A map holds this key.
    ContainsKey(Bytes),
}
