//! The serving side: listens, accepts within the connection limit, shuts down in order.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::Semaphore, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    connection::{self, Shared},
    error::BindError,
    limits::ServerLimits,
    router::Router,
    socket::{self, Stream},
    tasks::{Tasks, Unfinished},
};

/// Pause after a failed accept, in milliseconds: out of descriptors, so let some close.
const ACCEPT_PAUSE_MS: u64 = 50;

/// A bound server; [`Server::run`] serves.
pub struct Server {
    listener: TcpListener,
    local: SocketAddr,
    advertised: String,
    shared: Arc<Shared>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("local", &self.local)
            .field("advertised", &self.advertised)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Listens on `listen` with the methods of `router`. Peers are to dial `advertise`
    /// ("host:port"), or the address listened on if there is none.
    ///
    /// # Errors
    /// The address cannot be listened on or advertised, or two handlers share a path.
    pub async fn bind(
        listen: SocketAddr,
        advertise: Option<String>,
        router: Router,
        limits: ServerLimits,
        tasks: &Tasks,
    ) -> Result<Self, BindError> {
        if let Some(path) = router.duplicate() {
            return Err(BindError::DuplicateMethod(path));
        }
        let failed = |source: io::Error| BindError::Listen { addr: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        let advertised = match advertise {
            Some(advertised) => advertised,
            None if local.ip().is_unspecified() => {
                return Err(BindError::NothingToAdvertise(local));
            }
            None => local.to_string(),
        };
        let shared = Arc::new(Shared { router, limits, tasks: tasks.child() });
        Ok(Self { listener, local, advertised, shared })
    }

    /// The address listened on, with the port that was chosen for port 0.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The address that peers are to dial.
    #[must_use]
    pub fn advertised(&self) -> &str {
        &self.advertised
    }

    /// Serves until `shutdown` (or the group of tasks given to bind) is cancelled, then takes no
    /// new calls, ends push streams in order and finishes the calls in flight.
    ///
    /// # Errors
    /// The connections that still had calls in flight when the time to drain was over; they are
    /// aborted.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Unfinished> {
        let Self { listener, local, shared, .. } = self;
        let permits = Arc::new(Semaphore::new(shared.limits.connections_max));
        let abort = CancellationToken::new();
        let stopping = shared.tasks.token().clone();
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                () = stopping.cancelled() => break,
                accepted = socket::accept(&listener) => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%local, %error, "accept failed");
                    sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
                    continue;
                }
            };
            let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
                tracing::warn!(%local, %peer, "connection limit reached, closing");
                continue;
            };
            let (serving, abort) = (Arc::clone(&shared), abort.clone());
            shared.tasks.spawn(format!("rpc connection from {peer}"), async move {
                let _permit = permit;
                let served = abort.run_until_cancelled(connection::serve(stream, serving)).await;
                if let Some(Err(error)) = served {
                    tracing::debug!(%peer, %error, "connection ended");
                }
            });
        }
        drop(listener);
        let drain = Duration::from_millis(shared.limits.drain_ms_max);
        let drained = shared.tasks.shutdown(drain).await;
        abort.cancel();
        drained
    }
}

/// Serves connections that come another way than over a listening socket.
#[derive(Clone)]
pub struct Streams {
    shared: Arc<Shared>,
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}

impl Streams {
    /// Offers the methods of `router`; connections are tasks of a child of `tasks`.
    #[must_use]
    pub fn new(router: Router, limits: ServerLimits, tasks: &Tasks) -> Self {
        Self { shared: Arc::new(Shared { router, limits, tasks: tasks.child() }) }
    }

    /// Serves one connection until it closes or the tasks are told to stop.
    pub fn serve(&self, stream: impl Stream, peer: &str) {
        let (serving, peer) = (Arc::clone(&self.shared), peer.to_owned());
        self.shared.tasks.spawn(format!("rpc connection from {peer}"), async move {
            if let Err(error) = connection::serve(stream, serving).await {
                tracing::debug!(peer, %error, "connection ended");
            }
        });
    }
}
