//! Everything that can go wrong with a request, once, and how each error is told to a CQL client
//! and over HTTP. The only place where errors are translated outward (invariant I-19).

mod cql;
mod http;

use bytes::Bytes;
use cellar_cell_api::CellError;
use cellar_cql::plan::PlanError;
use cellar_metadata_api::MetadataError;
use thiserror::Error;

pub use http::Problem;

/// What a write was, as drivers tell their retry policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKind {
    /// One that was brought to its cell, or to each of its cells.
    Simple,
    /// A lightweight transaction.
    Conditional,
    /// The first part of a logged batch over several cells: either all of it will be applied, or
    /// nothing.
    BatchLog,
    /// The other parts of one: they will be applied.
    Batch,
}

/// Why a request was not done, or whether it was.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// The statement cannot be planned or its values cannot be bound. Not applied.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The metadata service refused or did not answer.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The request makes no sense against the data as it is. Not applied.
    #[error("{message}")]
    Invalid {
        /// For the user.
        message: String,
    },
    /// Name and password do not let the client in. Not applied.
    #[error("{message}")]
    BadCredentials {
        /// For the user.
        message: String,
    },
    /// The client's role may not do this. Not applied.
    #[error("{message}")]
    Unauthorized {
        /// For the user.
        message: String,
    },
    /// The client broke the protocol. Not applied.
    #[error("{message}")]
    Protocol {
        /// For the user.
        message: String,
    },
    /// The prepared statement is not known here (any more). Not applied.
    #[error(
        "Prepared query with ID {} not found (either the query was not prepared on this host \
        (maybe the host has been restarted?) or you have prepared too many queries and it has \
        been evicted from the internal cache)",
        hex::encode(id)
    )]
    Unprepared {
        /// As the client sent it.
        id: Bytes,
    },
    /// Nobody could take the request. Not applied.
    #[error("unavailable: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// Too much waits already. Not applied.
    #[error("overloaded: {reason}; retry after {retry_after_ms} ms")]
    Overloaded {
        /// Which queue or limit.
        reason: String,
        /// When to try again.
        retry_after_ms: u32,
        /// It was a write.
        write: bool,
    },
    /// A write whose outcome nobody knows.
    #[error("the write may or may not have been applied: {reason}")]
    WriteTimeout {
        /// What happened instead of an answer.
        reason: String,
        /// What kind of write it was.
        kind: WriteKind,
    },
    /// A read that got no answer in time.
    #[error("the read got no answer: {reason}")]
    ReadTimeout {
        /// What happened instead of an answer.
        reason: String,
    },
    /// Stored bytes failed their check.
    #[error("stored data is damaged and was not served: {reason}")]
    ReadFailure {
        /// What was found.
        reason: String,
    },
    /// A fault of Cellar itself.
    #[error("internal error: {reason}")]
    Internal {
        /// What was found.
        reason: String,
    },
}

impl RequestError {
    /// [`RequestError::Invalid`] with this message.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into() }
    }

    /// [`RequestError::Unauthorized`] with this message.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::Unauthorized { message: message.into() }
    }

    /// [`RequestError::Protocol`] with this message.
    pub fn protocol(message: impl Into<String>) -> Self {
        Self::Protocol { message: message.into() }
    }

    /// [`RequestError::Unavailable`] for this reason.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into() }
    }

    /// [`RequestError::Internal`] for this reason.
    pub fn internal(reason: impl Into<String>) -> Self {
        Self::Internal { reason: reason.into() }
    }

    /// A stored key that cannot be taken apart.
    pub(crate) fn key(error: cellar_schema::keys::KeyError) -> Self {
        Self::ReadFailure { reason: error.to_string() }
    }

    /// What a failed write is told as. `unknown`: some attempt may have been applied.
    pub(crate) fn write(error: &CellError, unknown: bool, kind: WriteKind) -> Self {
        if unknown || !error.is_definite() {
            return Self::WriteTimeout { reason: error.to_string(), kind };
        }
        Self::definite(error, true)
    }

    /// What a failed read is told as.
    pub(crate) fn read(error: &CellError) -> Self {
        match error {
            CellError::Unknown { reason } => Self::ReadTimeout { reason: reason.clone() },
            CellError::Damaged { reason } => Self::ReadFailure { reason: reason.clone() },
            other => Self::definite(other, false),
        }
    }

    fn definite(error: &CellError, write: bool) -> Self {
        match error {
            CellError::Overloaded { reason, retry_after_ms } => {
                let retry_after_ms = *retry_after_ms;
                Self::Overloaded { reason: reason.clone(), retry_after_ms, write }
            }
            CellError::Invalid { message } => Self::invalid(message.clone()),
            CellError::Damaged { reason } => Self::ReadFailure { reason: reason.clone() },
            CellError::WrongCell { .. }
            | CellError::NotLeader { .. }
            | CellError::Unavailable { .. }
            | CellError::Unknown { .. } => Self::unavailable(error.to_string()),
        }
    }
}
