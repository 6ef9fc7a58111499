//! What a cell's log decides on: one file per kind of entry. `FORMAT.md` gives every byte; the log
//! checks them.

mod answers;
mod batch;
mod change;
mod drop_table;
mod merge;
mod replicas;
mod segments;
mod split;
mod writes;

use bytes::{Buf, Bytes};
use thiserror::Error;

pub(crate) use answers::{Answers, Decided, decode_one, encode_one};
pub(crate) use change::ChangeAnswer;
pub(crate) use drop_table::DropTable;
pub(crate) use merge::{Freeze, Merge, Touch, Unfreeze};
pub(crate) use replicas::{Move, Moved};
pub(crate) use segments::{ChangeSegments, SegmentsAnswer, fingerprint};
pub(crate) use split::Split;
pub(crate) use writes::{ColdRows, Equal, Found, LogWrite, WriteBatch, encode_write};

/// Version byte of every entry.
const VERSION: u8 = 1;
const WRITES: u8 = 1;
const SPLIT: u8 = 2;
const DROP_TABLE: u8 = 3;
const SEGMENTS: u8 = 4;
const MOVE: u8 = 5;
const MOVED: u8 = 6;
const FREEZE: u8 = 7;
const MERGE: u8 = 8;
const TOUCH: u8 = 9;
const UNFREEZE: u8 = 10;

/// Bytes that are no entry, or no answer to one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a log entry cannot be read: {reason}")]
pub struct CommandError {
    /// What is wrong.
    pub reason: String,
}

impl CommandError {
    fn new(reason: impl ToString) -> Self {
        Self { reason: reason.to_string() }
    }
}

impl From<bytes::TryGetError> for CommandError {
    fn from(error: bytes::TryGetError) -> Self {
        Self::new(error)
    }
}

/// A decided entry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// Writes of clients.
    Writes(WriteBatch),
    /// The cell becomes two.
    Split(Split),
    /// A table is gone.
    DropTable(DropTable),
    /// The cold segments change.
    Segments(ChangeSegments),
    /// The cell is to stand on other nodes.
    Move(Move),
    /// The cell stands on other nodes.
    Moved(Moved),
    /// The cell waits to be taken over.
    Freeze(Freeze),
    /// The cell takes over its right neighbour.
    Merge(Merge),
    /// The cell's epoch moves on.
    Touch(Touch),
    /// The cell does not wait any more.
    Unfreeze(Unfreeze),
}

impl Command {
    /// Whether an entry brings rows that another cell owned.
    pub(crate) fn takes_over(entry: &[u8]) -> bool {
        entry.starts_with(&[VERSION, MERGE])
    }

    /// Reads an entry.
    pub(crate) fn decode(mut bytes: Bytes) -> Result<Self, CommandError> {
        match bytes.try_get_u8()? {
            VERSION => {}
            version => return Err(CommandError::new(format!("version {version} is unknown"))),
        }
        match bytes.try_get_u8()? {
            WRITES => WriteBatch::decode(bytes).map(Self::Writes),
            SPLIT => Split::decode(&bytes).map(Self::Split),
            DROP_TABLE => DropTable::decode(bytes).map(Self::DropTable),
            SEGMENTS => ChangeSegments::decode(bytes).map(Self::Segments),
            MOVE => Move::decode(&bytes).map(Self::Move),
            MOVED => Moved::decode(&bytes).map(Self::Moved),
            FREEZE => Freeze::decode(&bytes).map(Self::Freeze),
            MERGE => Merge::decode(bytes).map(Self::Merge),
            TOUCH => Touch::decode(&bytes).map(Self::Touch),
            UNFREEZE => Unfreeze::decode(&bytes).map(Self::Unfreeze),
            kind => Err(CommandError::new(format!("kind {kind} is unknown"))),
        }
    }
}

/// The start of an entry.
fn begin(kind: u8, capacity_bytes: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 + capacity_bytes);
    bytes.extend_from_slice(&[VERSION, kind]);
    bytes
}

/// Takes a byte string with its length before it.
fn take(bytes: &mut Bytes) -> Result<Bytes, CommandError> {
    let length = usize::try_from(bytes.try_get_u32_le()?).map_err(CommandError::new)?;
    if length > bytes.len() {
        return Err(CommandError::new("a byte string ends early"));
    }
    Ok(bytes.split_to(length))
}

/// Appends a byte string with its length before it.
fn put(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), CommandError> {
    let length = u32::try_from(bytes.len()).map_err(CommandError::new)?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

/// Takes a number of things that each take at least a byte.
fn take_count(bytes: &mut Bytes) -> Result<usize, CommandError> {
    let count = usize::try_from(bytes.try_get_u32_le()?).map_err(CommandError::new)?;
    if count > bytes.len() {
        return Err(CommandError::new("more things than bytes"));
    }
    Ok(count)
}

/// Appends a number of things.
fn put_count(out: &mut Vec<u8>, count: usize) -> Result<(), CommandError> {
    let count = u32::try_from(count).map_err(CommandError::new)?;
    out.extend_from_slice(&count.to_le_bytes());
    Ok(())
}
