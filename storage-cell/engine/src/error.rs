//! What can go wrong in the engine, and what a caller may conclude from it.

use std::{fmt, io, path::PathBuf, sync::Arc};

/// Why an engine call gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The disk refused an operation. After a flush or a compaction the engine is poisoned too,
    /// unless there was no space ([`EngineError::is_full`]).
    #[error("engine: {operation}: {source}")]
    Io {
        /// What was being done.
        operation: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// Stored bytes are not what was written: a checksum, a length or a tag is wrong.
    #[error("engine: {operation}: corrupt: {detail}")]
    Corrupt {
        /// What was being done.
        operation: &'static str,
        /// What did not fit.
        detail: String,
    },
    /// The directory was written by a version of the engine that this one cannot read.
    #[error("engine: {path:?} has format {found}, this version reads {supported}")]
    Format {
        /// The version file.
        path: PathBuf,
        /// The format it names.
        found: u32,
        /// The format this version reads.
        supported: u32,
    },
    /// Another engine has the directory open.
    #[error("engine: {path:?} is open elsewhere")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A key or value is outside the limits; nothing of its batch was applied.
    #[error("engine: {what} of {bytes} bytes, allowed are {bytes_min} to {bytes_max}")]
    Size {
        /// Which part of the row.
        what: RowPart,
        /// Its length.
        bytes: usize,
        /// The least length.
        bytes_min: usize,
        /// The greatest length.
        bytes_max: usize,
    },
    /// A flush or compaction failed earlier: what is in memory can no longer reach the disk.
    #[error("engine: unusable since an earlier failure: {0}")]
    Poisoned(Arc<str>),
    /// The engine was closed.
    #[error("engine: closed")]
    Closed,
}

/// The part of a row that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowPart {
    /// The key.
    Key,
    /// The value.
    Value,
}

impl fmt::Display for RowPart {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Key => "key",
            Self::Value => "value",
        })
    }
}

impl EngineError {
    /// Whether there was no space on the disk. Then nothing is lost or in doubt: what is in memory
    /// stays there and is written when there is space.
    #[must_use]
    pub fn is_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        let Self::Io { source, .. } = self else { return false };
        matches!(source.kind(), StorageFull | QuotaExceeded)
    }

    /// Wraps an error of the operating system.
    pub(crate) fn io(operation: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { operation, source }
    }

    /// Sorts an error of the tree into damage to the stored bytes and failures of the disk.
    pub(crate) fn tree(operation: &'static str) -> impl FnOnce(lsm_tree::Error) -> Self {
        move |error| match error {
            lsm_tree::Error::Io(source) if !is_damage(source.kind()) => {
                Self::Io { operation, source }
            }
            damage => Self::Corrupt { operation, detail: damage.to_string() },
        }
    }
}

/// True for errors that reading a truncated or altered file gives.
fn is_damage(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData)
}
