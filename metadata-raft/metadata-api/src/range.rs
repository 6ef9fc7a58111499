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

    /// Whether some position lies inside of both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let before = |one: &Self, other: &Self| one.end.is_some_and(|end| end <= other.start);
        !before(self, other) && !before(other, self)
    }

    /// What is left of it without others, in ascending order.
    #[must_use]
    pub fn without(self, others: &[Self]) -> Vec<Self> {
        let mut left = vec![self];
        for other in others {
            left = left.into_iter().flat_map(|part| part.cut(other)).collect();
        }
        left
    }

    fn cut(self, other: &Self) -> impl Iterator<Item = Self> {
        let apart = !self.overlaps(other);
        let before = Self { start: self.start, end: Some(other.start) };
        let after = other.end.map(|start| Self { start, end: self.end });
        let whole = apart.then_some(self);
        let before = (!apart && self.start < other.start).then_some(before);
        let reaches = |after: &Self| !apart && after.end.is_none_or(|end| after.start < end);
        whole.into_iter().chain(before).chain(after.filter(reaches))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: i64, end: Option<i64>) -> KeyRange {
        let at = |token| Position::new(TableId(20), token);
        KeyRange { start: at(start), end: end.map(at) }
    }

    #[test]
    fn what_is_left_of_a_range_is_what_no_other_has() {
        let all = range(0, Some(10));
        for others in [
            vec![],
            vec![range(2, Some(4))],
            vec![range(-5, Some(3)), range(8, None)],
            vec![range(2, Some(4)), range(3, Some(5)), range(7, Some(7))],
            vec![range(-1, None)],
            vec![range(10, Some(12)), range(-3, Some(0))],
        ] {
            let left = all.without(&others);
            for token in -6..14 {
                let position = Position::new(TableId(20), token);
                let owned = others.iter().any(|other| other.contains(position));
                let expected = all.contains(position) && !owned;
                let found = left.iter().filter(|part| part.contains(position)).count();
                assert_eq!(found, usize::from(expected), "{token} without {others:?}");
            }
        }
    }

    #[test]
    fn ranges_overlap_where_a_position_lies_in_both() {
        let ranges = [range(0, Some(3)), range(3, Some(5)), range(2, Some(4)), range(4, None)];
        for one in ranges {
            for other in ranges {
                let both = (-1..9).map(|token| Position::new(TableId(20), token));
                let shared = both.filter(|at| one.contains(*at) && other.contains(*at)).count();
                assert_eq!(one.overlaps(&other), shared > 0, "{one} and {other}");
            }
        }
    }
}
