//! `cargo xtask failover`: kills the node that leads most cells, again and again, and measures how
//! long ranges take no write; then kills everything at once and measures until all ranges do.

use std::{
    collections::BTreeMap,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use super::{EIGHT, Options as Chaos, correct, load::Load, sandbox, signal};
use crate::{
    local::{Local, Member},
    places::Places,
};

/// Load before each fault.
const CALM: Duration = Duration::from_secs(4);
/// How long every range may take to be written again.
const WHOLE_WITHIN: Duration = Duration::from_secs(120);
/// How long gaps are watched after a kill, at least; the node stays dead meanwhile.
const WATCHED: Duration = Duration::from_secs(8);
/// Between two looks at the gaps.
const WATCH: Duration = Duration::from_secs(1);
/// Between two looks at whether all is written.
const LOOK: Duration = Duration::from_millis(20);

/// How often.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Kills of a leader.
    #[arg(long, default_value_t = 20)]
    pub(crate) times: u32,
    /// Kills of the whole cluster.
    #[arg(long, default_value_t = 3)]
    pub(crate) whole: u32,
    /// The load, and chooses nothing else.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Requests a second.
    #[arg(long, default_value_t = 1000)]
    pub(crate) rate: u32,
}

/// Runs it; an error if ranges stay unserved, or anything was lost.
pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    if !sandbox::entered() {
        return sandbox::enter();
    }
    sandbox::network()?;
    let kept = places.cache.join("failover");
    std::fs::create_dir_all(&kept)?;
    let cluster = Local::start(places, "failover", EIGHT)?;
    let chaos = load_of(options);
    let mut load = Load::start(places, &cluster, &chaos, &kept.join("history"))?;
    let (mut gaps, mut whole) = (Vec::new(), Vec::new());
    for number in 1..=options.times {
        thread::sleep(CALM);
        let (leads, gap_ms) = kill_leader(&cluster, &mut load)?;
        println!("xtask: leader kill {number}: led {leads} cells, longest gap {gap_ms} ms");
        gaps.push(gap_ms);
    }
    for number in 1..=options.whole {
        thread::sleep(CALM);
        let (ready_ms, written_ms) = kill_all(&cluster, &mut load)?;
        println!(
            "xtask: whole cluster {number}: all ready after {ready_ms} ms, every range written \
             after {written_ms} ms"
        );
        whole.push(json!({ "ready_ms": ready_ms, "written_ms": written_ms }));
    }
    let report = load.end()?;
    gaps.sort_unstable();
    let median = gaps.get(gaps.len() / 2);
    let leader_gap_ms = json!({ "all": gaps, "p50": median, "max": gaps.last() });
    let figures = json!({ "leader_gap_ms": leader_gap_ms, "whole_cluster": whole,
        "unknown": report.get("unknown"), "definite": report.get("definite") });
    println!("{}", serde_json::to_string_pretty(&figures)?);
    correct(&report).with_context(|| format!("the history is in {}", kept.display()))?;
    cluster.stop()
}

impl Options {
    /// Load without kills.
    pub(super) fn calm() -> Self {
        Self { times: 0, whole: 0, seed: 1, rate: 500 }
    }
}

pub(super) fn load_of(options: &Options) -> Chaos {
    Chaos {
        minutes: 0.0,
        seed: options.seed,
        kill_every: 0,
        pauses: 0,
        partitions: false,
        metadata_cut: 0,
        splits: 0,
        merges: 0,
        moves: 0,
        transfers: 0,
        rate: options.rate,
        keys: 2000,
        report: false,
        sabotage: false,
    }
}

/// The node that leads most, and how many cells it leads.
pub(super) fn leader(cluster: &Local) -> Result<(u64, usize)> {
    let mut leads: BTreeMap<u64, usize> = BTreeMap::new();
    let said = cluster.ask(&["cells", "--json"])?;
    for node in said.as_array().into_iter().flatten() {
        let number = node.get("node").and_then(Value::as_u64).context("a node has a number")?;
        leads.insert(number, super::forced::led(&json!([node])).len());
    }
    leads.into_iter().max_by_key(|(_, leads)| *leads).context("no node")
}

/// Kills the node that leads most; returns how many it led and the longest gap of any range.
fn kill_leader(cluster: &Local, load: &mut Load) -> Result<(usize, u64)> {
    let (node, leads) = leader(cluster)?;
    let members = cluster.members()?;
    let victim = members.iter().find(|member| member.id == format!("node-{node}"));
    let victim = victim.with_context(|| format!("there is no node-{node}"))?;
    load.mark()?;
    let killed = Instant::now();
    signal("KILL", victim.pid.context("a node is dead before it is killed")?)?;
    let mut longest_ms = 0;
    loop {
        thread::sleep(WATCH);
        let gaps = load.mark()?;
        longest_ms = gaps.longest_ms.into_iter().fold(longest_ms, u64::max);
        let idle_ms = gaps.idle_ms.into_iter().max().unwrap_or(0);
        if killed.elapsed() > WATCHED && Duration::from_millis(idle_ms) < WATCH {
            break;
        }
        ensure!(killed.elapsed() < WHOLE_WITHIN, "a range was not written for {idle_ms} ms");
    }
    ended(started(cluster, std::slice::from_ref(victim))?)?;
    Ok((leads, longest_ms))
}

/// Waits until every range was written after a moment.
fn written(load: &mut Load, since: Instant) -> Result<Duration> {
    loop {
        let idle = load.mark()?.idle_ms.into_iter().max().unwrap_or(0);
        let now = since.elapsed();
        if Duration::from_millis(idle) < now {
            return Ok(now);
        }
        ensure!(now < WHOLE_WITHIN, "a range was not written for {idle} ms");
        thread::sleep(LOOK);
    }
}

/// Kills all processes and starts them; returns when all were ready and all ranges written.
fn kill_all(cluster: &Local, load: &mut Load) -> Result<(u128, u128)> {
    let members = cluster.members()?;
    for pid in members.iter().filter_map(|member| member.pid) {
        signal("KILL", pid)?;
    }
    let begun = Instant::now();
    ended(started(cluster, &members)?)?;
    let ready = begun.elapsed();
    written(load, begun)?;
    Ok((ready.as_millis(), begun.elapsed().as_millis()))
}

/// Starts processes, all at once.
pub(super) fn started(cluster: &Local, members: &[Member]) -> Result<Vec<Child>> {
    let start = |member: &Member| -> Result<Child> {
        let mut command = cluster.verb(&["start", &member.id]);
        Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?)
    };
    members.iter().map(start).collect()
}

/// Waits until all of them serve.
pub(super) fn ended(children: Vec<Child>) -> Result<()> {
    for mut child in children {
        let status = child.wait()?;
        ensure!(status.success(), "a process does not start: {status}");
    }
    Ok(())
}
