//! What takes too long for every push: fuzzing, many kills, the whole year of flights, splits
//! under load through five processes.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::{five, flights, kill9, places::Places};

/// How long the nightly part takes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Time for each fuzz target.
    #[arg(long, default_value_t = 60)]
    fuzz_seconds: u64,
    /// How often the server is killed under load.
    #[arg(long, default_value_t = 50)]
    kills: u32,
}

/// Runs each; the first that fails ends the run.
pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    fuzz(places, options.fuzz_seconds)?;
    println!("xtask: kill -9, {} times ...", options.kills);
    kill9::run(places, &kill9::Options { times: options.kills, seed: 1, hot: true })?;
    kill9::run(places, &kill9::Options { times: 10, seed: 2, hot: false })?;
    println!("xtask: flights of the whole year ...");
    flights::run(places, &flights::Options { year: true })?;
    println!("xtask: five processes, splits under load ...");
    five::run(places, &five::Options { rounds: 4, seconds: 2 })
}

fn fuzz(places: &Places, seconds: u64) -> Result<()> {
    println!("xtask: fuzz, {seconds} s for each target ...");
    let program = places.program("cellar-fuzz")?;
    let status = Command::new(&program)
        .args(["--seconds", &seconds.to_string()])
        .current_dir(&places.root)
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(status.success(), "a fuzz target failed; its input is written above");
    Ok(())
}
