//! The load as a child process: it tells when it loads, and reports when it was told to stop.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Options;
use crate::{local::Local, places::Places};

/// A running load; it is killed when dropped.
pub(super) struct Load {
    child: Child,
    /// A line to it ends the load.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// Times without an acknowledged write, for each part of the ring.
pub(super) struct Gaps {
    /// Since the last mark.
    pub(super) longest_ms: Vec<u64>,
    /// Until now.
    pub(super) idle_ms: Vec<u64>,
}

impl Load {
    /// Mixed load that is checked.
    pub(super) fn start(
        places: &Places,
        cluster: &Local,
        options: &Options,
        history: &Path,
    ) -> Result<Self> {
        let mut command = Command::new(places.program("cellar-chaos")?);
        command.args(["load", "--cql", &frontends(cluster), "--history"]).arg(history);
        command.args(["--seed", &options.seed.to_string(), "--rate", &options.rate.to_string()]);
        Self::spawn(command.args(["--keys", &options.keys.to_string()]))
    }

    /// Starts a program that says `loading` and ends its load at a line.
    pub(super) fn spawn(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the load")?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("the load has no output")?);
        let mut load = Self { child, input, output };
        while load.line()? != "loading" {}
        Ok(load)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("the load ended with {}", self.child.wait()?);
        }
        Ok(line.trim_end().to_owned())
    }

    /// The gaps of each part of the ring since the last mark.
    pub(super) fn mark(&mut self) -> Result<Gaps> {
        let said = self.say("mark")?;
        let of = |key| -> Vec<u64> {
            let list = said.get(key).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_u64).collect()
        };
        Ok(Gaps { longest_ms: of("gap_ms"), idle_ms: of("idle_ms") })
    }

    /// Says a line to it; returns its answer.
    pub(super) fn say(&mut self, line: &str) -> Result<Value> {
        let input = self.input.as_mut().context("the load was ended already")?;
        writeln!(input, "{line}")?;
        serde_json::from_str(&self.line()?).context("an answer is JSON")
    }

    /// An error if it ended by itself.
    pub(super) fn still_runs(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the load ended by itself with {status}"),
        }
    }

    /// Ends the load; returns its report, which is its last line.
    pub(super) fn end(mut self) -> Result<Value> {
        let mut input = self.input.take().context("the load was ended already")?;
        writeln!(input, "stop")?;
        drop(input);
        loop {
            let line = self.line()?;
            if line.starts_with('{') {
                self.child.wait()?;
                return serde_json::from_str(&line).context("the report is not JSON");
            }
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All frontends, as the load's flag takes them.
pub(super) fn frontends(cluster: &Local) -> String {
    let all: Vec<String> = cluster.cql.iter().map(ToString::to_string).collect();
    all.join(",")
}
