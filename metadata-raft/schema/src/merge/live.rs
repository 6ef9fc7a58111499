//! What a reader sees of a row at a moment.

use crate::{ColumnData, PartitionMarks, Row};

impl Row {
    /// The row as a reader sees it: without deletion marks, tombstones and what has expired. None
    /// if the row does not exist.
    #[must_use]
    pub fn live(&self, at_seconds: i64) -> Option<Self> {
        self.clone().into_live(at_seconds)
    }

    /// [`Row::live`] of a row that is not needed any more.
    #[must_use]
    pub fn into_live(mut self, at_seconds: i64) -> Option<Self> {
        self.marker = self.marker.filter(|marker| marker.is_live(at_seconds));
        self.deletion = None;
        self.columns.retain_mut(|(_, data)| data.keep_live(at_seconds));
        (self.marker.is_some() || !self.columns.is_empty()).then_some(self)
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

    /// The newest write time in the row, deletions included.
    #[must_use]
    pub fn newest_us(&self) -> Option<i64> {
        let marker = self.marker.map(|marker| marker.timestamp_us);
        let columns = self.columns.iter().filter_map(|(_, data)| data.newest_us()).max();
        marker.max(self.deletion).max(columns)
    }
}

impl PartitionMarks {
    /// What a reader sees of a row of this partition.
    #[must_use]
    pub fn view(&self, suffix: &[u8], mut row: Row, at_seconds: i64) -> Option<Row> {
        if let Some(covering) = self.covering(suffix) {
            row.shadow(covering);
        }
        row.into_live(at_seconds)
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

    /// Drops what a reader does not see; says whether anything is left.
    fn keep_live(&mut self, at_seconds: i64) -> bool {
        match self {
            Self::Simple(simple) => simple.is_live(at_seconds),
            Self::Complex(complex) => {
                complex.deletion = None;
                complex.elements.retain(|element| element.data.is_live(at_seconds));
                !complex.elements.is_empty()
            }
            Self::Counter(counter) => {
                let live = counter.is_live();
                counter.deletion = None;
                live
            }
        }
    }

    fn newest_us(&self) -> Option<i64> {
        match self {
            Self::Simple(simple) => Some(simple.live.timestamp_us),
            Self::Complex(complex) => {
                let elements = complex.elements.iter().map(|e| e.data.live.timestamp_us).max();
                elements.max(complex.deletion)
            }
            Self::Counter(counter) => Some(counter.timestamp_us).max(counter.deletion),
        }
    }
}
