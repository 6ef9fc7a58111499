//! The one binary, `cellar`. It parses the command line and hands over to a verb; nothing else.

mod admin;
mod cluster;
mod config;
mod demo;
mod http;
mod lock;
mod operate;
mod roles;
mod table;
mod telemetry;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use config::{Flags, Settings};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A serverless keyspace service: CQL and HTTP in front, object storage behind.
#[derive(Debug, Parser)]
#[command(name = "cellar", version)]
struct Arguments {
    /// Configuration file (TOML); settings there lie below the environment and the flags.
    #[arg(long, global = true, env = "CELLAR_CONFIG", value_name = "FILE")]
    config_file: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// All roles in one process, data in a folder.
    Dev,
    /// Start, load real data, move old rows to Parquet, check everything.
    Demo,
    /// The metadata service.
    Metadata,
    /// A node that hosts cells; with a verb, what to do with one cell of a running cluster.
    Cell {
        #[command(subcommand)]
        verb: Option<operate::CellVerb>,
    },
    /// CQL and HTTP for clients.
    Frontend,
    /// The cells of a running cluster.
    Cells(operate::Shown),
    /// The nodes of a running cluster.
    Nodes(operate::Shown),
    /// What to do with one node of a running cluster.
    Node {
        #[command(subcommand)]
        verb: operate::NodeVerb,
    },
    /// What happened in a running cluster of late.
    Events(operate::Shown),
    /// The members of the metadata service.
    Members(operate::Shown),
    /// What to do with one member of the metadata service.
    Member {
        #[command(subcommand)]
        verb: operate::MemberVerb,
    },
    /// The busiest cells of a running cluster.
    Top(operate::Top),
    /// A whole cluster of separate processes on this machine.
    Cluster(cluster::Arguments),
    /// Show or check the configuration.
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
}

impl Verb {
    /// Whether the process serves others.
    fn is_role(&self) -> bool {
        matches!(self, Self::Dev | Self::Metadata | Self::Cell { verb: None } | Self::Frontend)
    }
}

#[derive(Debug, Subcommand)]
enum ConfigVerb {
    /// Print every setting; with `--origin` also where its value comes from.
    Show {
        /// Name the layer that each value comes from.
        #[arg(long)]
        origin: bool,
    },
    /// Exit 0 if every layer can be read and every value is valid.
    Check,
}

/// Has the kernel give small pages only. A Raft group reserves a megabyte that it rarely writes to,
/// which huge pages make resident: 300 groups took 700 MB with them and 129 MB without.
fn use_small_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        eprintln!("warning: the kernel keeps giving huge pages: {error}");
    }
}

fn main() -> ExitCode {
    use_small_pages();
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(mut arguments: Arguments) -> anyhow::Result<ExitCode> {
    let metadata = match &arguments.verb {
        Verb::Cluster(_) => arguments.flags.take_metadata(),
        _ => None,
    };
    let layers =
        config::Layers::read(arguments.config_file.as_deref(), std::env::vars(), &arguments.flags)?;
    let settings = Settings::from_layers(&layers)?;
    if arguments.verb.is_role() {
        telemetry::start(telemetry::SERVICE);
    }
    match &arguments.verb {
        Verb::Config { verb: ConfigVerb::Show { origin } } => {
            for (key, value) in layers.iter() {
                let text = if config::SECRET.contains(&key) { "…" } else { &value.text };
                match *origin {
                    true => println!("{key} = {text:?}  # {}", value.origin),
                    false => println!("{key} = {text:?}"),
                }
            }
        }
        Verb::Config { verb: ConfigVerb::Check } => println!("configuration is valid"),
        Verb::Cluster(asked) => serve(cluster::run(asked, metadata.as_deref(), &layers))?,
        Verb::Demo => {
            telemetry::start(telemetry::DEMO);
            serve(demo::run(&settings))?;
        }
        Verb::Dev => serve(roles::dev::run(&settings))?,
        Verb::Metadata => serve(roles::metadata::run(&settings))?,
        Verb::Cell { verb: None } => serve(roles::cell::run(&settings))?,
        Verb::Cell { verb: Some(verb) } => serve(operate::cell(settings.admin, verb))?,
        Verb::Cells(shown) => serve(operate::cells(settings.admin, shown))?,
        Verb::Nodes(shown) => serve(operate::nodes(settings.admin, shown))?,
        Verb::Node { verb } => serve(operate::node(settings.admin, verb))?,
        Verb::Events(shown) => serve(operate::events(settings.admin, shown))?,
        Verb::Members(shown) => serve(operate::members(settings.admin, shown))?,
        Verb::Member { verb } => serve(operate::member(settings.admin, verb))?,
        Verb::Top(asked) => serve(operate::top(settings.admin, asked))?,
        Verb::Frontend => serve(roles::frontend::run(&settings))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The one place that decides how the process uses threads.
fn serve(role: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(role)
}
