//! One long-lived connection to a peer: made when first needed, made again after it broke, with
//! a growing pause with jitter after failures. Callers meanwhile fail at once, as not sent.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::Full;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::{
    sync::Mutex as AsyncMutex,
    time::{Instant, timeout},
};

use crate::{
    error::NotSentReason,
    limits::{
        CONNECTION_WINDOW_BYTES, ClientLimits, HEADER_BYTES_MAX, RESET_KEPT_MS, STREAM_WINDOW_BYTES,
    },
    socket::Network,
    tasks::{Executor, Tasks},
};

/// The requests' side of a connection.
pub(crate) type Requests = SendRequest<Full<Bytes>>;

/// Where and how to connect.
pub(crate) struct Target {
    pub(crate) peer: Arc<str>,
    pub(crate) source: Option<IpAddr>,
    pub(crate) network: Arc<dyn Network>,
    pub(crate) limits: ClientLimits,
    pub(crate) tasks: Tasks,
}

/// A place for one connection.
pub(crate) struct Slot {
    target: Arc<Target>,
    state: Mutex<State>,
    connecting: AsyncMutex<()>,
}

#[derive(Default)]
struct State {
    requests: Option<Requests>,
    failures: u32,
    failed: Option<(Instant, Arc<io::Error>)>,
}

impl Slot {
    pub(crate) fn new(target: Arc<Target>) -> Arc<Self> {
        Arc::new(Self { target, state: Mutex::default(), connecting: AsyncMutex::new(()) })
    }

    /// The open connection, or a new one.
    pub(crate) async fn requests(self: &Arc<Self>) -> Result<Requests, NotSentReason> {
        if let Some(open) = self.open() {
            return Ok(open);
        }
        let (done, finished) = tokio::sync::oneshot::channel();
        let slot = Arc::clone(self);
        // A task of its own, so that a caller's short deadline does not abandon the attempt that
        // the callers behind it wait for.
        self.target.tasks.spawn(format!("rpc connect to {}", self.target.peer), async move {
            let stop = slot.target.tasks.token();
            if let Some(result) = stop.run_until_cancelled(slot.connect()).await {
                // The caller may have gone; the connection stays for the next.
                let _gone = done.send(result);
            }
        });
        finished.await.unwrap_or(Err(NotSentReason::ShutDown))
    }

    fn open(&self) -> Option<Requests> {
        self.state.lock().requests.as_ref().filter(|open| !open.is_closed()).cloned()
    }

    /// Connects unless another caller just did, or the pause after a failure is not over.
    async fn connect(&self) -> Result<Requests, NotSentReason> {
        let arrived = Instant::now();
        let _one_at_a_time = self.connecting.lock().await;
        if let Some(open) = self.open() {
            return Ok(open);
        }
        if let Some((until, last)) = self.state.lock().failed.clone() {
            let remaining = until.saturating_duration_since(arrived);
            if !remaining.is_zero() {
                return Err(NotSentReason::BackingOff { remaining, last });
            }
        }
        let limit = Duration::from_millis(self.target.limits.connect_ms_max);
        let outcome = timeout(limit, self.dial()).await.unwrap_or_else(|_elapsed| {
            Err(io::Error::new(io::ErrorKind::TimedOut, format!("no connection in {limit:?}")))
        });
        let mut state = self.state.lock();
        match outcome {
            Ok(open) => {
                *state = State { requests: Some(open.clone()), failures: 0, failed: None };
                Ok(open)
            }
            Err(error) => {
                let error = Arc::new(error);
                let pause = pause(state.failures, &self.target.limits);
                state.requests = None;
                state.failures = state.failures.saturating_add(1);
                state.failed = Some((Instant::now() + pause, Arc::clone(&error)));
                Err(NotSentReason::Connect(error))
            }
        }
    }

    async fn dial(&self) -> io::Result<Requests> {
        let Target { peer, source, network, limits, tasks } = &*self.target;
        let stream = network.connect(peer, *source).await?;
        let executor = Executor { tasks: tasks.clone(), name: "rpc call" };
        let (requests, connection) = http2::Builder::new(executor)
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_millis(limits.ping_interval_ms))
            .keep_alive_timeout(Duration::from_millis(limits.ping_ms_max))
            .keep_alive_while_idle(true)
            .max_header_list_size(HEADER_BYTES_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .reset_stream_duration(Duration::from_millis(RESET_KEPT_MS))
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let connection: BoxFuture<'static, hyper::Result<()>> = Box::pin(connection);
        let (peer, stop) = (Arc::clone(peer), tasks.token().clone());
        tasks.spawn(format!("rpc connection to {peer}"), async move {
            if let Some(Err(error)) = stop.run_until_cancelled(connection).await {
                tracing::debug!(%peer, %error, "connection ended");
            }
        });
        Ok(requests)
    }
}

/// The pause after a failed connect: doubled per failure, of which a random half is taken off so
/// that the peers of a restarted process do not return all at once.
fn pause(failures: u32, limits: &ClientLimits) -> Duration {
    let doubled = limits.backoff_ms_min.saturating_mul(1_u64 << failures.min(20));
    let full = doubled.clamp(1, limits.backoff_ms_max.max(1));
    Duration::from_millis(full - fastrand::u64(0..=full / 2))
}
