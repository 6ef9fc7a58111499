//! Seeds of the simulated cluster: the real metadata and cell code over a network, disks and clocks
//! that a seed decides, with every checker; and four builds broken on purpose, each to be caught.
//!
//! Guarantees: fails if any seed is wrong, if a seed does not repeat, or if a broken build passes.
//! The program is built apart from everything else, because only with `tokio_unstable` can the
//! runtime's own choices be seeded, and only it may have a clock that stands still.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Map, Value};

/// The faults that must be found. The program knows another, `forget-word`, that takes more seeds
/// than a run has: a replica must leave, come back and be asked for its vote by one that was cut
/// off, all before it has heard of its leader. A test of the log's own shows that one.
const SABOTAGES: [&str; 4] = ["skip-sync", "answer-early", "skip-epoch", "forget-batch"];
/// Seeds in which a fault must have been found.
const SABOTAGE_SEEDS: u64 = 1_000;

/// Seeds that one process runs: what is left of a simulated cluster is freed with it.
const SEEDS_PER_PROCESS: u64 = 100;
/// The figures that add up.
const SUMS: [&str; 7] =
    ["seeds", "compared", "requests", "answered", "troubles", "cells", "simulated_s"];

/// How much is simulated.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many seeds.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Print everything that happens; for one seed.
    #[arg(long)]
    trace: bool,
    /// Run every so many-th seed twice and compare the traces; 0 for never.
    #[arg(long, default_value_t = 20)]
    twice: u64,
    /// Seeds run at once; by default as many as there are cores.
    #[arg(long)]
    jobs: Option<usize>,
    /// Run the broken builds as well, each until it is caught.
    #[arg(long)]
    sabotage: bool,
}

/// Builds the program and runs the seeds.
///
/// # Errors
/// It cannot be built, a seed was wrong, or a broken build was not caught.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let sound = build(root, "paused")?;
    let wrong = seeds(&sound, options)?;
    if wrong {
        bail!("a seed was wrong; see above");
    }
    if !options.sabotage {
        return Ok(());
    }
    let broken = build(root, "paused,sabotage")?;
    for fault in SABOTAGES {
        println!("xtask: the build with {fault} must be caught ...");
        let mut command = Command::new(&broken);
        command.args(["--seeds", &SABOTAGE_SEEDS.to_string(), "--twice", "0"]);
        command.args(["--sabotage", fault]);
        let status = command.status().context("cannot start the simulator")?;
        if !status.success() {
            bail!("the build with {fault} was not caught");
        }
    }
    Ok(())
}

/// Runs all seeds, some at a time in a process of their own; prints the figures last.
fn seeds(program: &Path, options: &Options) -> Result<bool> {
    let began = Instant::now();
    let mut sum = Map::new();
    let mut wrong = Vec::new();
    let end = options.from.saturating_add(options.seeds);
    let mut next = options.from;
    while next < end {
        let count = SEEDS_PER_PROCESS.min(end - next);
        let mut command = Command::new(program);
        command.args(["--seeds", &count.to_string(), "--from", &next.to_string()]);
        command.args(["--twice", &options.twice.to_string()]);
        if options.trace {
            command.arg("--trace");
        }
        if let Some(jobs) = options.jobs {
            command.args(["--jobs", &jobs.to_string()]);
        }
        let output = command.stderr(Stdio::inherit()).output().context("cannot start it")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let (shown, last) = text.trim_end().rsplit_once('\n').unwrap_or(("", text.trim_end()));
        if !shown.is_empty() {
            println!("{shown}");
        }
        let figures: Map<String, Value> =
            serde_json::from_str(last).with_context(|| format!("no figures but: {last}"))?;
        for (name, figure) in figures {
            match figure {
                Value::Array(seeds) => wrong.extend(seeds),
                Value::Number(number) if SUMS.contains(&name.as_str()) => {
                    let before = sum.get(&name).and_then(Value::as_u64).unwrap_or(0);
                    sum.insert(name, (before + number.as_u64().unwrap_or(0)).into());
                }
                _ => {}
            }
        }
        next = next.saturating_add(count);
    }
    let seconds = began.elapsed().as_secs().max(1);
    sum.insert("from".into(), options.from.into());
    sum.insert("seconds".into(), seconds.into());
    sum.insert("seeds_per_minute".into(), (options.seeds * 60 / seconds).into());
    let is_wrong = !wrong.is_empty();
    sum.insert("wrong".into(), wrong.into());
    println!("{}", Value::Object(sum));
    Ok(is_wrong)
}

/// Builds the program with these features; says where it is.
fn build(root: &Path, features: &str) -> Result<PathBuf> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let target = root.join(target).join("simulate");
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(program)
        .args(["build", "--locked", "-p", "cellar-simulate", "--features", features])
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTFLAGS", "--cfg tokio_unstable")
        .current_dir(root)
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("the simulator does not build with {features}");
    }
    Ok(target.join("debug").join("cellar-simulate"))
}
