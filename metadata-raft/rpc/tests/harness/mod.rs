//! A server and a client on the loopback, for the tests of this crate.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]
#![allow(dead_code, reason = "each test binary uses a part")]

pub(crate) mod proxy;

use std::{net::SocketAddr, time::Duration};

use cellar_rpc::{
    Client, ClientConfig, Pool, Router, Server, ServerLimits,
    tasks::{Tasks, Unfinished},
};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// A deadline that a healthy test never reaches.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// A typed application error.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AppError {
    NotLeader { leader: Option<u64> },
    Other(String),
}

/// A running server.
pub(crate) struct Running {
    pub(crate) addr: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    pub(crate) ended: oneshot::Receiver<Result<(), Unfinished>>,
    pub(crate) tasks: Tasks,
}

pub(crate) async fn serve(router: Router, limits: ServerLimits) -> Running {
    serve_at("127.0.0.1:0".parse().unwrap(), router, limits).await
}

pub(crate) async fn serve_at(listen: SocketAddr, router: Router, limits: ServerLimits) -> Running {
    let tasks = Tasks::new();
    let server = Server::bind(listen, None, router, limits, &tasks).await.unwrap();
    let addr = server.local_addr();
    let shutdown = CancellationToken::new();
    let (done, ended) = oneshot::channel();
    let stop = shutdown.clone();
    tasks.spawn("server", async move {
        let _ = done.send(server.run(stop).await);
    });
    Running { addr, shutdown, ended, tasks }
}

pub(crate) fn client(addr: SocketAddr) -> Client {
    Pool::new(ClientConfig::default(), &Tasks::new()).client(&addr.to_string())
}

/// A router with `/echo`, `/sleep` (milliseconds), `/fail` and `/panic`.
pub(crate) fn router() -> Router {
    Router::new()
        .call("/echo", |text: String| async move { Ok::<_, AppError>(text) })
        .call("/sleep", |ms: u64| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok::<_, AppError>(ms)
        })
        .call("/fail", |leader: u64| async move {
            Err::<(), _>(AppError::NotLeader { leader: Some(leader) })
        })
        .call("/panic", |(): ()| async move {
            if true {
                panic!("on purpose");
            }
            Ok::<_, AppError>(())
        })
}
