//! Rows that fill a cluster, through a stock driver with its default retries: each row is written
//! once, and what was acknowledged is counted, so that growth can be compared with it.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use anyhow::{Context, Result};
use cellar_workload::draw::Stream;
use scylla::{
    client::{PoolSize, session::Session, session_builder::SessionBuilder},
    statement::prepared::PreparedStatement,
};
use serde::Serialize;
use tokio::{task::JoinSet, time::Instant};

/// Tables of the load.
const CREATE: [&str; 2] = [
    "CREATE KEYSPACE IF NOT EXISTS fill WITH replication = \
     {'class': 'NetworkTopologyStrategy', 'dc1': 3}",
    "CREATE TABLE IF NOT EXISTS fill.rows (k bigint PRIMARY KEY, v blob)",
];

/// What was written so far.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Filled {
    /// Rows acknowledged.
    pub rows: u64,
    /// Bytes of their values.
    pub bytes: u64,
    /// Requests that failed, by error.
    pub failed: BTreeMap<String, u64>,
    /// The slowest request in milliseconds.
    pub slowest_ms: u64,
    /// The slowest since the line before, in milliseconds.
    pub slowest_lately_ms: u64,
}

/// Writes rows with values of `value_bytes` until a line `stop` comes; any other line is answered
/// with what was written so far, as one JSON line. The values look random: nothing compresses them.
///
/// # Errors
/// A service that cannot be set up.
pub async fn fill(frontends: &[String], clients: u32, value_bytes: usize) -> Result<Filled> {
    let session = SessionBuilder::new()
        .known_nodes(frontends)
        .pool_size(PoolSize::PerHost(NonZeroUsize::MIN.saturating_add(1)))
        .build()
        .await
        .context("cannot connect")?;
    crate::session::run(&session, &CREATE).await?;
    let mut write = session.prepare("INSERT INTO fill.rows (k, v) VALUES (?, ?)").await?;
    write.set_is_idempotent(true);
    let filling = Arc::new(Filling {
        session,
        write,
        value_bytes,
        number: AtomicU64::new(0),
        stopped: AtomicBool::new(false),
        filled: Mutex::default(),
    });
    let mut workers = JoinSet::new();
    for _ in 0..clients {
        workers.spawn(Arc::clone(&filling).work());
    }
    println!("loading");
    loop {
        // An end of the input is a stop as well.
        match super::asked().await.as_str() {
            "stop" | "" => break,
            _ => println!("{}", serde_json::to_string(&filling.told())?),
        }
    }
    filling.stopped.store(true, Ordering::Relaxed);
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(filling.told())
}

struct Filling {
    session: Session,
    write: PreparedStatement,
    value_bytes: usize,
    number: AtomicU64,
    stopped: AtomicBool,
    filled: Mutex<Filled>,
}

impl Filling {
    async fn work(self: Arc<Self>) -> Result<()> {
        while !self.stopped.load(Ordering::Relaxed) {
            let number = self.number.fetch_add(1, Ordering::Relaxed);
            let (key, value) = (i64::try_from(number)?, value(number, self.value_bytes));
            let began = Instant::now();
            let answer = self.session.execute_unpaged(&self.write, (key, value)).await;
            let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.count(took_ms, answer.err().map(|error| error.to_string()));
        }
        Ok(())
    }

    fn count(&self, took_ms: u64, failed: Option<String>) {
        let mut filled = self.filled.lock().unwrap_or_else(PoisonError::into_inner);
        filled.slowest_ms = filled.slowest_ms.max(took_ms);
        filled.slowest_lately_ms = filled.slowest_lately_ms.max(took_ms);
        if let Some(error) = failed {
            let count = filled.failed.entry(error).or_default();
            *count = count.saturating_add(1);
        } else {
            filled.rows = filled.rows.saturating_add(1);
            let bytes = u64::try_from(self.value_bytes).unwrap_or(u64::MAX);
            filled.bytes = filled.bytes.saturating_add(bytes);
        }
    }

    fn told(&self) -> Filled {
        let mut filled = self.filled.lock().unwrap_or_else(PoisonError::into_inner);
        let told = filled.clone();
        filled.slowest_lately_ms = 0;
        told
    }
}

/// The value of a row: bytes that look random.
fn value(number: u64, bytes: usize) -> Vec<u8> {
    let draw = Stream::new(number, 5);
    (0_u64..).flat_map(|index| draw.bits(index).to_le_bytes()).take(bytes).collect()
}
