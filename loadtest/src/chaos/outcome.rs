//! What an error of the stock driver says about a request that was tried once: that it definitely
//! did not happen, or nothing (I-19).

use scylla::errors::{DbError, ExecutionError, RequestAttemptError};

/// Code of Cassandra's CAS_WRITE_UNKNOWN, which the driver has no name for.
const CAS_WRITE_UNKNOWN: i32 = 0x1700;

/// Why a request was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// Whether the service, or the driver that never sent it, says that nothing happened.
    pub definite: bool,
    /// Name of the error.
    pub class: &'static str,
}

/// Reads an error.
#[must_use]
pub fn failure(error: &ExecutionError) -> Failure {
    let (definite, class) = match error {
        ExecutionError::LastAttemptError(error) => return attempt(error),
        // Never sent.
        ExecutionError::BadQuery(_) => (true, "BadQuery"),
        ExecutionError::EmptyPlan => (true, "NoHost"),
        ExecutionError::ConnectionPoolError(_) => (true, "NoConnection"),
        ExecutionError::PrepareError(_) => (true, "NotPrepared"),
        ExecutionError::RequestTimeout(_) => (false, "ClientTimeout"),
        _ => (false, "OtherOfDriver"),
    };
    Failure { definite, class }
}

fn attempt(error: &RequestAttemptError) -> Failure {
    let (definite, class) = match error {
        RequestAttemptError::DbError(error, _) => return answered(error),
        // Never sent.
        RequestAttemptError::SerializationError(_) => (true, "Serialization"),
        RequestAttemptError::CqlRequestSerialization(_) => (true, "Serialization"),
        RequestAttemptError::UnableToAllocStreamId => (true, "NoStream"),
        RequestAttemptError::BrokenConnectionError(_) => (false, "BrokenConnection"),
        _ => (false, "OtherOfAttempt"),
    };
    Failure { definite, class }
}

/// What the service itself said.
fn answered(error: &DbError) -> Failure {
    let (definite, class) = match error {
        DbError::SyntaxError => (true, "Syntax"),
        DbError::Invalid => (true, "Invalid"),
        DbError::AlreadyExists { .. } => (true, "AlreadyExists"),
        DbError::AuthenticationError => (true, "Authentication"),
        DbError::Unauthorized => (true, "Unauthorized"),
        DbError::ConfigError => (true, "Config"),
        DbError::Unavailable { .. } => (true, "Unavailable"),
        DbError::Overloaded => (true, "Overloaded"),
        DbError::IsBootstrapping => (true, "IsBootstrapping"),
        DbError::RateLimitReached { .. } => (true, "RateLimit"),
        DbError::Unprepared { .. } => (true, "Unprepared"),
        DbError::ReadTimeout { .. } => (false, "ReadTimeout"),
        DbError::WriteTimeout { .. } => (false, "WriteTimeout"),
        DbError::ReadFailure { .. } => (false, "ReadFailure"),
        DbError::WriteFailure { .. } => (false, "WriteFailure"),
        DbError::ServerError => (false, "ServerError"),
        DbError::Other(CAS_WRITE_UNKNOWN) => (false, "CasWriteUnknown"),
        _ => (false, "OtherOfService"),
    };
    Failure { definite, class }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn definite(error: DbError) -> bool {
        failure(&ExecutionError::LastAttemptError(RequestAttemptError::DbError(
            error,
            String::new(),
        )))
        .definite
    }

    #[test]
    fn only_answers_that_say_so_are_definite() {
        for error in [DbError::Overloaded, DbError::Invalid, DbError::SyntaxError] {
            assert!(definite(error));
        }
        for error in [DbError::ServerError, DbError::Other(CAS_WRITE_UNKNOWN), DbError::Other(1)] {
            assert!(!definite(error));
        }
    }

    #[test]
    fn silence_says_nothing() {
        assert!(!failure(&ExecutionError::RequestTimeout(Duration::from_secs(1))).definite);
        assert!(failure(&ExecutionError::EmptyPlan).definite);
    }
}
