//! The HTTP API: statements, rows by key, and the schema, as JSON or CBOR, over HTTP/1.1 and
//! HTTP/2. Errors are problem documents that say whether the request was applied.
//!
//! One task a connection; requests of HTTP/2 run side by side. When the process stops, requests
//! in flight are answered first. Start at [`listen`]; resources are in `endpoint`.

mod call;
mod document;
mod endpoint;
mod limits;
mod login;
mod media;
mod problem;
mod query;
mod reply;
mod result;
mod rows;
mod schema;
mod service;
mod uri;
mod value;

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use cellar_rpc::tasks::Tasks;
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::net::{TcpListener, TcpStream};

use self::{
    limits::{DRAIN_TIME_MAX, HEAD_TIME_MAX, STREAMS_MAX},
    service::Service,
};
use crate::{cql::Statements, execute::Executor};

/// What every connection shares.
#[derive(Clone, Debug)]
pub struct HttpShared {
    executor: Executor,
    statements: Arc<Statements>,
}

impl HttpShared {
    /// Runs statements on `executor`, prepared ones kept in `statements`.
    #[must_use]
    pub fn new(executor: Executor, statements: Arc<Statements>) -> Self {
        Self { executor, statements }
    }
}

/// Accepts connections until the tasks are shut down. Returns the address bound.
///
/// # Errors
/// The listener's.
pub async fn listen(
    address: SocketAddr,
    shared: HttpShared,
    tasks: &Tasks,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let connections = tasks.child();
    let service = Service { shared, token: tasks.token().clone() };
    tasks.spawn("http-listener", async move {
        accept(listener, service, &connections).await;
        if let Err(unfinished) = connections.wait(DRAIN_TIME_MAX).await {
            tracing::warn!(%unfinished, "HTTP connections were cut off");
        }
    });
    Ok(bound)
}

async fn accept(listener: TcpListener, service: Service, connections: &Tasks) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = service.token.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let serving = serve(stream, peer, service.clone(), connections.clone());
                connections.spawn("http-connection", serving);
            }
            Err(error) => {
                // Out of descriptors: those in use are freed in time.
                tracing::warn!(%error, "cannot accept an HTTP connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Runs the streams of HTTP/2 connections.
#[derive(Clone, Debug)]
struct Streams(Tasks);

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        self.0.spawn("http-stream", async move {
            stream.await;
        });
    }
}

/// Serves one connection until it closes, or until the process stops and what runs is answered.
async fn serve(stream: TcpStream, peer: SocketAddr, service: Service, tasks: Tasks) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "cannot switch off delayed sending");
    }
    let token = service.token.clone();
    let mut builder = auto::Builder::new(Streams(tasks));
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME_MAX);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS_MAX);
    let answer = service_fn(move |request| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), answer));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = token.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // A client that breaks off is its own business.
        tracing::debug!(%peer, %error, "HTTP connection ended");
    }
}
