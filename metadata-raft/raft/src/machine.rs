//! What a group's user provides: the state machine that applies decided commands.

use std::{io, sync::Arc};

use bytes::{Bytes, BytesMut};

use crate::{
    log::Position,
    spool::Spool,
    types::{self, LogId, Stored},
};

/// First byte of an encoded position.
const VERSION: u8 = 1;

/// A decided entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the group's log; grows by one from entry to entry.
    pub index: u64,
    /// The command proposed; empty for entries of Raft's own, whose answer nobody reads.
    pub command: Bytes,
}

/// How far a machine has applied its group's log, and who the members were at that point.
///
/// A machine gets it encoded as `position`, stores it in the same atomic write as the effects,
/// and gives it back at start; the default means that nothing was applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The last entry applied.
    pub last: Option<Position>,
    /// Raft's own note of the members.
    pub membership: Vec<u8>,
}

/// Why a machine could not do its work. The group stops: going on without the entry would let
/// replicas diverge.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct MachineError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

impl MachineError {
    /// An error from its cause or text.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }

    /// Whether the cause is a disk without space.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&*self.0);
        while let Some(error) = cause {
            if error.downcast_ref::<io::Error>().is_some_and(crate::disk::is_full) {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

/// Marks a cause: stored bytes of the machine are not what was written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Damaged(#[source] Box<dyn std::error::Error + Send + Sync>);

impl MachineError {
    /// An error whose cause is that stored bytes are not what was written. A group with other
    /// members does not stop then: it applies nothing until it has a snapshot of another.
    pub fn damaged(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Damaged(cause.into()))
    }

    /// Whether it was made by [`MachineError::damaged`].
    #[must_use]
    pub fn is_damage(&self) -> bool {
        self.0.is::<Damaged>()
    }
}

impl From<io::Error> for MachineError {
    fn from(error: io::Error) -> Self {
        Self::new(error)
    }
}

impl From<MachineError> for io::Error {
    fn from(error: MachineError) -> Self {
        Self::other(error)
    }
}

/// A snapshot that is read piece by piece while the machine goes on.
pub type Pieces = Box<dyn Iterator<Item = Result<Bytes, MachineError>> + Send>;

/// A snapshot that has come from another replica as a whole, in memory or in a file.
#[derive(Clone, Debug)]
pub struct Received(Kept);

#[derive(Clone, Debug)]
enum Kept {
    Memory(Bytes),
    File(Arc<Spool>),
}

impl From<Bytes> for Received {
    fn from(bytes: Bytes) -> Self {
        Self(Kept::Memory(bytes))
    }
}

impl From<Spool> for Received {
    fn from(spool: Spool) -> Self {
        Self(Kept::File(Arc::new(spool)))
    }
}

impl Received {
    /// Its bytes from the beginning, piece by piece; as often as need be.
    #[must_use]
    pub fn pieces(&self) -> Pieces {
        match &self.0 {
            Kept::Memory(bytes) => Box::new(std::iter::once(Ok(bytes.clone()))),
            Kept::File(spool) => Arc::clone(spool).pieces(),
        }
    }

    /// All of its bytes in memory.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn whole(&self) -> Result<Bytes, MachineError> {
        match &self.0 {
            Kept::Memory(bytes) => Ok(bytes.clone()),
            Kept::File(_) => {
                let mut whole = BytesMut::new();
                for piece in self.pieces() {
                    whole.extend_from_slice(&piece?);
                }
                Ok(whole.freeze())
            }
        }
    }
}

/// Makes what was applied before it was made durable.
pub type Flusher = Box<dyn FnOnce() -> Result<(), MachineError> + Send>;

/// A replicated state machine.
///
/// Its methods are called from one place at a time, and may block for the time of a few disk
/// reads; [`Machine::flush`] and the snapshots may take longer, during which nothing is applied.
pub trait Machine: Send + 'static {
    /// The position stored with the effects that are durable at start; the log replays what
    /// follows.
    fn applied(&self) -> Applied;

    /// Whether the machine lacks what others had before the log began; asked when the group
    /// starts. Such a member applies no entry, and never leads, before it has a snapshot.
    fn lacks_beginning(&self) -> bool {
        false
    }

    /// Writes down, durably, that the machine lacks its beginning from here on, because what is
    /// stored of it is damaged. What is readable of it stays until a snapshot replaces it.
    ///
    /// # Errors
    /// It could not be written, or the machine can do without: it goes on as before.
    fn give_up_beginning(&mut self) -> Result<(), MachineError> {
        Err(MachineError::new("this machine keeps what it has"))
    }

    /// Applies decided entries in order, with one answer each. `position` is an encoded
    /// [`Applied`] to be stored in the same atomic write as the effects; they need not be durable
    /// before [`Machine::flush`].
    ///
    /// # Errors
    /// The entries could not be applied; the group stops.
    fn apply(&mut self, entries: Vec<Entry>, position: Vec<u8>)
    -> Result<Vec<Bytes>, MachineError>;

    /// Makes everything applied so far durable; the log forgets it when this returns.
    ///
    /// # Errors
    /// It is not durable; the group stops, unless the cause is a disk without space
    /// ([`MachineError::is_full`]): it is asked again later.
    fn flush(&mut self) -> Result<(), MachineError>;

    /// The same as [`Machine::flush`], to be done while the machine goes on applying; none if it
    /// cannot.
    fn flusher(&self) -> Option<Flusher> {
        None
    }

    /// The whole state as bytes for another replica.
    ///
    /// # Errors
    /// The state cannot be read; the group stops.
    fn snapshot(&mut self) -> Result<Bytes, MachineError>;

    /// The same bytes, as of now, to be read later: what is applied meanwhile is not among them.
    ///
    /// # Errors
    /// The state cannot be read; the group stops.
    fn pieces(&mut self) -> Result<Pieces, MachineError> {
        let whole = self.snapshot()?;
        Ok(Box::new(std::iter::once(Ok(whole))))
    }

    /// Replaces the whole state by that of a snapshot, which ends at `position`.
    ///
    /// # Errors
    /// The snapshot cannot be taken over; the group stops.
    fn install(&mut self, snapshot: Bytes, position: Vec<u8>) -> Result<(), MachineError>;

    /// The same for a snapshot that may not fit into memory. One that ends in the middle must
    /// leave a machine that lacks its beginning.
    ///
    /// # Errors
    /// The snapshot cannot be taken over; the group stops.
    fn install_received(
        &mut self,
        snapshot: &Received,
        position: Vec<u8>,
    ) -> Result<(), MachineError> {
        self.install(snapshot.whole()?, position)
    }
}

impl Applied {
    /// Index of the last entry applied.
    #[must_use]
    pub fn index(&self) -> Option<u64> {
        self.last.map(|last| last.index)
    }

    /// The bytes that a machine stores.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Some(last) = self.last else { return vec![VERSION] };
        let mut bytes = Vec::with_capacity(17 + self.membership.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&last.index.to_le_bytes());
        bytes.extend_from_slice(&last.term.to_le_bytes());
        bytes.extend_from_slice(&self.membership);
        bytes
    }

    /// Reads the bytes that a machine stored; none if they are not such bytes.
    #[must_use]
    pub fn decode(position: &[u8]) -> Option<Self> {
        let (version, rest) = position.split_first()?;
        if *version != VERSION {
            return None;
        }
        if rest.is_empty() {
            return Some(Self::default());
        }
        let (index, rest) = rest.split_first_chunk()?;
        let (term, membership) = rest.split_first_chunk()?;
        let (index, term) = (u64::from_le_bytes(*index), u64::from_le_bytes(*term));
        let last = Some(Position { index, term });
        Some(Self { last, membership: membership.to_vec() })
    }

    /// The position in openraft's terms.
    pub(crate) fn parts(&self) -> io::Result<(Option<LogId>, Stored)> {
        let Some(last) = self.last else { return Ok((None, Stored::default())) };
        Ok((Some(types::log_id(last)), types::decode(&self.membership)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back() {
        let some = Applied { last: Some(Position { index: 7, term: 3 }), membership: vec![1, 2] };
        for applied in [Applied::default(), some] {
            assert_eq!(Applied::decode(&applied.encode()), Some(applied));
        }
        assert_eq!(Applied::decode(&[]), None);
        assert_eq!(Applied::decode(&[9, 9]), None);
    }
}
