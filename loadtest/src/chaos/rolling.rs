//! Load through a stock driver as applications use it, default retries included: during a rolling
//! restart no request may fail.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use scylla::{
    client::{PoolSize, session::Session, session_builder::SessionBuilder},
    statement::prepared::PreparedStatement,
};
use serde::Serialize;
use tokio::{task::JoinSet, time::Instant};

/// Tables of the load.
const CREATE: [&str; 2] = [
    "CREATE KEYSPACE IF NOT EXISTS rolling WITH replication = \
     {'class': 'NetworkTopologyStrategy', 'dc1': 3}",
    "CREATE TABLE IF NOT EXISTS rolling.rust (k bigint PRIMARY KEY, v bigint)",
];

/// What happened while processes were restarted.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Rolling {
    /// Requests.
    pub requests: u64,
    /// Requests that failed, by error.
    pub failed: BTreeMap<String, u64>,
    /// The slowest request in milliseconds.
    pub slowest_ms: u64,
}

/// Writes and reads through all frontends until a line comes. Statements are marked idempotent, as
/// they are, and everything else is the driver's default.
///
/// # Errors
/// A service that cannot be set up.
pub async fn rolling(frontends: &[String], clients: u32) -> Result<Rolling> {
    let session = SessionBuilder::new()
        .known_nodes(frontends)
        .pool_size(PoolSize::PerHost(NonZeroUsize::MIN))
        .build()
        .await
        .context("cannot connect")?;
    crate::session::run(&session, &CREATE).await?;
    let mut write = session.prepare("INSERT INTO rolling.rust (k, v) VALUES (?, ?)").await?;
    let mut read = session.prepare("SELECT v FROM rolling.rust WHERE k = ?").await?;
    write.set_is_idempotent(true);
    read.set_is_idempotent(true);
    let load = Arc::new(Load {
        session,
        write,
        read,
        number: AtomicU64::new(0),
        stopped: AtomicBool::new(false),
    });
    let mut workers = JoinSet::new();
    for _ in 0..clients {
        workers.spawn(Arc::clone(&load).work());
    }
    println!("loading");
    super::asked().await;
    load.stopped.store(true, Ordering::Relaxed);
    let mut all = Rolling::default();
    while let Some(one) = workers.join_next().await {
        let one = one??;
        all.requests = all.requests.saturating_add(one.requests);
        all.slowest_ms = all.slowest_ms.max(one.slowest_ms);
        for (error, count) in one.failed {
            let sum = all.failed.entry(error).or_default();
            *sum = sum.saturating_add(count);
        }
    }
    Ok(all)
}

struct Load {
    session: Session,
    write: PreparedStatement,
    read: PreparedStatement,
    number: AtomicU64,
    stopped: AtomicBool,
}

impl Load {
    async fn work(self: Arc<Self>) -> Result<Rolling> {
        let mut figures = Rolling::default();
        while !self.stopped.load(Ordering::Relaxed) {
            let number = i64::try_from(self.number.fetch_add(1, Ordering::Relaxed))?;
            let key = number % 10_000;
            let began = Instant::now();
            let answer = match number % 2 {
                0 => self.session.execute_unpaged(&self.write, (key, number)).await,
                _ => self.session.execute_unpaged(&self.read, (key,)).await,
            };
            let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            figures.slowest_ms = figures.slowest_ms.max(took_ms);
            figures.requests = figures.requests.saturating_add(1);
            if let Err(error) = answer {
                let count = figures.failed.entry(error.to_string()).or_default();
                *count = count.saturating_add(1);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(figures)
    }
}
