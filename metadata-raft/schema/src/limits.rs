//! Every limit on the size of data, with its unit and the reason.

/// One row with all its columns, encoded. A row is read and written as one engine value and kept
/// whole in memory while it is merged; Amazon Keyspaces allows 1 MB.
pub const ROW_BYTES_MAX: usize = 16 << 20;

/// One value, as CQL wire bytes: what still leaves room in a row for its key and other columns.
pub const VALUE_BYTES_MAX: usize = 10 << 20;

/// One component of a key: its length is a u16 in routing keys (and so in Cassandra).
pub const KEY_COMPONENT_BYTES_MAX: usize = 65_535;

/// The whole engine key, partition and suffix, escaped. Engine keys have u16 lengths.
pub const ENGINE_KEY_BYTES_MAX: usize = 65_535;

/// Elements of one non-frozen collection in one statement: positions in one list statement are 24
/// bits, and a row of the largest size holds about as many.
pub const COLLECTION_ELEMENTS_MAX: usize = 1_000_000;

/// One mutation, encoded: it must fit a log entry together with others, and a row of the largest
/// size must still be writable at once.
pub const MUTATION_BYTES_MAX: usize = ROW_BYTES_MAX + (1 << 20);

/// Changes in one mutation: what a replica applies without letting others pass.
pub const MUTATION_CHANGES_MAX: usize = 65_535;

/// Range deletions kept for one partition; every read of the partition loads them.
pub const RANGE_MARKS_MAX: usize = 10_000;

/// Twenty years, as in Cassandra.
pub const TTL_SECONDS_MAX: u32 = 20 * 365 * 24 * 60 * 60;

/// Columns of one table: ids are small, rows carry one entry each.
pub const TABLE_COLUMNS_MAX: usize = 4_096;

/// Values in one IN condition of a lightweight transaction: each is compared while applying.
pub const CONDITION_VALUES_MAX: usize = 1_000;

/// Bytes of a term of an index: enough to tell most values apart; beyond that, rows of different
/// values are found together and told apart by whoever looks.
pub const TERM_BYTES_MAX: usize = 512;
