//! Every limit of the transport, with its unit and the reason for its default.

/// Largest body of one call or one pushed message, in bytes: a log batch or snapshot chunk
/// stays below it by far, a runaway length does not exhaust memory.
pub(crate) const BODY_BYTES_MAX: usize = 64 << 20;
/// Largest header list in bytes: our own headers need a few hundred.
pub(crate) const HEADER_BYTES_MAX: u32 = 16 << 10;
/// Flow-control window per HTTP/2 stream in bytes: a batch passes without a window update.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 2 << 20;
/// Flow-control window per connection in bytes.
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = 32 << 20;
/// How long a connection remembers a call that was given up, in milliseconds, so that its late
/// answer is passed over; of the newest few dozen only. Real time, which a simulated run must not
/// see pass.
pub(crate) const RESET_KEPT_MS: u64 = 30_000;
/// Pushed messages that may wait between a stream's handler and its connection.
pub(crate) const PUSH_QUEUE_MESSAGES: usize = 64;
/// Pushed frames are joined up to this many bytes per write.
pub(crate) const PUSH_WRITE_BYTES: usize = 64 << 10;
/// Heartbeats that may be missed before a subscriber calls its peer silent.
pub(crate) const HEARTBEATS_MISSED_MAX: u32 = 3;

/// Limits of a serving process.
#[derive(Clone, Debug)]
pub struct ServerLimits {
    /// Connections held at once; more are closed on arrival, so that descriptors remain.
    pub connections_max: usize,
    /// Calls in progress per connection.
    pub calls_per_connection_max: u32,
    /// Time from accept to the complete headers of the first request, in milliseconds. Later
    /// half-sent headers are caught by the ping, which cannot be answered inside them.
    pub header_ms_max: u64,
    /// Time for a complete request body, in milliseconds.
    pub body_ms_max: u64,
    /// Largest request, answer or pushed message, in bytes.
    pub body_bytes_max: usize,
    /// An HTTP/2 ping is sent after this long without a frame, in milliseconds.
    pub ping_interval_ms: u64,
    /// A connection that leaves a ping unanswered this long is closed, in milliseconds.
    pub ping_ms_max: u64,
    /// Heartbeat interval of quiet push streams, in milliseconds.
    pub heartbeat_ms: u64,
    /// Time that calls in flight have to finish after shutdown began, in milliseconds.
    pub drain_ms_max: u64,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            calls_per_connection_max: 4096,
            header_ms_max: 5_000,
            body_ms_max: 30_000,
            body_bytes_max: BODY_BYTES_MAX,
            ping_interval_ms: 10_000,
            ping_ms_max: 10_000,
            heartbeat_ms: 1_000,
            drain_ms_max: 10_000,
        }
    }
}

/// Limits of a calling process.
#[derive(Clone, Debug)]
pub struct ClientLimits {
    /// Long-lived connections per peer for calls; push streams have one more of their own, so
    /// that a slow subscriber cannot use up the flow-control window of calls.
    pub connections_per_peer: usize,
    /// Time to establish a connection, in milliseconds.
    pub connect_ms_max: u64,
    /// First pause after a failed connect, in milliseconds; doubled per failure, with jitter.
    pub backoff_ms_min: u64,
    /// Longest pause after a failed connect, in milliseconds.
    pub backoff_ms_max: u64,
    /// Largest request, answer or pushed message, in bytes.
    pub body_bytes_max: usize,
    /// An HTTP/2 ping is sent after this long without a frame, in milliseconds.
    pub ping_interval_ms: u64,
    /// A connection that leaves a ping unanswered this long is closed, in milliseconds.
    pub ping_ms_max: u64,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            connections_per_peer: 2,
            connect_ms_max: 2_000,
            backoff_ms_min: 10,
            backoff_ms_max: 1_000,
            body_bytes_max: BODY_BYTES_MAX,
            ping_interval_ms: 5_000,
            ping_ms_max: 5_000,
        }
    }
}
