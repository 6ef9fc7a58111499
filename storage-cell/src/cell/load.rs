//! How much a cell is asked, and for what: a count of every request, and the partition of about
//! one in 64. Counting costs two relaxed additions and a load; a sample costs a lock that nobody
//! waits for.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use cellar_cell_api::{Read, Write};
use cellar_schema::keys;
use parking_lot::Mutex;

use crate::limits::{SAMPLE_REQUESTS, SAMPLES_KEPT};

/// One cell's requests since it was started here.
#[derive(Default)]
pub(crate) struct Load {
    requests: AtomicU64,
    writes: AtomicU64,
    /// The count of requests at which the next one is sampled.
    next: AtomicU64,
    samples: Mutex<Vec<Bytes>>,
}

/// What was counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Reads answered.
    pub(crate) reads: u64,
    /// Writes decided.
    pub(crate) writes: u64,
}

impl Load {
    /// Counts writes that were decided.
    pub(crate) fn wrote(&self, writes: &[Write]) {
        let count = u64::try_from(writes.len()).unwrap_or(u64::MAX);
        self.writes.fetch_add(count, Relaxed);
        if self.counts(count) {
            let mutated = writes.first().and_then(|write| write.mutations.first());
            self.sample(mutated.map(|mutation| &mutation.partition));
        }
    }

    /// Counts reads that were answered.
    pub(crate) fn read(&self, reads: &[Read]) {
        let count = u64::try_from(reads.len()).unwrap_or(u64::MAX);
        if self.counts(count) {
            self.sample(reads.first().map(|read| &read.start));
        }
    }

    /// Whether one of these is to be sampled.
    fn counts(&self, count: u64) -> bool {
        let now = self.requests.fetch_add(count, Relaxed).saturating_add(count);
        now >= self.next.load(Relaxed)
    }

    fn sample(&self, key: Option<&Bytes>) {
        let Some(mut samples) = self.samples.try_lock() else { return };
        let now = self.requests.load(Relaxed);
        if now < self.next.load(Relaxed) {
            return;
        }
        // At uneven distances, so that requests in a fixed order are sampled fairly.
        let mut mixed = (now ^ (now >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 32;
        let distance = mixed.checked_rem(SAMPLE_REQUESTS * 2).unwrap_or(0).saturating_add(1);
        self.next.store(now.saturating_add(distance), Relaxed);
        // Scans that begin between partitions say nothing of any.
        let partition = key.and_then(|key| Some(keys::split(key).ok()?.0));
        if let Some(partition) = partition
            && samples.len() < SAMPLES_KEPT
        {
            samples.push(partition);
        }
    }

    /// What was counted since the start.
    pub(crate) fn counted(&self) -> Counted {
        let writes = self.writes.load(Relaxed);
        Counted { reads: self.requests.load(Relaxed).saturating_sub(writes), writes }
    }

    /// Takes the partitions that were sampled since the last call.
    pub(crate) fn take_samples(&self) -> Vec<Bytes> {
        std::mem::take(&mut *self.samples.lock())
    }
}

#[cfg(test)]
mod tests {
    use cellar_schema::{Mutation, TableId};

    use super::*;

    fn write(k: u32) -> Write {
        let partition = keys::partition(TableId(20), &k.to_be_bytes());
        let mutations = vec![Mutation { partition, changes: Vec::new() }];
        Write { id: None, mutations, ..Write::default() }
    }

    #[test]
    fn every_request_counts_and_about_one_in_64_is_sampled_even_when_they_come_in_a_fixed_order() {
        let load = Load::default();
        let all: Vec<Write> = (0..64).map(write).collect();
        let mut seen = std::collections::BTreeSet::new();
        for round in 0..1_000 {
            for one in &all {
                load.wrote(std::slice::from_ref(one));
            }
            if round % 10 == 9 {
                seen.extend(load.take_samples());
            }
        }
        assert_eq!(load.counted(), Counted { reads: 0, writes: 64_000 });
        assert!(seen.len() > 60, "{} of 64 partitions", seen.len());
    }

    #[test]
    fn samples_are_about_one_in_64() {
        let load = Load::default();
        let one = [write(1)];
        let mut taken = 0;
        for _ in 0..100 {
            (0..640).for_each(|_| load.wrote(&one));
            taken += load.take_samples().len();
        }
        assert!((800..1_250).contains(&taken), "{taken} of 64000");
        let scan = Read {
            start: keys::position_key(TableId(20), 5),
            end: keys::position_key(TableId(20), 6),
            reverse: false,
            rows_max: 1,
            bytes_max: 1,
            columns: None,
            probe: None,
        };
        (0..640).for_each(|_| load.read(std::slice::from_ref(&scan)));
        assert_eq!(load.counted(), Counted { reads: 640, writes: 64_000 });
        assert!(load.take_samples().is_empty());
    }
}
