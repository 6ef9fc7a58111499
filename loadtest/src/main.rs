//! `cellar-loadtest`: load and verify data, measure a service from outside.

use std::{path::PathBuf, sync::Arc, time::Duration};

use cellar_loadtest::{
    bench::{self, CqlTarget, Plan, Scenario},
    differential,
    figures::Figures,
    flights, memory, session,
};
use cellar_workload::flights as data;
use clap::{Parser, Subcommand, ValueEnum};
use indicatif::ProgressBar;

/// Loads, verifies and measures a running service through a stock driver.
#[derive(Debug, Parser)]
struct Arguments {
    /// Endpoints, "host:port".
    #[arg(long, default_value = "127.0.0.1:9042", value_delimiter = ',')]
    cql: Vec<String>,
    /// Connections to each endpoint.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make load and print one JSON line.
    Bench {
        /// What the requests are.
        #[arg(value_enum)]
        scenario: Kind,
        /// Requests in flight, at most.
        #[arg(long, default_value_t = 64)]
        in_flight: usize,
        /// Requests a second; without it each answer begins the next request.
        #[arg(long)]
        rate: Option<f64>,
        /// How long to measure, in seconds.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// How long to warm up before, in seconds.
        #[arg(long, default_value_t = 2)]
        warmup_seconds: u64,
        /// Rows that reads choose among.
        #[arg(long, default_value_t = 100_000)]
        rows: u64,
        /// Size of a value in bytes.
        #[arg(long, default_value_t = 100)]
        value_bytes: usize,
        /// Process of the service, to report its memory.
        #[arg(long)]
        pid: Option<u32>,
    },
    /// Start `cellar dev` and print its first figures, one JSON line each.
    Figures {
        /// The binary.
        #[arg(long, default_value = "target/release/cellar")]
        binary: PathBuf,
        /// How long each load is measured, in seconds.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// Tables to create for the memory they take.
        #[arg(long, default_value_t = 1000)]
        tables: u32,
        /// Rows to write for the memory they take.
        #[arg(long, default_value_t = 1_000_000)]
        rows: u64,
    },
    /// Send generated statements to Cassandra and to Cellar and compare their answers.
    Differential {
        /// Cassandra, "host:port".
        #[arg(long)]
        cassandra: String,
        /// Statements to generate.
        #[arg(long, default_value_t = 2000)]
        statements: u64,
        /// Where the generator starts.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Also print how the messages of equal errors differ.
        #[arg(long)]
        messages: bool,
    },
    /// Load the flights and verify them.
    Flights {
        /// The whole file; without it the month that is built in.
        #[arg(long)]
        file: Option<PathBuf>,
        /// Only verify.
        #[arg(long)]
        verify: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Write,
    Read,
    Mixed,
    Lwt,
    IndexedWrite,
    IndexedRead,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let connect = || session::connect(&arguments.cql, arguments.connections);
    match arguments.verb {
        Verb::Figures { binary, seconds, tables, rows } => {
            let connections = arguments.connections;
            let duration = Duration::from_secs(seconds);
            let figures = Figures { binary, connections, duration, tables, rows };
            let mut tell = |name: &str, value| println!("{}", serde_json::json!({ name: value }));
            figures.measure(&mut tell).await?;
        }
        Verb::Bench {
            scenario,
            in_flight,
            rate,
            seconds,
            warmup_seconds,
            rows,
            value_bytes,
            pid,
        } => {
            let scenario = match scenario {
                Kind::Write => Scenario::Write,
                Kind::Read => Scenario::Read,
                Kind::Mixed => Scenario::Mixed,
                Kind::Lwt => Scenario::Lwt,
                Kind::IndexedWrite => Scenario::IndexedWrite,
                Kind::IndexedRead => Scenario::IndexedRead,
            };
            let target = CqlTarget::new(connect().await?, scenario, rows, value_bytes).await?;
            let plan = Plan {
                in_flight,
                rate,
                duration: Duration::from_secs(seconds),
                warmup: Duration::from_secs(warmup_seconds),
            };
            let report = bench::run(Arc::new(target), plan).await?;
            let mut line = serde_json::to_value(&report)?;
            if let (Some(pid), Some(fields)) = (pid, line.as_object_mut()) {
                fields.insert("resident_bytes".into(), memory::resident_bytes(pid)?.into());
            }
            println!("{line}");
        }
        Verb::Differential { cassandra, statements, seed, messages } => {
            let cellar = arguments.cql.join(",");
            let options = differential::Options { cassandra, cellar, statements, seed, messages };
            let unexplained = differential::run(&options).await?;
            anyhow::ensure!(unexplained == 0, "{unexplained} differences are not explained");
        }
        Verb::Flights { file, verify } => {
            let flights = match &file {
                Some(path) => data::open(path)?,
                None => data::month(),
            };
            let flights = flights.collect::<Result<Vec<_>, _>>()?;
            let mut expected = data::Totals::default();
            flights.iter().for_each(|flight| expected.add(flight));
            let session = connect().await?;
            if !verify {
                flights::create(&session, None).await?;
                let bar = ProgressBar::new(expected.rows);
                flights::load(&session, flights, 256, &|rows| bar.inc(rows)).await?;
                bar.finish();
            }
            let found = flights::totals(&session, "").await?;
            println!("{found:?}");
            anyhow::ensure!(found == expected, "expected {expected:?}");
        }
    }
    Ok(())
}
