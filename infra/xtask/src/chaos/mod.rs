//! `cargo xtask chaos`: a cluster of eight processes under mixed load while processes are killed,
//! paused and cut off from each other and cells are split, merged and moved; then everything heals,
//! is read back, and the whole history is checked. [`failover`] and [`rolling`] measure what one
//! fault and an orderly restart cost, [`grow`] how a cluster takes in data and nodes,
//! [`many`] what tables and cells cost, [`storm`] what too much load does.
//!
//! All of it runs in namespaces of its own ([`sandbox`]): nothing outlives it, and its network can
//! be cut without touching the machine's.

mod columns;
mod failover;
mod forced;
mod grow;
mod load;
mod many;
mod nemesis;
mod network;
mod rolling;
mod sabotage;
mod sandbox;
mod stall;
mod storm;

use std::{collections::BTreeMap, fs, path::Path, process::Command, thread, time::Duration};

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    cache,
    local::{Local, Shape},
    places::Places,
};
use load::Load;
use nemesis::Nemesis;

/// The cluster of the issue: eight processes.
const EIGHT: Shape = Shape { metadata: 3, nodes: 3, frontends: 2 };
/// Violations that are shown.
const SHOWN: usize = 10;
/// Load before the first fault.
const CALM: Duration = Duration::from_secs(3);

/// What to do to a cluster of processes.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Kill, pause and cut off processes under load, and check the whole history.
    Chaos(Options),
    /// Kill leaders, and then everything, and measure how long ranges are not served.
    Failover(failover::Options),
    /// Drop and add a column under load of three stock drivers; no value may be wrong.
    Columns(columns::Options),
    /// Restart every process under load of stock drivers; no request may fail.
    Rolling(rolling::Options),
    /// Fill an empty cluster, add a node under load, and see that everything spreads by itself.
    Grow(grow::Options),
    /// One tenant offers many times what the cluster can take, another asks for little.
    Storm(storm::Options),
    /// Make a great many tables and cells, and measure what they cost while they are idle.
    Many(many::Options),
}

impl Verb {
    /// Does it.
    pub(crate) fn run(&self, places: &Places) -> Result<()> {
        match self {
            Self::Chaos(options) => run(places, options),
            Self::Columns(options) => columns::run(places, options),
            Self::Failover(options) => failover::run(places, options),
            Self::Rolling(options) => rolling::run(places, options),
            Self::Grow(options) => grow::run(places, options),
            Self::Many(options) => many::run(places, options),
            Self::Storm(options) => storm::run(places, options),
        }
    }
}

/// Freezes the disk of a leader; see [`stall`].
pub(crate) fn stall(places: &Places) -> Result<()> {
    stall::run(places)
}

/// Whether this process runs in the namespaces of a run.
pub(crate) fn is_inside() -> bool {
    sandbox::entered()
}

/// What to break, and for how long.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// How long faults come.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) minutes: f64,
    /// Chooses the faults and the load.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Seconds between two kills; 0 for none.
    #[arg(long, default_value_t = 10)]
    pub(crate) kill_every: u64,
    /// Pauses of a process, in all.
    #[arg(long, default_value_t = 20)]
    pub(crate) pauses: u32,
    /// Cut the network between processes.
    #[arg(long)]
    pub(crate) partitions: bool,
    /// How long the metadata service is cut off, in seconds.
    #[arg(long, default_value_t = 60)]
    pub(crate) metadata_cut: u64,
    /// Splits to force, in all.
    #[arg(long, default_value_t = 0)]
    pub(crate) splits: u32,
    /// Merges to force, in all.
    #[arg(long, default_value_t = 0)]
    pub(crate) merges: u32,
    /// Moves to force, in all; there is a fourth node then.
    #[arg(long, default_value_t = 0)]
    pub(crate) moves: u32,
    /// Leaders that are made to hand over, in all: what a replica has lost is seen when it leads.
    #[arg(long, default_value_t = 0)]
    pub(crate) transfers: u32,
    /// Requests a second.
    #[arg(long, default_value_t = 1000)]
    pub(crate) rate: u32,
    /// Registers.
    #[arg(long, default_value_t = 2000)]
    pub(crate) keys: u32,
    /// Lose acknowledged writes on purpose instead of the faults, and fail if nobody notices.
    #[arg(long)]
    pub(crate) sabotage: bool,
    /// Leave history, faults and logs behind even when all is well.
    #[arg(long)]
    pub(crate) report: bool,
}

/// Runs it; an error if anything is wrong.
fn run(places: &Places, options: &Options) -> Result<()> {
    if !sandbox::entered() {
        return sandbox::enter();
    }
    sandbox::network()?;
    let kept = places.cache.join("chaos");
    fs::create_dir_all(&kept).with_context(|| format!("cannot create {}", kept.display()))?;
    let history = kept.join("history");
    // With a copy on every node there is nowhere to move one to.
    let nodes = EIGHT.nodes + u32::from(options.moves > 0);
    let cluster = Local::start(places, "chaos", Shape { nodes, ..EIGHT })?;
    let mut load = Load::start(places, &cluster, options, &history)?;
    thread::sleep(CALM);
    if options.sabotage {
        return noticed(&cluster, load);
    }
    let mut nemesis = Nemesis::new(&cluster, options)?;
    let broken = nemesis.run(&mut load);
    let healed = nemesis.heal();
    let (faults, log) = nemesis.figures();
    drop(nemesis);
    fs::write(kept.join("faults"), log)?;
    let ended = broken.and(healed).and_then(|()| load.end());
    let verdict = ended.and_then(|report| {
        println!("{}", figures(options, &report, &faults)?);
        correct(&report)
    });
    let verdict = verdict.and(no_panics(&cluster));
    if verdict.is_err() || options.report {
        keep_logs(&cluster, &kept)?;
        println!("xtask: history, faults and logs are in {}", kept.display());
    }
    verdict?;
    cluster.stop()
}

/// Loses writes; an error if the check does not see it.
fn noticed(cluster: &Local, load: Load) -> Result<()> {
    sabotage::lose_writes(cluster)?;
    let report = load.end()?;
    let named = named(&report);
    println!("xtask: lost writes were noticed: {named:?}");
    ensure!(named.contains_key("I-1"), "acknowledged writes were lost and nobody noticed");
    Ok(())
}

/// The report of the load and the faults, as one document.
fn figures(options: &Options, report: &Value, faults: &Value) -> Result<String> {
    let (named, mut report) = (named(report), report.clone());
    let fields = report.as_object_mut().context("a report is an object")?;
    let mut checked = fields.remove("verdict").unwrap_or_default();
    if let Some(checked) = checked.as_object_mut() {
        checked.insert("violations".to_owned(), json!(named));
    }
    fields.insert("checked".to_owned(), checked);
    let seed = options.seed;
    let all = json!({ "seed": seed, "rate": options.rate, "faults": faults, "load": report });
    Ok(serde_json::to_string_pretty(&all)?)
}

fn violations(report: &Value) -> &[Value] {
    let found = report.get("verdict").and_then(|verdict| verdict.get("violations"));
    found.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// How often each invariant was broken.
fn named(report: &Value) -> BTreeMap<String, u32> {
    let mut named = BTreeMap::new();
    for violation in violations(report) {
        let id = violation.get("invariant").and_then(Value::as_str).unwrap_or_default();
        let count: &mut u32 = named.entry(id.to_owned()).or_default();
        *count += 1;
    }
    named
}

/// An error with the first violations, if there are any.
fn correct(report: &Value) -> Result<()> {
    let all = violations(report);
    let shown: Vec<_> = all.iter().take(SHOWN).map(Value::to_string).collect();
    ensure!(all.is_empty(), "{} violations, among them\n{}", all.len(), shown.join("\n"));
    Ok(())
}

/// An error if a process panicked.
fn no_panics(cluster: &Local) -> Result<()> {
    for member in cluster.members()? {
        let log = fs::read(cluster.data.join(&member.id).join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let panic = log.lines().find(|line| line.contains("panicked at"));
        ensure!(panic.is_none(), "{}: {}", member.id, panic.unwrap_or_default());
    }
    Ok(())
}

/// Copies the logs of all processes beside the history.
fn keep_logs(cluster: &Local, kept: &Path) -> Result<()> {
    for member in cluster.members()? {
        let log = cluster.data.join(&member.id).join("log");
        fs::copy(&log, kept.join(format!("{}.log", member.id)))?;
    }
    Ok(())
}

/// Sends a signal to a process.
fn signal(name: &str, pid: u64) -> Result<()> {
    cache::run(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]))
}
