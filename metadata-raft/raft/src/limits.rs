//! Every limit of the log and of the groups, with its unit and the reason for its value.

/// Default size of a log segment in bytes: large enough that making one (two syncs) is rare,
/// small enough that space comes back soon after a purge.
pub const SEGMENT_BYTES: u64 = 64 << 20;
/// Smallest segment in bytes that a configuration may ask for: a header and a few records.
pub(crate) const SEGMENT_BYTES_MIN: u64 = 4 << 10;
/// Largest payload of one record in bytes; a longer length in a record is damage.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 64 << 20;
/// Payloads kept in memory per log in bytes: what apply and replication read is nearly always
/// among the newest; older entries are read from their segment.
pub const CACHE_BYTES: usize = 64 << 20;
/// One write takes at most about this many bytes, so that the first waiter of a long queue does
/// not wait for all of it.
pub(crate) const BATCH_BYTES: usize = 4 << 20;
