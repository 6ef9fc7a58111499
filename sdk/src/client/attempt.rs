//! One attempt: a request over one connection, its answer, and what a failure means for whether
//! the request arrived.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, RETRY_AFTER,
};
use hyper::{HeaderMap, Method, Request};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::answer::{Consumed, Meta, Problem};
use crate::error::Error;
use crate::limits::{ANSWER_BYTES_MAX, ANSWER_TIME, CONNECT_TIMEOUT, IDLE_MAX};

/// What to send.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) path: String,
    /// CBOR.
    pub(crate) body: Option<Bytes>,
    /// A header that makes the request conditional.
    pub(crate) condition: Option<(HeaderName, HeaderValue)>,
    /// What it changes.
    pub(crate) effect: Effect,
    /// For all attempts together.
    pub(crate) timeout: Duration,
}

impl Call {
    /// Adds a parameter to the query string; both are percent-encoded already.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let joint = if self.path.contains('?') { '&' } else { '?' };
        self.path.extend([joint.to_string().as_str(), name, "=", value]);
    }
}

/// What a call changes, and so whether it may be sent again while nobody knows whether it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    Read,
    /// Something, but doing it twice is the same as doing it once: the caller said so.
    Repeatable,
    /// Something, once each time.
    Once,
}

/// What came back, if it was no problem.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) body: Bytes,
    pub(crate) meta: Meta,
    /// The answer is one row: only those have an entity tag.
    pub(crate) one_row: bool,
}

const CBOR: HeaderValue = HeaderValue::from_static("application/cbor");
const ACCEPTED: HeaderValue =
    HeaderValue::from_static("application/cbor, application/concise-problem-details+cbor");

/// Connections to one server.
pub(super) struct Transport {
    url: String,
    authorization: Option<HeaderValue>,
    pool: legacy::Client<HttpConnector, Full<Bytes>>,
}

impl Transport {
    pub(super) fn new(url: String, authorization: Option<HeaderValue>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let pool = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            .build(connector);
        Self { url, authorization, pool }
    }

    /// Sends a call once. `left`: how long the server may take.
    pub(super) async fn send(&self, call: &Call, left: Duration) -> Result<Reply, Error> {
        let request = self.request(call, left)?;
        let answer = self.pool.request(request).await.map_err(|error| {
            let reason = chain(&error);
            match error.is_connect() {
                true => Error::Connect { url: self.url.clone(), reason },
                false => Error::Lost { reason },
            }
        })?;
        let (head, body) = answer.into_parts();
        let body = match Limited::new(body, ANSWER_BYTES_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                let reason = format!("it is longer than {ANSWER_BYTES_MAX} bytes");
                return Err(Error::Answer { reason });
            }
            Err(error) => return Err(Error::Lost { reason: chain(error.as_ref()) }),
        };
        let meta = meta(&head.headers);
        if head.status.is_success() {
            return Ok(Reply { body, meta, one_row: head.headers.contains_key(ETAG) });
        }
        let content_type = text(&head.headers, &CONTENT_TYPE);
        let mut problem = Problem::read(head.status.as_u16(), content_type, &body);
        problem.consumed = meta.consumed;
        if problem.request_id.is_empty() {
            problem.request_id = meta.request_id;
        }
        if problem.retry_after.is_none() {
            let seconds = text(&head.headers, &RETRY_AFTER).parse().ok();
            problem.retry_after = seconds.map(Duration::from_secs);
        }
        Err(Error::Problem(Box::new(problem)))
    }

    fn request(&self, call: &Call, left: Duration) -> Result<Request<Full<Bytes>>, Error> {
        let uri = format!("{}{}", self.url, call.path);
        let mut request = Request::builder().method(&call.method).uri(uri).header(ACCEPT, ACCEPTED);
        // The server stops working on what nobody waits for any more, a little earlier than this
        // side does, so that its word on the outcome still arrives.
        let left = left.saturating_sub((left / 10).min(ANSWER_TIME));
        request = request.header("cellar-timeout", format!("{}ms", left.as_millis().max(1)));
        if call.body.is_some() {
            request = request.header(CONTENT_TYPE, CBOR);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some((name, value)) = &call.condition {
            request = request.header(name, value);
        }
        let body = Full::new(call.body.clone().unwrap_or_default());
        request.body(body).map_err(|error| Error::Settings { reason: error.to_string() })
    }
}

fn meta(headers: &HeaderMap) -> Meta {
    let warnings = headers.get_all("cellar-warning").iter();
    let warnings = warnings.filter_map(|value| value.to_str().ok().map(unquoted));
    Meta {
        consumed: Consumed::from_header(text(headers, "cellar-consumed")),
        request_id: text(headers, "cellar-request-id").to_owned(),
        warnings: warnings.collect(),
    }
}

/// The text of a string of RFC 9651.
fn unquoted(quoted: &str) -> String {
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or(quoted).replace("\\\"", "\"").replace("\\\\", "\\")
}

fn text<N: hyper::header::AsHeaderName>(headers: &HeaderMap, name: N) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// An error with everything that caused it.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<_> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}
