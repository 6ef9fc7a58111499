//! Where the bytes of the memtable lie, by sampling: one key per few KiB written.
//!
//! The samples of a memtable move with it: they are sealed when it is, and forgotten when its
//! table is on disk. Guarantees: the sum over all keys is the bytes written since the last seal,
//! less at most one sample.

use std::{collections::BTreeMap, ops::Bound};

use lsm_tree::Slice;

use crate::limits::SAMPLE_BYTES;

/// Bytes by key, each entry standing for the bytes written around it.
type Weights = BTreeMap<Slice, u64>;

/// Samples of the active memtable and of the one being flushed.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    active: Weights,
    sealed: Weights,
    /// Bytes written since the last sample was taken.
    carry: u64,
}

impl Samples {
    /// Counts a row of so many bytes.
    pub(crate) fn add(&mut self, key: &Slice, bytes: u64) {
        self.carry += bytes;
        if self.carry >= SAMPLE_BYTES {
            *self.active.entry(key.clone()).or_default() += self.carry;
            self.carry = 0;
        }
    }

    /// The active memtable was sealed. A memtable whose flush has not finished stays counted.
    pub(crate) fn seal(&mut self) {
        self.sealed.append(&mut self.active);
        self.carry = 0;
    }

    /// All sealed memtables are on disk.
    pub(crate) fn forget_sealed(&mut self) {
        self.sealed.clear();
    }

    /// The samples in `start..end`, as keys and the bytes they stand for.
    pub(crate) fn in_range<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
    ) -> impl Iterator<Item = (&'a Slice, u64)> {
        // An inverted range would make the map panic.
        let end = end.max(start);
        let bounds = (Bound::Included(start), Bound::Excluded(end));
        let bounds =
            if start == end { (Bound::Excluded(start), Bound::Included(end)) } else { bounds };
        [&self.active, &self.sealed]
            .into_iter()
            .filter(move |_| start != end)
            .flat_map(move |weights| weights.range::<[u8], _>(bounds))
            .map(|(key, bytes)| (key, *bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> Slice {
        Slice::from(number.to_be_bytes().as_slice())
    }

    fn total(samples: &Samples, from: u32, to: u32) -> u64 {
        samples.in_range(&key(from), &key(to)).map(|(_, bytes)| bytes).sum()
    }

    #[test]
    fn samples_add_up_to_what_was_written_within_one_sample() {
        let mut samples = Samples::default();
        for number in 0..10_000 {
            samples.add(&key(number), 100);
        }
        let whole = total(&samples, 0, 10_000);
        assert!(whole <= 1_000_000 && whole > 1_000_000 - SAMPLE_BYTES, "{whole}");
        let half = total(&samples, 2_500, 7_500);
        assert!(half.abs_diff(500_000) <= 2 * SAMPLE_BYTES, "{half}");
    }

    #[test]
    fn sealed_samples_count_until_they_are_forgotten() {
        let mut samples = Samples::default();
        samples.add(&key(1), 10_000);
        samples.seal();
        samples.add(&key(1), 20_000);
        assert_eq!(total(&samples, 0, 9), 30_000);
        samples.forget_sealed();
        assert_eq!(total(&samples, 0, 9), 20_000);
    }

    #[test]
    fn empty_and_inverted_ranges_hold_nothing() {
        let mut samples = Samples::default();
        samples.add(&key(5), 10_000);
        assert_eq!((total(&samples, 5, 5), total(&samples, 9, 1)), (0, 0));
    }
}
