//! `cellar-chaos`: load while `cargo xtask chaos`, `failover`, `rolling` and `grow` break or
//! stretch the service. It prints `loading` once load is made, goes on until a line comes on
//! standard input, and then prints its figures as one JSON line.

use std::path::PathBuf;

use anyhow::ensure;
use cellar_loadtest::chaos;
use clap::{Parser, Subcommand};

/// Load that checks what it is told.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Mixed load; then everything is read back and the whole history is checked.
    Load {
        /// Frontends, "host:port".
        #[arg(long, value_delimiter = ',', required = true)]
        cql: Vec<String>,
        /// Chooses keys and operations.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Registers.
        #[arg(long, default_value_t = 2000)]
        keys: u32,
        /// Clients; each has one request open.
        #[arg(long, default_value_t = 64)]
        clients: u32,
        /// Requests a second, of all clients.
        #[arg(long, default_value_t = 1000)]
        rate: u32,
        /// Where the history goes.
        #[arg(long)]
        history: PathBuf,
    },
    /// Check a history that was kept.
    Check {
        /// The file.
        history: PathBuf,
    },
    /// Fill a cluster with rows; a line that is not `stop` asks how much was written.
    Fill {
        /// Frontends, "host:port".
        #[arg(long, value_delimiter = ',', required = true)]
        cql: Vec<String>,
        /// Clients; each has one request open.
        #[arg(long, default_value_t = 64)]
        clients: u32,
        /// Size of a row's value.
        #[arg(long, default_value_t = 1000)]
        value_bytes: usize,
    },
    /// Make a great many tables; ends by itself.
    Many {
        /// Frontends, "host:port".
        #[arg(long, value_delimiter = ',', required = true)]
        cql: Vec<String>,
        /// Tables.
        #[arg(long, default_value_t = 10_000)]
        tables: u32,
        /// Replication factor.
        #[arg(long, default_value_t = 3)]
        replicas: u32,
    },
    /// One tenant that offers far too much, and one that asks for little; ends by itself.
    Storm {
        /// Frontends, "host:port".
        #[arg(long, value_delimiter = ',', required = true)]
        cql: Vec<String>,
        /// How long it is calm, stormy, and calm again, in seconds each.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// Connections of the greedy tenant to each frontend.
        #[arg(long, default_value_t = 16)]
        connections: usize,
        /// Clients of the greedy tenant in the storm; each has one request open.
        #[arg(long, default_value_t = 8_000)]
        clients: u32,
        /// Size of its values.
        #[arg(long, default_value_t = 4_000)]
        value_bytes: usize,
        /// Requests a second of the small tenant.
        #[arg(long, default_value_t = 100)]
        rate: u32,
    },
    /// Writes and reads with the driver's default retries.
    Rolling {
        /// Frontends, "host:port".
        #[arg(long, value_delimiter = ',', required = true)]
        cql: Vec<String>,
        /// Clients; each has one request open.
        #[arg(long, default_value_t = 16)]
        clients: u32,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().verb {
        Verb::Load { cql: frontends, seed, keys, clients, rate, history } => {
            let options = chaos::Options { frontends, seed, keys, clients, rate, history };
            let report = chaos::run(&options).await?;
            println!("{}", serde_json::to_string(&report)?);
            let violations = report.verdict.violations.len();
            ensure!(violations == 0, "{violations} violations");
        }
        Verb::Check { history } => {
            let verdict = chaos::check(&history)?;
            println!("{}", serde_json::to_string_pretty(&verdict)?);
            ensure!(verdict.violations.is_empty(), "no correct service answers so");
        }
        Verb::Fill { cql, clients, value_bytes } => {
            let filled = chaos::fill(&cql, clients, value_bytes).await?;
            println!("{}", serde_json::to_string(&filled)?);
            ensure!(filled.failed.is_empty(), "requests failed");
        }
        Verb::Many { cql, tables, replicas } => {
            let figures = chaos::many(&cql, tables, replicas).await?;
            println!("{}", serde_json::to_string(&figures)?);
        }
        Verb::Storm { cql: frontends, seconds, connections, clients, value_bytes, rate } => {
            let phase = std::time::Duration::from_secs(seconds);
            let gale = chaos::Gale { frontends, phase, connections, clients, value_bytes, rate };
            println!("{}", serde_json::to_string(&chaos::storm(&gale).await?)?);
        }
        Verb::Rolling { cql, clients } => {
            let figures = chaos::rolling(&cql, clients).await?;
            println!("{}", serde_json::to_string(&figures)?);
            ensure!(figures.failed.is_empty(), "requests failed");
        }
    }
    Ok(())
}
