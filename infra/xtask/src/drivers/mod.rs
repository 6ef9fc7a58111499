//! `cargo xtask drivers`: stock drivers run one script against the real server, and every result
//! is compared with what Apache Cassandra 5.0.9 answered. Start at [`run`].

mod compare;
mod runner;

use std::{fs, net::SocketAddr};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::{places::Places, server::Server};
pub(crate) use runner::Runner;

/// What to run.
#[derive(Debug, Default, Args)]
pub(crate) struct Options {
    /// Only these drivers.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Runner>,
    /// A server that runs already, instead of one started here.
    #[arg(long, value_name = "HOST:PORT")]
    against: Option<SocketAddr>,
    /// Write the expectations from what `--against` answers, which is to be Apache Cassandra.
    #[arg(long, requires = "against")]
    record: bool,
}

impl Options {
    /// Whether the real server is needed.
    pub(crate) fn starts_a_server(&self) -> bool {
        self.against.is_none()
    }
}

/// Runs the drivers and compares; every difference is printed before the run fails.
pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    let runners = match options.only.as_slice() {
        [] => Runner::value_variants(),
        only => only,
    };
    match options.against {
        Some(address) if options.record => record(places, address, runners),
        Some(address) => against(places, address, runners),
        None => {
            let mut server = Server::dev(places, "drivers")?;
            against(places, server.cql, runners)?;
            server.stop()
        }
    }
}

fn record(places: &Places, address: SocketAddr, runners: &[Runner]) -> Result<()> {
    for runner in runners {
        if matches!(runner, Runner::Python4 | Runner::Cqlsh) {
            let found = runner.run(places, address)?;
            fs::write(places.tests(runner.expectation()), found)?;
        }
    }
    Ok(())
}

/// Runs drivers against a server and compares.
pub(crate) fn against(places: &Places, address: SocketAddr, runners: &[Runner]) -> Result<()> {
    let script = fs::read_to_string(places.tests("script.json"))?;
    let mut different = Vec::new();
    for runner in runners {
        println!("xtask: driver {runner} ...");
        let found = runner.run(places, address)?;
        let expected = places.tests(runner.expectation());
        let expected = fs::read_to_string(&expected)
            .with_context(|| format!("cannot read {}", expected.display()))?;
        let result = compare::compare(&script, &expected, &found)?;
        result.differences.iter().for_each(|difference| println!("{runner}: {difference}"));
        let (equal, steps) = (result.equal, result.steps);
        println!("xtask: driver {runner}: {equal} of {steps} steps as Apache Cassandra answers");
        if equal < steps {
            different.push(runner.to_string());
        }
    }
    if !different.is_empty() {
        bail!("drivers with differences: {}", different.join(", "));
    }
    Ok(())
}
