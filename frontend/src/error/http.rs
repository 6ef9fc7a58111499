//! Errors as HTTP problems (RFC 9457): status, a stable code, whether to retry, and whether the
//! request may have been applied.

use cellar_cql::plan::PlanError;
use cellar_metadata_api::MetadataError;
use serde::Serialize;

use super::RequestError;

/// The body of an error answer, `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Kind of problem, as a URI reference.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: &'static str,
    /// HTTP status.
    pub status: u16,
    /// This problem in words.
    pub detail: String,
    /// Stable code, `CEL-` and four digits.
    pub code: &'static str,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// `none`: not applied; `unknown`: it may have been.
    pub outcome: &'static str,
    /// Names the request in logs.
    pub request_id: String,
    /// When to try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
}

struct Kind(u16, &'static str, &'static str, bool, &'static str);

impl RequestError {
    /// The problem to answer with.
    #[must_use]
    pub fn to_problem(&self, request_id: String) -> Problem {
        let Kind(status, code, title, retryable, outcome) = self.kind();
        let retry_after_ms = match self {
            Self::Overloaded { retry_after_ms, .. } => Some(*retry_after_ms),
            _ => None,
        };
        Problem {
            kind: format!("urn:cellar:problem:{code}"),
            title,
            status,
            detail: self.to_string(),
            code,
            retryable,
            outcome,
            request_id,
            retry_after_ms,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Plan(error) => plan_error(error),
            Self::Metadata(error) => metadata_error(error),
            Self::Invalid { .. } => Kind(422, "CEL-4220", "invalid request", false, "none"),
            Self::BadCredentials { .. } => Kind(401, "CEL-4010", "not logged in", false, "none"),
            Self::Unauthorized { .. } => Kind(403, "CEL-4030", "not allowed", false, "none"),
            Self::Protocol { .. } => Kind(400, "CEL-4001", "malformed request", false, "none"),
            Self::Unprepared { .. } => Kind(404, "CEL-4042", "not prepared", true, "none"),
            Self::Unavailable { .. } => Kind(503, "CEL-5030", "unavailable", true, "none"),
            Self::Overloaded { .. } => Kind(503, "CEL-5031", "overloaded", true, "none"),
            Self::WriteTimeout { .. } => Kind(504, "CEL-5040", "outcome unknown", true, "unknown"),
            Self::ReadTimeout { .. } => Kind(504, "CEL-5041", "read timed out", true, "none"),
            Self::ReadFailure { .. } => Kind(500, "CEL-5001", "damaged data", false, "none"),
            Self::Internal { .. } => Kind(500, "CEL-5000", "internal error", false, "unknown"),
        }
    }
}

fn plan_error(error: &PlanError) -> Kind {
    match error {
        PlanError::Syntax(_) => Kind(400, "CEL-4000", "syntax error", false, "none"),
        PlanError::UnknownKeyspace { .. } => {
            Kind(404, "CEL-4040", "no such keyspace", false, "none")
        }
        PlanError::UnknownTable { .. } => Kind(404, "CEL-4041", "no such table", false, "none"),
        PlanError::SystemKeyspace { .. } => Kind(403, "CEL-4030", "not allowed", false, "none"),
        PlanError::NotBuilt { .. } => Kind(501, "CEL-5010", "not supported", false, "none"),
        PlanError::Invalid { .. }
        | PlanError::Config { .. }
        | PlanError::NoKeyspace
        | PlanError::UnknownColumn { .. }
        | PlanError::UnknownType { .. }
        | PlanError::FunctionFailure { .. }
        | PlanError::OperationFailure { .. } => {
            Kind(422, "CEL-4220", "invalid request", false, "none")
        }
    }
}

fn metadata_error(error: &MetadataError) -> Kind {
    match error {
        MetadataError::AlreadyExists { .. } => {
            Kind(409, "CEL-4090", "already exists", false, "none")
        }
        MetadataError::Missing { .. } => Kind(404, "CEL-4040", "does not exist", false, "none"),
        MetadataError::Invalid { .. } | MetadataError::Config { .. } => {
            Kind(422, "CEL-4220", "invalid request", false, "none")
        }
        MetadataError::Conflict { .. } => Kind(409, "CEL-4091", "changed meanwhile", true, "none"),
        MetadataError::Unavailable { .. } => {
            Kind(503, "CEL-5030", "metadata service unavailable", true, "none")
        }
        MetadataError::Unknown { .. } => Kind(504, "CEL-5040", "outcome unknown", true, "unknown"),
    }
}
