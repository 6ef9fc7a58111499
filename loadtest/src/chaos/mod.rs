//! Mixed load while somebody breaks the service, and proof that it lost nothing and told no lie.
//!
//! [`run`] creates registers and counters, asks through every frontend until a line comes on
//! standard input, reads everything back through every frontend, and checks the whole history
//! ([`crate::history`]). Each request is tried once, so that every error is seen; what an error
//! leaves open is decided by [`outcome`] alone. Few requests per key are open at once, so that the
//! check is quick.

mod batches;
mod fill;
mod frontend;
mod keys;
mod last;
mod many;
pub mod outcome;
mod report;
mod rolling;
mod storm;
mod worker;

pub use fill::{Filled, fill};
pub use many::{Many, many};
pub use report::Report;
pub use rolling::{Rolling, rolling};
pub use storm::{Gale, Storm, storm};

use std::{
    fs::File,
    io::{BufRead, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};

use crate::history::{self, Operation, text};
use frontend::Frontend;
use keys::Keys;
use report::Tally;

/// What load to make.
#[derive(Clone, Debug)]
pub struct Options {
    /// The frontends, "host:port".
    pub frontends: Vec<String>,
    /// Chooses keys and operations.
    pub seed: u64,
    /// Registers.
    pub keys: u32,
    /// Clients; each has one request open.
    pub clients: u32,
    /// Requests a second, of all clients.
    pub rate: u32,
    /// Where the history goes.
    pub history: PathBuf,
}

/// What all clients share.
struct Shared {
    frontends: Vec<Frontend>,
    keys: Keys,
    /// Brings every write a value of its own.
    values: AtomicU64,
    stopped: AtomicBool,
    /// Zero of the history's clock.
    began: Instant,
}

/// One request that was made: what is in the history, and why it failed if it did.
struct Made {
    operation: Operation,
    failure: Option<outcome::Failure>,
}

impl Shared {
    fn now_ns(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Makes load until a line comes, reads back, checks. Prints the line `loading` once load is made.
///
/// # Errors
/// A service that cannot be set up or read back at the end; violations are in the report.
pub async fn run(options: &Options) -> Result<Report> {
    let shared = Arc::new(prepare(options).await?);
    let (made, mut makes) = mpsc::unbounded_channel();
    let mut workers = JoinSet::new();
    let pause = Duration::from_secs(1) * options.clients / options.rate.max(1);
    for client in 0..options.clients {
        let seed = options.seed.wrapping_mul(1 << 20).wrapping_add(client.into());
        workers.spawn(worker::work(Arc::clone(&shared), client, seed, pause, made.clone()));
    }
    let mut batching = JoinSet::new();
    for (place, _) in (0..).zip(&shared.frontends) {
        batching.spawn(batches::work(Arc::clone(&shared), place));
    }
    let file = File::create(&options.history)
        .with_context(|| format!("cannot create {}", options.history.display()))?;
    let mut recording = JoinSet::new();
    recording.spawn(async move {
        let (mut file, mut tally) = (BufWriter::new(file), Tally::default());
        while let Some(one) = makes.recv().await {
            let Made { operation, failure } = one;
            writeln!(file, "{}", text::line(&operation))?;
            tally.add(operation, failure);
        }
        file.flush()?;
        anyhow::Ok(tally)
    });
    println!("loading");
    while asked().await == "mark" {
        println!("{}", shared.keys.mark(shared.now_ns()));
    }
    let stopped = Instant::now();
    shared.stopped.store(true, std::sync::atomic::Ordering::Relaxed);
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    let mut batches = Vec::new();
    while let Some(sent) = batching.join_next().await {
        batches.extend(sent??);
    }
    println!("reading back");
    let loaded_ns = shared.now_ns();
    let served = last::read_back(&shared, &made).await?;
    drop(made);
    let tally = recording.join_next().await.context("nobody keeps the history")???;
    let read_back = stopped.elapsed();
    let partial = batches::check(&shared, batches).await?;
    let slices: Vec<usize> = (0..options.keys).map(|key| shared.keys.slice(key)).collect();
    drop(shared);
    println!("checking");
    let checking = Instant::now();
    let mut verdict = history::check(&tally.operations);
    verdict.violations.extend(partial);
    Ok(tally.report(verdict, &slices, loaded_ns, [served, read_back, checking.elapsed()]))
}

/// Checks a history that was kept.
///
/// # Errors
/// A file that is no history.
pub fn check(path: &Path) -> Result<history::Verdict> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut operations = Vec::new();
    for line in std::io::BufReader::new(file).lines() {
        operations.push(text::parse(&line?)?);
    }
    Ok(history::check(&operations))
}

/// Connects to each frontend and creates the tables.
async fn prepare(options: &Options) -> Result<Shared> {
    let mut frontends = Vec::new();
    for address in &options.frontends {
        frontends.push(Frontend::connect(address, frontends.is_empty()).await?);
    }
    let Some(first) = frontends.first() else { bail!("no frontend was given") };
    let keys = Keys::new(options.keys, |key| first.token(key))?;
    Ok(Shared {
        frontends,
        keys,
        values: AtomicU64::new(1),
        stopped: AtomicBool::new(false),
        began: Instant::now(),
    })
}

/// Waits for a line on standard input; it is empty at the end and when nobody can be heard.
pub(crate) async fn asked() -> String {
    let heard = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    match heard.await {
        Ok(Ok(line)) => line.trim().to_owned(),
        _ => String::new(),
    }
}
