//! A logged batch whose mutations lie in several cells: all or nothing in the end (invariant
//! I-11).
//!
//! The cell of its first mutation applies what is its own and notes the rest in the same log entry
//! ([`BatchStep::Begin`]). It gives the batch its time; the sender then has the other cells apply
//! their parts at that time ([`BatchStep::Part`]) and, once all have, has the note removed
//! ([`BatchStep::End`]). A note that stays is worked off by whoever leads its cell: every part can
//! be applied again and leaves what it left the first time.

use bytes::Bytes;
use cellar_schema::{ChangeKind, Mutation, Operation, RequestId, Stamp};
use serde::{Deserialize, Serialize};

use crate::Write;

/// What a write is to a batch over several cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BatchStep {
    /// The first part. The write has an id, by which the batch is named from then on, and no
    /// conditions; it is answered with [`crate::Outcome::Begun`].
    Begin {
        /// What other cells are to apply.
        others: Vec<Mutation>,
        /// The version of the catalog that the sender routed by: a table that is not in this one
        /// or a later one was dropped.
        catalog: u64,
    },
    /// Another part: see [`part`].
    Part {
        /// The id of the first part.
        batch: RequestId,
        /// The batch's time.
        stamp: BatchStamp,
        /// Whether somebody may have applied it long ago: then it is applied at the batch's time
        /// exactly. Otherwise it comes after what the cell has applied before, so that whoever
        /// sent the batch finds it newer than what they wrote earlier.
        again: bool,
    },
    /// All parts are applied: the note of the first one goes. Such a write changes nothing else.
    End {
        /// The first partition of the first part.
        partition: Bytes,
        /// The id of the first part.
        batch: RequestId,
    },
}

/// The time of a batch, as the cell of its first part gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchStamp {
    /// Microseconds: the write time of changes without one of their own.
    pub timestamp_us: i64,
    /// Seconds that expiry is counted from.
    pub now_seconds: i64,
}

impl From<Stamp> for BatchStamp {
    fn from(stamp: Stamp) -> Self {
        Self { timestamp_us: stamp.timestamp_us, now_seconds: stamp.now_seconds }
    }
}

/// What one cell is to apply of a batch, each partition once. Its id is the same whoever sends it,
/// so that the cell remembers its answer.
#[must_use]
pub fn part(batch: RequestId, stamp: BatchStamp, again: bool, mutations: Vec<Mutation>) -> Write {
    let partitions = mutations.iter().flat_map(|mutation| &mutation.partition);
    // FNV-1a: other mutations are another part.
    let step = |hash: u128, byte: &u8| {
        (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    };
    let id = Some(RequestId(partitions.fold(batch.0, step)));
    let step = Some(BatchStep::Part { batch, stamp, again });
    Write { id, mutations, batch: step, ..Write::default() }
}

/// Whether mutations can be applied again and leave what they left: those that depend on what a
/// list or a counter holds cannot.
#[must_use]
pub fn is_repeatable(mutations: &[Mutation]) -> bool {
    let mut changes = mutations.iter().flat_map(|mutation| &mutation.changes);
    changes.all(|change| match &change.kind {
        ChangeKind::Upsert(row) => row.operations.iter().all(|(_, operation)| {
            !matches!(
                operation,
                Operation::ListSet(..)
                    | Operation::ListDiscard(_)
                    | Operation::Add(_)
                    | Operation::Plus(..)
            )
        }),
        _ => true,
    })
}

/// What list operations of a batch have as their sequence: ids are chosen at random, so any part
/// of one tells batches of one microsecond apart. There is room for the operations of a mutation.
#[must_use]
pub fn sequence(batch: RequestId) -> u32 {
    let bytes = batch.0.to_le_bytes();
    bytes.first_chunk().map_or(0, |chunk| u32::from_le_bytes(*chunk) >> 1)
}
