//! Limits of the HTTP API, each with its unit and why it is what it is.

use std::time::Duration;

/// Body of a request, in bytes: one row of the largest size with room for its names, base64 and
/// quotes comes in under it; bulk loading goes through CQL or `import`.
pub(super) const BODY_BYTES_MAX: usize = 16 << 20;

/// What a body counts as among all that are held, in bytes, when its length is not told: few are
/// longer, and those are cut by the limit above.
pub(super) const BODY_BYTES_UNTOLD: u64 = 1 << 20;

/// Time for a body to arrive whole, so that slow senders do not hold memory.
pub(super) const BODY_TIME_MAX: Duration = Duration::from_secs(60);

/// Time for the head of a request to arrive; connections that are idle longer are closed.
pub(super) const HEAD_TIME_MAX: Duration = Duration::from_secs(75);

/// Streams of one HTTP/2 connection at once; more wait in the client.
pub(super) const STREAMS_MAX: u32 = 1024;

/// Rows of a page unless the request says otherwise: a page is built in memory.
pub(super) const PAGE_ROWS_DEFAULT: u32 = 1_000;

/// Rows of a page at most, for the same reason.
pub(super) const PAGE_ROWS_MAX: u32 = 10_000;

/// How long a request may take unless it says otherwise; as long as CQL's.
pub(super) const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// The longest timeout that a request may ask for.
pub(super) const TIMEOUT_MAX: Duration = Duration::from_secs(120);

/// Time that requests in flight have to end when the process stops.
pub(super) const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);

/// Characters of a request id that a client chooses: enough for any kind of id, short in logs.
pub(super) const REQUEST_ID_CHARS_MAX: usize = 64;

/// What HTTP counts as among versions of the native protocol: the newest.
pub(super) const PROTOCOL: u8 = 5;
