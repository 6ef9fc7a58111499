//! A cell that is being removed from this node: what is still to go, should the node crash.

use std::collections::BTreeSet;

use cellar_metadata_api::TableId;
use serde::{Deserialize, Serialize};

use super::{Descriptor, RecordError, from_record, to_record};

/// Written in place of the cell's own records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leaving {
    /// What the cell was.
    pub(crate) descriptor: Descriptor,
    /// The tables it may have rows of.
    pub(crate) tables: BTreeSet<TableId>,
}

impl Leaving {
    /// The stored form.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, RecordError> {
        to_record("cell that leaves", self)
    }

    /// Reads the stored form.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        from_record("cell that leaves", bytes)
    }
}
