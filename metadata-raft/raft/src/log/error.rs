//! What can go wrong with the log.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why the log did not do something.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// The disk failed; for a write or sync this is the end of the log.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// Something that was durable is not what was written.
    #[error("{} is damaged at {offset}: {reason}", path.display())]
    Corrupt {
        /// The segment.
        path: PathBuf,
        /// Where in it.
        offset: usize,
        /// What was expected.
        reason: String,
    },
    /// An append does not go on from the last entry.
    #[error("group {group}: entry {index} appended, expected {expected}")]
    Hole {
        /// The group.
        group: u64,
        /// The index that would go on.
        expected: u64,
        /// The index given.
        index: u64,
    },
    /// An entry is larger than a record may be.
    #[error("group {group}: entry of {bytes} bytes is larger than {bytes_max}")]
    TooLarge {
        /// The group.
        group: u64,
        /// Size of the entry.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
}

impl LogError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source: Arc::new(source) }
    }

    pub(crate) fn corrupt(path: &Path, offset: usize, reason: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), offset, reason: reason.into() }
    }
}

impl From<LogError> for io::Error {
    fn from(error: LogError) -> Self {
        Self::other(error)
    }
}
