//! `cellar-simulate`: seeds, one after the other on every core, and what was wrong with them.
//!
//! `cargo xtask simulate` builds and starts it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use anyhow::{Context, Result};
use cellar_simulate::Report;
use clap::Parser;
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};

/// Simulates a cluster for many seeds and checks the invariants.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Print everything that happens.
    #[arg(long)]
    trace: bool,
    /// Seeds run at once; by default as many as there are cores.
    #[arg(long)]
    jobs: Option<usize>,
    /// Run every so many-th seed twice and compare the traces; 0 for never.
    #[arg(long, default_value_t = 20)]
    twice: u64,
    /// Break this build on purpose: skip-sync, answer-early, skip-epoch, forget-batch or
    /// forget-word.
    /// Succeeds if that is found.
    #[arg(long)]
    sabotage: Option<String>,
}

/// What all seeds came to.
#[derive(Default)]
struct Sum {
    reports: Vec<Report>,
    compared: u64,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(fault) = &arguments.sabotage {
        sabotage(fault)?;
    }
    if arguments.trace {
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .without_time()
            .init();
    }
    let began = Instant::now();
    let sum = run_all(&arguments)?;
    let found = tell(&arguments, &sum, began.elapsed().as_secs_f64());
    let wanted = arguments.sabotage.is_some();
    Ok(if found == wanted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs all seeds; a broken build only until it is found.
fn run_all(arguments: &Arguments) -> Result<Sum> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let jobs = arguments.jobs.unwrap_or(cores).max(1);
    let (next, sum) = (AtomicU64::new(0), Mutex::new(Sum::default()));
    let (enough, failed) = (Arc::new(AtomicBool::new(false)), Mutex::new(None));
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while !enough.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= arguments.seeds {
                        return;
                    }
                    let seed = arguments.from.saturating_add(number);
                    match one(arguments, seed) {
                        Ok((report, compared)) => {
                            let wrong = !report.violations.is_empty();
                            if wrong && arguments.sabotage.is_some() {
                                enough.store(true, Ordering::SeqCst);
                            }
                            let mut sum = sum.lock();
                            show(&report);
                            sum.compared += u64::from(compared);
                            sum.reports.push(report);
                        }
                        Err(error) => *failed.lock() = Some(error),
                    }
                }
            });
        }
    });
    match failed.into_inner() {
        Some(error) => Err(error),
        None => Ok(sum.into_inner()),
    }
}

/// Runs a seed, perhaps twice.
fn one(arguments: &Arguments, seed: u64) -> Result<(Report, bool)> {
    let mut report = attempt(seed, arguments.trace)?;
    let twice = arguments.twice > 0 && seed.is_multiple_of(arguments.twice);
    if twice {
        let again = attempt(seed, false)?;
        if (again.hash, again.lines) != (report.hash, report.lines) {
            report.violations.push(format!(
                "the seed did not repeat: {:016x} with {} lines and {:016x} with {}",
                report.hash, report.lines, again.hash, again.lines
            ));
        }
    }
    Ok((report, twice))
}

/// Runs a seed in a thread of its own, so that nothing of another seed is left in it.
fn attempt(seed: u64, shown: bool) -> Result<Report> {
    let runs = move || {
        let runtime = runtime(seed)?;
        let ran = catch_unwind(AssertUnwindSafe(|| cellar_simulate::run(&runtime, seed, shown)));
        Ok(ran.unwrap_or_else(|_| {
            let violations = vec!["the simulation panicked".to_owned()];
            Report { seed, violations, ..Report::default() }
        }))
    };
    thread::Builder::new()
        .name(format!("seed-{seed}"))
        .stack_size(16 << 20)
        .spawn(runs)
        .context("a thread")?
        .join()
        .unwrap_or_else(|_| anyhow::bail!("seed {seed} ended its thread"))
}

fn runtime(seed: u64) -> Result<Runtime> {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true);
    #[cfg(tokio_unstable)]
    builder.rng_seed(tokio::runtime::RngSeed::from_bytes(&seed.to_le_bytes()));
    #[cfg(not(tokio_unstable))]
    let _ = seed;
    builder.build().context("a runtime")
}

#[cfg(feature = "sabotage")]
fn sabotage(fault: &str) -> Result<()> {
    use cellar_raft::sabotage::{Sabotage, choose};
    choose(match fault {
        "skip-sync" => Sabotage::SkipSync,
        "answer-early" => Sabotage::AnswerEarly,
        "skip-epoch" => Sabotage::SkipEpoch,
        "forget-batch" => Sabotage::ForgetBatch,
        "forget-word" => Sabotage::ForgetWord,
        other => anyhow::bail!("no sabotage is called {other}"),
    });
    Ok(())
}

#[cfg(not(feature = "sabotage"))]
fn sabotage(_fault: &str) -> Result<()> {
    anyhow::bail!("this build cannot be broken: it lacks the feature sabotage")
}

#[expect(clippy::print_stdout, reason = "the report of a program")]
fn show(report: &Report) {
    for violation in &report.violations {
        println!("seed {}: {violation}", report.seed);
    }
}

/// Prints the figures; says whether anything was wrong.
#[expect(clippy::print_stdout, reason = "the report of a program")]
fn tell(arguments: &Arguments, sum: &Sum, seconds: f64) -> bool {
    let mut wrong: Vec<u64> = Vec::new();
    let (mut requests, mut answered, mut troubles, mut cells, mut lasted_ms) = (0, 0, 0, 0, 0);
    for report in &sum.reports {
        requests += report.requests;
        answered += report.answered;
        troubles += report.troubles;
        cells += report.cells;
        lasted_ms += report.lasted_ms;
        if !report.violations.is_empty() {
            wrong.push(report.seed);
        }
    }
    wrong.sort_unstable();
    let seeds = sum.reports.len();
    if let [report] = sum.reports.as_slice() {
        println!("seed {}: trace {:016x}, {} lines", report.seed, report.hash, report.lines);
    }
    let figures = serde_json::json!({
        "seeds": seeds,
        "from": arguments.from,
        "wrong": wrong,
        "sabotage": arguments.sabotage,
        "compared": sum.compared,
        "requests": requests,
        "answered": answered,
        "troubles": troubles,
        "cells": cells,
        "simulated_s": lasted_ms / 1_000,
        "seconds": seconds.round(),
        "seeds_per_minute": (seeds_f64(seeds) * 60.0 / seconds.max(0.001)).round(),
    });
    println!("{figures}");
    !wrong.is_empty()
}

fn seeds_f64(seeds: usize) -> f64 {
    u32::try_from(seeds).map_or(f64::MAX, f64::from)
}
