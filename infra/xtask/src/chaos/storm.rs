//! `cargo xtask storm`: one tenant offers many times what a cluster of eight processes can take
//! while another asks for little. Shows what each is told before, during and after, and the memory
//! of every process. Fails when the cluster does not come back, or its memory has no bounds.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use super::{EIGHT, load::frontends, many::resident, no_panics};
use crate::{local::Local, places::Places};

/// Of the rate before the storm, what must come back, in percent.
const BACK_PERCENT: u64 = 80;
/// Between two looks at the memory.
const LOOK: Duration = Duration::from_millis(500);

/// How much.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long it is calm, stormy, and calm again, in seconds each.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Clients of the greedy tenant in the storm; each has one request open.
    #[arg(long, default_value_t = 12_000)]
    clients: u32,
    /// Its connections to each frontend.
    #[arg(long, default_value_t = 16)]
    connections: u32,
    /// Size of its values.
    #[arg(long, default_value_t = 4_000)]
    value_bytes: u32,
    /// Requests a second of the small tenant.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Resident memory that no process may exceed, in MB.
    #[arg(long, default_value_t = 1_200.0)]
    most_mb: f64,
    /// Milliseconds that 99 % of the small tenant's requests may take in the storm.
    #[arg(long, default_value_t = 3_000)]
    small_ms: u64,
}

/// Runs it.
pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    let cluster = Local::start(places, "storm", EIGHT)?;
    let mut command = Command::new(places.program("cellar-chaos")?);
    command.args(["storm", "--cql", &frontends(&cluster)]);
    command.args(["--seconds", &options.seconds.to_string()]);
    command.args(["--clients", &options.clients.to_string()]);
    command.args(["--connections", &options.connections.to_string()]);
    command.args(["--value-bytes", &options.value_bytes.to_string()]);
    command.args(["--rate", &options.rate.to_string()]);
    let (report, memory) = watch(&cluster, &mut command)?;
    let figures = json!({ "load": report, "memory_mb": memory });
    println!("{}", serde_json::to_string_pretty(&figures)?);
    no_panics(&cluster)?;
    for (process, phases) in &memory {
        let most = phases.values().copied().fold(0.0, f64::max);
        ensure!(most <= options.most_mb, "{process} took {most:.0} MB");
    }
    judge(&report, options)?;
    cluster.stop()
}

/// What the load reports, and the most memory of each process by phase.
type Watched = (Value, BTreeMap<String, BTreeMap<String, f64>>);

/// Runs the load, and looks at the memory of every process meanwhile.
fn watch(cluster: &Local, command: &mut Command) -> Result<Watched> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start the load")?;
    let output = child.stdout.take().context("the load has no output")?;
    let (tell, told) = channel();
    let reading = thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    let members = cluster.members()?;
    let mut memory: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    let (mut phase, mut report) = ("0 start".to_owned(), None);
    let began = Instant::now();
    loop {
        match told.recv_timeout(LOOK) {
            Ok(line) if line.starts_with('{') => report = Some(serde_json::from_str(&line)?),
            Ok(line) => {
                phase = match line.as_str() {
                    "loading" => "1 before",
                    "storm" => "2 storm",
                    _ => "3 after",
                }
                .to_owned();
                println!("xtask: {} s: {line}", began.elapsed().as_secs());
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        for member in &members {
            let now = resident(member.pid.context("a process does not run")?)?;
            let phases = memory.entry(member.id.clone()).or_default();
            let most = phases.entry(phase.clone()).or_insert(0.0);
            *most = most.max(now);
        }
    }
    drop(reading.join());
    let status = child.wait()?;
    ensure!(status.success(), "the load ended with {status}");
    Ok((report.context("the load has no report")?, memory))
}

/// An error unless the storm was refused early and truthfully, and passed.
fn judge(report: &Value, options: &Options) -> Result<()> {
    let number = |phase: &str, key: &str| -> Result<u64> {
        let found = report.get(phase).and_then(|phase| phase.get(key)?.as_u64());
        found.with_context(|| format!("no {key} of {phase}"))
    };
    let (before, after) = (number("before", "done_per_s")?, number("after", "done_per_s")?);
    let enough = before.saturating_mul(BACK_PERCENT) / 100;
    ensure!(after >= enough, "{after} a second after the storm, {before} before it");
    for phase in ["before", "during", "after"] {
        let failed = report.get(phase).and_then(|phase| phase.get("small_failed")?.as_object());
        let failed = failed.with_context(|| format!("no failures of {phase}"))?;
        ensure!(failed.is_empty(), "the small tenant failed {phase}: {failed:?}");
    }
    let (small_ms, most_ms) = (number("during", "small_p99_ms")?, options.small_ms);
    ensure!(small_ms <= most_ms, "the small tenant waited {small_ms} ms in the storm");
    let during = report.get("during").context("no storm")?;
    let refused = during.get("refused_per_s").and_then(|refused| refused.get("Overloaded"));
    ensure!(refused.is_some(), "nobody was told that there is too much");
    let unknown = during.get("unknown").and_then(Value::as_object).context("no outcomes")?;
    ensure!(unknown.is_empty(), "of some requests nobody knows: {unknown:?}");
    Ok(())
}
