//! What must be known of a segment to read it. Kept by the cell, in its log.

use bytes::Bytes;
use cellar_schema::TableId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::store::Checksum;

/// The version of [`SegmentMeta`] written today. Readers refuse later ones.
pub const META_VERSION: u16 = 1;

/// A segment that is in the store, whole and checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentMeta {
    /// [`META_VERSION`] of whoever wrote this.
    pub version: u16,
    /// Given once, never used again.
    pub id: Uuid,
    /// Table whose rows these are.
    pub table: TableId,
    /// Version of the table the rows were written under.
    pub table_version: u64,
    /// Generation of the cell that wrote it.
    pub generation: u64,
    /// How often its rows were rewritten together with others; the cell's affair.
    #[serde(default)]
    pub level: u8,
    /// Where the object is.
    pub key: String,
    /// Size of the object.
    pub bytes: u64,
    /// SHA-256 of the object.
    pub checksum: Checksum,
    /// Where the part begins that says where everything else is.
    pub index_offset: u64,
    /// CRC-32 of that part, to the end of the object.
    pub index_crc: u32,
    /// Rows.
    pub rows: u64,
    /// Engine key of the first row.
    pub first_key: Bytes,
    /// Engine key of the last row.
    pub last_key: Bytes,
    /// Oldest time of a write or deletion in the rows, microseconds.
    pub min_timestamp_us: i64,
    /// Newest time of a write or deletion in the rows, microseconds.
    pub max_timestamp_us: i64,
    /// From this second on no row is visible and none hides anything but by its age. Nothing if
    /// some value never expires, or if there is a deletion among the rows.
    pub expires_at: Option<i64>,
}

/// What a segment will be called. Chosen, and written down, before the object is written, so that
/// an object whose writer died can be found and removed without listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SegmentName {
    /// Table whose rows these are.
    pub table: TableId,
    /// Generation of the cell that writes.
    pub generation: u64,
    /// Random, or otherwise given once.
    pub id: Uuid,
}

impl SegmentName {
    /// A new name.
    #[must_use]
    pub fn random(table: TableId, generation: u64) -> Self {
        Self { table, generation, id: Uuid::new_v4() }
    }

    /// Where the object is: ids only, nothing of what users call things.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{:08x}/{:016x}/{}.parquet", self.table.0, self.generation, self.id.simple())
    }
}

impl SegmentMeta {
    /// Whether rows may lie in `start..end` of the engine's keys.
    #[must_use]
    pub fn overlaps(&self, start: &[u8], end: &[u8]) -> bool {
        start < end && start <= self.last_key.as_ref() && self.first_key.as_ref() < end
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> SegmentName {
        SegmentName { table: self.table, generation: self.generation, id: self.id }
    }

    /// Whether nothing in it is visible any more. It may still hide what is older and elsewhere.
    #[must_use]
    pub fn is_expired(&self, now_seconds: i64) -> bool {
        self.expires_at.is_some_and(|at| at <= now_seconds)
    }
}
