//! One served connection: hyper with explicit timers, and the way of a request to its handler.

use std::{
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::FutureExt;
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::{Body, Incoming},
    header::HeaderValue,
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
    time::timeout,
};

use crate::{
    error::Refusal,
    limits::{CONNECTION_WINDOW_BYTES, HEADER_BYTES_MAX, STREAM_WINDOW_BYTES, ServerLimits},
    payload,
    push::{self, PushBody},
    router::{Method, Outcome, Router},
    tasks::{Executor, Tasks},
};

type Answer = Response<Either<Full<Bytes>, PushBody>>;

/// What every connection of a server shares.
pub(crate) struct Shared {
    pub(crate) router: Router,
    pub(crate) limits: ServerLimits,
    pub(crate) tasks: Tasks,
}

/// Tells that the first request's headers are complete.
#[derive(Default)]
struct FirstRequest {
    seen: AtomicBool,
    notify: Notify,
}

impl FirstRequest {
    fn mark(&self) {
        if !self.seen.swap(true, Ordering::Relaxed) {
            self.notify.notify_one();
        }
    }
}

/// Serves one connection until it closes, breaks a deadline, or the group's token is cancelled
/// and its calls in flight are answered.
pub(crate) async fn serve<S>(stream: S, shared: Arc<Shared>) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &shared.limits;
    let first = Arc::new(FirstRequest::default());
    let service = service_fn(|request| {
        first.mark();
        let shared = Arc::clone(&shared);
        async move { Ok::<_, std::convert::Infallible>(answer(request, shared).await) }
    });
    let executor = Executor { tasks: shared.tasks.clone(), name: "rpc request" };
    let connection = http2::Builder::new(executor)
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_millis(limits.ping_interval_ms))
        .keep_alive_timeout(Duration::from_millis(limits.ping_ms_max))
        .max_concurrent_streams(limits.calls_per_connection_max)
        // Callers give up in crowds when a process is slow; that is no reason to hang up on all.
        .max_pending_accept_reset_streams(usize::try_from(limits.calls_per_connection_max).ok())
        .max_header_list_size(HEADER_BYTES_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let header_deadline =
        timeout(Duration::from_millis(limits.header_ms_max), first.notify.notified());
    tokio::select! {
        biased;
        result = connection.as_mut() => return result,
        () = shared.tasks.token().cancelled() => {}
        slow = header_deadline => {
            if slow.is_err() {
                tracing::warn!("connection closed: no complete request header in time");
                return Ok(());
            }
            tokio::select! {
                biased;
                result = connection.as_mut() => return result,
                () = shared.tasks.token().cancelled() => {}
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}

/// Answers one request.
async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Answer {
    if shared.tasks.token().is_cancelled() {
        return refuse(Refusal::ShuttingDown);
    }
    let Some((path, method)) = shared.router.find(request.uri().path()) else {
        return refuse(Refusal::UnknownMethod);
    };
    let body = match read_body(request, &shared.limits).await {
        Ok(body) => body,
        Err(refusal) => return refuse(refusal),
    };
    let running = async {
        match method {
            Method::Call(handler) => match handler(&body).await {
                Outcome::Answer(bytes) => full(StatusCode::OK, bytes),
                Outcome::Error(bytes) => full(StatusCode::UNPROCESSABLE_ENTITY, bytes),
                Outcome::Refused(refusal) => refuse(refusal),
                Outcome::Failed => full(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()),
            },
            Method::Stream(handler) => {
                let (sender, frames) = push::channel(shared.limits.body_bytes_max);
                let Some(handler) = handler(&body, sender) else {
                    return refuse(Refusal::Undecodable);
                };
                let heartbeat = Duration::from_millis(shared.limits.heartbeat_ms);
                let tasks = shared.tasks.clone();
                let body = PushBody::new(path, frames, handler, heartbeat, tasks);
                let mut answer = Response::new(Either::Right(body));
                let interval = HeaderValue::from(shared.limits.heartbeat_ms);
                answer.headers_mut().insert(payload::HEARTBEAT, interval);
                answer
            }
        }
    };
    AssertUnwindSafe(running).catch_unwind().await.unwrap_or_else(|panic| {
        shared.tasks.report_panic(format!("rpc handler {path}").into(), panic.as_ref());
        full(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new())
    })
}

/// Reads a request's body within the limits and checks it against its checksum.
async fn read_body(request: Request<Incoming>, limits: &ServerLimits) -> Result<Bytes, Refusal> {
    let (head, body) = request.into_parts();
    if body.size_hint().lower() > u64::try_from(limits.body_bytes_max).unwrap_or(u64::MAX) {
        return Err(Refusal::TooLarge);
    }
    let whole = Limited::new(body, limits.body_bytes_max).collect();
    let collected = timeout(Duration::from_millis(limits.body_ms_max), whole)
        .await
        .map_err(|_elapsed| Refusal::Slow)?
        .map_err(|error| {
            if error.is::<LengthLimitError>() { Refusal::TooLarge } else { Refusal::Corrupt }
        })?;
    let body = collected.to_bytes();
    if payload::matches(&head.headers, &body) { Ok(body) } else { Err(Refusal::Corrupt) }
}

fn full(status: StatusCode, body: Bytes) -> Answer {
    let checksum = payload::checksum(&body);
    let mut answer = Response::new(Either::Left(Full::new(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(payload::CHECKSUM, checksum);
    answer
}

fn refuse(refusal: Refusal) -> Answer {
    full(refusal.status(), Bytes::new())
}
