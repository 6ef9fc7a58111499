//! Reads: spans of engine keys, answered in pages cut by rows, bytes and work.

use bytes::Bytes;
use cellar_metadata_api::{CellId, Epoch};
use cellar_schema::{ColumnId, IndexProbe, Row};
use serde::{Deserialize, Serialize};

use crate::CellError;

/// How fresh an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadLevel {
    /// Linearizable: the leader, after a read barrier.
    Leader,
    /// Any replica; may lag by a stated bound.
    Any,
}

/// Reads of one cell, handed over together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadRequest {
    /// The cell asked.
    pub cell: CellId,
    /// The epoch the sender routed by.
    pub epoch: Epoch,
    /// How fresh.
    pub level: ReadLevel,
    /// Independent of each other.
    pub reads: Vec<Read>,
    /// By which expiry is judged, seconds since the epoch; none for the leader's clock.
    #[serde(default)]
    pub now_seconds: Option<i64>,
}

/// One span of engine keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// First key.
    pub start: Bytes,
    /// First key after the span.
    pub end: Bytes,
    /// From the last key to the first. Only inside one partition.
    pub reverse: bool,
    /// At most this many live rows.
    pub rows_max: u32,
    /// Stop after the row that passes this many encoded bytes.
    pub bytes_max: u32,
    /// Columns wanted (row markers always come); `None` is all.
    pub columns: Option<Vec<ColumnId>>,
    /// Which rows are wanted at least, with the static row of each of their partitions: the cell
    /// may leave out all others of the span, and does where an index shows them. Only forward.
    #[serde(default)]
    pub probe: Option<IndexProbe>,
}

/// One page for each read, in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadReply {
    /// In the order of [`ReadRequest::reads`].
    pub pages: Vec<Result<Page, CellError>>,
    /// By which expiry was judged, seconds since the epoch: what the request says, or the clock.
    pub now_seconds: i64,
}

/// Live rows of a span, in key order (or reverse).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Engine key and live view of each row. Static rows (kind 0x01) come as rows of their own;
    /// partition marks (kind 0x00) never come.
    pub rows: Vec<(Bytes, Row)>,
    /// Where the rest begins (forward: a new `start`; reverse: a new `end`); `None` when the span
    /// was read to its end.
    pub resume: Option<Bytes>,
    /// Encoded bytes of the rows examined, for metering.
    pub examined_bytes: u64,
    /// Rows examined, live or not.
    pub examined_rows: u64,
}
