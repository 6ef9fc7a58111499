//! Every limit of the log and of the groups, with its unit and the reason for its value.

/// Default size of a log segment in bytes: large enough that making one (two syncs) is rare,
/// small enough that space comes back soon after a purge.
pub const SEGMENT_BYTES: u64 = 64 << 20;
/// Smallest segment in bytes that a configuration may ask for: a header and a few records.
pub(crate) const SEGMENT_BYTES_MIN: u64 = 4 << 10;
/// Length of a write that only asks whether the disk answers, in bytes.
pub(crate) const PROBE_BYTES: u64 = 8;
/// Pause between such writes on a node that leads a group with other members, in milliseconds: one
/// sync in a while costs nothing, and a disk that stands still is noticed although nobody writes.
pub(crate) const PROBE_MS: u64 = 2_000;
/// Pause between looks at how long a write is under way, in milliseconds.
pub(crate) const STALL_LOOK_MS: u64 = 250;
/// Time that a write or sync of the log may take until the node gives up leading, in milliseconds:
/// disks at their worst take two or three seconds, and 20 s must be enough for others to take over.
pub const STALL_MS: u64 = 5_000;
/// Room that is kept for the log and for flushes, in bytes: below it writes of users are refused.
/// The log may grow by [`LOG_BYTES`] before it is compacted.
pub const RESERVE_BYTES: u64 = 256 << 20;
/// The reserve is at most this part of the disk, so that a small disk can be used at all.
pub(crate) const RESERVE_PART: u64 = 20;
/// Pause between looks at the room on the disk, in milliseconds: a look takes microseconds, and
/// between two of them fast writers must not use up the reserve.
pub(crate) const SPACE_LOOK_MS: u64 = 200;
/// Pause between attempts to write to a full disk, in milliseconds.
pub(crate) const SPACE_RETRY_MS: u64 = 200;
/// Largest payload of one record in bytes; a longer length in a record is damage.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 64 << 20;
/// Payloads kept in memory per log in bytes: what apply and replication read is nearly always
/// among the newest; older entries are read from their segment.
pub const CACHE_BYTES: usize = 64 << 20;
/// One write takes at most about this many bytes, so that the first waiter of a long queue does
/// not wait for all of it.
pub(crate) const BATCH_BYTES: usize = 4 << 20;
/// Entries read from the log for apply at once, in bytes of payload: bounds the memory of a
/// replay.
pub(crate) const READ_BYTES: usize = 4 << 20;
/// Payload of one append call to another member in bytes; far below the transport's limit.
pub(crate) const APPEND_BYTES: usize = 4 << 20;
/// Entries given to a machine at once: bounds its batch, and the wait of the first proposer.
pub(crate) const APPLY_ENTRIES: usize = 4096;
/// So few entries are applied on the runtime's own thread: telling the runtime that a thread
/// may block costs 15 µs, a quarter of a proposal's way outside the disk.
pub(crate) const INLINE_ENTRIES: usize = 32;
/// A snapshot travels in pieces of this many bytes.
pub(crate) const SNAPSHOT_PIECE_BYTES: usize = 8 << 20;
/// Size of all segments in bytes at which the groups that hold the oldest one are compacted: it
/// bounds the replay after a restart.
pub const LOG_BYTES: u64 = 256 << 20;
/// Pause between looks at the size of the log, in milliseconds.
pub(crate) const COMPACTION_CHECK_MS: u64 = 1_000;
/// Time for a compaction in milliseconds, after which waiting for it is given up.
pub(crate) const COMPACTION_MS_MAX: u64 = 60_000;
/// Time for a handed-over leadership to be taken, in milliseconds: an election with everybody in
/// touch takes a few round trips and syncs.
pub(crate) const TRANSFER_MS_MAX: u64 = 3_000;
/// Interval of a leader's heartbeats in milliseconds: several fit into the shortest silence that
/// means something.
pub(crate) const HEARTBEAT_MS: u64 = 150;
/// Shortest silence in milliseconds, counted from the end of the leader's lease (which is
/// [`ELECTION_MS_MAX`]), after which a follower asks for votes: a crashed leader is replaced 1.5 to
/// 1.9 s after its last heartbeat, so that a group serves again within 3 s.
pub(crate) const ELECTION_MS_MIN: u64 = 500;
/// Longest such silence in milliseconds, and the leader's lease: a pause of the machine that is
/// shorter changes no leader.
pub(crate) const ELECTION_MS_MAX: u64 = 900;
/// Time for a leader without a lease to get one from a majority before it refuses what was asked,
/// in milliseconds: some round trips to busy members; a leader that is cut off refuses soon.
pub(crate) const LEASE_MS_MAX: u64 = 500;
/// Time for a leader to make sure that it leads and to say who is in its group, in milliseconds.
pub(crate) const MEMBER_MS_MAX: u64 = 1_000;
/// Pause between attempts at the first election of a group, in milliseconds: about the time that
/// the other members need to start it.
pub(crate) const FIRST_ELECTION_PAUSE_MS: u64 = 40;
/// Attempts at the first election before the ordinary timeouts are left to it: 2 s.
pub(crate) const FIRST_ELECTIONS_MAX: u32 = 50;
/// Pause between looks at how far a member is, in milliseconds.
pub(crate) const MATCHED_LOOK_MS: u64 = 20;
/// Time for one piece of a snapshot to arrive, in milliseconds: a slow network, not a dead one.
pub(crate) const SNAPSHOT_PIECE_MS_MAX: u64 = 10_000;
/// Pause between a member's requests for a snapshot, in milliseconds.
pub(crate) const BASE_ASK_MS: u64 = 200;
/// Time without a word of a leader until a member that lacks what is before its log stands for
/// election, in milliseconds: those that are whole have tried several times by then.
pub(crate) const BASE_LEADERLESS_MS: u64 = 5_000;
/// Time for a snapshot that was asked for to wait until its end is known to be decided, in
/// milliseconds: some heartbeats; later ones are newer.
pub(crate) const BASE_WAIT_MS_MAX: u64 = 5_000;
/// Time for the answer of a member that is asked whether it is whole, in milliseconds.
pub(crate) const WHOLE_MS_MAX: u64 = 3_000;
/// How long a member counts as lacking its base after it has asked for one, in milliseconds: some
/// times the pause between its requests.
pub(crate) const LACKS_MS: u64 = 2_000;
/// Time for the last piece, in milliseconds: the other member takes the whole snapshot over before
/// it answers.
pub(crate) const SNAPSHOT_MS_MAX: u64 = 300_000;
/// Time without anything asked after which a group rests, in milliseconds: long enough that a
/// group which is used at all does not.
pub const REST_AFTER_MS: u64 = 5_000;
/// Looks at the groups within that time.
pub(crate) const REST_LOOKS: u32 = 5;
/// Groups that are offered rest at once.
pub(crate) const OFFERS_MAX: usize = 1_000;
/// Time for the answer to them, in milliseconds: less than [`REST_STRAY_MS`], so that nobody who
/// agrees is woken by what the leader sends until it rests.
pub(crate) const OFFER_MS_MAX: u64 = 300;
/// Time in which a leader's empty message does not end a rest, in milliseconds: it was under way
/// when the rest began.
pub(crate) const REST_STRAY_MS: u64 = 500;
/// Pause between two looks at a node that leads resting groups, in milliseconds.
pub(crate) const ALIVE_LOOK_MS: u64 = 200;
/// Time for its answer, in milliseconds: a machine with far more to do than it has cores gets
/// around to it.
pub(crate) const ALIVE_CALL_MS_MAX: u64 = 600;
/// Silence of such a node after which its groups wake up, in milliseconds: two calls in a row had
/// no answer, and another leads within 3 s. About as patient as a group that does not rest
/// ([`ELECTION_MS_MAX`] and [`ELECTION_MS_MIN`]): thousands of groups that wake for nothing keep
/// busy what was only busy.
pub(crate) const ALIVE_MS_MAX: u64 = 1_400;
/// Of so many looks one also asks whether the groups still rest.
pub(crate) const CHECKED_EVERY: u32 = 15;
/// Time between members that stand for election after their leader's node is gone, in
/// milliseconds: an election with everybody in touch takes a few round trips and syncs.
pub(crate) const WAKE_TURN_MS: u64 = 400;
/// Proposals that a group takes at once.
pub(crate) const API_BATCH: u64 = 256;
