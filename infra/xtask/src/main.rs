//! The project's own commands: `cargo xtask test` is the one the README and CI run.
//!
//! Each step is a plain `cargo` call or a check in [`tidy`]; a step that fails names itself and
//! ends the run with a non-zero status. Start at [`run`].

mod cache;
mod chaos;
mod compatibility;
mod data;
mod differential;
mod disk;
mod doors;
mod drivers;
mod ends;
mod five;
mod flights;
mod hostile;
mod kill9;
mod local;
mod nightly;
mod places;
mod roles;
mod server;
mod simulate;
mod tidy;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

use places::Places;

/// Build, check and test Cellar.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    /// Test the programs as they lie in the target folder, without building them first.
    #[arg(long, global = true)]
    no_build: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Everything CI runs: format, clippy, tidy, unit, property and end-to-end tests.
    Test,
    /// Only the house rules of `infra/docs/architecture.md`; reads, never writes.
    Tidy,
    /// Format, clippy and tidy without running a test; reads, never writes.
    Verify,
    /// Format every crate.
    Fix,
    /// Only the end-to-end tests of `test`.
    Ends,
    /// Stock drivers run one script against the real server.
    Drivers(drivers::Options),
    /// Malformed and malicious input over raw TCP.
    Hostile(hostile::Options),
    /// Kill the server under write load and read every acknowledged write back.
    Kill9(kill9::Options),
    /// Real flights: hot, cold, after restarts, and from the Parquet files alone.
    Flights(flights::Options),
    /// Download the whole year of flights.
    Data,
    /// Generated statements to the real server and to Apache Cassandra 5, answers compared.
    Differential(differential::Options),
    /// What takes too long for every push: fuzzing, many kills, the whole year of flights.
    Nightly(nightly::Options),
    /// Plain HTTP, the SDK's example and cqlsh see the same rows.
    Doors,
    /// Disks that are full, damaged or stand still; needs root.
    Disk(disk::Options),
    #[command(flatten)]
    Faults(chaos::Verb),
    /// Write the page on compatibility from the files that say what was run.
    Compatibility,
    /// The same script with every role in its own process.
    Roles,
    /// The same script through five processes, and cells that split under load.
    Five(five::Options),
    /// Seeds of a simulated cluster: trouble of every kind, every checker, the same each time.
    Simulate(simulate::Options),
}

/// One named step of a run.
struct Step {
    name: &'static str,
    arguments: &'static [&'static str],
}

const FORMAT: Step = Step { name: "format", arguments: &["fmt", "--all", "--check"] };
const CLIPPY: Step = Step {
    name: "clippy",
    arguments: &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
};
const BUILD: Step =
    Step { name: "build", arguments: &["build", "--workspace", "--bins", "--locked"] };

/// The programs that end-to-end tests run, without the rest.
const SERVED: Step = Step {
    name: "build",
    arguments: &["build", "-p", "cellar", "-p", "cellar-loadtest", "--bins", "--locked"],
};
/// The SDK's example; `cargo test` builds it with the tests.
const EXAMPLE: Step = Step {
    name: "build of the example",
    arguments: &["build", "-p", "cellar-sdk", "--example", "first_steps", "--locked"],
};
const DRIVERS_ONLY: Step =
    Step { name: "build", arguments: &["build", "-p", "cellar-loadtest", "--bins", "--locked"] };

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    run(arguments.verb, !arguments.no_build)
}

fn run(verb: Verb, build: bool) -> Result<()> {
    let places = Places::find()?;
    let root = places.root.clone();
    let started = Instant::now();
    let build = |step| if build { cargo(&root, step) } else { Ok(()) };
    match verb {
        Verb::Test => {
            cargo(&root, &FORMAT)?;
            tidy::check(&root)?;
            cargo(&root, &CLIPPY)?;
            cargo(&root, &BUILD)?;
            tests(&root)?;
            ends::run_all(&places)?;
        }
        Verb::Tidy => tidy::check(&root)?,
        Verb::Verify => {
            cargo(&root, &FORMAT)?;
            tidy::check(&root)?;
            cargo(&root, &CLIPPY)?;
        }
        Verb::Fix => cargo(&root, &Step { name: "fix", arguments: &["fmt", "--all"] })?,
        Verb::Ends => {
            build(&SERVED)?;
            build(&EXAMPLE)?;
            ends::run_all(&places)?;
        }
        Verb::Drivers(options) => {
            build(if options.starts_a_server() { &SERVED } else { &DRIVERS_ONLY })?;
            drivers::run(&places, &options)?;
        }
        Verb::Hostile(options) => {
            if options.starts_a_server() {
                build(&SERVED)?;
            }
            hostile::run(&places, &options)?;
        }
        Verb::Kill9(options) => {
            build(&SERVED)?;
            kill9::run(&places, &options)?;
        }
        Verb::Flights(options) => {
            build(&SERVED)?;
            flights::run(&places, &options)?;
        }
        Verb::Data => println!("{}", data::flights(&places)?.display()),
        Verb::Differential(options) => {
            build(if options.starts_a_server() { &SERVED } else { &DRIVERS_ONLY })?;
            differential::run(&places, &options)?;
        }
        Verb::Five(options) => {
            build(&SERVED)?;
            five::run(&places, &options)?;
        }
        Verb::Nightly(options) => {
            build(&BUILD)?;
            nightly::run(&places, &options)?;
        }
        Verb::Doors => {
            build(&SERVED)?;
            build(&EXAMPLE)?;
            doors::run(&places)?;
        }
        Verb::Disk(options) => build(&SERVED).and_then(|()| disk::run(&places, &options))?,
        Verb::Faults(verb) => build(&SERVED).and_then(|()| verb.run(&places))?,
        Verb::Compatibility => compatibility::run(&places)?,
        Verb::Roles => build(&SERVED).and_then(|()| roles::run(&places))?,
        Verb::Simulate(options) => simulate::run(&root, &options)?,
    }
    eprintln!("xtask: all steps passed in {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Runs one cargo step in the workspace root and says how long it took.
fn cargo(root: &Path, step: &Step) -> Result<()> {
    println!("xtask: {} ...", step.name);
    let started = Instant::now();
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(program)
        .args(step.arguments)
        .current_dir(root)
        .status()
        .with_context(|| format!("cannot start cargo for the step {}", step.name))?;
    if !status.success() {
        bail!("step {} failed: cargo {}", step.name, step.arguments.join(" "));
    }
    println!("xtask: {} passed in {:.0} s", step.name, started.elapsed().as_secs_f64());
    Ok(())
}

/// Runs every test, shows what they print, and closes with the sum over all test programs.
fn tests(root: &Path) -> Result<()> {
    println!("xtask: tests ...");
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut child = Command::new(program)
        .args(["test", "--workspace", "--locked", "--no-fail-fast"])
        .current_dir(root)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo test")?;
    let output = child.stdout.take().context("cargo test has no output")?;
    let (mut passed, mut failed) = (0, 0);
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        if line.starts_with("test result:") {
            passed += number_before(&line, " passed");
            failed += number_before(&line, " failed");
        }
    }
    let status = child.wait()?;
    println!("{passed} passed, {failed} failed");
    if !status.success() || passed == 0 {
        bail!("step tests failed: run `cargo test --workspace` for the details");
    }
    Ok(())
}

/// The number that stands right before a word, or zero.
fn number_before(line: &str, word: &str) -> u64 {
    let head = line.split(word).next().unwrap_or_default();
    head.rsplit(' ').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
