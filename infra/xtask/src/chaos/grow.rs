//! `cargo xtask grow`: fills an empty cluster of eight processes through a stock driver, adds an
//! empty fourth node while it goes on, and measures how cells, leaders and bytes spread by
//! themselves. No request may fail, and the newcomer must own its share in time.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    EIGHT,
    load::{Load, frontends},
};
use crate::{local::Local, places::Places};

/// Of its fair share, what the newcomer must own, in percent.
const SHARE_PERCENT: u64 = 80;
/// How long it may take.
const SHARE_WITHIN: Duration = Duration::from_secs(300);
/// How long leaders may take to even out once nothing is written.
const EVEN_WITHIN: Duration = Duration::from_secs(120);
/// Between two lines of progress.
const TOLD_EVERY: Duration = Duration::from_secs(15);

/// How much.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Bytes of values to write, in 10^9; the fourth node comes at half.
    #[arg(long, default_value_t = 5.0)]
    gigabytes: f64,
    /// Size of a cell from which it splits; everything else is the default.
    #[arg(long, default_value = "128MiB")]
    cell_split_bytes: String,
    /// Size of a row's value.
    #[arg(long, default_value_t = 4000)]
    value_bytes: u32,
    /// Requests in flight.
    #[arg(long, default_value_t = 128)]
    clients: u32,
}

/// A node, as `cellar nodes` tells of it.
#[derive(Clone, Copy, Debug, Serialize)]
struct Owned {
    node: u64,
    cells: u64,
    leads: u64,
    hot_bytes: u64,
    moved_bytes: u64,
}

/// Runs it; an error if a request failed or the spread is not as it should be.
pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    // One rack: among three, a fourth node could only share with the one in its own.
    let set = ["--rack", "rack1", "--cell-split-bytes", &options.cell_split_bytes];
    let cluster = Local::start_with(places, "grow", EIGHT, &set)?;
    let mut command = std::process::Command::new(places.program("cellar-chaos")?);
    command.args(["fill", "--cql", &frontends(&cluster)]);
    command.args(["--clients", &options.clients.to_string()]);
    command.args(["--value-bytes", &options.value_bytes.to_string()]);
    let load = Load::spawn(&mut command)?;
    let mut growth = Growth { cluster: &cluster, load, began: Instant::now(), told: None };
    let half = options.gigabytes * 5e8;
    growth.until(|bytes, _| bytes >= half)?;
    let (half_s, before) = (growth.began.elapsed().as_secs_f64(), owned(&cluster)?);
    let output = cluster.verb(&["add", "node"]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cannot add a node: {said}");
    let added = Instant::now();
    let mut fair = None;
    growth.until(|bytes, nodes| {
        if fair.is_none() && share_percent(nodes) >= SHARE_PERCENT {
            fair = Some(added.elapsed());
        }
        bytes >= half * 2.0 && (fair.is_some() || added.elapsed() > SHARE_WITHIN)
    })?;
    let (seconds, loaded) = (growth.began.elapsed().as_secs_f64(), owned(&cluster)?);
    let filled = growth.load.end()?;
    let even_s = evened(&cluster)?;
    let figures = json!({
        "cell_split_bytes": options.cell_split_bytes,
        "half": { "seconds": half_s, "nodes": before },
        "loaded": { "seconds": seconds, "nodes": loaded, "load": filled },
        "newcomer": {
            "share_percent": share_percent(&loaded),
            "fair_after_s": fair.map(|fair| fair.as_secs_f64()),
        },
        "leaders": { "even_after_s": even_s, "nodes": owned(&cluster)? },
    });
    println!("{}", serde_json::to_string_pretty(&figures)?);
    let failed = filled.get("failed").and_then(Value::as_object).context("no figures")?;
    ensure!(failed.is_empty(), "requests failed");
    let in_time = fair.is_some_and(|fair| fair <= SHARE_WITHIN);
    ensure!(in_time, "the fourth node did not get its share in time");
    ensure!(even_s.is_some(), "leaders did not even out");
    cluster.stop()
}

/// A cluster that is being filled.
struct Growth<'a> {
    cluster: &'a Local,
    load: Load,
    began: Instant,
    told: Option<Instant>,
}

impl Growth<'_> {
    /// Looks each second until it is enough: by bytes written and the nodes.
    fn until(&mut self, mut enough: impl FnMut(f64, &[Owned]) -> bool) -> Result<()> {
        loop {
            self.load.still_runs()?;
            let filled = self.load.say("how much")?;
            let bytes = filled.get("bytes").and_then(Value::as_f64).context("no bytes")?;
            let nodes = owned(self.cluster)?;
            if self.told.is_none_or(|told| told.elapsed() > TOLD_EVERY) {
                self.told = Some(Instant::now());
                let line = json!({
                    "second": self.began.elapsed().as_secs(),
                    "gigabytes": bytes / 1e9,
                    "slowest_ms": filled.get("slowest_lately_ms"),
                    "nodes": nodes,
                });
                println!("xtask: {line}");
            }
            if enough(bytes, &nodes) {
                return Ok(());
            }
            thread::sleep(Duration::from_secs(1));
        }
    }
}

/// What each node owns; a node that does not answer owns nothing.
fn owned(cluster: &Local) -> Result<Vec<Owned>> {
    let said = cluster.ask(&["nodes", "--json"])?;
    let nodes = said.as_array().context("nodes are a list")?;
    let of = |node: &Value, key| node.get(key).and_then(Value::as_u64).unwrap_or(0);
    let one = |node: &Value| Owned {
        node: of(node, "node"),
        cells: of(node, "cells"),
        leads: of(node, "leads"),
        hot_bytes: of(node, "hot_bytes"),
        moved_bytes: of(node, "moved_bytes"),
    };
    Ok(nodes.iter().map(one).collect())
}

/// What the youngest of four nodes owns of its fair share of all bytes, in percent; 0 before there
/// are four.
fn share_percent(nodes: &[Owned]) -> u64 {
    let total: u64 = nodes.iter().map(|node| node.hot_bytes).sum();
    let youngest = nodes.iter().max_by_key(|node| node.node);
    let count = u64::try_from(nodes.len()).unwrap_or(u64::MAX);
    match youngest {
        Some(youngest) if nodes.len() > 3 && total > 0 => {
            youngest.hot_bytes.saturating_mul(100).saturating_mul(count) / total
        }
        _ => 0,
    }
}

/// Waits until every node leads about as many cells; the seconds that it took, if it came to that.
fn evened(cluster: &Local) -> Result<Option<f64>> {
    let began = Instant::now();
    while began.elapsed() < EVEN_WITHIN {
        let nodes = owned(cluster)?;
        let leads = || nodes.iter().map(|node| node.leads);
        let (least, most) = (leads().min().unwrap_or(0), leads().max().unwrap_or(0));
        let mean = leads().sum::<u64>() / u64::try_from(nodes.len().max(1))?;
        if most.saturating_sub(least) <= (mean / 4).max(2) {
            return Ok(Some(began.elapsed().as_secs_f64()));
        }
        thread::sleep(Duration::from_secs(1));
    }
    Ok(None)
}
