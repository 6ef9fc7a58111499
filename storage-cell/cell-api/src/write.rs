//! Writes: many independent ones in one message to one cell.

use cellar_metadata_api::{CellId, Epoch};
use cellar_schema::{Condition, Mutation, RequestId, Row};
use serde::{Deserialize, Serialize};

use crate::CellError;

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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Write {
    /// Set for a write that must not be applied twice (counters, conditions, list operations);
    /// a retry with the same id gets the first answer.
    pub id: Option<RequestId>,
    /// What to change; every partition inside the cell.
    pub mutations: Vec<Mutation>,
    /// All must hold, else nothing is changed. Empty for a plain write.
    pub conditions: Vec<Condition>,
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
}
