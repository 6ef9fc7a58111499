//! How versions of the same data become one: Cassandra's rules, as pure functions that are
//! commutative, associative and idempotent (invariants I-7, I-9, I-10), so that the order in which
//! writes arrive, hot and cold, never matters.
//!
//! Per value the larger timestamp wins; on a tie a tombstone beats an expiring value, that beats a
//! plain one; then the later expiry, the shorter TTL (it was written later), the larger bytes.
//! A deletion hides whatever is *not newer*, so it also wins a tie.

mod complex;
mod counter;
mod live;
mod marks;
mod purge;
mod versioned;

use crate::{ColumnData, ColumnId, Complex, Liveness, Row, Versioned};

impl Row {
    /// Adds what `other` knows of the same row.
    pub fn merge(&mut self, other: Self) {
        self.marker = self.marker.max_by_rank(other.marker);
        self.deletion = self.deletion.max(other.deletion);
        if self.columns.is_empty() {
            self.columns = other.columns;
        } else if !other.columns.is_empty() {
            self.columns = zip_columns(std::mem::take(&mut self.columns), other.columns);
        }
        self.normalize();
    }

    /// Drops everything that is not newer than a deletion of this time, the row's own deletion
    /// included: for the marks of the partition, which cover the row from outside.
    pub fn shadow(&mut self, deletion_us: i64) {
        self.deletion = self.deletion.filter(|deletion| *deletion > deletion_us);
        self.shadow_contents(Some(deletion_us));
    }

    /// Drops what the row's own deletions hide, so that equal rows are equal bytes.
    pub(crate) fn normalize(&mut self) {
        self.shadow_contents(self.deletion);
    }

    fn shadow_contents(&mut self, deletion_us: Option<i64>) {
        self.marker = self.marker.filter(|marker| Some(marker.timestamp_us) > deletion_us);
        self.columns.retain_mut(|(_, data)| data.shadow(deletion_us));
    }

    /// Adds to one column.
    pub(crate) fn merge_column(&mut self, column: ColumnId, data: ColumnData) {
        match self.columns.binary_search_by_key(&column, |(id, _)| *id) {
            Ok(at) => {
                if let Some((_, present)) = self.columns.get_mut(at) {
                    present.merge(data);
                }
            }
            Err(at) => self.columns.insert(at, (column, data)),
        }
    }

    /// Adds a marker.
    pub(crate) fn merge_marker(&mut self, marker: Liveness) {
        self.marker = self.marker.max_by_rank(Some(marker));
    }

    /// A column's data, an empty collection if there is none as yet ([`Row::normalize`] drops it
    /// again if it stays empty).
    #[expect(
        clippy::indexing_slicing,
        reason = "the position is that of the column just put there"
    )]
    pub(crate) fn column_mut(&mut self, column: ColumnId) -> &mut ColumnData {
        let at = match self.columns.binary_search_by_key(&column, |(id, _)| *id) {
            Ok(at) => at,
            Err(at) => {
                self.columns.insert(at, (column, ColumnData::Complex(Complex::default())));
                at
            }
        };
        &mut self.columns[at].1
    }

    /// What the row holds of a column.
    #[must_use]
    pub fn column(&self, column: ColumnId) -> Option<&ColumnData> {
        let at = self.columns.binary_search_by_key(&column, |(id, _)| *id).ok()?;
        self.columns.get(at).map(|(_, data)| data)
    }
}

/// Merges two lists sorted by column id.
fn zip_columns(
    left: Vec<(ColumnId, ColumnData)>,
    right: Vec<(ColumnId, ColumnData)>,
) -> Vec<(ColumnId, ColumnData)> {
    let mut merged = Vec::with_capacity(left.len().max(right.len()));
    let mut left = left.into_iter().peekable();
    for (id, data) in right {
        while let Some(before) = left.next_if(|(other, _)| *other < id) {
            merged.push(before);
        }
        match left.next_if(|(other, _)| *other == id) {
            Some((_, mut present)) => {
                present.merge(data);
                merged.push((id, present));
            }
            None => merged.push((id, data)),
        }
    }
    merged.extend(left);
    merged
}

impl ColumnData {
    /// Adds what `other` knows of the same column.
    ///
    /// A column keeps its type for ever, so the two are of one kind, except that a deletion of the
    /// whole column is a simple tombstone whatever the type. Should two kinds of value meet all the
    /// same, every replica decides alike: counter before complex before simple.
    pub(crate) fn merge(&mut self, other: Self) {
        let mine = std::mem::replace(self, Self::Complex(Complex::default()));
        *self = match (mine, other) {
            (Self::Simple(left), Self::Simple(right)) => Self::Simple(left.max_by_rank(right)),
            (Self::Complex(left), Self::Complex(right)) => Self::Complex(left.merged(right)),
            (Self::Counter(left), Self::Counter(right)) => Self::Counter(left.merged(right)),
            (Self::Simple(simple), Self::Complex(mut complex))
            | (Self::Complex(mut complex), Self::Simple(simple)) => {
                complex.delete(simple.deletion());
                Self::Complex(complex)
            }
            (Self::Simple(simple), Self::Counter(counter))
            | (Self::Counter(counter), Self::Simple(simple)) => {
                Self::Counter(counter.deleted(simple.deletion()))
            }
            (counter @ Self::Counter(_), Self::Complex(_))
            | (Self::Complex(_), counter @ Self::Counter(_)) => counter,
        };
        self.canonical();
    }

    /// Drops what is not newer than the deletion; says whether anything is left.
    fn shadow(&mut self, deletion_us: Option<i64>) -> bool {
        let left = match self {
            Self::Simple(simple) => Some(simple.live.timestamp_us) > deletion_us,
            Self::Complex(complex) => complex.shadow(deletion_us),
            Self::Counter(counter) => counter.shadow(deletion_us),
        };
        if left {
            self.canonical();
        }
        left
    }

    /// A column of which only the deletion is known is a simple tombstone, whatever its type.
    fn canonical(&mut self) {
        let deletion = match self {
            Self::Simple(_) => None,
            Self::Complex(complex) => complex.deletion.filter(|_| complex.elements.is_empty()),
            Self::Counter(counter) => counter.deletion.filter(|_| !counter.is_live()),
        };
        if let Some(deletion) = deletion {
            *self = Self::Simple(Versioned::tombstone(deletion));
        }
    }
}

/// Choosing the one of two versions that wins.
trait MaxByRank {
    fn max_by_rank(self, other: Self) -> Self;
}

impl MaxByRank for Option<Liveness> {
    fn max_by_rank(self, other: Self) -> Self {
        match (self, other) {
            (Some(left), Some(right)) => {
                Some(if right.rank() > left.rank() { right } else { left })
            }
            (left, right) => left.or(right),
        }
    }
}

impl MaxByRank for Versioned {
    fn max_by_rank(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }
}
