//! `cargo xtask five`: five separate processes (one metadata service, two nodes, two frontends)
//! serve the script of the stock drivers through either frontend; then every cell splits again and
//! again under load. No request may fail, and every acknowledged write must be there.

use std::{
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    drivers::{self, Runner},
    local::{Local, Shape},
    places::Places,
};

/// Numbers that one writer may use.
const NUMBERS_OF_A_WRITER: i64 = 1_000_000_000;

/// How long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Rounds of splits; the cells double in each.
    #[arg(long, default_value_t = 4)]
    pub(crate) rounds: u32,
    /// Load before, between and after the rounds, in seconds.
    #[arg(long, default_value_t = 2)]
    pub(crate) seconds: u64,
}

/// Runs it.
pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    let cluster = Local::start(places, "five", Shape { metadata: 1, nodes: 2, frontends: 2 })?;
    let [first, second] = cluster.cql.as_slice() else { bail!("two frontends were asked for") };
    drivers::against(places, *first, &[Runner::Python4])?;
    drivers::against(places, *second, &[Runner::Rust])?;
    let files = split_under_load(places, &cluster, options)?;
    let verified = verify(places, *second, &files)?;
    println!("xtask: {verified}");
    cluster.stop()
}

/// Splits cells while both frontends are written to; returns what was acknowledged.
fn split_under_load(places: &Places, cluster: &Local, options: &Options) -> Result<Vec<PathBuf>> {
    let logs = places.logs()?;
    let mut writers = Vec::new();
    for (number, frontend) in (0_i64..).zip(&cluster.cql) {
        let file = logs.join(format!("five-acknowledged-{number}"));
        let first = number.saturating_mul(NUMBERS_OF_A_WRITER);
        writers.push(Writer { child: write(places, *frontend, first, &file)?, file });
        // The first one makes the tables.
        thread::sleep(Duration::from_secs(options.seconds));
    }
    let (mut splits, mut refused) = (0_u32, 0_u32);
    for _ in 0..options.rounds {
        for cell in cluster.cells()? {
            match cluster.ask(&["cell", "split", &cell.to_string()]) {
                Ok(_) => splits += 1,
                // A cell of one partition stays whole.
                Err(_) => refused += 1,
            }
        }
        thread::sleep(Duration::from_secs(options.seconds));
        for writer in &mut writers {
            writer.still_writes()?;
        }
    }
    let cells = cluster.cells()?.len();
    println!("xtask: {splits} splits under load ({refused} refused), {cells} cells, none failed");
    if splits < options.rounds {
        bail!("only {splits} splits in {} rounds", options.rounds);
    }
    writers.into_iter().map(Writer::end).collect()
}

/// A process that writes until a request fails.
struct Writer {
    child: Child,
    file: PathBuf,
}

impl Writer {
    fn still_writes(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!(
                "a request failed while cells split: the writer of {} ended with {status}; see \
                 five-writers.log beside it",
                self.file.display()
            ),
        }
    }

    fn end(mut self) -> Result<PathBuf> {
        self.still_writes()?;
        self.child.kill()?;
        self.child.wait()?;
        Ok(self.file.clone())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write(places: &Places, node: SocketAddr, first: i64, file: &Path) -> Result<Child> {
    let log = places.logs()?.join("five-writers.log");
    Command::new(places.program("cellar-drivers")?)
        .args(["--node", &node.to_string(), "write", "--first", &first.to_string()])
        .stdin(Stdio::null())
        .stdout(File::create(file)?)
        .stderr(File::options().create(true).append(true).open(log)?)
        .spawn()
        .context("cannot start a writer")
}

/// Reads back; returns what the verifier says.
fn verify(places: &Places, node: SocketAddr, files: &[PathBuf]) -> Result<String> {
    let output = Command::new(places.program("cellar-drivers")?)
        .args(["--node", &node.to_string(), "verify"])
        .args(files)
        .stdin(Stdio::null())
        .env("RUST_BACKTRACE", "0")
        .output()
        .context("cannot start the verifier")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
