//! One tenant that offers many times what the cluster can take, and another that asks for little
//! and goes on: what each is told before, during and after the storm.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use futures::{StreamExt, stream};
use scylla::{
    client::{
        PoolSize, execution_profile::ExecutionProfile, session::Session,
        session_builder::SessionBuilder,
    },
    policies::retry::FallthroughRetryPolicy,
    statement::{Consistency, prepared::PreparedStatement},
};
use serde::Serialize;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use super::outcome;

/// A keyspace for each tenant.
const CREATE: [&str; 4] = [
    "CREATE KEYSPACE IF NOT EXISTS greedy WITH replication = \
     {'class': 'NetworkTopologyStrategy', 'dc1': 3}",
    "CREATE TABLE IF NOT EXISTS greedy.rows (k bigint PRIMARY KEY, v blob)",
    "CREATE KEYSPACE IF NOT EXISTS small WITH replication = \
     {'class': 'NetworkTopologyStrategy', 'dc1': 3}",
    "CREATE TABLE IF NOT EXISTS small.rows (k bigint PRIMARY KEY, v blob)",
];
/// How long the driver waits for an answer.
const REQUEST_WITHIN: Duration = Duration::from_secs(20);
/// Keys of each tenant; odd, so that every one of them is read and written.
const KEYS: i64 = 10_007;
/// Pause of a client that was told that there is too much.
const TOLD_OFF: Duration = Duration::from_millis(100);
/// Clients of the greedy tenant while there is no storm.
const CALM_CLIENTS: u32 = 64;
/// Of the rate before the storm, what counts as back, in percent.
const BACK_PERCENT: u64 = 80;
/// Writes at once while the tables are filled.
const FILLING: usize = 64;
/// Left out at the beginning of a phase.
const SETTLING: Duration = Duration::from_secs(2);

/// How much.
#[derive(Clone, Debug)]
pub struct Gale {
    /// The frontends, "host:port".
    pub frontends: Vec<String>,
    /// How long each of the three phases lasts.
    pub phase: Duration,
    /// Connections of the greedy tenant to each frontend.
    pub connections: usize,
    /// Clients of the greedy tenant in the storm; each has one request open.
    pub clients: u32,
    /// Size of its values.
    pub value_bytes: usize,
    /// Requests a second of the small tenant.
    pub rate: u32,
}

/// One phase.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Phase {
    /// Requests of the greedy tenant that were done, a second.
    pub done_per_s: u64,
    /// Its requests that were refused for certain, a second, by class.
    pub refused_per_s: BTreeMap<&'static str, u64>,
    /// Its requests of which nobody knows, by class.
    pub unknown: BTreeMap<&'static str, u64>,
    /// The time to a refusal, 99th percentile, in milliseconds.
    pub refused_p99_ms: u64,
    /// A reason that was given.
    pub reason: Option<String>,
    /// Requests of the small tenant.
    pub small: u64,
    /// Those that failed, by class.
    pub small_failed: BTreeMap<&'static str, u64>,
    /// Their time, 50th percentile, in milliseconds.
    pub small_p50_ms: u64,
    /// 99th percentile.
    pub small_p99_ms: u64,
}

/// The whole of it.
#[derive(Clone, Debug, Serialize)]
pub struct Storm {
    /// Before.
    pub before: Phase,
    /// During.
    pub during: Phase,
    /// After.
    pub after: Phase,
    /// Seconds from the end of the storm until a second in which the greedy tenant got 80 % of what
    /// it got before; none if there was none.
    pub back_after_s: Option<u64>,
}

/// What is counted within a phase.
#[derive(Default)]
struct Counted {
    done: u64,
    by_second: Vec<u64>,
    failed: BTreeMap<(bool, &'static str), u64>,
    refused_ms: Vec<u64>,
    reason: Option<String>,
    small_ms: Vec<u64>,
    small_failed: BTreeMap<&'static str, u64>,
}

struct Tenant {
    session: Session,
    write: PreparedStatement,
    read: PreparedStatement,
}

impl Tenant {
    async fn connect(gale: &Gale, connections: usize, keyspace: &str) -> Result<Self> {
        let profile = ExecutionProfile::builder()
            .consistency(Consistency::LocalQuorum)
            .request_timeout(Some(REQUEST_WITHIN))
            .retry_policy(Arc::new(FallthroughRetryPolicy))
            .build();
        let connections = NonZeroUsize::new(connections).unwrap_or(NonZeroUsize::MIN);
        let session = SessionBuilder::new()
            .known_nodes(&gale.frontends)
            .default_execution_profile_handle(profile.into_handle())
            .pool_size(PoolSize::PerHost(connections))
            .build()
            .await
            .context("cannot connect")?;
        crate::session::run(&session, &CREATE).await?;
        let write = format!("INSERT INTO {keyspace}.rows (k, v) VALUES (?, ?)");
        let read = format!("SELECT v FROM {keyspace}.rows WHERE k = ?");
        let (write, read) = (session.prepare(write).await?, session.prepare(read).await?);
        Ok(Self { session, write, read })
    }

    /// Writes every key, so that the load finds the same before the storm as after it.
    async fn fill(&self, value: &[u8]) -> Result<()> {
        let write = |key| self.session.execute_unpaged(&self.write, (key, value));
        let mut writes = stream::iter(0..KEYS).map(write).buffer_unordered(FILLING);
        while let Some(written) = writes.next().await {
            written.context("cannot fill the table")?;
        }
        Ok(())
    }

    async fn ask(&self, number: i64, value: &[u8]) -> Result<(), (outcome::Failure, String)> {
        let key = number.wrapping_mul(7_919).rem_euclid(KEYS);
        let answer = match number.rem_euclid(2) {
            0 => self.session.execute_unpaged(&self.write, (key, value)).await,
            _ => self.session.execute_unpaged(&self.read, (key,)).await,
        };
        answer.map(drop).map_err(|error| (outcome::failure(&error), error.to_string()))
    }
}

struct Weather {
    greedy: Tenant,
    small: Tenant,
    value: Vec<u8>,
    number: AtomicI64,
    counted: Mutex<(Instant, Counted)>,
}

impl Weather {
    fn count(&self, note: impl FnOnce(&mut Counted, Duration)) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let since = counted.0.elapsed();
        note(&mut counted.1, since);
    }

    /// What was counted since the last call.
    fn take(&self) -> (Duration, Counted) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, taken) = std::mem::replace(&mut *counted, (Instant::now(), Counted::default()));
        (began.elapsed(), taken)
    }

    async fn be_greedy(self: Arc<Self>, stop: Arc<AtomicBool>) {
        while !stop.load(Ordering::Relaxed) {
            let number = self.number.fetch_add(1, Ordering::Relaxed);
            let began = Instant::now();
            let answer = self.greedy.ask(number, &self.value).await;
            let took_ms = millis(began.elapsed());
            let told_off = answer.is_err();
            self.count(|counted, since| match answer {
                Ok(()) => {
                    counted.done = counted.done.saturating_add(1);
                    let second = usize::try_from(since.as_secs()).unwrap_or(usize::MAX);
                    if second < 100_000 && counted.by_second.len() <= second {
                        counted.by_second.resize(second.saturating_add(1), 0);
                    }
                    if let Some(done) = counted.by_second.get_mut(second) {
                        *done = done.saturating_add(1);
                    }
                }
                Err((failure, reason)) => {
                    let key = (failure.definite, failure.class);
                    let count = counted.failed.entry(key).or_default();
                    *count = count.saturating_add(1);
                    if failure.class == "Overloaded" {
                        counted.refused_ms.push(took_ms);
                        counted.reason.get_or_insert(reason);
                    }
                }
            });
            if told_off {
                sleep(TOLD_OFF).await;
            }
        }
    }

    /// Asks at a rate, whatever becomes of it.
    async fn be_small(self: Arc<Self>, rate: u32, stop: Arc<AtomicBool>) {
        let mut ticks = interval(Duration::from_secs(1) / rate.max(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut asked = JoinSet::new();
        while !stop.load(Ordering::Relaxed) {
            ticks.tick().await;
            let (weather, number) = (Arc::clone(&self), asked.len());
            let number = i64::try_from(number).unwrap_or(0);
            asked.spawn(async move {
                let began = Instant::now();
                let answer = weather.small.ask(number, b"small").await;
                let took_ms = millis(began.elapsed());
                weather.count(|counted, _| {
                    counted.small_ms.push(took_ms);
                    if let Err((failure, _)) = answer {
                        let count = counted.small_failed.entry(failure.class).or_default();
                        *count = count.saturating_add(1);
                    }
                });
            });
        }
        asked.join_all().await;
    }

    /// One phase with so many greedy clients; its figures without the beginning, and what was done
    /// in each second from the beginning on.
    async fn phase(self: &Arc<Self>, clients: u32, lasts: Duration) -> (Phase, Vec<u64>) {
        let stop = Arc::new(AtomicBool::new(false));
        let mut workers = JoinSet::new();
        for _ in 0..clients {
            workers.spawn(Arc::clone(self).be_greedy(Arc::clone(&stop)));
        }
        self.take();
        sleep(SETTLING).await;
        let (_, settling) = self.take();
        sleep(lasts).await;
        let (lasted, counted) = self.take();
        stop.store(true, Ordering::Relaxed);
        workers.join_all().await;
        let mut by_second = settling.by_second;
        by_second.extend(&counted.by_second);
        (figures(lasted, counted), by_second)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let at = sorted.len().saturating_sub(1).saturating_mul(percent) / 100;
    sorted.get(at).copied().unwrap_or(0)
}

fn figures(lasted: Duration, mut counted: Counted) -> Phase {
    let per_s = |count: u64| count.saturating_mul(1_000) / millis(lasted).max(1);
    counted.small_ms.sort_unstable();
    counted.refused_ms.sort_unstable();
    let mut phase = Phase {
        done_per_s: per_s(counted.done),
        refused_p99_ms: percentile(&counted.refused_ms, 99),
        reason: counted.reason,
        small: u64::try_from(counted.small_ms.len()).unwrap_or(u64::MAX),
        small_failed: counted.small_failed,
        small_p50_ms: percentile(&counted.small_ms, 50),
        small_p99_ms: percentile(&counted.small_ms, 99),
        ..Phase::default()
    };
    for ((definite, class), count) in counted.failed {
        match definite {
            true => drop(phase.refused_per_s.insert(class, per_s(count))),
            false => drop(phase.unknown.insert(class, count)),
        }
    }
    phase
}

/// Calm, storm, calm. Prints the line `storm` and `calm` when they begin.
///
/// # Errors
/// A service that cannot be set up.
pub async fn storm(gale: &Gale) -> Result<Storm> {
    let small = Tenant::connect(gale, 1, "small").await?;
    let greedy = Tenant::connect(gale, gale.connections, "greedy").await?;
    let value: Vec<u8> = (0..gale.value_bytes).map(|at| at.to_le_bytes()[0] ^ 0x5a).collect();
    greedy.fill(&value).await?;
    small.fill(b"small").await?;
    let weather = Arc::new(Weather {
        greedy,
        small,
        value,
        number: AtomicI64::new(0),
        counted: Mutex::new((Instant::now(), Counted::default())),
    });
    let stop = Arc::new(AtomicBool::new(false));
    let mut steady = JoinSet::new();
    steady.spawn(Arc::clone(&weather).be_small(gale.rate, Arc::clone(&stop)));
    println!("loading");
    let (before, _) = weather.phase(CALM_CLIENTS, gale.phase).await;
    println!("storm");
    let (during, _) = weather.phase(gale.clients, gale.phase).await;
    println!("calm");
    let (after, by_second) = weather.phase(CALM_CLIENTS, gale.phase).await;
    stop.store(true, Ordering::Relaxed);
    steady.join_all().await;
    let enough = before.done_per_s.saturating_mul(BACK_PERCENT) / 100;
    let back = by_second.iter().position(|done| *done >= enough);
    let back_after_s = back.and_then(|at| u64::try_from(at).ok()).map(|at| at.saturating_add(1));
    Ok(Storm { before, during, after, back_after_s })
}
