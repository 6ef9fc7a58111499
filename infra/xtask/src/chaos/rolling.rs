//! `cargo xtask rolling`: restarts each of eight processes in order, one after the other, while two
//! stock drivers write and read with their default retries. No request may fail. With `--from` it
//! is a rolling upgrade.

use std::{path::PathBuf, process::Command, thread, time::Duration};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use super::{
    EIGHT,
    load::{Load, frontends},
    sandbox,
};
use crate::{cache, local::Local, places::Places};

/// The load of the Python driver.
const PYTHON: &str = "infra/xtask/src/chaos/rolling.py";

/// How long to wait.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Seconds before each restart; drivers need some to find a frontend again.
    #[arg(long, default_value_t = 5)]
    pub(crate) seconds: u64,
    /// Times around.
    #[arg(long, default_value_t = 1)]
    pub(crate) rounds: u32,
    /// Another build of `cellar` to begin with: a rolling upgrade instead of a restart.
    #[arg(long)]
    pub(crate) from: Option<PathBuf>,
}

/// Runs it; an error if a request failed.
pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    // What is missing is fetched before the network is gone.
    let python = cache::python(places)?.join("bin/python");
    if !sandbox::entered() {
        return sandbox::enter();
    }
    sandbox::network()?;
    let from = options.from.as_deref();
    let cluster = Local::start_of(places, "rolling", EIGHT, &[], from)?;
    let mut rust = Command::new(places.program("cellar-chaos")?);
    let mut rust = Load::spawn(rust.args(["rolling", "--cql", &frontends(&cluster)]))?;
    let mut command = Command::new(python);
    command.arg(places.root.join(PYTHON)).args(cluster.cql.iter().map(ToString::to_string));
    let mut python = Load::spawn(&mut command)?;
    for round in 1..=options.rounds {
        for member in cluster.members()? {
            thread::sleep(Duration::from_secs(options.seconds));
            for verb in ["stop", "start"] {
                let output = cluster.verb(&[verb, &member.id]).output()?;
                let said = String::from_utf8_lossy(&output.stderr);
                ensure!(output.status.success(), "{verb} {}: {said}", member.id);
            }
            rust.still_runs()?;
            python.still_runs()?;
            println!("xtask: round {round}: {} restarted", member.id);
        }
    }
    thread::sleep(Duration::from_secs(options.seconds));
    let (rust, python) = (rust.end()?, python.end()?);
    println!("{}", serde_json::to_string_pretty(&json!({ "rust": rust, "python": python }))?);
    for (name, figures) in [("Rust", &rust), ("Python", &python)] {
        let failed = figures.get("failed").and_then(Value::as_object).context("no figures")?;
        ensure!(failed.is_empty(), "requests failed through the {name} driver");
    }
    cluster.stop()
}
