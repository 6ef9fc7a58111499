//! `cargo xtask columns`: a column is dropped and added again, over and over, while the stock
//! Python, Node.js and Rust drivers write and read its table through two frontends. What counts as
//! a fault is described in `infra/tests/drivers/COLUMNS.md`; there must be none.

use std::{process::Command, thread, time::Duration};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Map, Value};

use super::load::{Load, frontends};
use crate::{
    cache,
    local::{Local, Shape},
    places::Places,
};

/// Requests of each program a second that any machine gets done.
const FEWEST: u64 = 2;

/// How long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long the table is altered, in minutes.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) minutes: f64,
    /// Seconds between two ALTERs.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) every: f64,
}

/// Runs it; an error if anything was wrong.
pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    let python = cache::python(places)?.join("bin/python");
    let modules = cache::node_modules(places)?;
    let cluster = Local::start(places, "columns", Shape { metadata: 1, nodes: 1, frontends: 2 })?;
    let hosts = frontends(&cluster);
    let state = cluster.data.join("columns-state");
    let program = |command: &mut Command| {
        let spawned = Load::spawn(command.args(["--hosts", &hosts, "--state"]).arg(&state));
        spawned.with_context(|| format!("{command:?}"))
    };
    let drivers = places.tests("drivers");
    let mut alter = Command::new(&python);
    let every = options.every.to_string();
    let alter = program(alter.arg(drivers.join("python/columns.py")).args(["--alter", &every]))?;
    let mut loads = Vec::new();
    for version in ["4", "5"] {
        let mut command = Command::new(&python);
        command.arg(drivers.join("python/columns.py")).args(["--protocol", version]);
        loads.push((format!("Python over version {version}"), program(&mut command)?));
    }
    let mut node = Command::new("node");
    node.arg(drivers.join("node/columns.js")).env("NODE_PATH", modules);
    loads.push(("Node.js".to_owned(), program(&mut node)?));
    let mut rust = Command::new(places.program("cellar-drivers")?);
    rust.args(["--node", &hosts, "columns", "--state"]).arg(&state);
    loads.push(("Rust".to_owned(), Load::spawn(&mut rust)?));
    thread::sleep(Duration::try_from_secs_f64(options.minutes * 60.0)?);
    let mut reports = Map::new();
    for (name, load) in loads {
        reports.insert(name.clone(), load.end().with_context(|| name)?);
    }
    let altered = alter.end().context("the program that alters")?;
    println!("{altered}\n{}", serde_json::to_string_pretty(&reports)?);
    for (name, report) in &reports {
        check(report, options).with_context(|| name.clone())?;
    }
    cluster.stop()
}

fn check(report: &Value, options: &Options) -> Result<()> {
    let faults = report.get("faults").and_then(Value::as_object).context("no faults told")?;
    ensure!(faults.is_empty(), "{} kinds of faults, see above", faults.len());
    let count = |key| report.get(key).and_then(Value::as_u64).unwrap_or_default();
    let (requests, refused) = (count("requests"), count("refused"));
    let asked = Duration::try_from_secs_f64(options.minutes * 60.0)?.as_secs();
    ensure!(requests > asked.saturating_mul(FEWEST), "only {requests} requests");
    ensure!(refused > 0, "no request met a dropped column");
    Ok(())
}
