//! Errors of the server: RFC 9457 problem details in JSON, or the same members (or those of RFC
//! 9290) in CBOR.

use std::fmt;
use std::time::Duration;

use super::Consumed;
use crate::error::Outcome;
use crate::value::{Value, decode, to_value};

/// What the server says about a request that failed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// Stable code, such as `CEL-4290`; empty when the answer did not come from Cellar.
    pub code: String,
    /// The kind of problem in words.
    pub title: String,
    /// This problem in words.
    pub detail: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// Whether the request was applied.
    pub outcome: Outcome,
    /// How long to wait before trying again, when the server says.
    pub retry_after: Option<Duration>,
    /// Names the request in the server's logs.
    pub request_id: String,
    /// What the request cost all the same.
    pub consumed: Consumed,
    /// What to do about it.
    pub hint: Option<String>,
    /// Every member of the body, these and any other.
    pub members: Value,
}

/// Integer keys of RFC 9290.
const TITLE_KEY: i64 = -1;
const DETAIL_KEY: i64 = -2;
const MEMBERS_KEY: &str = "urn:cellar:problem";

impl Problem {
    /// Reads an answer whose status is an error. Total: an answer of something else on the way (a
    /// proxy) becomes a problem without a code, judged by its status alone.
    pub(crate) fn read(status: u16, content_type: &str, body: &[u8]) -> Self {
        let members = if content_type.contains("json") {
            let json = serde_json::from_slice::<serde_json::Value>(body).ok();
            json.and_then(|json| to_value(&json).ok())
        } else if content_type.contains("cbor") {
            decode(body).ok()
        } else {
            None
        };
        match members {
            Some(members @ Value::Map(_)) => Self::from_members(status, members),
            _ => Self::foreign(status, body),
        }
    }

    fn from_members(status: u16, document: Value) -> Self {
        // The concise form keeps what RFC 9290 has no number for under one name.
        let members = document.member(MEMBERS_KEY).unwrap_or(&document).clone();
        let text = |name| members.member(name).and_then(Value::as_text).map(str::to_owned);
        let numbered = |key| numbered(&document, key);
        let outcome = match text("outcome").as_deref() {
            Some("none") => Outcome::None,
            Some("applied") => Outcome::Applied,
            Some(_) => Outcome::Unknown,
            None => outcome_of(status),
        };
        let retry_after_ms = match members.member("retry_after_ms") {
            Some(Value::Int(ms)) => u64::try_from(*ms).ok(),
            _ => None,
        };
        Self {
            status,
            code: text("code").unwrap_or_default(),
            title: text("title").or_else(|| numbered(TITLE_KEY)).unwrap_or_default(),
            detail: text("detail").or_else(|| numbered(DETAIL_KEY)).unwrap_or_default(),
            retryable: match members.member("retryable") {
                Some(Value::Boolean(retryable)) => *retryable,
                _ => retryable_of(status),
            },
            outcome,
            retry_after: retry_after_ms.map(Duration::from_millis),
            request_id: text("request_id").unwrap_or_default(),
            consumed: Consumed::default(),
            hint: text("hint"),
            members,
        }
    }

    fn foreign(status: u16, body: &[u8]) -> Self {
        let shown = String::from_utf8_lossy(body).chars().take(200).collect();
        Self {
            status,
            code: String::new(),
            title: format!("HTTP status {status}"),
            detail: shown,
            retryable: retryable_of(status),
            outcome: outcome_of(status),
            retry_after: None,
            request_id: String::new(),
            consumed: Consumed::default(),
            hint: None,
            members: Value::Map(Vec::new()),
        }
    }

    /// Whether this is the answer to a condition that was not met.
    pub(crate) fn condition_not_met(&self) -> bool {
        self.status == 412
    }
}

fn numbered(members: &Value, key: i64) -> Option<String> {
    let Value::Map(entries) = members else {
        return None;
    };
    let found = entries.iter().find(|(name, _)| *name == Value::Int(key));
    found.and_then(|(_, value)| value.as_text()).map(str::to_owned)
}

/// What a status means when nobody says more: only refusals are certain.
fn outcome_of(status: u16) -> Outcome {
    match status {
        400..=499 if status != 408 && status != 499 => Outcome::None,
        _ => Outcome::Unknown,
    }
}

fn retryable_of(status: u16) -> bool {
    matches!(status, 408 | 429 | 502..=504)
}

/// `CEL-4290 too many requests: …`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.code.is_empty() {
            write!(f, "{} ", self.code)?;
        }
        f.write_str(&self.title)?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_alike_from_json_and_cbor() {
        let json = r#"{"type":"urn:x","title":"overloaded","status":503,"detail":"queue is full",
            "code":"CEL-5031","retryable":true,"outcome":"none","request_id":"r1",
            "retry_after_ms":180,"hint":"slow down","limit":4000}"#;
        let from_json = Problem::read(503, "application/problem+json", json.as_bytes());
        let mut cbor = Vec::new();
        crate::value::encode(&from_json.members, &mut cbor);
        let from_cbor = Problem::read(503, "application/concise-problem-details+cbor", &cbor);
        assert_eq!(from_json, from_cbor);
        assert_eq!(from_json.retry_after, Some(Duration::from_millis(180)));
        assert_eq!(from_json.outcome, Outcome::None);
        let text = "CEL-5031 overloaded: queue is full (slow down)";
        assert_eq!(from_json.to_string(), text);
        assert_eq!(from_json.members.member("limit"), Some(&Value::Int(4000)));
    }

    #[test]
    fn the_numbered_members_of_rfc_9290_are_read() {
        let own = Value::Map(vec![(Value::Text("outcome".into()), Value::Text("unknown".into()))]);
        let members = Value::Map(vec![
            (Value::Int(-1), Value::Text("title".into())),
            (Value::Int(-2), Value::Text("detail".into())),
            (Value::Text("urn:cellar:problem".into()), own),
        ]);
        let mut cbor = Vec::new();
        crate::value::encode(&members, &mut cbor);
        let problem = Problem::read(504, "application/concise-problem-details+cbor", &cbor);
        assert_eq!((problem.title.as_str(), problem.detail.as_str()), ("title", "detail"));
        assert_eq!(problem.outcome, Outcome::Unknown);
    }

    #[test]
    fn an_answer_of_a_proxy_is_never_taken_for_a_refusal_by_cellar() {
        let problem = Problem::read(502, "text/html", b"<h1>Bad Gateway</h1>");
        assert_eq!(problem.outcome, Outcome::Unknown);
        assert!(problem.retryable);
        assert_eq!(problem.code, "");
    }
}
