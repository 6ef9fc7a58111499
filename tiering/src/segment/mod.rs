//! A segment: sorted rows of one table as one Parquet object. See `FORMAT.md`.

mod decode;
mod encode;
mod index;
mod meta;
mod plain;
mod schema;
mod shape;

use cellar_schema::{FormatError, KeyError};

pub(crate) use decode::{Decoded, Wanted, decode};
pub use encode::{Encoded, encode_segment};
pub(crate) use index::{Group, Index, only_partition};
pub use meta::{META_VERSION, SegmentMeta, SegmentName};

/// Why rows are no segment, or bytes none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// There are no rows.
    #[error("a segment needs rows")]
    NoRows,
    /// The rows are not in the order of their keys, or one is there twice.
    #[error("rows of a segment must be sorted by key, each once")]
    NotSorted,
    /// A record that is no row (marks and static columns stay hot).
    #[error("only rows can be in a segment")]
    NotARow,
    /// A key is not one of the table.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A stored row cannot be read.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// Parquet cannot be written or read.
    #[error(transparent)]
    Parquet(#[from] parquet::errors::ParquetError),
    /// Arrow columns cannot be made or read.
    #[error(transparent)]
    Arrow(#[from] arrow_schema::ArrowError),
    /// The object's index cannot be read.
    #[error("index of a segment: {0}")]
    Index(#[from] serde_json::Error),
    /// The object was written by a later version.
    #[error("segment of version {version:?}, this build reads up to {supported}")]
    Version {
        /// What the object says.
        version: Option<String>,
        /// What can be read.
        supported: u16,
    },
    /// The object is not what was written.
    #[error("damaged segment: {reason}")]
    Corrupt {
        /// How that shows.
        reason: &'static str,
    },
    /// A bug.
    #[error("internal error while handling a segment: {reason}")]
    Internal {
        /// What happened.
        reason: &'static str,
    },
}
