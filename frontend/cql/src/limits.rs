//! Every limit of the parser and the planner, with its unit and its reason.

/// Levels of nested terms, types, selectors and parentheses. Keeps the recursive descent, and
/// every later walk over the tree, far below the smallest thread stack.
pub const NESTING_MAX: usize = 160;

/// Bind markers in one statement: the native protocol counts them with 16 bits.
pub const MARKERS_MAX: usize = 65_535;

/// Size of a batch over several partitions from which on clients are warned: Cassandra's default.
pub const BATCH_WARN_BYTES: usize = 5 << 10;

/// Size of a batch over several partitions that is refused: Cassandra's default. Such a batch is
/// several writes that wait for each other.
pub const BATCH_BYTES_MAX: usize = 50 << 10;

/// Partitions of an unlogged batch up to which clients are not warned: Cassandra's default.
pub const UNLOGGED_BATCH_WARN_PARTITIONS: usize = 10;

/// Rows one `UPDATE` or `DELETE` may name with `IN`: the product of several lists grows fast, and
/// each row is a change of its own in the log.
pub const WRITE_KEYS_MAX: usize = 10_000;

/// Partitions, or ranges of a partition, that one `SELECT` may name with `IN`: each is a read of
/// its own, and all are planned before the first row is known.
pub const SELECT_KEYS_MAX: usize = 10_000;

/// Bytes of a value in an index of `CREATE INDEX`: there they are keys in Cassandra, whose lengths
/// have 16 bits.
pub const INDEXED_BYTES_MAX: usize = 65_535;

/// Rows that `ORDER BY ... ANN OF` may be asked for: the limit of Apache Cassandra, which
/// applications page by.
pub const NEAREST_ROWS_MAX: usize = 1_000;
