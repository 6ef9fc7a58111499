//! A wall clock that does not jump: what is written, expires and becomes cold by it goes on evenly
//! when somebody sets the machine's clock wrong, and right again.
//!
//! Small corrections are followed at once. A jump is believed only when it has stood for a while;
//! until then time goes on by a clock that nobody can set. So a mistake that is noticed within
//! five minutes has no effect at all, and one that is not is followed late, not never: a clock that
//! was wrong when the process started has to become right, too.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::Clock;

/// A difference of more microseconds between two looks is a jump: time services correct less.
const JUMP_US: i64 = 2_000_000;
/// How long a jump must stand to be believed, in microseconds: five minutes, in which an operator
/// or a time service notices.
const DOUBT_US: i64 = 300 * 1_000_000;

/// Microseconds since it was made, by a clock that cannot be set.
#[derive(Clone, Copy, Debug)]
pub struct Elapsed(Instant);

impl Default for Elapsed {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Elapsed {
    fn now_us(&self) -> i64 {
        i64::try_from(self.0.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}

/// A wall clock, held by one that cannot be set.
#[derive(Debug)]
pub struct SteadyClock<W, E> {
    wall: W,
    elapsed: E,
    belief: Mutex<Belief>,
}

/// By how much the wall clock is ahead of the other.
#[derive(Debug)]
struct Belief {
    ahead_us: i64,
    doubt: Option<Doubt>,
}

/// A jump that is not believed yet.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    ahead_us: i64,
    since_us: i64,
}

impl<W: Clock, E: Clock> SteadyClock<W, E> {
    /// Shows what the wall clock shows now, and goes on evenly.
    #[must_use]
    pub fn new(wall: W, elapsed: E) -> Self {
        let ahead_us = wall.now_us().saturating_sub(elapsed.now_us());
        Self { wall, elapsed, belief: Mutex::new(Belief { ahead_us, doubt: None }) }
    }

    /// By how much the wall clock has jumped, in microseconds; none if it has not, or is believed.
    #[must_use]
    pub fn doubted_us(&self) -> Option<i64> {
        let belief = self.belief.lock().unwrap_or_else(PoisonError::into_inner);
        belief.doubt.map(|doubt| doubt.ahead_us.saturating_sub(belief.ahead_us))
    }
}

impl Belief {
    /// Takes in by how much the wall clock is ahead at a moment.
    fn look(&mut self, ahead_us: i64, now_us: i64) {
        if near(ahead_us, self.ahead_us) {
            (self.ahead_us, self.doubt) = (ahead_us, None);
            return;
        }
        let same = self.doubt.filter(|doubt| near(ahead_us, doubt.ahead_us));
        let since_us = same.map_or(now_us, |doubt| doubt.since_us);
        if now_us.saturating_sub(since_us) >= DOUBT_US {
            (self.ahead_us, self.doubt) = (ahead_us, None);
        } else {
            self.doubt = Some(Doubt { ahead_us, since_us });
        }
    }
}

fn near(one_us: i64, other_us: i64) -> bool {
    one_us.saturating_sub(other_us).saturating_abs() <= JUMP_US
}

impl<W: Clock, E: Clock> Clock for SteadyClock<W, E> {
    fn now_us(&self) -> i64 {
        let mut belief = self.belief.lock().unwrap_or_else(PoisonError::into_inner);
        // Within the lock: both are looked at in one order.
        let now_us = self.elapsed.now_us();
        belief.look(self.wall.now_us().saturating_sub(now_us), now_us);
        now_us.saturating_add(belief.ahead_us)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::FixedClock;

    const HOUR_US: i64 = 3_600 * 1_000_000;
    const START_US: i64 = 1_000 * HOUR_US;

    struct World {
        wall: Arc<FixedClock>,
        elapsed: Arc<FixedClock>,
        steady: SteadyClock<Arc<FixedClock>, Arc<FixedClock>>,
    }

    impl World {
        fn new() -> Self {
            let wall = Arc::new(FixedClock::at_us(START_US));
            let elapsed = Arc::new(FixedClock::at_us(7));
            let steady = SteadyClock::new(Arc::clone(&wall), Arc::clone(&elapsed));
            Self { wall, elapsed, steady }
        }

        /// Time passes, by looks a second apart.
        fn pass(&self, seconds: i64) {
            for _ in 0..seconds {
                self.wall.advance_us(1_000_000);
                self.elapsed.advance_us(1_000_000);
                self.steady.now_us();
            }
        }

        fn since_start_us(&self) -> i64 {
            self.steady.now_us() - START_US
        }
    }

    #[test]
    fn jumps_that_are_taken_back_within_the_time_of_doubt_have_no_effect() {
        let world = World::new();
        for jump_us in [HOUR_US, -HOUR_US, 24 * HOUR_US, -24 * HOUR_US] {
            let before_us = world.since_start_us();
            world.wall.advance_us(jump_us);
            assert_eq!(world.since_start_us(), before_us);
            assert_eq!(world.steady.doubted_us(), Some(jump_us));
            world.pass(DOUBT_US / 1_000_000 - 1);
            assert_eq!(world.since_start_us(), before_us + DOUBT_US - 1_000_000);
            world.wall.advance_us(-jump_us);
            assert_eq!(world.since_start_us(), before_us + DOUBT_US - 1_000_000);
            assert_eq!(world.steady.doubted_us(), None);
        }
    }

    #[test]
    fn a_jump_that_stands_is_believed_and_small_corrections_at_once() {
        let world = World::new();
        for by_us in [1_000, -500_000, JUMP_US] {
            world.wall.advance_us(by_us);
            assert_eq!(world.steady.now_us(), world.wall.now_us());
        }
        world.wall.advance_us(HOUR_US);
        world.pass(DOUBT_US / 1_000_000 - 1);
        assert_ne!(world.steady.now_us(), world.wall.now_us());
        world.pass(2);
        assert_eq!(world.steady.now_us(), world.wall.now_us());
        assert_eq!(world.steady.doubted_us(), None);
    }

    #[test]
    fn each_jump_is_doubted_on_its_own() {
        let world = World::new();
        world.wall.advance_us(HOUR_US);
        world.pass(DOUBT_US / 1_000_000 - 1);
        world.wall.advance_us(HOUR_US);
        world.pass(DOUBT_US / 1_000_000 - 1);
        assert_eq!(world.steady.doubted_us(), Some(2 * HOUR_US));
    }
}
