//! How each stock driver is started. A runner prints one JSON line per step of the script.

use std::{
    fmt,
    net::SocketAddr,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::{cache, places::Places};

/// A stock driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Runner {
    /// The Python driver over version 4 of the protocol.
    Python4,
    /// The Python driver over version 5.
    Python5,
    /// The Node.js driver.
    Node,
    /// The Rust driver.
    Rust,
    /// cqlsh.
    Cqlsh,
}

impl fmt::Display for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Python4 => "python4",
            Self::Python5 => "python5",
            Self::Node => "node",
            Self::Rust => "rust",
            Self::Cqlsh => "cqlsh",
        })
    }
}

impl Runner {
    /// The file that holds what Apache Cassandra answered.
    pub(super) fn expectation(self) -> &'static str {
        match self {
            Self::Cqlsh => "expected-cqlsh.jsonl",
            _ => "expected.jsonl",
        }
    }

    /// Runs the script to its end and returns the lines.
    pub(super) fn run(self, places: &Places, address: SocketAddr) -> Result<String> {
        let output = self
            .command(places, address)?
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot start the runner {self}"))?;
        let lines = String::from_utf8(output.stdout).context("a runner prints UTF-8")?;
        if !output.status.success() {
            let last = lines.lines().last().unwrap_or_default();
            bail!("the runner {self} ended with {} after this line:\n{last}", output.status);
        }
        Ok(lines)
    }

    fn command(self, places: &Places, address: SocketAddr) -> Result<Command> {
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let script = places.tests("script.json");
        let runners = places.tests("drivers");
        let mut command = match self {
            Self::Python4 | Self::Python5 => {
                let version = if self == Self::Python4 { "4" } else { "5" };
                let mut command = Command::new(cache::python(places)?.join("bin/python"));
                command.arg(runners.join("python/run.py")).args(["--protocol", version]);
                command
            }
            Self::Node => {
                let mut command = Command::new("node");
                command.arg(runners.join("node/run.js"));
                command.env("NODE_PATH", cache::node_modules(places)?);
                command
            }
            Self::Rust => {
                let mut command = Command::new(places.program("cellar-drivers")?);
                command.args(["--node", &address.to_string(), "script", "--script"]).arg(script);
                return Ok(command);
            }
            Self::Cqlsh => {
                let python = cache::python(places)?;
                let mut command = Command::new(python.join("bin/python"));
                command.arg(runners.join("cqlsh/run.py"));
                command.arg("--cqlsh").arg(python.join("bin/cqlsh"));
                command.arg("--extra").arg(places.tests("cqlsh.json"));
                command
            }
        };
        command.args(["--host", &host, "--port", &port, "--script"]).arg(script);
        Ok(command)
    }
}
