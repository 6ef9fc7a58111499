//! Applying writes to stored rows: pure and deterministic. What the result depends on is the row,
//! the change and the [`Stamp`] that the leader put into the log entry; never a clock, never
//! chance. Start at [`mutate`].

mod column;
mod list;
mod partition;

pub use partition::{MutateError, PartitionStore, Staged, mutate, stage};

use thiserror::Error;

use crate::{ColumnId, Expiry, Liveness, Row, RowChange};

/// What the leader adds to a mutation, once, before it is replicated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stamp {
    /// The leader's time in microseconds, strictly larger in every later entry of the cell: write
    /// time of changes without a timestamp, and position of list elements.
    pub timestamp_us: i64,
    /// The leader's time in seconds, that expiry is counted from.
    pub now_seconds: i64,
    /// Tells apart list operations of mutations that share a `timestamp_us`; 0 if none do. Each
    /// operation of a mutation uses the next number.
    pub sequence: u32,
    /// Set for what may have been applied before, at this time or later, with the same sequence:
    /// a list that has elements of it from then on does not get them again.
    pub repeats_from_us: Option<i64>,
}

/// Why a change cannot be applied; the request is invalid and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error, serde::Serialize, serde::Deserialize)]
pub enum ApplyError {
    /// A list has no element at this index.
    #[error("List index {index} out of bound, list has size {len}")]
    ListIndexOutOfBounds {
        /// The index asked for.
        index: i32,
        /// Elements of the list.
        len: usize,
    },
    /// A counter operation on something else, or the other way around.
    #[error("column {} mixes counter and other operations", column.0)]
    CounterMismatch {
        /// The column.
        column: ColumnId,
    },
    /// An operation on elements of a column that holds one value, or the other way around.
    #[error("column {} mixes operations on a value and on its elements", column.0)]
    ComplexMismatch {
        /// The column.
        column: ColumnId,
    },
    /// More list elements in one operation than positions.
    #[error("{count} list elements in one operation; at most {max} are possible")]
    TooManyElements {
        /// Elements given.
        count: usize,
        /// Elements possible.
        max: usize,
    },
    /// The row would grow beyond its limit.
    #[error("the row would take {bytes} bytes; at most {max} are possible")]
    RowTooLarge {
        /// Bytes it would take.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The partition would have more range deletions than its limit.
    #[error("the partition would hold {count} range deletions; at most {max} are possible")]
    TooManyRanges {
        /// Range deletions it would hold.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// The value that is there, and what is added to it, have no sum.
    #[error("column {} has no value that this can be added to", column.0)]
    NoSum {
        /// The column.
        column: ColumnId,
    },
    /// There is no list.
    #[error("{}", no_list(*.deletes))]
    NoList {
        /// Whether an element was to be deleted, not set.
        deletes: bool,
    },
}

fn no_list(deletes: bool) -> &'static str {
    match deletes {
        true => "Attempted to delete an element from a list which is null",
        false => "Attempted to set an element on a list which is null",
    }
}

/// One change on its way into a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    /// Write time: the client's, or else the leader's.
    timestamp_us: i64,
    /// The newest deletion of the partition that covers the row.
    hidden_to_us: Option<i64>,
    stamp: Stamp,
    expiry: Option<Expiry>,
}

impl Write {
    fn new(timestamp_us: i64, hidden_to_us: Option<i64>, stamp: Stamp, ttl_seconds: u32) -> Self {
        let at_seconds = stamp.now_seconds.saturating_add(i64::from(ttl_seconds));
        let expiry = (ttl_seconds > 0).then_some(Expiry { ttl_seconds, at_seconds });
        Self { timestamp_us, hidden_to_us, stamp, expiry }
    }

    fn live(&self) -> Liveness {
        Liveness { timestamp_us: self.timestamp_us, expiry: self.expiry }
    }
}

/// Writes columns of one row, at the time of the stamp.
///
/// # Errors
/// When an operation does not fit what the row holds; the row is then of no use.
pub fn upsert(row: &mut Row, change: &RowChange, stamp: Stamp) -> Result<(), ApplyError> {
    upsert_at(row, change, Write::new(stamp.timestamp_us, None, stamp, change.ttl_seconds))
}

fn upsert_at(row: &mut Row, change: &RowChange, mut write: Write) -> Result<(), ApplyError> {
    if change.marker {
        row.merge_marker(write.live());
    }
    for (column, operation) in &change.operations {
        column::operate(row, *column, operation, write)?;
        write.stamp.sequence = write.stamp.sequence.wrapping_add(1);
    }
    row.normalize();
    Ok(())
}

/// Deletes everything in a row that is not newer.
pub fn delete_row(row: &mut Row, timestamp_us: i64) {
    row.deletion = row.deletion.max(Some(timestamp_us));
    row.normalize();
}
