//! What becomes of a message: its events in order, without their texts.
//!
//! Guarantees: the shares of the event model in the workload specification, section 2.1, which
//! is calibrated to 5.376 records per message; at most [`limits::DEFERRALS_MAX`] deferrals, at
//! waits that double from two minutes to eight hours; every message ends dropped, bounced or
//! delivered.

use serde::{Deserialize, Serialize};

use crate::date::{DAY_MS, MINUTE_MS, SECOND_MS};
use crate::draw::{Stream, index_of};
use crate::limits;

/// Kinds of events, as the vendor names them; their order is that of the names in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// The receiving server refused for good, or the sender gave up (`blocked`).
    Bounce,
    /// A link was followed.
    Click,
    /// The receiving server refused for now.
    Deferred,
    /// The receiving server accepted.
    Delivered,
    /// The sender never tried.
    Dropped,
    /// The message was shown, by a person or a machine.
    Open,
    /// The sender took the message.
    Processed,
    /// The subscriber called it spam.
    Spamreport,
    /// The subscriber wants no more.
    Unsubscribe,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Bounce,
        Self::Click,
        Self::Deferred,
        Self::Delivered,
        Self::Dropped,
        Self::Open,
        Self::Processed,
        Self::Spamreport,
        Self::Unsubscribe,
    ];

    /// The name in the `event` column and in posts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Click => "click",
            Self::Deferred => "deferred",
            Self::Delivered => "delivered",
            Self::Dropped => "dropped",
            Self::Open => "open",
            Self::Processed => "processed",
            Self::Spamreport => "spamreport",
            Self::Unsubscribe => "unsubscribe",
        }
    }

    /// Whether the event stands in the subscriber's timeline too.
    #[must_use]
    pub const fn is_in_timeline(self) -> bool {
        !matches!(self, Self::Processed | Self::Deferred | Self::Dropped)
    }
}

/// One thing that happened to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) kind: EventKind,
    /// Milliseconds, in whole seconds.
    pub(super) at_ms: i64,
    /// Number of the deferral, from 1; 0 for all other kinds.
    pub(super) attempt: i16,
    /// A bounce because the receiver blocked, not because the address is bad.
    pub(super) blocked: bool,
    /// An open by a machine, not by a person.
    pub(super) machine: bool,
}

const DROPPED: f64 = 0.008;
const DEFERRED: f64 = 0.06;
const DEFERRED_AGAIN: f64 = 0.80;
const GIVEN_UP_BLOCKED: f64 = 0.5;
/// Of those processed: 0.9 % of all.
const BOUNCED: f64 = 0.009 / (1.0 - DROPPED);
const BOUNCED_BLOCKED: f64 = 0.45;
const OPENED: f64 = 0.40;
/// A mean of 1.3 opens: 1 + p / (1 - p) = 1.3.
const OPENED_AGAIN: f64 = 0.3 / 1.3;
const OPENED_BY_MACHINE: f64 = 0.5;
/// Seconds within which a machine fetches what a person has not seen yet.
const MACHINE_SECONDS: u64 = 120;
const CLICKED: f64 = 0.06;
const CLICKED_TWICE: f64 = 0.30;
const UNSUBSCRIBED: f64 = 0.004;
const SPAM: f64 = 0.0006;

/// Draws of one message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    stream: Stream,
    message: u64,
}

impl Life {
    pub(super) const fn new(stream: Stream, message: u64) -> Self {
        Self { stream, message }
    }

    /// The steps of the message that was claimed at this time.
    pub(super) fn steps(self, claimed_ms: i64) -> Vec<Step> {
        let start = claimed_ms - claimed_ms.rem_euclid(SECOND_MS) + SECOND_MS;
        let at_ms = start + self.seconds(1, 4);
        if self.chance(2, DROPPED) {
            return vec![step(EventKind::Dropped, at_ms)];
        }
        let mut steps = vec![step(EventKind::Processed, at_ms)];
        let tried_ms = at_ms + SECOND_MS + self.seconds(3, 20);
        let retried_ms = self.deferrals(tried_ms, &mut steps);
        let deferrals = steps.len() - 1;
        if deferrals >= usize::try_from(limits::DEFERRALS_MAX).unwrap_or(0)
            && self.chance(4, GIVEN_UP_BLOCKED)
        {
            let bounce = step(EventKind::Bounce, retried_ms);
            steps.push(Step { blocked: true, ..bounce });
        } else if self.chance(5, BOUNCED) {
            let bounce = step(EventKind::Bounce, retried_ms);
            steps.push(Step { blocked: self.chance(6, BOUNCED_BLOCKED), ..bounce });
        } else {
            steps.push(step(EventKind::Delivered, retried_ms));
            if self.chance(7, OPENED) {
                self.engagement(retried_ms, &mut steps);
            }
        }
        steps
    }

    /// Appends the deferrals and returns when the message is tried for the last time.
    fn deferrals(self, first_ms: i64, steps: &mut Vec<Step>) -> i64 {
        let (mut at_ms, mut gap_ms) = (first_ms, 2 * MINUTE_MS);
        let mut is_deferred = self.chance(8, DEFERRED);
        let mut attempt = 0;
        while is_deferred && attempt < limits::DEFERRALS_MAX {
            attempt += 1;
            steps.push(Step { attempt, ..step(EventKind::Deferred, at_ms) });
            at_ms += gap_ms;
            gap_ms = (gap_ms * 2).min(limits::DEFERRAL_GAP_MAX_MS);
            is_deferred =
                self.chance(index_of(9, u64::from(attempt.unsigned_abs())), DEFERRED_AGAIN);
        }
        at_ms
    }

    fn engagement(self, delivered_ms: i64, steps: &mut Vec<Step>) {
        let mut at_ms = delivered_ms + SECOND_MS;
        let first_is_machine = self.is_machine(0);
        at_ms += if first_is_machine { self.seconds(10, MACHINE_SECONDS) } else { self.wait() };
        let first_ms = at_ms;
        steps.push(Step { machine: first_is_machine, ..step(EventKind::Open, at_ms) });
        let mut opens = 1;
        while opens < limits::OPENS_MAX && self.chance(index_of(11, opens), OPENED_AGAIN) {
            at_ms += SECOND_MS + self.seconds(index_of(12, opens), 6 * 3_600);
            let machine = self.is_machine(opens);
            steps.push(Step { machine, ..step(EventKind::Open, at_ms) });
            opens += 1;
        }
        if self.chance(13, CLICKED) {
            let clicked_ms = first_ms + SECOND_MS + self.seconds(14, 600);
            steps.push(step(EventKind::Click, clicked_ms));
            if self.chance(15, CLICKED_TWICE) {
                let again_ms = clicked_ms + SECOND_MS + self.seconds(16, 3_600);
                steps.push(step(EventKind::Click, again_ms));
            }
        }
        if self.chance(17, UNSUBSCRIBED) {
            steps.push(step(
                EventKind::Unsubscribe,
                first_ms + 5 * SECOND_MS + self.seconds(18, 300),
            ));
        }
        if self.chance(19, SPAM) {
            steps.push(step(
                EventKind::Spamreport,
                first_ms + 9 * SECOND_MS + self.seconds(20, 300),
            ));
        }
    }

    /// How long a person waits: half look within three hours, the last after a week.
    fn wait(self) -> i64 {
        let wait = self.stream.unit(index_of(self.message, 22));
        part(7 * DAY_MS, wait * wait * wait * wait * wait * wait)
    }

    fn is_machine(self, open: u64) -> bool {
        self.chance(index_of(21, open), OPENED_BY_MACHINE)
    }

    fn chance(self, what: u64, probability: f64) -> bool {
        self.stream.chance(index_of(self.message, what), probability)
    }

    /// Whole seconds below this many, in milliseconds.
    fn seconds(self, what: u64, end: u64) -> i64 {
        let seconds = self.stream.below(index_of(self.message, what), end);
        i64::try_from(seconds).map_or(0, |seconds| seconds * SECOND_MS)
    }
}

const fn step(kind: EventKind, at_ms: i64) -> Step {
    Step { kind, at_ms, attempt: 0, blocked: false, machine: false }
}

/// A part of a time, in whole seconds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a part in 0..1 of a week of milliseconds is far inside both types"
)]
const fn part(whole_ms: i64, part: f64) -> i64 {
    let seconds = (whole_ms / SECOND_MS) as f64 * part;
    seconds as i64 * SECOND_MS
}
