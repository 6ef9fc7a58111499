//! An object that is in the store, or may be, and belongs to nobody (yet).

use cellar_tiering::SegmentName;
use serde::{Deserialize, Serialize};

use super::{RecordError, from_record, to_record};

/// Noted before a segment is written, and again when one is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Garbage {
    /// Where it is.
    pub(crate) name: SegmentName,
    /// When that was noted, in the cell's time, microseconds.
    pub(crate) since_us: i64,
}

impl Garbage {
    /// The stored form.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, RecordError> {
        to_record("name of an object", self)
    }

    /// Reads the stored form.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        from_record("name of an object", bytes)
    }
}
