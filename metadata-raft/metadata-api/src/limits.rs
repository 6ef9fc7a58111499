//! Every limit of the metadata client, with its unit and reason.

/// Longest wait for the answer to a submitted command, in milliseconds: the service's own wait
/// for frontends (10 s), and an election before it.
pub(crate) const SUBMIT_MS_MAX: u64 = 30_000;
/// Time in milliseconds for which a command that certainly did not run is tried again: a restart
/// or an election fits in, and a driver's own timeout (10 to 12 s) does not pass before.
pub(crate) const SUBMIT_RETRY_MS_MAX: u64 = 6_000;
/// Time in milliseconds for which the leader is looked for to tell it a report or ask it for the
/// overview: a second attempt fits in, and the next report is not held up.
pub(crate) const REPORT_RETRY_MS_MAX: u64 = 1_000;
/// Pause between questions who the members are, in milliseconds: whoever replaces one member after
/// the other takes longer for each.
pub(crate) const MEMBERS_MS: u64 = 1_000;
/// Longest wait in milliseconds until one's own catalog has what was answered.
pub(crate) const VISIBLE_MS_MAX: u64 = 5_000;
/// Time for opening the watch and for each acknowledgement, in milliseconds.
pub(crate) const WATCH_CALL_MS_MAX: u64 = 3_000;
/// First pause before the next attempt in milliseconds; doubled per failure, with jitter.
pub(crate) const PAUSE_MS_MIN: u64 = 20;
/// Longest pause before the next attempt in milliseconds: a service that came back is noticed
/// within this.
pub(crate) const PAUSE_MS_MAX: u64 = 500;
/// Shortest pause between two writes of the kept catalog, in milliseconds.
pub(crate) const KEEP_PAUSE_MS_MIN: u64 = 200;
/// The pause is this many times as long as the write took, so that keeping a catalog of ten
/// thousand tables while another thousand are made costs a twentieth of a core.
pub(crate) const KEEP_PAUSE_PARTS: u32 = 20;
