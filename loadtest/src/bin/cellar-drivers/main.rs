//! `cellar-drivers`: the stock Rust driver as the tests use it. `cargo xtask` runs it; the crate
//! and not xtask links the driver, so that xtask stays quick to build.

mod columns;
mod parameter;
mod script;
mod survive;

use std::{num::NonZeroUsize, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use scylla::{
    client::{
        PoolSize, execution_profile::ExecutionProfile, session::Session,
        session_builder::SessionBuilder,
    },
    policies::retry::FallthroughRetryPolicy,
    statement::Consistency,
};

/// Tests of a running service through the stock Rust driver.
#[derive(Debug, Parser)]
struct Arguments {
    /// The service, "host:port", of one or several frontends with commas between.
    #[arg(long)]
    node: String,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run a script of statements and print one JSON line per step.
    Script {
        /// The script.
        #[arg(long)]
        script: PathBuf,
    },
    /// Write until the service is gone; print a line for each write that was acknowledged.
    Write {
        /// The number of the first write.
        #[arg(long, default_value_t = 0)]
        first: i64,
    },
    /// Write and read a table of which a column is dropped and added again, until a line comes.
    Columns {
        /// Where the one that alters the table says how it stands.
        #[arg(long)]
        state: PathBuf,
    },
    /// Read back what writers were acknowledged.
    Verify {
        /// Read the rows of only so many of the last writers; counters cover all.
        #[arg(long, default_value_t = usize::MAX)]
        last: usize,
        /// What every writer since the tables were created printed, the last one last.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let session = connect(&arguments.node).await?;
    match arguments.verb {
        Verb::Script { script } => script::run(&session, &script).await,
        Verb::Write { first } => survive::write(&session, first).await,
        Verb::Columns { state } => columns::run(session, state).await,
        Verb::Verify { last, files } => {
            let verified = survive::verify(&session, &files, last).await?;
            println!("{verified} acknowledged writes are there");
            Ok(())
        }
    }
}

/// A session that tries each request once, so that every error is seen.
async fn connect(node: &str) -> Result<Session> {
    let profile = ExecutionProfile::builder()
        .consistency(Consistency::LocalOne)
        .retry_policy(Arc::new(FallthroughRetryPolicy))
        .request_timeout(Some(Duration::from_secs(60)))
        .build();
    SessionBuilder::new()
        .known_nodes(node.split(','))
        .default_execution_profile_handle(profile.into_handle())
        .pool_size(PoolSize::PerHost(NonZeroUsize::MIN))
        .build()
        .await
        .with_context(|| format!("cannot connect to {node}"))
}
