//! The one binary, `cellar`. It parses the command line and hands over to a verb; nothing else.
//!
//! Roles that serve are not built yet: their verbs check the whole configuration and then say so.

mod config;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use config::{Flags, Settings};

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
    /// All roles in one process, data in a folder (not built yet).
    Dev,
    /// Show or check the configuration.
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
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

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let layers =
        config::Layers::read(arguments.config_file.as_deref(), std::env::vars(), &arguments.flags)?;
    let settings = Settings::from_layers(&layers)?;
    match &arguments.verb {
        Verb::Config { verb: ConfigVerb::Show { origin } } => {
            for (key, value) in layers.iter() {
                match *origin {
                    true => println!("{key} = {:?}  # {}", value.text, value.origin),
                    false => println!("{key} = {:?}", value.text),
                }
            }
        }
        Verb::Config { verb: ConfigVerb::Check } => println!("configuration is valid"),
        Verb::Dev => anyhow::bail!(
            "the roles are not built yet, so nothing would listen on {}; see README.md, State",
            settings.cql
        ),
    }
    Ok(ExitCode::SUCCESS)
}
