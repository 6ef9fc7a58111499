//! Which points of the write order are still being read, and which is the newest one complete.
//!
//! A batch takes its sequence numbers while it holds the write lock and publishes the number
//! after its last one when all of it is in the memtable: a reader sees whole batches. Older
//! versions of rows are kept as long as a pin may read them.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;

/// The published point and the pinned ones.
#[derive(Debug)]
pub(crate) struct Pins {
    visible: AtomicU64,
    pinned: Mutex<BTreeMap<u64, usize>>,
}

impl Pins {
    /// Starts with everything below `visible` published.
    pub(crate) fn new(visible: u64) -> Self {
        Self { visible: AtomicU64::new(visible), pinned: Mutex::default() }
    }

    /// Publishes everything below `seqno`. The caller holds the write lock.
    pub(crate) fn publish(&self, seqno: u64) {
        self.visible.fetch_max(seqno, Ordering::AcqRel);
    }

    /// Pins the newest published point. Reading it inside the lock keeps the watermark from
    /// passing between the read and the entry.
    pub(crate) fn pin(&self) -> u64 {
        let mut pinned = self.pinned.lock();
        let seqno = self.visible.load(Ordering::Acquire);
        *pinned.entry(seqno).or_default() += 1;
        seqno
    }

    /// Gives one pin back.
    pub(crate) fn unpin(&self, seqno: u64) {
        let mut pinned = self.pinned.lock();
        if let Some(readers) = pinned.get_mut(&seqno) {
            *readers -= 1;
            if *readers == 0 {
                pinned.remove(&seqno);
            }
        }
    }

    /// Nobody reads below this, now or later.
    pub(crate) fn watermark(&self) -> u64 {
        let pinned = self.pinned.lock();
        let oldest = pinned.first_key_value().map(|(&seqno, _)| seqno);
        oldest.unwrap_or_else(|| self.visible.load(Ordering::Acquire))
    }

    /// Pins held now.
    pub(crate) fn count(&self) -> usize {
        self.pinned.lock().values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watermark_waits_for_the_oldest_pin_and_never_passes_what_is_published() {
        let pins = Pins::new(5);
        assert_eq!(pins.watermark(), 5);
        let first = pins.pin();
        pins.publish(9);
        let second = pins.pin();
        let again = pins.pin();
        assert_eq!((first, second, again), (5, 9, 9));
        assert_eq!((pins.watermark(), pins.count()), (5, 3));
        pins.unpin(first);
        pins.publish(12);
        pins.unpin(again);
        assert_eq!(pins.watermark(), 9);
        pins.unpin(second);
        assert_eq!((pins.watermark(), pins.count()), (12, 0));
    }

    #[test]
    fn publishing_never_goes_back() {
        let pins = Pins::new(5);
        pins.publish(3);
        assert_eq!(pins.pin(), 5);
    }
}
