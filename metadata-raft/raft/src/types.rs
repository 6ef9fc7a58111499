//! The types that openraft is told, and the forms in which they are kept (see `FORMAT.md`).

use std::{fmt, io};

use bytes::Bytes;
use openraft::{EntryPayload, RaftTypeConfig, type_config::alias, vote::leader_id_std};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    group::Content,
    log::{LogEntry, Position},
};

/// What a group decides on: opaque bytes for its machine.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Command(pub(crate) Bytes);

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The one Raft of this crate: standard terms, so that a term and an index name an entry.
#[derive(Debug, Clone, Copy, Default, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) struct Types;

impl RaftTypeConfig for Types {
    type D = Command;
    type R = Bytes;
    type NodeId = u64;
    type Node = openraft::BasicNode;
    type Term = u64;
    type LeaderId = leader_id_std::LeaderId<u64, u64>;
    type Vote = openraft::Vote<Self::LeaderId>;
    type Payload = EntryPayload<Command, u64, openraft::BasicNode>;
    type Entry = openraft::Entry<leader_id_std::CommittedLeaderId<u64>, Self::Payload>;
    type AsyncRuntime = crate::runtime::Runtime;
    type Responder<T>
        = openraft::impls::OneshotResponder<Self, T>
    where
        T: openraft::OptionalSend + 'static;
    type Batch<T>
        = openraft::impls::InlineBatch<T>
    where
        T: openraft::OptionalSend + 'static;
    type ErrorSource = openraft::impls::BoxedErrorSource;
}

pub(crate) type LogId = alias::LogIdOf<Types>;
pub(crate) type RaftEntry = alias::EntryOf<Types>;
pub(crate) type RaftVote = alias::VoteOf<Types>;
pub(crate) type Stored = alias::StoredMembershipOf<Types>;
pub(crate) type SnapshotMeta = alias::SnapshotMetaOf<Types>;
pub(crate) type Snapshot = alias::SnapshotOf<Types, Content>;

/// Tags of the log's entries.
const BLANK: u8 = 0;
const NORMAL: u8 = 1;
const MEMBERSHIP: u8 = 2;

/// An entry's name for openraft.
pub(crate) fn log_id(at: Position) -> LogId {
    LogId { leader_id: leader_id_std::CommittedLeaderId::new(at.term), index: at.index }
}

/// An entry's place in the log.
pub(crate) fn position(id: &LogId) -> Position {
    Position { index: id.index, term: id.leader_id.term }
}

/// The entry as the log keeps it.
///
/// # Errors
/// A membership that cannot be encoded.
pub(crate) fn to_log(entry: RaftEntry) -> io::Result<LogEntry> {
    let Position { index, term } = position(&entry.log_id);
    let (tag, payload) = match entry.payload {
        EntryPayload::Blank => (BLANK, Bytes::new()),
        EntryPayload::Normal(Command(command)) => (NORMAL, command),
        EntryPayload::Membership(membership) => (MEMBERSHIP, encode(&membership)?.into()),
    };
    Ok(LogEntry { index, term, tag, payload })
}

/// The entry that the log keeps.
///
/// # Errors
/// It is not one that [`to_log`] makes.
pub(crate) fn from_log(entry: LogEntry) -> io::Result<RaftEntry> {
    let LogEntry { index, term, tag, payload } = entry;
    let payload = match tag {
        BLANK => EntryPayload::Blank,
        NORMAL => EntryPayload::Normal(Command(payload)),
        MEMBERSHIP => EntryPayload::Membership(decode(&payload)?),
        unknown => return Err(io::Error::other(format!("entry {index} has tag {unknown}"))),
    };
    Ok(RaftEntry { log_id: log_id(Position { index, term }), payload })
}

/// The CBOR of a value.
///
/// # Errors
/// It has none.
pub(crate) fn encode<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    cbor4ii::serde::to_vec(Vec::new(), value).map_err(io::Error::other)
}

/// The value of a CBOR text.
///
/// # Errors
/// It is of another type.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    cbor4ii::serde::from_slice(bytes).map_err(io::Error::other)
}
