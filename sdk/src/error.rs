//! What can go wrong with a request, and for each error whether the request was applied.

use std::time::Duration;

use thiserror::Error;

use crate::answer::Problem;
use crate::value::ValueError;

/// Whether a request that ended in an error was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not applied, and never will be.
    None,
    /// Nobody knows: it may have been applied, or may still be.
    Unknown,
    /// Applied; only its answer could not be used.
    Applied,
}

/// Why a request gave no result.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refused or failed, and said how.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// The server could not be reached; the request was never sent.
    #[error("cannot connect to {url}: {reason}")]
    Connect {
        /// Where to.
        url: String,
        /// Why not.
        reason: String,
    },
    /// The connection broke after the request was sent, before its answer was complete.
    #[error("the connection was lost before the answer came: {reason}")]
    Lost {
        /// What broke.
        reason: String,
    },
    /// The time that the caller gave is over.
    #[error("no answer within {after:?}")]
    Timeout {
        /// The time given.
        after: Duration,
        /// Whether an attempt was on its way that may have been applied.
        outcome: Outcome,
    },
    /// The answer does not have the form of a Cellar answer.
    #[error("the answer cannot be understood: {reason}")]
    Answer {
        /// What is wrong with it.
        reason: String,
    },
    /// A result that is too large to hold at once.
    #[error("the result has more than {rows_max} rows; read it with stream()")]
    TooManyRows {
        /// The limit.
        rows_max: usize,
    },
    /// A value given by the caller has no CQL form. Nothing was sent.
    #[error("cannot send value: {0}")]
    Bind(ValueError),
    /// A row does not fit the Rust type asked for.
    #[error("cannot read row: {0}")]
    Row(ValueError),
    /// The client's settings make no sense. Nothing was sent.
    #[error("{reason}")]
    Settings {
        /// What is wrong.
        reason: String,
    },
}

impl Error {
    /// The server's stable code, such as `CEL-4041`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.problem().map(|problem| problem.code.as_str()).filter(|code| !code.is_empty())
    }

    /// What the server said, if it was the server.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }

    /// Whether the request was applied. For a read, [`Outcome::Unknown`] is harmless.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Problem(problem) => problem.outcome,
            Self::Timeout { outcome, .. } => *outcome,
            Self::Lost { .. } => Outcome::Unknown,
            Self::Connect { .. } | Self::Bind(_) | Self::Settings { .. } => Outcome::None,
            Self::Answer { .. } => Outcome::Unknown,
            Self::TooManyRows { .. } | Self::Row(_) => Outcome::Applied,
        }
    }

    /// Whether the same request may succeed later. It says nothing about whether sending it again
    /// is safe: see [`Error::outcome`].
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::Problem(problem) => problem.retryable,
            Self::Connect { .. } | Self::Lost { .. } | Self::Timeout { .. } => true,
            Self::Answer { .. }
            | Self::TooManyRows { .. }
            | Self::Bind(_)
            | Self::Row(_)
            | Self::Settings { .. } => false,
        }
    }

    /// How long the server asks to wait before the next try.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.problem().and_then(|problem| problem.retry_after)
    }

    /// What to do about it, where the server knows.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.problem().and_then(|problem| problem.hint.as_deref())
    }

    /// The name of the request in the server's logs.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.problem().map(|problem| problem.request_id.as_str()).filter(|id| !id.is_empty())
    }
}
