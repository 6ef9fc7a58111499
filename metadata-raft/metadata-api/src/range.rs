//! Positions and ranges in the key space: table id first, then token.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::TableId;

/// A point of the key space: every partition of a table with this token stands here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The table, as the leading part of every engine key.
    pub table: TableId,
    /// Murmur3 token of the partition key.
    pub token: i64,
}

impl Position {
    /// The lowest position there is.
    pub const MIN: Self = Self { table: TableId(0), token: i64::MIN };

    /// The position of a token in a table.
    #[must_use]
    pub const fn new(table: TableId, token: i64) -> Self {
        Self { table, token }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(table {}, token {})", self.table.0, self.token)
    }
}

/// A half-open interval of positions; without an end it reaches to the top of the key space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeyRange {
    /// First position inside.
    pub start: Position,
    /// First position after the range, or none at the top.
    pub end: Option<Position>,
}

impl KeyRange {
    /// The whole key space.
    pub const ALL: Self = Self { start: Position::MIN, end: None };

    /// Whether the position lies inside.
    #[must_use]
    pub fn contains(&self, position: Position) -> bool {
        position >= self.start && self.end.is_none_or(|end| position < end)
    }

    /// Whether a split here leaves two halves that are not empty.
    #[must_use]
    pub fn splits_at(&self, position: Position) -> bool {
        position > self.start && self.contains(position)
    }
}

impl fmt::Display for KeyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            Some(end) => write!(f, "[{} .. {end})", self.start),
            None => write!(f, "[{} .. top)", self.start),
        }
    }
}
