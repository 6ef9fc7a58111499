//! How many requests a node is given at once: as many as it answers about as fast as it answers
//! few. What is beyond that would only wait there, where nobody can overtake.

use tokio::time::{Duration, Instant};

/// At least so many, however slow: reads of cold segments take long without any load. It begins
/// with so few, so that the first answers tell what one takes without waiting.
pub(super) const SIZE_MIN: usize = 32;
/// At most so many: each takes some kilobytes here and there.
pub(super) const SIZE_MAX: usize = 2_048;
/// Answers may take this much longer than twice the time with few requests, before it counts as
/// waiting: a log is synced meanwhile, a page read.
const SLACK: Duration = Duration::from_millis(20);
/// The window is looked at so often, at most.
const LOOK: Duration = Duration::from_millis(50);
/// What was counted for longer than this may have nothing to do with now.
const PACE_OLD: Duration = Duration::from_secs(2);
/// How long a node has to be busy before its pace is known: what is shorter may be one slow write
/// of its log, and who comes then would be refused for what is over at once.
const PACE_KNOWN: Duration = Duration::from_secs(1);
/// Answers below which a look says nothing.
const ANSWERS_MIN: u32 = 16;

/// The window of one node.
#[derive(Debug)]
pub(super) struct Window {
    size: usize,
    /// What an answer takes without waiting, as far as known.
    unhurried: Option<Duration>,
    since: Instant,
    answers: u32,
    spent: Duration,
    /// Whether more could have been sent.
    was_full: bool,
    pace: Pace,
}

/// How fast a node answers while it is busy: so many answers in so long.
#[derive(Debug, Default)]
struct Pace {
    before: Option<(Duration, u32)>,
    now: (Duration, u32),
}

impl Pace {
    /// What was answered in a time in which the node was busy.
    fn add(&mut self, elapsed: Duration, answers: u32) {
        self.now.0 = self.now.0.saturating_add(elapsed);
        self.now.1 = self.now.1.saturating_add(answers);
        if self.now.0 >= PACE_KNOWN {
            self.before = Some(std::mem::take(&mut self.now));
        }
    }

    fn per_s(&self) -> Option<u64> {
        let (busy, answers) = self.before?;
        let busy = busy.saturating_add(self.now.0).as_millis().max(1);
        let answers = u128::from(answers.saturating_add(self.now.1));
        u64::try_from(answers * 1_000 / busy).ok()
    }
}

impl Window {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            size: SIZE_MIN,
            unhurried: None,
            since: now,
            answers: 0,
            spent: Duration::ZERO,
            was_full: false,
            pace: Pace::default(),
        }
    }

    /// Requests that the node is given at once.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Answers a second; none while that is not known, because more could have been sent.
    pub(super) fn per_s(&self) -> Option<u64> {
        self.pace.per_s()
    }

    /// Something has to wait for its turn. What was before says nothing of how fast it goes on.
    pub(super) fn note_full(&mut self, now: Instant) {
        if !self.was_full {
            (self.since, self.answers, self.spent, self.was_full) = (now, 0, Duration::ZERO, true);
        }
    }

    /// An answer has come after so long.
    pub(super) fn answered(&mut self, took: Duration, now: Instant) {
        self.answers = self.answers.saturating_add(1);
        self.spent = self.spent.saturating_add(took);
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed < LOOK || self.answers < ANSWERS_MIN {
            return;
        }
        self.look(self.spent.checked_div(self.answers).unwrap_or_default());
        if self.was_full && elapsed <= PACE_OLD {
            self.pace.add(elapsed, self.answers);
        } else {
            self.pace = Pace::default();
        }
        (self.since, self.answers, self.spent, self.was_full) = (now, 0, Duration::ZERO, false);
    }

    /// Fewer if answers wait, more if they do not and more were there.
    fn look(&mut self, mean: Duration) {
        let unhurried = self.unhurried.map_or(mean, |known| known.min(mean));
        self.unhurried = Some(unhurried);
        if mean > unhurried.saturating_mul(2).saturating_add(SLACK) {
            if self.size <= SIZE_MIN {
                // With so few this is what it takes: something slower is asked for now.
                self.unhurried = Some(mean);
            }
            self.size = (self.size - self.size / 4).max(SIZE_MIN);
        } else if self.was_full {
            self.size = (self.size + self.size / 8).min(SIZE_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Has a node answer `per_s` requests a second, each after at least `least`, to somebody who
    /// always has more, for some seconds; says what the window is then.
    fn settled(window: &mut Window, now: &mut Instant, per_s: u32, least: Duration) -> usize {
        for _ in 0..per_s * 10 {
            window.note_full(*now);
            *now += Duration::from_secs(1) / per_s;
            let size = u32::try_from(window.size()).unwrap();
            // Little's law: whoever has so many there waits so long for each.
            let took = (Duration::from_secs(1) / per_s * size).max(least);
            window.answered(took, *now);
        }
        window.size()
    }

    #[test]
    fn a_slow_node_is_given_few_at_once_and_a_fast_one_many() {
        let (mut now, mut window) = (Instant::now(), Window::new(Instant::now()));
        let slow = settled(&mut window, &mut now, 400, Duration::from_millis(2));
        assert!(slow <= 3 * SIZE_MIN, "{slow}");
        assert_eq!(window.per_s(), Some(400));
        let fast = settled(&mut window, &mut now, 50_000, Duration::from_millis(1));
        assert!(fast > 500, "{fast}");
    }

    #[test]
    fn answers_that_are_slow_by_nature_do_not_keep_the_window_small() {
        let (mut now, mut window) = (Instant::now(), Window::new(Instant::now()));
        settled(&mut window, &mut now, 5_000, Duration::from_millis(1));
        // Reads of an object store: 150 ms each, thousands at once.
        let many = settled(&mut window, &mut now, 20_000, Duration::from_millis(150));
        assert!(many > 1_000, "{many}");
    }

    #[test]
    fn who_never_fills_the_window_does_not_change_it() {
        let (mut now, mut window) = (Instant::now(), Window::new(Instant::now()));
        for _ in 0..10_000 {
            now += Duration::from_millis(1);
            window.answered(Duration::from_millis(3), now);
        }
        assert_eq!(window.size(), SIZE_MIN);
    }

    #[test]
    fn one_slow_sync_of_a_log_does_not_make_a_node_seem_slow() {
        let (mut now, mut window) = (Instant::now(), Window::new(Instant::now()));
        for turn in 0..6_000_u32 {
            window.note_full(now);
            // Every 3 s nothing is answered for 300 ms.
            let stall = if turn % 1_500 == 1_499 { 300 } else { 0 };
            now += Duration::from_millis(2 + stall);
            window.answered(Duration::from_millis(4), now);
            let per_s = window.per_s().unwrap_or(500);
            assert!((300..=500).contains(&per_s), "{per_s} in turn {turn}");
        }
    }

    #[test]
    fn a_node_that_becomes_slow_is_known_to_be_slow_soon() {
        let (mut now, mut window) = (Instant::now(), Window::new(Instant::now()));
        settled(&mut window, &mut now, 5_000, Duration::from_millis(1));
        for _ in 0..4 * 40 {
            window.note_full(now);
            now += Duration::from_millis(25);
            window.answered(Duration::from_millis(800), now);
        }
        let per_s = window.per_s().unwrap();
        assert!((35..=45).contains(&per_s), "{per_s}");
    }

    #[test]
    fn a_time_without_requests_does_not_make_a_node_seem_slow() {
        let (mut now, mut window) = (Instant::now(), Window::new(Instant::now()));
        for _ in 0..8 {
            window.answered(Duration::from_millis(1), now);
        }
        now += Duration::from_secs(60);
        let least = Duration::from_millis(1);
        settled(&mut window, &mut now, 1_000, least);
        assert_eq!(window.per_s(), Some(1_000));
        now += Duration::from_secs(60);
        for _ in 0..100 {
            window.answered(least, now);
        }
        assert_eq!(window.per_s(), None, "nobody had to wait");
    }
}
