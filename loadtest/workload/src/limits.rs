//! Limits of the generators, with unit and reason.

/// Deferrals one message may meet: the number the ConvertKit story gives.
pub const DEFERRALS_MAX: i16 = 15;

/// Longest wait between two deferrals, in milliseconds: eight hours, where doubling stops.
pub const DEFERRAL_GAP_MAX_MS: i64 = 8 * 60 * 60 * 1_000;

/// Opens of one message; the geometric tail beyond it is one in a hundred million.
pub const OPENS_MAX: u64 = 12;

/// Messages of one campaign in one partition of `send_claim` and `events`, before it is sharded.
pub const SHARD_MESSAGES: u64 = 25_000;

/// Shards of one campaign: above it partitions grow instead.
pub const SHARDS_MAX: u64 = 64;

/// Bytes of one webhook post: the sender flushes here.
pub const POST_BYTES_MAX: usize = 768 * 1024;

/// Bytes of `flights.csv` after decompression, so that a false archive cannot fill the memory.
pub const FLIGHTS_CSV_BYTES_MAX: u64 = 64 * 1024 * 1024;
