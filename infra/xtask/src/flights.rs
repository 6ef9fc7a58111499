//! `cargo xtask flights`: real flights through stock drivers, hot, cold and after restarts, and
//! the cold ones once more by pyarrow from the Parquet files alone. Start at [`run`].

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;
use clap::Args;

use crate::{
    cache::{self, run as run_program},
    data,
    places::Places,
    server::Server,
};

/// Which flights.
#[derive(Debug, Default, Args)]
pub(crate) struct Options {
    /// All 336,776 flights of 2013, which are downloaded once; else January, which is here.
    #[arg(long)]
    pub(crate) year: bool,
}

/// Loads, ages, restarts, kills; the totals must be right at each point.
pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    let mut server = Server::dev(places, "flights")?;
    let flights = Flights::new(places, options)?;
    let mut load = Command::new(places.program("cellar-loadtest")?);
    load.args(["--cql", &server.cql.to_string(), "flights"]);
    if options.year {
        load.arg("--file").arg(&flights.file);
    }
    println!("xtask: flights: loading with the Rust driver ...");
    run_program(&mut load)?;
    flights.cql(&server, "hot")?;
    flights.age(&server)?;
    flights.cql(&server, "hot and cold")?;
    flights.cold(&server.data.join("cold"))?;
    server.stop()?;
    server.start()?;
    flights.cql(&server, "after a restart")?;
    server.kill()?;
    server.start()?;
    flights.cql(&server, "after kill -9")?;
    server.stop()?;
    flights.cold(&server.data.join("cold"))
}

struct Flights {
    python: PathBuf,
    script: PathBuf,
    file: PathBuf,
    /// The first day that stays hot.
    before: &'static str,
}

impl Flights {
    fn new(places: &Places, options: &Options) -> Result<Self> {
        let (file, before) = match options.year {
            true => (data::flights(places)?, "2013-07-01"),
            false => {
                let month = "loadtest/workload/data/flights-2013-01.csv.gz";
                (places.root.join(month), "2013-01-16")
            }
        };
        let python = cache::python(places)?.join("bin/python");
        Ok(Self { python, script: places.tests("flights/flights.py"), file, before })
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(&self.script).arg(verb);
        command
    }

    fn cql(&self, server: &Server, when: &str) -> Result<()> {
        println!("xtask: flights: through the Python driver, {when} ...");
        let mut command = self.command("cql");
        command.args(["--cql", &server.cql.to_string(), "--file"]).arg(&self.file);
        run_program(&mut command)
    }

    fn age(&self, server: &Server) -> Result<()> {
        println!("xtask: flights: those before {} become cold ...", self.before);
        let mut command = self.command("age");
        command.args(["--cql", &server.cql.to_string(), "--before", self.before]);
        command.args(["--admin", &server.admin.to_string()]);
        run_program(&mut command)
    }

    fn cold(&self, folder: &Path) -> Result<()> {
        println!("xtask: flights: by pyarrow from the Parquet files ...");
        let mut command = self.command("cold");
        command.arg("--folder").arg(folder).args(["--before", self.before]);
        command.arg("--file").arg(&self.file);
        run_program(&mut command)
    }
}
