//! What can go wrong between a request and its statement, and every error as a problem document:
//! RFC 9457 in JSON, RFC 9290 in CBOR. Errors of statements keep the codes of [`crate::error`].

use bytes::Bytes;
use cellar_cql::plan::PlanError;
use cellar_schema::ValueError;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::{
    limits::BODY_BYTES_MAX,
    media::Format,
    value::{CborOut, cbor_document},
};
use crate::{
    error::{Problem, RequestError},
    execute::ResultRows,
    meter::Charge,
};

/// Why a request has no other answer than a problem.
#[derive(Debug, Error)]
pub(super) enum HttpError {
    /// The statement was refused or failed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Nothing is served there.
    #[error("nothing is served at {path}")]
    UnknownPath { path: String },
    /// The resource does not have the method.
    #[error("{method} is not served here, but {allowed}")]
    Method { method: String, allowed: &'static str },
    /// A write in a GET.
    #[error("GET runs only SELECT and DESCRIBE; send this statement with POST")]
    ReadOnly,
    /// None of the forms that the client takes is offered.
    #[error("answers come as application/json or application/cbor")]
    NotAcceptable,
    /// The body is in a form that is not taken.
    #[error("a body of type '{got}' is not taken; send application/json or application/cbor")]
    MediaType { got: String },
    /// The body is too long; `got` bytes where its length is known.
    #[error("the body is longer than {BODY_BYTES_MAX} bytes{}", actual(.got.as_ref()))]
    TooLarge { got: Option<u64> },
    /// The body did not arrive.
    #[error("the body did not arrive: {reason}")]
    Body { reason: String },
    /// The request is not well formed.
    #[error("{message}")]
    Malformed { message: String },
    /// Well formed, but without sense.
    #[error("{message}")]
    Unprocessable { message: String, hint: Option<String> },
    /// No row has the key.
    #[error("no row has this key")]
    NoRow { charge: Charge },
    /// If-Match or If-None-Match did not hold; the row that is there.
    #[error("{message}")]
    Condition { message: &'static str, current: Option<ResultRows>, charge: Charge },
    /// The process is stopping.
    #[error("this frontend is stopping; ask another one")]
    Stopping,
}

impl From<PlanError> for HttpError {
    fn from(error: PlanError) -> Self {
        Self::Request(error.into())
    }
}

impl HttpError {
    /// [`HttpError::Malformed`] with this message.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::Malformed { message: message.into() }
    }

    /// [`HttpError::Unprocessable`] with this message.
    pub(super) fn unprocessable(message: impl Into<String>) -> Self {
        Self::Unprocessable { message: message.into(), hint: None }
    }

    /// [`HttpError::Unprocessable`] with advice.
    pub(super) fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Unprocessable { message: message.into(), hint: Some(hint.into()) }
    }

    /// A value that is none of the type of the column or variable.
    pub(super) fn value(name: &str, error: &ValueError) -> Self {
        Self::unprocessable(format!("{name}: {error}"))
    }

    /// The status.
    #[cfg(test)]
    pub(super) fn status(&self) -> u16 {
        self.problem(String::new()).status
    }

    /// What the request cost, where that is known.
    pub(super) fn charge(&self) -> Option<Charge> {
        match self {
            Self::NoRow { charge } | Self::Condition { charge, .. } => Some(*charge),
            _ => None,
        }
    }

    /// The methods for the header `Allow`.
    pub(super) fn allowed(&self) -> Option<&'static str> {
        match self {
            Self::Method { allowed, .. } => Some(allowed),
            Self::ReadOnly => Some("POST"),
            _ => None,
        }
    }

    /// The members that every problem has.
    pub(super) fn problem(&self, request_id: String) -> Problem {
        let (status, code, title) = match self {
            Self::Request(error) => return error.to_problem(request_id),
            Self::UnknownPath { .. } => (404, "CEL-4044", "no such resource"),
            Self::NoRow { .. } => (404, "CEL-4043", "no such row"),
            Self::Method { .. } => (405, "CEL-4050", "method not allowed"),
            Self::ReadOnly => (405, "CEL-4051", "GET only reads"),
            Self::NotAcceptable => (406, "CEL-4060", "not acceptable"),
            Self::MediaType { .. } => (415, "CEL-4150", "unsupported media type"),
            Self::TooLarge { .. } => (413, "CEL-4130", "body too large"),
            Self::Body { .. } => (408, "CEL-4080", "incomplete body"),
            Self::Malformed { .. } => (400, "CEL-4001", "malformed request"),
            Self::Unprocessable { .. } => (422, "CEL-4220", "invalid request"),
            Self::Condition { .. } => (412, "CEL-4120", "condition not met"),
            Self::Stopping => (503, "CEL-5032", "stopping"),
        };
        Problem {
            kind: format!("urn:cellar:problem:{code}"),
            title,
            status,
            detail: self.to_string(),
            code,
            retryable: matches!(self, Self::Stopping | Self::Body { .. }),
            outcome: "none",
            request_id,
            retry_after_ms: None,
        }
    }

    /// Members that only this problem has.
    fn more(&self) -> Map<String, Value> {
        let mut more = Map::new();
        let mut add = |name: &str, value: Value| more.insert(name.to_owned(), value);
        match self {
            Self::Request(RequestError::Plan(PlanError::Syntax(error))) => {
                let length = error.found.chars().count();
                let position =
                    json!({ "line": error.line, "column": error.column, "length": length });
                add("position", position);
                add("near", json!(error.found));
                if let Some(hint) = &error.hint {
                    add("hint", json!(hint));
                }
            }
            Self::Request(RequestError::Plan(
                PlanError::UnknownKeyspace { hint: Some(hint), .. }
                | PlanError::UnknownTable { hint: Some(hint), .. }
                | PlanError::UnknownColumn { hint: Some(hint), .. }
                | PlanError::UnknownType { hint: Some(hint), .. },
            )) => {
                add("hint", json!(format!("did you mean {hint}?")));
            }
            Self::Request(RequestError::Plan(PlanError::NoKeyspace)) => {
                add("hint", json!("give \"keyspace\" or the header Cellar-Keyspace"));
            }
            Self::Unprocessable { hint: Some(hint), .. } => {
                add("hint", json!(hint));
            }
            Self::TooLarge { got } => {
                add("limit", json!(BODY_BYTES_MAX));
                if let Some(got) = got {
                    add("observed", json!(got));
                }
            }
            Self::Method { allowed, .. } => {
                add("allowed", allowed.split(", ").collect());
            }
            _ => {}
        }
        more
    }

    /// The row that is there, first of the rows.
    fn current(&self) -> Option<Option<&ResultRows>> {
        match self {
            Self::Condition { current, .. } => Some(current.as_ref()),
            _ => None,
        }
    }

    /// The problem document.
    pub(super) fn document(&self, request_id: &str, format: Format) -> Bytes {
        let problem = self.problem(request_id.to_owned());
        let mut members = match serde_json::to_value(&problem) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        members.extend(self.more());
        let problem = Problem { detail: without_hint(problem.detail, &members), ..problem };
        members.insert("detail".to_owned(), json!(problem.detail));
        match format {
            Format::Json => {
                if let Some(current) = self.current() {
                    let row = current.and_then(super::result::first_as_json);
                    members.insert("current".to_owned(), row.unwrap_or_default());
                }
                Value::Object(members).to_string().into()
            }
            Format::Cbor => concise(&problem, &members, self.current()),
        }
    }
}

/// RFC 9290: title, detail and CoAP's form of the status under their numbers; everything that
/// RFC 9457's document says, under its own name.
fn concise(
    problem: &Problem,
    members: &Map<String, Value>,
    current: Option<Option<&ResultRows>>,
) -> Bytes {
    let mut out = CborOut::default();
    out.map(4);
    out.integer(-1);
    out.text(problem.title);
    out.integer(-2);
    out.text(&problem.detail);
    out.integer(-4);
    let (class, detail) = (problem.status / 100, problem.status % 100);
    out.integer(i64::from(class.saturating_mul(32).saturating_add(detail.min(31))));
    out.text("urn:cellar:problem");
    out.map(members.len().saturating_add(usize::from(current.is_some())));
    for (name, value) in members {
        out.text(name);
        cbor_document(&mut out, value);
    }
    if let Some(current) = current {
        out.text("current");
        if !current.is_some_and(|rows| super::result::first_as_cbor(&mut out, rows)) {
            out.null();
        }
    }
    out.finish()
}

/// CQL clients get the hint within the message; here it is a member of its own.
fn without_hint(detail: String, members: &Map<String, Value>) -> String {
    let Some(hint) = members.get("hint").and_then(Value::as_str) else { return detail };
    let endings = [format!(" ({hint})"), format!(" (hint: {hint})")];
    let shorter = endings.iter().find_map(|ending| detail.strip_suffix(ending.as_str()));
    shorter.map(str::to_owned).unwrap_or(detail)
}

fn actual(got: Option<&u64>) -> String {
    got.map(|bytes| format!(": {bytes}")).unwrap_or_default()
}
