//! `cargo xtask many`: a great many tables, then a great many cells, on a cluster of eight
//! processes; says what they cost while nobody asks for anything.

use std::{collections::BTreeMap, fs, process::Command, thread, time::Duration};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use super::{EIGHT, load::frontends};
use crate::{local::Local, places::Places};

/// The first write to the last table, at most.
const FIRST_WRITE_MS: f64 = 100.0;
/// Ticks of a processor's time in a second, on every Linux that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;
/// Left alone before it is measured.
const CALM: Duration = Duration::from_secs(15);
/// The first token of all.
const FIRST_TOKEN: i64 = i64::MIN;

/// How many.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Tables.
    #[arg(long, default_value_t = 10_000)]
    tables: u32,
    /// Cells; 0 to leave them as they are.
    #[arg(long, default_value_t = 2_000)]
    cells: u32,
    /// How long idleness is measured, in seconds.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

/// Runs it; an error if the last table was slow to be written.
pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    // Otherwise idle neighbours would become one again.
    let cluster = Local::start_with(places, "many", EIGHT, &["--balance", "off"])?;
    let mut figures = BTreeMap::new();
    thread::sleep(CALM);
    figures.insert("0 empty", idle(&cluster, options.seconds)?);
    let mut command = Command::new(places.program("cellar-chaos")?);
    command.args(["many", "--cql", &frontends(&cluster)]);
    command.args(["--tables", &options.tables.to_string()]);
    let output = command.output().context("cannot start the load")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "tables: {said}");
    let made: Value = serde_json::from_slice(&output.stdout)?;
    println!("xtask: {made}");
    let first_write = made.get("first_write_ms").and_then(Value::as_f64);
    figures.insert("1 tables made", made);
    thread::sleep(CALM);
    figures.insert("2 tables", idle(&cluster, options.seconds)?);
    if options.cells > 0 {
        figures.insert("3 cells made", divide(&cluster, options.cells)?);
        thread::sleep(CALM);
        figures.insert("4 cells", idle(&cluster, options.seconds)?);
    }
    println!("{}", serde_json::to_string_pretty(&figures)?);
    let first_write = first_write.context("no figures")?;
    ensure!(first_write < FIRST_WRITE_MS, "the last table's first write took {first_write} ms");
    cluster.stop()
}

/// Splits the largest cell of a table again and again, at even distances of tokens.
fn divide(cluster: &Local, cells: u32) -> Result<Value> {
    let began = std::time::Instant::now();
    let said = cluster.ask(&["top", "--json"])?;
    let first = said.get(0).and_then(|cell| cell.get("cell")?.as_u64()).context("no cell")?;
    let step = u64::MAX / u64::from(cells.max(1));
    // From the right: the left part keeps its number.
    for part in (1..cells).rev() {
        let distance = step.saturating_mul(u64::from(part));
        let token = FIRST_TOKEN.wrapping_add_unsigned(distance).to_string();
        let cell = first.to_string();
        // Tables have numbers from 16 on; the first one is divided.
        cluster.ask(&["cell", "split", &cell, "--table", "16", "--token", &token])?;
        if part.is_multiple_of(100) {
            println!("xtask: {} cells", cells.saturating_sub(part));
        }
    }
    Ok(json!({ "cells": cluster.cells()?.len(), "seconds": began.elapsed().as_secs_f64() }))
}

/// What each process takes while nothing happens: percent of a core, and MB of memory.
fn idle(cluster: &Local, seconds: u64) -> Result<Value> {
    let members = cluster.members()?;
    let ticks = || -> Result<BTreeMap<String, f64>> {
        let each = members.iter().filter_map(|one| Some((one.id.clone(), one.pid?)));
        each.map(|(id, pid)| Ok((id, ticks(pid)?))).collect()
    };
    let before = ticks()?;
    thread::sleep(Duration::from_secs(seconds));
    let after = ticks()?;
    let window = Duration::from_secs(seconds).as_secs_f64();
    let mut all = serde_json::Map::new();
    for member in &members {
        let (Some(pid), Some(before)) = (member.pid, before.get(&member.id)) else { continue };
        let spent = (after.get(&member.id).unwrap_or(before) - before) / TICKS_PER_SECOND;
        let told = json!({ "cpu_percent": spent * 100.0 / window, "resident_mb": resident(pid)? });
        all.insert(member.id.clone(), told);
    }
    Ok(Value::Object(all))
}

/// Processor time of a process so far, in ticks.
fn ticks(pid: u64) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything; numbers follow it.
    let numbers = stat.rsplit_once(')').context("a stat line")?.1;
    let times = numbers.split_whitespace().skip(11).take(2);
    Ok(times.filter_map(|time| time.parse::<f64>().ok()).sum())
}

/// Resident memory of a process in MB (10^6).
pub(super) fn resident(pid: u64) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
    Ok(kib.context("no VmRSS")? * 1024.0 / 1e6)
}
