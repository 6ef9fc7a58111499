//! `cellar-drivers`: the stock Rust driver as the tests use it. `cargo xtask` runs it; the crate
//! and not xtask links the driver, so that xtask stays quick to build.

mod canonical;
mod number;
mod parameter;
mod script;

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
    /// The service, "host:port".
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
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let session = connect(&arguments.node).await?;
    match arguments.verb {
        Verb::Script { script } => script::run(&session, &script).await,
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
        .known_node(node)
        .default_execution_profile_handle(profile.into_handle())
        .pool_size(PoolSize::PerHost(NonZeroUsize::MIN))
        .build()
        .await
        .with_context(|| format!("cannot connect to {node}"))
}
