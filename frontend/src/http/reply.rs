//! Answers: status, headers, body.

use std::fmt::Display;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
};

use super::{media::Format, problem::HttpError};
use crate::meter::Charge;

/// What the request cost, as an RFC 9651 dictionary.
const CONSUMED: HeaderName = HeaderName::from_static("cellar-consumed");
/// Names the request in logs and problems.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("cellar-request-id");
/// What the user should know, as in CQL's warnings.
const WARNING: HeaderName = HeaderName::from_static("cellar-warning");

/// An answer under construction.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    /// A status alone.
    pub(super) fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A document.
    pub(super) fn document(status: StatusCode, format: Format, body: Bytes) -> Self {
        Self::new(status).with_body(format.media_type(), body)
    }

    /// Plain text.
    pub(super) fn text(status: StatusCode, text: impl Into<Bytes>) -> Self {
        Self::new(status).with_body("text/plain; charset=utf-8", text.into())
    }

    /// A problem.
    pub(super) fn problem(error: &HttpError, request_id: &str, format: Format) -> Self {
        let problem = error.problem(String::new());
        let status = StatusCode::from_u16(problem.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = error.document(request_id, format);
        let mut reply = Self::new(status).with_body(format.problem_type(), body);
        if let Some(allowed) = error.allowed() {
            reply = reply.with(header::ALLOW, allowed);
        }
        if let Some(charge) = error.charge() {
            reply = reply.costing(charge);
        }
        if problem.status == 401 {
            reply =
                reply.with(header::WWW_AUTHENTICATE, "Basic realm=\"cellar\", charset=\"UTF-8\"");
        }
        if matches!(problem.status, 429 | 503) {
            let wait_ms = problem.retry_after_ms.unwrap_or(1000);
            reply = reply.with(header::RETRY_AFTER, wait_ms.div_ceil(1000).max(1));
        }
        reply
    }

    /// With this body.
    pub(super) fn with_body(mut self, media_type: &'static str, body: Bytes) -> Self {
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        self.body = body;
        self
    }

    /// With a header; one that no header can hold is left out.
    pub(super) fn with(mut self, name: HeaderName, value: impl Display) -> Self {
        if let Ok(value) = HeaderValue::try_from(value.to_string()) {
            self.headers.append(name, value);
        }
        self
    }

    /// With what it cost.
    pub(super) fn costing(self, charge: Charge) -> Self {
        self.with(CONSUMED, charge.header())
    }

    /// With warnings, each an RFC 9651 string.
    pub(super) fn warning(self, warnings: &[String]) -> Self {
        warnings.iter().fold(self, |reply, warning| {
            let plain = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
            let text: String = warning.chars().map(plain).collect();
            let text = text.replace('\\', "\\\\").replace('"', "\\\"");
            reply.with(WARNING, format_args!("\"{text}\""))
        })
    }

    /// The response.
    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
