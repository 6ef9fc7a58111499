//! The admin listener of a process: health, metrics, and what operators ask of its cells.

mod cells;
mod cluster;
mod led;
mod metrics;
mod told;

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use cellar_rpc::tasks::Tasks;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, body::Incoming, header, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use serde_json::json;
use tokio::net::TcpListener;

pub(crate) use cells::Operator;
pub(crate) use metrics::Metrics;

/// Tells whether the process can serve; the text says what is missing.
pub(crate) type Readiness = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// What the listener serves.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) readiness: Readiness,
    pub(crate) metrics: Metrics,
    /// Reaches the cells; none in a process that has nothing to do with them.
    pub(crate) operator: Option<Operator>,
}

/// Opens the listener; it closes with `tasks`.
pub(crate) async fn listen(
    address: SocketAddr,
    admin: Admin,
    tasks: &Tasks,
) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| anyhow::anyhow!("cannot listen on {address}: {error}"))?;
    let bound = listener.local_addr()?;
    let connections = tasks.child();
    let token = tasks.token().clone();
    tasks.spawn("admin-listener", async move {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = token.cancelled() => return,
            };
            let Ok((stream, _)) = accepted else { continue };
            let admin = admin.clone();
            let token = token.clone();
            connections.spawn("admin-connection", async move {
                let service = service_fn(move |request| {
                    let admin = admin.clone();
                    async move { Ok::<_, Infallible>(admin.answer(request).await) }
                });
                let builder = auto::Builder::new(TokioExecutor::new());
                let serving = builder.serve_connection(TokioIo::new(stream), service);
                tokio::select! {
                    // A client that breaks off is its own business.
                    _ = serving => {}
                    () = token.cancelled() => {}
                }
            });
        }
    });
    Ok(bound)
}

impl Admin {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/livez") => text(StatusCode::OK, "alive\n"),
            (&Method::GET, "/readyz") => match (self.readiness)() {
                Ok(()) => text(StatusCode::OK, "ready\n"),
                Err(missing) => text(StatusCode::SERVICE_UNAVAILABLE, &format!("{missing}\n")),
            },
            (&Method::GET, "/metrics") => match self.metrics.text() {
                Ok(body) => text(StatusCode::OK, &body),
                Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
            },
            (method, path) => match &self.operator {
                Some(operator) => operator.answer(method, path, request.uri().query()).await,
                None => missing(path),
            },
        }
    }
}

fn text(status: StatusCode, body: &str) -> Response<Full<Bytes>> {
    with_type(status, "text/plain; charset=utf-8", Bytes::copy_from_slice(body.as_bytes()))
}

fn reply(status: StatusCode, value: &serde_json::Value) -> Response<Full<Bytes>> {
    with_type(status, "application/json", value.to_string().into())
}

fn missing(path: &str) -> Response<Full<Bytes>> {
    reply(StatusCode::NOT_FOUND, &json!({ "error": format!("nothing is served at {path}") }))
}

fn with_type(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
