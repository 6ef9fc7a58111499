//! Every limit of the node and its cells, with its unit and the reason.

/// Hot bytes of one cell at which it splits, unless the node is told otherwise.
pub(crate) const CELL_SPLIT_BYTES: u64 = 8 << 30;

/// Encoded bytes of the writes put into one log entry: large enough to share a sync among many,
/// small enough that the first of them does not wait for a long transfer.
pub(crate) const ENTRY_BYTES: usize = 1 << 20;
/// Writes put into one log entry: bounds the time of one apply.
pub(crate) const ENTRY_WRITES: usize = 4_096;
/// Encoded bytes of one write: it must fit a record of the log (64 MiB) with room to spare.
pub(crate) const WRITE_BYTES_MAX: usize = 48 << 20;
/// Log entries of one cell that are proposed and not yet answered: while these are on their way to
/// the disk the next ones fill up.
pub(crate) const PROPOSALS_MAX: usize = 8;
/// Encoded bytes that may wait in the queue of one cell before it refuses more.
pub(crate) const QUEUE_BYTES_MAX: usize = 64 << 20;
/// Requests that may wait in the queue of one cell before it refuses more.
pub(crate) const QUEUE_REQUESTS_MAX: usize = 16_384;
/// What an overloaded cell tells the sender to wait, in milliseconds.
pub(crate) const RETRY_AFTER_MS: u32 = 50;

/// Answers a cell remembers, to give them again to a retry: more than can be in flight.
pub(crate) const ANSWERS_MAX: usize = 32_768;
/// Age in microseconds, in log time, at which a remembered answer is forgotten: longer than any
/// frontend or driver retries.
pub(crate) const ANSWER_AGE_US_MAX: i64 = 300 * 1_000_000;
/// A conditional write gets a timestamp above what it tested. The cell's own clock follows it by
/// at most this much, in microseconds, so that one client with a wrong clock cannot set it.
pub(crate) const CLOCK_AHEAD_US_MAX: i64 = 10 * 1_000_000;

/// Rows looked at for one page: bounds the time of a page that filters or finds only deleted rows.
pub(crate) const PAGE_ROWS_EXAMINED_MAX: u64 = 10_000;
/// Encoded bytes looked at for one page, for the same reason.
pub(crate) const PAGE_BYTES_EXAMINED_MAX: u64 = 16 << 20;

/// Entries of so many bytes are applied on the runtime's own thread, which takes about a
/// millisecond; with more, the runtime is told that the thread is away.
pub(crate) const APPLY_INLINE_BYTES: usize = 64 << 10;
/// So many records of a page are read on the runtime's own thread, for the same reason.
pub(crate) const READ_INLINE_ROWS: u64 = 256;

/// Pause between looks at the sizes of cells, in milliseconds.
pub(crate) const SPLIT_CHECK_MS: u64 = 2_000;
/// Pause before something that failed against the metadata service is tried again.
pub(crate) const METADATA_RETRY_MS: u64 = 200;
/// Time in milliseconds that background work gets to end in when the node stops.
pub(crate) const STOP_MS_MAX: u64 = 20_000;
/// Time in milliseconds for reads and flushes of a node that was stopped to end: as long as one
/// flush of everything in memory.
pub(crate) const RELEASE_MS_MAX: u64 = 10_000;
/// Pause between looks whether they have, in milliseconds.
pub(crate) const RELEASE_LOOK_MS: u64 = 2;
/// Pause before a cell with damaged rows tries again to give them up, in milliseconds: other
/// replicas answer within seconds, or are down for long.
pub(crate) const HEAL_RETRY_MS: u64 = 1_000;
/// The same where nobody can have them, in milliseconds: that may change by the hand of somebody.
pub(crate) const HEAL_AGAIN_MS: u64 = 60_000;
/// Answers longer than this, in bytes, are not kept for retries: rows of a failed condition may be
/// megabytes each, and the retry is then told that the outcome is unknown.
pub(crate) const ANSWER_BYTES_MAX: usize = 256 << 10;

/// Rows of one cold segment: few objects, and one is encoded and committed in well under a second.
pub(crate) const SEGMENT_ROWS: usize = 32_768;
/// Encoded bytes, keys included, after which a cold segment ends: it is held in memory.
pub(crate) const SEGMENT_BYTES: usize = 64 << 20;
/// Bytes of keys after which a cold segment ends: the keys of all its rows are in one log entry.
pub(crate) const SEGMENT_KEY_BYTES: usize = 4 << 20;
/// Segments of one level that may have the same key before they are folded into the next level:
/// each costs every scan over it; each level rewrites every row once.
pub(crate) const FOLD_DEPTH: usize = 8;
/// Rows of a table that must be past its policy before the periodic job moves them: every segment
/// costs every later scan.
pub(crate) const TIER_ROWS_MIN: usize = 4_096;
/// Pause between looks for rows to move, in milliseconds.
pub(crate) const TIER_PAUSE_MS: u64 = 60_000;
/// The pause is at least this many times as long as the look took: it reads every hot row of
/// tables with a policy.
pub(crate) const TIER_PAUSE_FACTOR: u32 = 50;
/// Memory for what was read of cold segments, in bytes.
pub(crate) const COLD_CACHE_BYTES: u64 = 256 << 20;
/// Time in microseconds after which an object that was given up is removed: longer than a page of
/// a reader takes.
pub(crate) const GARBAGE_GRACE_US: i64 = 60 * 1_000_000;
/// How often a write is prepared again because rows it depends on became cold meanwhile.
pub(crate) const STALE_RETRIES_MAX: usize = 20;
/// Time in milliseconds after which the next replica makes a new cell's group known, if those
/// before it have not: a leader that is alive is elected within a few round trips.
pub(crate) const FIRST_LEADER_MS: u64 = 300;
/// A follower answers reads of level `Any` only with everything applied that its leader knew to be
/// decided within this time, in milliseconds: several heartbeats, and less than an election takes.
pub(crate) const ANY_BEHIND_MS_MAX: u64 = 1_000;
/// How many of the cells that it has taken over a cell remembers: one that waits to be taken over
/// asks within seconds.
pub(crate) const MERGED_KEPT: usize = 64;
/// Time in milliseconds that writes on their way get to be answered in when their cell is taken
/// over: all of them are refused by then, unless the cell has no majority.
pub(crate) const CLOSE_MS_MAX: u64 = 2_000;
/// Bytes of a cell, all that it has counted, that its left neighbour takes over in one log entry:
/// its apply takes well under a second.
pub(crate) const MERGE_BYTES_MAX: usize = 8 << 20;
/// Pause between looks for cells that wait to be taken over, in milliseconds.
pub(crate) const SETTLE_CHECK_MS: u64 = 250;
/// Time in milliseconds after which a cell that waits to be taken over asks what became of that:
/// a merge takes a few round trips.
pub(crate) const SETTLE_AFTER_MS: u64 = 2_000;
/// Time in milliseconds for another node's answer in the course of a merge.
pub(crate) const MERGE_CALL_MS_MAX: u64 = 3_000;
/// Requests per second of one cell at which it splits, unless the node is told otherwise: about
/// what one log with one leader does with ease.
pub(crate) const CELL_SPLIT_REQUESTS_PER_S: u64 = 20_000;
/// About one in so many requests is sampled.
pub(crate) const SAMPLE_REQUESTS: u64 = 64;
/// Samples of one cell kept until they are looked at, once a second.
pub(crate) const SAMPLES_KEPT: usize = 1_024;
/// Seconds that a load must last to split a cell, and over which it is averaged.
pub(crate) const LOAD_WINDOW_SECONDS: usize = 10;
/// A load is over when it is below so many percent of the limit.
pub(crate) const LOAD_CALM_PERCENT: u64 = 80;
/// Samples below which nothing is decided by them.
pub(crate) const LOAD_SAMPLES_MIN: u64 = 64;
/// Percent of the requests that each half must have after a split by load: less would not help.
pub(crate) const LOAD_SIDE_PERCENT_MIN: u64 = 25;
/// A partition with more than so many percent of its cell's requests is hot.
pub(crate) const HOT_SHARE_PERCENT: u64 = 50;
/// Hot partitions are told of from this part of the limit on: those of idle cells help nobody.
pub(crate) const LOAD_HOT_REPORT_PART: u64 = 10;
/// Pause between looks at the load, in milliseconds: counts are per second.
pub(crate) const LOAD_CHECK_MS: u64 = 1_000;
/// A node that has nothing new to tell tells it all the same so often, in milliseconds.
pub(crate) const REPORT_MS_MAX: u64 = 10_000;
/// The sizes of cells are looked up once in so many looks at the load: it reads indexes of tables.
pub(crate) const SIZES_EVERY: u64 = 5;
/// Time for which the size of a cell that applies nothing is taken to be the same, in milliseconds:
/// only compactions change it.
pub(crate) const MEASURED_MS_MAX: u64 = 60_000;
/// Moves of cells that a node works on at once: each sends a whole cell.
pub(crate) const MOVES_MAX: usize = 2;
/// Pause between looks at the cells led here while one moves, in milliseconds.
pub(crate) const MOVE_LOOK_MS: u64 = 100;
/// The same while none does: a new leader goes on with what the old one began.
pub(crate) const MOVE_IDLE_MS: u64 = 500;
/// Time for a new member to catch up, in milliseconds, after which another cell has its turn; the
/// member goes on.
pub(crate) const CAUGHT_UP_MS_MAX: u64 = 10_000;
/// Time in milliseconds after which a new leader hands over to the preferred one: whoever was just
/// elected had a reason to be.
pub(crate) const PREFER_AFTER_MS: u64 = 5_000;
/// Pause before the preferred one is asked again, in milliseconds.
pub(crate) const PREFER_AGAIN_MS: u64 = 30_000;
/// Time in milliseconds that a cell's leader has to tell of a move before the others do.
pub(crate) const UNTOLD_MS_MAX: u64 = 3_000;
/// Bytes of a snapshot that are read at once.
pub(crate) const SNAPSHOT_READ_BYTES: usize = 1 << 20;
/// When a write refused by a full disk may be tried again, in milliseconds: space comes back by
/// the hand of somebody, and is looked at all the time.
pub(crate) const FULL_RETRY_AFTER_MS: u32 = 5_000;
/// How long a node that has an id waits for the metadata service to register there, in
/// milliseconds; it goes on trying while it serves.
pub(crate) const REGISTRATION_MS_MAX: u64 = 500;
/// Pause before a removal of a cell that failed is gone on with, in milliseconds.
pub(crate) const LEAVE_RETRY_MS: u64 = 2_000;
/// Rows and records of a snapshot are taken over in batches of about this many bytes: it bounds
/// memory, and the wait of other cells for the engine.
pub(crate) const INSTALL_BATCH_BYTES: usize = 4 << 20;

/// Rows of a cell whose index entries are made at once, while no write is applied: about a
/// millisecond.
pub(crate) const INDEX_BUILD_ROWS: usize = 256;
/// Bytes of such rows, for the same reason.
pub(crate) const INDEX_BUILD_BYTES: usize = 1 << 20;
/// Entries of indexes that are no more, removed at once.
pub(crate) const INDEX_REMOVE_KEYS: usize = 4_096;
/// Entries looked through for one page of a range of values: with more, the page is scanned.
pub(crate) const INDEX_ENTRIES_MAX: u64 = 65_536;
/// Rows picked out of a range of values for one page, as they are kept in memory.
pub(crate) const INDEX_PICKED_MAX: usize = 4_096;
/// Bytes of their keys.
pub(crate) const INDEX_PICKED_BYTES_MAX: usize = 8 << 20;
/// Pause between looks for rows without index entries, in milliseconds, while nothing wakes it.
pub(crate) const INDEX_CHECK_MS: u64 = 30_000;

/// Pause between looks for batches over several cells that were begun and not ended, in
/// milliseconds.
pub(crate) const BATCH_CHECK_MS: u64 = 500;
/// Time in milliseconds after which the leader of the cell where such a batch was begun finishes
/// it, and tries again if it could not, unless the node is told otherwise: longer than a frontend
/// that lives takes, but for the slowest.
pub(crate) const BATCH_AFTER_MS: u64 = 5_000;
/// Batches that a node finishes at once.
pub(crate) const BATCHES_AT_ONCE: usize = 16;
/// Time in milliseconds for the answer of one cell to a part of such a batch.
pub(crate) const BATCH_CALL_MS_MAX: u64 = 3_000;
