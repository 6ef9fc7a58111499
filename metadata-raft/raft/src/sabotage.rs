//! Faults that the simulator builds in on purpose, one at a time: a checker counts only after it
//! has been seen to fail. Exists only with the feature `sabotage`, which no product build turns
//! on, and does nothing until one is chosen.

use std::sync::atomic::{AtomicU8, Ordering};

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Sabotage {
    /// The log says that it is durable without `fdatasync`.
    SkipSync = 1,
    /// A write is acknowledged before it is decided.
    AnswerEarly = 2,
    /// A split is applied whatever the epoch it was planned at.
    SkipEpoch = 3,
    /// What other cells are to apply of a batch is not noted.
    ForgetBatch = 4,
    /// A replica that comes back has forgotten what it said.
    ForgetWord = 5,
}

static CHOSEN: AtomicU8 = AtomicU8::new(0);

/// Breaks this process.
pub fn choose(fault: Sabotage) {
    CHOSEN.store(fault as u8, Ordering::SeqCst);
}

/// Whether this process has this fault.
#[must_use]
pub fn is(fault: Sabotage) -> bool {
    CHOSEN.load(Ordering::SeqCst) == fault as u8
}
