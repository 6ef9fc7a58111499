//! Time. The only place that reads the wall clock; everything else is given a [`Clock`], so that
//! tests and `--now` can set it. Nothing that applies log entries reads any clock.

mod steady;

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

pub use steady::{Elapsed, SteadyClock};

/// Tells the time.
pub trait Clock: Debug + Send + Sync {
    /// Microseconds since the epoch.
    fn now_us(&self) -> i64;

    /// Seconds since the epoch.
    fn now_seconds(&self) -> i64 {
        self.now_us().div_euclid(1_000_000)
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now_us(&self) -> i64 {
        (**self).now_us()
    }
}

/// The wall clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now_us(&self) -> i64 {
        let now = SystemTime::now();
        match now.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |us| -us),
        }
    }
}

/// Stands still until it is set.
#[derive(Debug)]
pub struct FixedClock {
    now_us: AtomicI64,
}

impl FixedClock {
    /// Stands at this time.
    #[must_use]
    pub fn at_us(now_us: i64) -> Self {
        Self { now_us: AtomicI64::new(now_us) }
    }

    /// Sets the time.
    pub fn set_us(&self, now_us: i64) {
        self.now_us.store(now_us, Ordering::Relaxed);
    }

    /// Moves on.
    pub fn advance_us(&self, by_us: i64) {
        self.now_us.fetch_add(by_us, Ordering::Relaxed);
    }
}

impl Clock for FixedClock {
    fn now_us(&self) -> i64 {
        self.now_us.load(Ordering::Relaxed)
    }
}

/// Runs beside another clock, at a distance (`--now`).
#[derive(Debug)]
pub struct OffsetClock<C> {
    clock: C,
    offset_us: AtomicI64,
}

impl<C: Clock> OffsetClock<C> {
    /// Shows `now_us` at this moment and runs on from there.
    #[must_use]
    pub fn starting_at_us(clock: C, now_us: i64) -> Self {
        let offset_us = AtomicI64::new(now_us.saturating_sub(clock.now_us()));
        Self { clock, offset_us }
    }

    /// Moves on.
    pub fn advance_us(&self, by_us: i64) {
        self.offset_us.fetch_add(by_us, Ordering::Relaxed);
    }
}

impl<C: Clock> Clock for OffsetClock<C> {
    fn now_us(&self) -> i64 {
        self.clock.now_us().saturating_add(self.offset_us.load(Ordering::Relaxed))
    }
}

/// Gives out timestamps of a cell's leader: close to the clock, each larger than every one before.
#[derive(Debug)]
pub struct HybridClock<C> {
    clock: C,
    last_us: AtomicI64,
}

impl<C: Clock> HybridClock<C> {
    /// Starts after `last_us`, the largest timestamp known to be given out before.
    #[must_use]
    pub fn after_us(clock: C, last_us: i64) -> Self {
        Self { clock, last_us: AtomicI64::new(last_us) }
    }

    /// The next timestamp, strictly larger than all earlier ones and all observed ones.
    pub fn next_us(&self) -> i64 {
        let now_us = self.clock.now_us();
        let next = |last: i64| now_us.max(last.saturating_add(1));
        next(
            self.last_us
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| Some(next(last)))
                .unwrap_or_else(|last| last),
        )
    }

    /// Makes sure that later timestamps are larger than this one, given out by another leader.
    pub fn observe_us(&self, seen_us: i64) {
        self.last_us.fetch_max(seen_us, Ordering::AcqRel);
    }

    /// The clock below.
    pub fn clock(&self) -> &C {
        &self.clock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_is_past_2025() {
        assert!(SystemClock.now_us() > 1_735_689_600_000_000);
        assert_eq!(SystemClock.now_seconds() / 1_000, SystemClock.now_us() / 1_000_000_000);
    }

    #[test]
    fn timestamps_grow_even_when_the_clock_does_not() {
        let clock = Arc::new(FixedClock::at_us(100));
        let hybrid = HybridClock::after_us(Arc::clone(&clock), 50);
        assert_eq!((hybrid.next_us(), hybrid.next_us(), hybrid.next_us()), (100, 101, 102));
        clock.set_us(40);
        assert_eq!(hybrid.next_us(), 103);
        clock.advance_us(960);
        assert_eq!(hybrid.next_us(), 1_000);
        hybrid.observe_us(5_000);
        hybrid.observe_us(10);
        assert_eq!(hybrid.next_us(), 5_001);
    }

    #[test]
    fn threads_never_get_the_same_timestamp() {
        let hybrid = HybridClock::after_us(FixedClock::at_us(0), 0);
        let mut all: Vec<i64> = std::thread::scope(|scope| {
            let take = || (0..1_000).map(|_| hybrid.next_us()).collect::<Vec<_>>();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        all.sort_unstable();
        assert_eq!(all, (1..=4_000).collect::<Vec<_>>());
    }

    #[test]
    fn an_offset_clock_starts_where_told_and_runs_on() {
        let base = Arc::new(FixedClock::at_us(1_000));
        let clock = OffsetClock::starting_at_us(Arc::clone(&base), 5_000_000);
        assert_eq!((clock.now_us(), clock.now_seconds()), (5_000_000, 5));
        base.advance_us(7);
        clock.advance_us(1_000_000);
        assert_eq!(clock.now_us(), 6_000_007);
    }

    #[test]
    fn seconds_before_the_epoch_round_down() {
        assert_eq!(FixedClock::at_us(-1).now_seconds(), -1);
    }
}
