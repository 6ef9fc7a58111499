//! Why a node did not start or stop.

use std::{io, path::PathBuf};

use cellar_engine::EngineError;
use cellar_metadata_api::MetadataError;
use cellar_raft::{RaftError, log::LogError};
use thiserror::Error;

use crate::{apply::ApplyError, cell::StartError, records::RecordError};

/// A node that could not start, or did not end in order.
#[derive(Debug, Error)]
pub enum NodeError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file that says which node this is cannot be read. Without it the node would come back
    /// as another one, and its cells would be lost.
    #[error("{path} does not say which node this is: {reason}")]
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The metadata service refused the node.
    #[error("the metadata service does not take this node: {0}")]
    Metadata(#[from] MetadataError),
    /// The rows could not be opened or flushed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The log could not be opened, or a group not be started.
    #[error(transparent)]
    Raft(#[from] RaftError),
    /// What is stored of a cell cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// What is stored of a cell could not be applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// A cell did not start.
    #[error(transparent)]
    Cell(#[from] StartError),
    /// A thread of the node ended badly.
    #[error("a thread of the node ended badly: {0}")]
    Thread(String),
    /// Background work did not end in time.
    #[error(transparent)]
    Unfinished(#[from] cellar_rpc::tasks::Unfinished),
}

impl NodeError {
    /// Whether durable bytes of the node are not what was written. What it had promised to other
    /// replicas may be lost with them, so it must not come back as the node it was.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        let log = |error: &RaftError| matches!(error, RaftError::Log(LogError::Corrupt { .. }));
        match self {
            Self::Engine(EngineError::Corrupt { .. }) | Self::Record(_) => true,
            Self::Raft(error) | Self::Cell(StartError::Raft(error)) => log(error),
            _ => false,
        }
    }
}
