//! Wall clocks: the time of the simulation, which each process sees shifted by its own error.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use cellar_schema::Clock;
use tokio::time::Instant;

/// 2026-01-01, in microseconds.
const START_US: i64 = 1_767_225_600_000_000;

/// The wall clock of one machine; clones are the same clock.
#[derive(Clone, Debug)]
pub(crate) struct WallClock {
    began: Instant,
    error_us: Arc<AtomicI64>,
}

impl WallClock {
    /// A clock that is right.
    pub(crate) fn new(began: Instant) -> Self {
        Self { began, error_us: Arc::default() }
    }

    /// Makes the clock wrong by so much.
    pub(crate) fn jump_to_us(&self, error_us: i64) {
        self.error_us.store(error_us, Ordering::Relaxed);
    }
}

impl Clock for WallClock {
    fn now_us(&self) -> i64 {
        let since = i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX);
        START_US.saturating_add(since).saturating_add(self.error_us.load(Ordering::Relaxed))
    }
}
