//! A stored row: one engine value for one engine key. See `FORMAT.md` for its bytes.

mod codec;
mod marks_codec;
mod wire;

use bytes::Bytes;

use crate::ColumnId;

/// Everything known of one row (or of the static columns of one partition).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Set by INSERT: the row exists even without column values.
    pub marker: Option<Liveness>,
    /// Row deletion: hides what is not newer, in microseconds.
    pub deletion: Option<i64>,
    /// Columns in id order, each at most once.
    pub columns: Vec<(ColumnId, ColumnData)>,
}

/// When something was written and until when it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liveness {
    /// Write time in microseconds since the epoch.
    pub timestamp_us: i64,
    /// Expiry, when the write had a TTL.
    pub expiry: Option<Expiry>,
}

/// The end of a value's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// The TTL as written, in seconds.
    pub ttl_seconds: u32,
    /// Absolute, in seconds since the epoch, stamped once by the leader.
    pub at_seconds: i64,
}

/// What one column of a row holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnData {
    /// One value or one tombstone.
    Simple(Versioned),
    /// An element-wise collection or user-defined type.
    Complex(Complex),
    /// A counter.
    Counter(CounterState),
}

/// A value with its write time; `value: None` is a tombstone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// When written, and until when it lives.
    pub live: Liveness,
    /// CQL wire bytes, or nothing when deleted.
    pub value: Option<Bytes>,
}

/// Elements of a non-frozen collection or user-defined type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Complex {
    /// Deletion of the whole, hides elements that are not newer.
    pub deletion: Option<i64>,
    /// By element key, sorted by its bytes as stored. Key bytes: set: the order-preserving form of
    /// the element (see `KEYS.md`); map: that of the key; list: position (16 bytes, see
    /// `FORMAT.md`); user-defined type: u16 field index, big endian. `value` holds wire bytes: the
    /// element of a list, the value of a map, the field; of a set, the element itself.
    pub elements: Vec<Element>,
}

/// One element of a [`Complex`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Sort key.
    pub key: Bytes,
    /// Wire bytes of what `key` stands for (the map key); empty for lists, sets and fields.
    pub name: Bytes,
    /// Its value.
    pub data: Versioned,
}

/// A counter's sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CounterState {
    /// Sum of every increment since the last deletion.
    pub total: i64,
    /// Newest increment, microseconds.
    pub timestamp_us: i64,
    /// Newest deletion, microseconds; a deleted counter starts again at 0.
    pub deletion: Option<i64>,
}

/// Marks that cover a whole partition, stored in the partition's header record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionMarks {
    /// Partition deletion, microseconds.
    pub deletion: Option<i64>,
    /// Range deletions, sorted by start, disjoint, none redundant: the newest wherever several
    /// overlapped.
    pub ranges: Vec<RangeMark>,
}

/// A range deletion: hides rows whose suffix is in `start..end` and not newer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeMark {
    /// First suffix covered (see `KEYS.md` for suffixes).
    pub start: Bytes,
    /// First suffix no longer covered.
    pub end: Bytes,
    /// Microseconds.
    pub timestamp_us: i64,
}
