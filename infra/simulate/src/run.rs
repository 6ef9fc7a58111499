//! One run: a cluster, clients and trouble for some time, then calm, then every check.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use cellar_loadtest::history;
use cellar_metadata_api::Metadata;
use cellar_rpc::tasks::Tasks;
use tokio::{
    runtime::Runtime,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    chance::Chance,
    check::{self, Watcher},
    client::{
        Book,
        asking::Asking,
        tables::{self, Known},
        workload::Worker,
    },
    cluster::Cluster,
    faults::Trouble,
    trace::Trace,
};

/// Clients that ask at once.
const CLIENTS: u32 = 4;
/// Time of the run in which things go wrong, in seconds of the simulation.
const TROUBLE_S: (u64, u64) = (6, 20);
/// Time after which a cluster without trouble must be at rest (I-17).
const SETTLE: Duration = Duration::from_secs(60);

/// What a run was and found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The seed that decides everything.
    pub seed: u64,
    /// Hash of everything that happened: equal for equal runs.
    pub hash: u64,
    /// Lines of the trace.
    pub lines: u64,
    /// Requests of the clients.
    pub requests: u64,
    /// Those that were done, found or refused, and not in doubt or failed.
    pub answered: u64,
    /// Times that something was made to go wrong.
    pub troubles: u64,
    /// Cells at the end.
    pub cells: u64,
    /// Time in the simulation, in milliseconds.
    pub lasted_ms: u64,
    /// What must not be, each with the id of the invariant.
    pub violations: Vec<String>,
}

/// Runs a seed. The runtime must be one thread with a clock that is paused and, for runs that
/// repeat, randomness from the same seed.
pub fn run(runtime: &Runtime, seed: u64, shown: bool) -> Report {
    fastrand::seed(seed);
    runtime.block_on(async {
        let trace = Trace::new(shown);
        let mut report = match simulate(seed, trace.clone()).await {
            Ok(report) => report,
            Err(error) => {
                trace.remark(format_args!("{error:#}"));
                Report {
                    violations: vec![format!("the run failed: {error:#}")],
                    ..Report::default()
                }
            }
        };
        report.seed = seed;
        (report.lines, report.hash) = trace.sum();
        report.lasted_ms = u64::try_from(trace.now_ms()).unwrap_or(u64::MAX);
        report
    })
}

async fn simulate(seed: u64, trace: Trace) -> Result<Report> {
    let scratch = tempfile::Builder::new().prefix("cellar-sim-").tempdir_in(memory())?;
    let mut chance = Chance::of(seed, "run");
    let mut cluster = Cluster::start(seed, scratch.path(), trace.clone()).await;
    let network = cluster.surroundings.network.clone();
    let tasks = Tasks::new();
    let members = cluster.metadata();
    let asks = |number: u32| {
        let chance = Chance::of(seed, &format!("asking {number}"));
        Asking::new(&network, &format!("10.0.3.{number}:0"), &members, chance, &tasks)
    };
    let first = asks(0);
    let tables = timeout(Duration::from_secs(30), create(&first)).await.context("no tables")?;
    let [_, _, batches] = &tables;
    let book = Book::new(cluster.began, trace.clone());
    let (stop, clients) = (CancellationToken::new(), Tasks::new());
    let worker = |client: u32| {
        let chance = Chance::of(seed, &format!("client {client}"));
        Worker::new(client, asks(client), tables.clone(), book.clone(), chance)
    };
    for client in 1..=CLIENTS {
        clients.spawn("client", worker(client).work(stop.clone()));
    }
    let mut watcher = Watcher::default();
    let chances = Chance::of(seed, "trouble");
    let mut trouble = Trouble::new(chances, Arc::clone(&first), tables.clone(), tasks.clone());
    let lasts = Duration::from_secs(chance.between(TROUBLE_S.0, TROUBLE_S.1));
    trouble.make(&mut cluster, &mut watcher, lasts).await;
    sleep(Duration::from_secs(2)).await;
    stop.cancel();
    clients.wait(SETTLE).await.context("clients do not end")?;
    let mut violations = check::whole(&first, batches, &book.batches()).await;
    violations.extend(settle(&cluster, &mut watcher, &first).await);
    timeout(Duration::from_secs(120), worker(CLIENTS + 1).read_back())
        .await
        .context("read back")?;
    violations.extend(check::same_rows(&cluster, &tables).await);
    watcher.look_through(&first);
    violations.extend(watcher.violations());
    let operations = book.operations();
    let verdict = history::check(&operations);
    violations.extend(verdict.violations.iter().map(|violation| {
        let witness = violation.witness.join(" | ");
        format!("{}: key {}: {} [{witness}]", violation.invariant, violation.key, violation.what)
    }));
    for violation in &violations {
        trace.note(format_args!("VIOLATION {violation}"));
    }
    let catalog = Arc::clone(&first.metadata.catalog().borrow());
    let cells = catalog.placements.values().map(|all| all.cells().count()).sum::<usize>();
    let in_doubt =
        |outcome| matches!(outcome, history::Outcome::Failed | history::Outcome::Unknown);
    let answered = operations.iter().filter(|asked| !in_doubt(asked.outcome)).count();
    Ok(Report {
        requests: count(operations.len()),
        answered: count(answered),
        troubles: trouble.count,
        cells: count(cells),
        violations,
        ..Report::default()
    })
}

/// Waits until the cluster is at rest; says what is still wrong when it should be.
async fn settle(cluster: &Cluster, watcher: &mut Watcher, asking: &Asking) -> Vec<String> {
    let began = Instant::now();
    let mut quiet = 0;
    loop {
        sleep(Duration::from_millis(200)).await;
        watcher.look(cluster).await;
        let catalog = Arc::clone(&asking.metadata.catalog().borrow());
        match check::settled(cluster, &catalog).await {
            // A client's last request may still be on its way.
            Ok(()) if quiet >= 25 => return Vec::new(),
            Ok(()) => quiet += 1,
            Err(reason) if began.elapsed() > SETTLE => {
                return vec![format!("{reason}; after {SETTLE:?} without trouble")];
            }
            Err(_) => quiet = 0,
        }
    }
}

/// Creates the tables, however often that takes.
async fn create(asking: &Asking) -> [Known; 3] {
    asking.metadata.ready().await;
    for command in tables::commands() {
        while asking.metadata.submit(command.clone()).await.is_err() {
            sleep(Duration::from_millis(100)).await;
        }
    }
    loop {
        let catalog = Arc::clone(&asking.metadata.catalog().borrow());
        let found = |name| Known::find(&catalog, name);
        if let (Some(registers), Some(counters), Some(batches)) =
            (found("registers"), found("counters"), found("batches"))
        {
            return [registers, counters, batches];
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// A folder in memory, where syncing costs nothing.
fn memory() -> std::path::PathBuf {
    let shm = std::path::PathBuf::from("/dev/shm");
    if shm.is_dir() { shm } else { std::env::temp_dir() }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
