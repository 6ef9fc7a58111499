//! When an event reaches the webhook: late, out of order, sometimes twice.

use xxhash_rust::xxh3::xxh3_64;

use crate::date::{HOUR_MS, SECOND_MS};
use crate::draw::{Stream, index_of};

use super::{EventRow, Shape};

/// Stream of the seed, apart from those of the rows.
const ARRIVAL: u64 = 8;
/// A server posts this often.
const FLUSH_MS: i64 = 30 * SECOND_MS;
/// An event waits up to this before its server knows of it.
const DELAY_MS: u64 = 45 * 1_000;
/// A failed post is tried again for this long.
const RETRY_MS: u64 = 24 * 3_600 * 1_000;

/// How an event arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Server that posts it, from 0.
    pub server: u64,
    /// When it is posted first, milliseconds.
    pub at_ms: i64,
    /// When it is posted once more, if it is.
    pub again_ms: Option<i64>,
}

impl Arrival {
    /// The arrival of an event; a function of the shape and of the event's identity.
    #[must_use]
    pub fn of(shape: &Shape, event: &EventRow) -> Self {
        let stream = Stream::new(shape.seed, ARRIVAL);
        let id = xxh3_64(event.sg_event_id.as_bytes());
        let up_to = |what, end| i64::try_from(stream.below(index_of(id, what), end)).unwrap_or(0);
        let server = stream.below(index_of(id, 1), u64::from(shape.servers.max(1)));
        // Servers flush at different seconds of their half minutes.
        let phase_ms = i64::try_from(server % 30).unwrap_or(0) * SECOND_MS;
        let flushed =
            |ms: i64| (ms - phase_ms).div_euclid(FLUSH_MS) * FLUSH_MS + FLUSH_MS + phase_ms;
        let is_late = stream.chance(index_of(id, 3), shape.late_rate);
        let retry_ms = if is_late { up_to(4, RETRY_MS) } else { 0 };
        let at_ms = flushed(event.event_ts + up_to(5, DELAY_MS) + retry_ms);
        let is_twice = stream.chance(index_of(id, 6), shape.duplicate_rate);
        let again_ms =
            is_twice.then(|| flushed(at_ms + up_to(7, RETRY_MS - HOUR_MS.unsigned_abs())));
        Self { server, at_ms, again_ms }
    }
}
