//! The wall clock, for writes that must keep one timestamp over several attempts.

use std::time::UNIX_EPOCH;

/// Microseconds since 1970.
pub(crate) fn now_us() -> Option<i64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the SDK links no server crate, so not the clock of cellar-schema"
    )]
    let now = std::time::SystemTime::now();
    i64::try_from(now.duration_since(UNIX_EPOCH).ok()?.as_micros()).ok()
}
