//! Every limit of the metadata service, with its unit and reason.

/// Longest name of a keyspace, table or type in characters, as in Cassandra: 48 for keyspaces and
/// tables, so that names taken from there always fit.
pub(crate) const NAME_CHARACTERS_MAX: usize = 48;
/// Keyspaces in a cluster: each costs a few hundred bytes in every frontend.
pub(crate) const KEYSPACES_MAX: usize = 10_000;
/// Tables in a cluster: the whole catalog must fit into one pushed message (64 MiB) of about
/// 2 KiB per table.
pub(crate) const TABLES_MAX: usize = 20_000;
/// Columns of a table: rows are kept as one value each, and the catalog is held by everybody.
pub(crate) const COLUMNS_MAX: usize = 4_000;
/// Fields of a user-defined type, as Cassandra's frozen forms allow.
pub(crate) const TYPE_FIELDS_MAX: usize = 32_767;
/// Nesting of types, counted in levels: decoding a type must not exhaust a thread's stack.
pub(crate) const TYPE_DEPTH_MAX: usize = 32;
/// Longest `default_time_to_live` in seconds: 20 years, as in Cassandra.
pub(crate) const TTL_SECONDS_MAX: u32 = 630_720_000;
/// Cell ids handed out by one command: enough for any split plan, and no client can use them up.
pub(crate) const CELL_IDS_PER_COMMAND_MAX: u32 = 10_000;
/// Table ids below this are for Cellar's own records.
pub(crate) const TABLE_ID_FIRST: u32 = 16;
/// Changes kept to bring watchers up to date that were away for a moment; older ones get all.
pub(crate) const RECENT_UPDATES_MAX: usize = 1_024;
