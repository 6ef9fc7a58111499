//! Every limit of the metadata service, with its unit and reason.

/// Longest name of a keyspace in characters, as in Cassandra.
pub(crate) const KEYSPACE_CHARACTERS_MAX: usize = 48;
/// Longest name of a table, view, index or type in characters: what Cassandra 4 and 5 can make a
/// folder of, so that names taken from there always fit.
pub(crate) const NAME_CHARACTERS_MAX: usize = 222;
/// Keyspaces in a cluster: each costs a few hundred bytes in every frontend.
pub(crate) const KEYSPACES_MAX: usize = 10_000;
/// Tables in a cluster: the whole catalog must fit into one pushed message (64 MiB) of about
/// 2 KiB per table.
pub(crate) const TABLES_MAX: usize = 20_000;
/// Columns of a table: rows are kept as one value each, and the catalog is held by everybody.
pub(crate) const COLUMNS_MAX: usize = 4_000;
/// Fields of a user-defined type, as Cassandra's frozen forms allow.
pub(crate) const TYPE_FIELDS_MAX: usize = 32_767;
/// Nesting of types, counted in levels, of which a user-defined type takes two: what is stored of
/// them, with what they are in, stays below the 256 levels that decoding allows.
pub(crate) const TYPE_DEPTH_MAX: usize = 64;
/// Longest `default_time_to_live` in seconds: 20 years, as in Cassandra.
pub(crate) const TTL_SECONDS_MAX: u32 = 630_720_000;
/// Cell ids handed out by one command: enough for any split plan, and no client can use them up.
pub(crate) const CELL_IDS_PER_COMMAND_MAX: u32 = 10_000;
/// Table ids below this are for Cellar's own records.
pub(crate) const TABLE_ID_FIRST: u32 = 16;
/// Changes kept to bring watchers up to date that were away for a moment; older ones get all.
pub(crate) const RECENT_UPDATES_MAX: usize = 1_024;
/// Things that those changes name, of about a hundred bytes each: a change of a keyspace of ten
/// thousand tables, or a first placement, must not fill the memory when there are a thousand.
pub(crate) const RECENT_PARTS_MAX: usize = 100_000;
/// How long a change of the schema waits for those who watch, in milliseconds: several times what
/// a healthy frontend needs, and below every driver's timeout for such statements (10 to 12 s).
pub(crate) const SERVED_MS_MAX: u64 = 8_000;
/// How long a node or frontend may be out of touch in milliseconds: a restart and a reconnect fit
/// in, so that neither is told to anybody.
pub(crate) const ABSENT_MS_MAX: u64 = 15_000;
/// Pause between looks at who is in touch, in milliseconds.
pub(crate) const PRESENCE_CHECK_MS: u64 = 500;
/// Commands applied before the next snapshot: a restart replays at most about this many, each of
/// which takes a millisecond with ten thousand tables.
pub(crate) const ENTRIES_PER_SNAPSHOT: u64 = 1_000;
/// Events kept for operators: hours of an ordinary day, and some 200 KiB in an answer.
pub(crate) const EVENTS_MAX: usize = 1_000;
/// Time in milliseconds after which a partition that is still hot is told of again.
pub(crate) const HOT_AGAIN_MS: u64 = 600_000;
/// Longest wait for a new member to get everything, in milliseconds; below the patience of those
/// who submit. Whoever asks again goes on waiting.
pub(crate) const MEMBER_FOLLOWS_MS_MAX: u64 = 20_000;
/// Longest wait for the word of a member before another leaves, in milliseconds: some heartbeats.
pub(crate) const MEMBER_ALIVE_MS_MAX: u64 = 3_000;
