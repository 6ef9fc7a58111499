//! Forgetting deletions. A deletion may be forgotten once nothing it hides can still arrive or lie
//! in the cold tier (invariant I-7); whoever calls this knows when that is.

use crate::{ColumnData, PartitionMarks, Row, Versioned};

impl Row {
    /// Forgets deletions older than `before_us`, and values that were written before then and have
    /// expired by `at_seconds`.
    pub fn purge(&mut self, before_us: i64, at_seconds: i64) {
        self.deletion = self.deletion.filter(|deletion| *deletion >= before_us);
        self.marker = self
            .marker
            .filter(|marker| marker.timestamp_us >= before_us || marker.is_live(at_seconds));
        self.columns.retain_mut(|(_, data)| data.purge(before_us, at_seconds));
    }
}

impl PartitionMarks {
    /// Forgets deletions older than `before_us`.
    pub fn purge(&mut self, before_us: i64) {
        self.deletion = self.deletion.filter(|deletion| *deletion >= before_us);
        self.ranges.retain(|range| range.timestamp_us >= before_us);
    }
}

impl ColumnData {
    /// Says whether anything is left.
    fn purge(&mut self, before_us: i64, at_seconds: i64) -> bool {
        let keep =
            |data: &Versioned| data.live.timestamp_us >= before_us || data.is_live(at_seconds);
        match self {
            Self::Simple(simple) => keep(simple),
            Self::Complex(complex) => {
                complex.deletion = complex.deletion.filter(|deletion| *deletion >= before_us);
                complex.elements.retain(|element| keep(&element.data));
                let left = complex.deletion.is_some() || !complex.elements.is_empty();
                if left {
                    self.canonical();
                }
                left
            }
            Self::Counter(counter) => {
                let left = counter.timestamp_us >= before_us || counter.is_live();
                counter.deletion = counter.deletion.filter(|deletion| *deletion >= before_us);
                left
            }
        }
    }
}
