//! Writes: many independent ones in one message to one cell.

use bytes::Bytes;
use cellar_metadata_api::{CellId, Epoch};
use cellar_schema::{Condition, Mutation, RequestId, Row};
use serde::{Deserialize, Serialize};

use crate::{BatchStamp, BatchStep, CellError};

/// Writes for one cell, handed over together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WriteRequest {
    /// The cell that owns every key in it.
    pub cell: CellId,
    /// The epoch the sender routed by.
    pub epoch: Epoch,
    /// Each is atomic and isolated; they do not depend on each other.
    pub writes: Vec<Write>,
}

/// One atomic write.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Write {
    /// Set for a write that must not be applied twice (counters, conditions, list operations);
    /// a retry with the same id gets the first answer.
    pub id: Option<RequestId>,
    /// What to change; every partition inside the cell.
    pub mutations: Vec<Mutation>,
    /// All must hold, else nothing is changed. Empty for a plain write.
    pub conditions: Vec<Condition>,
    /// What it is to a batch over several cells, if it is of one.
    #[serde(default)]
    pub batch: Option<BatchStep>,
    /// From which expiry counts and by which conditions are judged, seconds since the epoch; none
    /// for the leader's clock.
    #[serde(default)]
    pub now_seconds: Option<i64>,
}

impl Write {
    /// Every partition that it names, all of the cell that it is sent to; the first one tells
    /// which.
    pub fn partitions(&self) -> impl Iterator<Item = &Bytes> {
        let mutated = self.mutations.iter().map(|mutation| &mutation.partition);
        let tested = self.conditions.iter().map(|condition| &condition.partition);
        let ended = match &self.batch {
            Some(BatchStep::End { partition, .. }) => Some(partition),
            _ => None,
        };
        mutated.chain(tested).chain(ended)
    }
}

/// One answer for each write, in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WriteReply {
    /// In the order of [`WriteRequest::writes`].
    pub outcomes: Vec<Result<Outcome, CellError>>,
}

/// What became of a write that was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Durable and visible.
    Applied {
        /// Bytes of the rows written, for metering.
        written_bytes: u64,
        /// The tested rows as they were before, one for each condition; empty without conditions.
        previous: Vec<Option<Row>>,
    },
    /// A condition did not hold; nothing changed.
    NotApplied {
        /// The tested rows as they are, live columns only, one for each condition.
        current: Vec<Option<Row>>,
        /// Bytes read to decide, for metering.
        read_bytes: u64,
    },
    /// The first part of a batch is durable and visible, and it is certain that the others will be
    /// (see [`BatchStep::Begin`]).
    Begun {
        /// Bytes of the rows written, for metering.
        written_bytes: u64,
        /// The time that the other parts are to be applied at.
        stamp: BatchStamp,
    },
}
