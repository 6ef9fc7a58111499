//! Every limit of the SDK, with its unit and the reason.

use std::time::Duration;

/// Bytes that one answer may have. A page of the server is far smaller; more is a fault or an
/// attack, and must not take the memory of the process that asked.
pub const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Rows that [`crate::Query::send`] collects. Larger results are for [`crate::Query::stream`],
/// which holds one page at a time.
pub const COLLECTED_ROWS_MAX: usize = 1_000_000;

/// How deep a value may nest: deeper than any CQL type, shallow enough for any stack.
pub const VALUE_DEPTH_MAX: usize = 64;

/// How long a request may take with all its retries, unless the caller says otherwise.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// How long opening a connection may take, so that a dead address fails while there is still time
/// to try again.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Attempts for one request, the first one included.
pub const ATTEMPTS_MAX: u32 = 6;

/// The first wait between attempts; it doubles, and the real wait is random between zero and it.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(20);

/// The longest wait between attempts, unless the server asks for a longer one.
pub const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// Tokens of the retry budget, shared by everything that one client sends. A retry takes
/// [`RETRY_COST`], a success gives one back: a server that is down is not hit many times harder.
pub const RETRY_TOKENS_MAX: u32 = 500;

/// What one retry takes from the budget.
pub const RETRY_COST: u32 = 5;

/// How long an idle connection is kept: shorter than the server keeps it, so that a request is
/// not lost on a connection that is being closed.
pub const IDLE_MAX: Duration = Duration::from_secs(50);

/// How much earlier than the client the server gives up, so that its answer can travel.
pub const ANSWER_TIME: Duration = Duration::from_millis(250);
