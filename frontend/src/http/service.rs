//! From an HTTP request to its answer: finds the resource, takes the body in, and turns every
//! error, a panic included, into a problem.

use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use futures::FutureExt;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Body, Incoming},
    http::request::Parts,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    HttpShared,
    call::Call,
    endpoint::Endpoint,
    limits::{BODY_BYTES_MAX, BODY_BYTES_UNTOLD, BODY_TIME_MAX, REQUEST_ID_CHARS_MAX},
    login,
    media::Format,
    problem::HttpError,
    query,
    reply::{REQUEST_ID, Reply},
    result::Style,
    rows, schema,
    uri::Pairs,
};
use crate::{access::Who, admission::Admitted, error::RequestError};

/// What answers the requests of a connection.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) shared: HttpShared,
    pub(super) token: CancellationToken,
}

impl Service {
    /// Answers one request, whatever happens.
    pub(super) async fn answer(self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let request_id = self.request_id(request.headers());
        let format = Format::of_problems(request.headers());
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let answered = AssertUnwindSafe(self.route(request)).catch_unwind().await;
        let reply = match answered.unwrap_or_else(|_| Err(panicked())) {
            Ok(reply) => reply,
            Err(error) => Reply::problem(&error, &request_id, format),
        };
        let status = reply.status.as_u16();
        if reply.status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(request_id, %method, path, status, "HTTP request failed");
        } else {
            tracing::debug!(request_id, %method, path, status, "HTTP request answered");
        }
        reply.with(REQUEST_ID, &request_id).into_response()
    }

    /// The id that the client gave if it is one, else a new one that sorts by time.
    fn request_id(&self, headers: &HeaderMap) -> String {
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
        let fits = |id: &&str| {
            (1..=REQUEST_ID_CHARS_MAX).contains(&id.len())
                && id.chars().all(|c| c.is_ascii_graphic())
        };
        if let Some(id) = given.filter(fits) {
            return id.to_owned();
        }
        let now_ms = self.shared.executor.clock.now_us().div_euclid(1000);
        let mut random = [0; 10];
        random.fill_with(|| fastrand::u8(..));
        let now_ms = u64::try_from(now_ms).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(now_ms, &random).into_uuid().to_string()
    }

    async fn route(&self, request: Request<Incoming>) -> Result<Reply, HttpError> {
        let (parts, body) = request.into_parts();
        let endpoint = Endpoint::find(&parts.method, parts.uri.path())?;
        match endpoint {
            Endpoint::Live => return Ok(Reply::text(StatusCode::OK, "alive\n")),
            Endpoint::Ready => return Ok(self.ready()),
            _ if self.token.is_cancelled() => return Err(HttpError::Stopping),
            _ => {}
        }
        let method = parts.method.clone();
        let admitted = match endpoint {
            Endpoint::Version => None,
            _ => Some(self.admit(&endpoint, &parts, &body)?),
        };
        let who = match endpoint {
            Endpoint::Version => Who::Anybody,
            _ => login::who(&self.shared.executor, &parts.headers).await?,
        };
        let call = self.call(parts, body, who, admitted).await?;
        match endpoint {
            Endpoint::Query => query::answer(&call, &method).await,
            Endpoint::Rows(name, key) => rows::answer(&call, &method, &name, &key).await,
            Endpoint::Keyspaces => schema::keyspaces(&call).await,
            Endpoint::Keyspace(name) => schema::keyspace(&call, &name).await,
            Endpoint::Table(name) => schema::table(&call, &name).await,
            Endpoint::Version | Endpoint::Live | Endpoint::Ready => {
                let version = env!("CARGO_PKG_VERSION");
                Ok(schema::shown(&call, &json!({ "name": "cellar", "version": version })))
            }
        }
    }

    /// Whether requests can be served: the metadata service has told the placement, and the
    /// process is not stopping.
    fn ready(&self) -> Reply {
        let unready = |reason: &'static str| Reply::text(StatusCode::SERVICE_UNAVAILABLE, reason);
        if self.token.is_cancelled() {
            unready("stopping\n")
        } else if self.shared.executor.catalog().version == 0 {
            unready("the metadata service has not been reached yet\n")
        } else {
            Reply::text(StatusCode::OK, "ready\n")
        }
    }

    /// Lets a request in before its body is read.
    fn admit(
        &self,
        endpoint: &Endpoint,
        parts: &Parts,
        body: &Incoming,
    ) -> Result<Admitted, HttpError> {
        let told = body.size_hint().exact().unwrap_or(BODY_BYTES_UNTOLD);
        let bytes = usize::try_from(told).unwrap_or(BODY_BYTES_MAX);
        let keyspace = match endpoint {
            Endpoint::Keyspace(name) => Some(name.clone()),
            Endpoint::Table(name) | Endpoint::Rows(name, _) => Some(name.keyspace.clone()),
            _ => named_keyspace(parts)?,
        };
        let admission = &self.shared.executor.admission;
        Ok(Admitted::new(admission, keyspace.as_deref(), bytes.min(BODY_BYTES_MAX))?)
    }

    async fn call(
        &self,
        parts: Parts,
        body: Incoming,
        who: Who,
        admitted: Option<Admitted>,
    ) -> Result<Call, HttpError> {
        let pairs = Pairs::read(parts.uri.query())?;
        let cql = super::media::names(&parts.headers, "application/cql");
        let style = if cql { Style::default() } else { Style::of(&parts.headers, &pairs)? };
        let body = match parts.method {
            Method::POST | Method::PUT | Method::PATCH => {
                // Refused before it is sent, if the client waits for a word.
                Format::of_body(&parts.headers)?;
                read_body(body).await?
            }
            _ => Bytes::new(),
        };
        let path = parts.uri.path().to_owned();
        let shared = self.shared.clone();
        Ok(Call { shared, headers: parts.headers, path, pairs, body, style, who, admitted })
    }
}

/// The keyspace that the query string or a header names.
fn named_keyspace(parts: &Parts) -> Result<Option<String>, HttpError> {
    let pairs = Pairs::read(parts.uri.query())?;
    let header = || parts.headers.get("cellar-keyspace").and_then(|value| value.to_str().ok());
    Ok(pairs.get("keyspace").or_else(header).map(str::to_owned))
}

async fn read_body(body: Incoming) -> Result<Bytes, HttpError> {
    let told = body.size_hint().lower();
    if usize::try_from(told).map_or(true, |bytes| bytes > BODY_BYTES_MAX) {
        return Err(HttpError::TooLarge { got: Some(told) });
    }
    let reading = Limited::new(body, BODY_BYTES_MAX).collect();
    match tokio::time::timeout(BODY_TIME_MAX, reading).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(HttpError::TooLarge { got: None }),
        Ok(Err(error)) => Err(HttpError::Body { reason: error.to_string() }),
        Err(_) => Err(HttpError::Body { reason: "it took too long".to_owned() }),
    }
}

fn panicked() -> HttpError {
    RequestError::internal("the request met a bug of Cellar; the log has more").into()
}
