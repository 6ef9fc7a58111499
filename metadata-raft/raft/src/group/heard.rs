//! How far behind its leader a follower can be: by what leaders say is decided, and when.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// What leaders have said.
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// When a leader was heard last.
    last: Option<Instant>,
    /// When everything that was decided then has been applied by now.
    current: Option<Instant>,
    /// The oldest word of a leader that is not applied yet: newer ones are not looked at before,
    /// or a follower under constant load would never be current.
    waiting: Option<(Option<u64>, Instant)>,
}

impl Known {
    fn advance(&mut self, applied: Option<u64>) {
        if let Some((_, at)) = self.waiting.take_if(|(decided, _)| *decided <= applied) {
            self.current = Some(at);
        }
    }
}

impl Heard {
    /// A leader said that everything up to `decided` is decided, in a message taken in at `at`.
    pub(crate) fn hear(&self, decided: Option<u64>, applied: Option<u64>, at: Instant) {
        let mut known = self.0.lock();
        known.last = Some(at);
        known.advance(applied);
        known.waiting.get_or_insert((decided, at));
        known.advance(applied);
    }

    /// When a leader was heard last whose log goes on where the one here ends.
    pub(crate) fn last(&self) -> Option<Instant> {
        self.0.lock().last
    }

    /// Whether everything decided at some moment no longer ago than `within` is applied.
    pub(crate) fn is_current(&self, applied: Option<u64>, now: Instant, within: Duration) -> bool {
        let mut known = self.0.lock();
        known.advance(applied);
        known.current.is_some_and(|at| now.saturating_duration_since(at) <= within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follower_is_current_while_what_was_decided_within_the_bound_is_applied() {
        let (heard, start) = (Heard::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        let current = |applied, ms| heard.is_current(applied, at(ms), Duration::from_secs(1));
        assert!(!current(Some(9), 0), "nobody has said anything");
        heard.hear(Some(5), Some(5), at(0));
        assert!(current(Some(5), 1_000));
        assert!(!current(Some(5), 1_001));
        heard.hear(Some(6), Some(5), at(1_500));
        assert!(!current(Some(5), 1_600), "what was decided is not applied");
        heard.hear(Some(7), Some(5), at(1_900));
        assert!(current(Some(6), 2_000), "one behind, and yet current as of the word before");
        heard.hear(Some(8), Some(6), at(2_100));
        assert!(current(Some(6), 2_500));
        assert!(!current(Some(6), 2_501));
        assert!(current(Some(8), 3_100));
    }

    #[test]
    fn a_leader_that_has_decided_nothing_is_heard_too() {
        let (heard, now) = (Heard::default(), Instant::now());
        heard.hear(None, None, now);
        assert!(heard.is_current(None, now, Duration::ZERO));
    }
}
