//! What a reader sees of a row at a moment.

use crate::{ColumnData, Complex, Row};

impl Row {
    /// The row as a reader sees it: without deletion marks, tombstones and what has expired. None
    /// if the row does not exist.
    #[must_use]
    pub fn live(&self, at_seconds: i64) -> Option<Self> {
        let marker = self.marker.filter(|marker| marker.is_live(at_seconds));
        let columns: Vec<_> = self
            .columns
            .iter()
            .filter_map(|(id, data)| Some((*id, data.live(at_seconds)?)))
            .collect();
        let exists = marker.is_some() || !columns.is_empty();
        exists.then_some(Self { marker, deletion: None, columns })
    }

    /// Whether [`Row::live`] would find the row.
    #[must_use]
    pub fn exists(&self, at_seconds: i64) -> bool {
        self.marker.is_some_and(|marker| marker.is_live(at_seconds))
            || self.columns.iter().any(|(_, data)| data.is_live(at_seconds))
    }

    /// Whether there is nothing to store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.marker.is_none() && self.deletion.is_none() && self.columns.is_empty()
    }
}

impl ColumnData {
    /// Whether a reader sees any value.
    #[must_use]
    pub fn is_live(&self, at_seconds: i64) -> bool {
        match self {
            Self::Simple(simple) => simple.is_live(at_seconds),
            Self::Complex(complex) => {
                complex.elements.iter().any(|element| element.data.is_live(at_seconds))
            }
            Self::Counter(counter) => counter.is_live(),
        }
    }

    fn live(&self, at_seconds: i64) -> Option<Self> {
        if !self.is_live(at_seconds) {
            return None;
        }
        let mut live = self.clone();
        match &mut live {
            Self::Simple(_) => {}
            Self::Complex(Complex { deletion, elements }) => {
                *deletion = None;
                elements.retain(|element| element.data.is_live(at_seconds));
            }
            Self::Counter(counter) => counter.deletion = None,
        }
        Some(live)
    }
}
