//! `cargo xtask drivers`: stock drivers run one script against the real server, and every result
//! is compared with what Apache Cassandra 5.0.9 answered. Start at [`run`].

mod compare;
mod runner;

use std::{fs, net::SocketAddr};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::{places::Places, server::Server};
use runner::Runner;

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
    let server = match options.against {
        Some(_) => None,
        None => Some(Server::dev(places, "drivers")?),
    };
    let address = server.as_ref().map(|server| server.cql).or(options.against);
    let address = address.context("no server")?;
    let mut different = Vec::new();
    for runner in runners {
        println!("xtask: driver {runner} ...");
        let found = runner.run(places, address)?;
        if options.record {
            if matches!(runner, Runner::Python4 | Runner::Cqlsh) {
                fs::write(places.tests(runner.expectation()), &found)?;
            }
            continue;
        }
        let expected = places.tests(runner.expectation());
        let expected = fs::read_to_string(&expected)
            .with_context(|| format!("cannot read {}", expected.display()))?;
        let script = fs::read_to_string(places.tests("script.json"))?;
        let result = compare::compare(&script, &expected, &found)?;
        result.differences.iter().for_each(|difference| println!("{runner}: {difference}"));
        println!(
            "xtask: driver {runner}: {} of {} steps as Apache Cassandra answers",
            result.equal, result.steps
        );
        if result.equal < result.steps {
            different.push(runner.to_string());
        }
    }
    if !different.is_empty() {
        bail!("drivers with differences: {}", different.join(", "));
    }
    match server {
        Some(mut server) => server.stop(),
        None => Ok(()),
    }
}
