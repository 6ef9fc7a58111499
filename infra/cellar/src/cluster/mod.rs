//! `cellar cluster`: many processes of this binary on one machine, each with a loopback address of
//! its own. It starts and stops them and supervises nothing: a process that dies stays dead until
//! `cellar cluster start ID`, and what it grows by is asked for with `cellar cluster add`. Start at
//! [`run`].

mod file;
mod plan;
mod process;
mod report;

use std::{net::Ipv4Addr, path::Path, thread};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Duration, sleep};

use crate::{config::Layers, lock, roles};
use file::Cluster;
use plan::{Member, ROLES, Role, Shape};
use process::Starting;

/// Settings that every process of a cluster has for itself.
const OWN: [&str; 7] = ["data", "cql", "http", "admin", "listen", "advertise", "metadata"];

/// How many processes, or what to do with those there are.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    /// Nodes that host cells; 3 if not given. `--metadata` (1, 3 or 5; 3 if not given) is the
    /// number of members of the metadata service.
    #[arg(long, value_name = "NUMBER")]
    nodes: Option<u32>,
    /// Frontends; 2 if not given.
    #[arg(long, value_name = "NUMBER")]
    frontends: Option<u32>,
    /// Address of the first frontend; every other process has the next one.
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    first_address: Ipv4Addr,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Start a process that is not running, with its old data and addresses.
    Start {
        /// Such as node-1.
        id: String,
    },
    /// Add a process with an address of its own and start it.
    Add {
        /// What it does.
        role: Role,
    },
    /// Stop the whole cluster, or one process of it.
    Stop {
        /// Such as node-1.
        id: Option<String>,
    },
    /// Show the processes.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Does what was asked. `metadata` is the flag as it was written.
pub(crate) async fn run(
    arguments: &Arguments,
    metadata: Option<&str>,
    layers: &Layers,
) -> anyhow::Result<()> {
    let folder = layers.get("data").map(|value| value.text.clone()).unwrap_or_default();
    let folder = Path::new(&folder);
    match &arguments.verb {
        None => serve(&wanted(arguments, metadata, layers, folder)?).await,
        Some(Verb::Start { id }) => {
            let cluster = Cluster::open(folder)?;
            let member = cluster.member(id)?;
            process::start(&cluster, member)?.ready().await?;
            report::print(&report::process(&cluster, member))
        }
        Some(Verb::Add { role }) => {
            let mut cluster = Cluster::open(folder)?;
            let member = cluster.add(*role)?;
            cluster.write()?;
            process::start(&cluster, &member)?.ready().await?;
            report::print(&report::process(&cluster, &member))
        }
        Some(Verb::Stop { id: Some(id) }) => {
            let cluster = Cluster::open(folder)?;
            process::stop(&cluster, &[cluster.member(id)?]).await
        }
        Some(Verb::Stop { id: None }) => stop(&Cluster::open(folder)?).await,
        Some(Verb::Status { json }) => {
            let cluster = Cluster::open(folder)?;
            match json {
                true => report::print(&report::cluster(&cluster)),
                false => report::print_table(&cluster),
            }
        }
    }
}

/// The cluster of the folder, or a new one of the shape asked for.
fn wanted(
    arguments: &Arguments,
    metadata: Option<&str>,
    layers: &Layers,
    folder: &Path,
) -> anyhow::Result<Cluster> {
    let metadata = metadata
        .map(|text| text.parse().with_context(|| format!("--metadata {text} is not a number")))
        .transpose()?;
    let given = |key: &str| layers.get(key).is_some_and(|value| value.origin.starts_with("flag"));
    for key in OWN.iter().filter(|key| !matches!(**key, "data" | "metadata")) {
        if given(key) {
            bail!("--{key} is not for `cluster`: every process has an address of its own");
        }
    }
    if let Some(known) = Cluster::read(folder)? {
        let differs = metadata.is_some_and(|count| count != known.shape.metadata)
            || arguments.nodes.is_some_and(|count| count != known.shape.nodes)
            || arguments.frontends.is_some_and(|count| count != known.shape.frontends);
        if differs {
            let Shape { metadata, nodes, frontends, .. } = known.shape;
            bail!(
                "{} holds a cluster of {metadata} metadata members, {nodes} nodes and {frontends} \
                 frontends; leave the numbers away to start it",
                known.folder.display()
            );
        }
        return Ok(known);
    }
    let folder = file::absolute(folder)?;
    let shape = Shape {
        metadata: metadata.unwrap_or(3),
        nodes: arguments.nodes.unwrap_or(3),
        frontends: arguments.frontends.unwrap_or(2),
        first_address: arguments.first_address,
    };
    let cluster = Cluster::new(shape, common(layers, &folder), folder)?;
    cluster.write()?;
    Ok(cluster)
}

/// The settings that all processes share: those that were given, and one place for cold segments.
fn common(layers: &Layers, folder: &Path) -> Vec<(String, String)> {
    let shared = layers.iter().filter(|(key, value)| {
        !OWN.contains(key) && value.origin != "default" && !value.text.is_empty()
    });
    let mut common: Vec<(String, String)> =
        shared.map(|(key, value)| (key.to_owned(), value.text.clone())).collect();
    if !common.iter().any(|(key, _)| key == "object-store") {
        let cold = format!("file:{}", folder.join("cold").display());
        common.push(("object-store".to_owned(), cold));
    }
    common
}

/// Starts everything, says what there is, and stops everything at a signal.
async fn serve(cluster: &Cluster) -> anyhow::Result<()> {
    let _lock = lock::hold(&cluster.folder)?;
    let living = cluster.members.iter().find(|member| cluster.pid_of(member).is_some());
    if let Some(member) = living {
        bail!(
            "{} runs already; `cellar cluster stop --data {}` ends what is left of an earlier run",
            member.id,
            cluster.folder.display()
        );
    }
    let signalled = roles::signalled();
    tokio::pin!(signalled);
    let started = tokio::select! {
        started = start(cluster) => started,
        signal = &mut signalled => {
            signal?;
            Err(anyhow::anyhow!("stopped before everything was ready"))
        }
    };
    if let Err(error) = started {
        stop_members(cluster).await?;
        return Err(error);
    }
    report::print(&report::cluster(cluster))?;
    signalled.await?;
    // Some may have been added meanwhile.
    stop_members(&Cluster::open(&cluster.folder)?).await
}

async fn start(cluster: &Cluster) -> anyhow::Result<()> {
    for role in ROLES {
        let members = cluster.of(role);
        // Members of the metadata service need each other to be ready; nodes get their ids in the
        // order in which they come.
        let at_once = if role == Role::Node { 1 } else { members.len().max(1) };
        for some in members.chunks(at_once) {
            let starting: anyhow::Result<Vec<Starting<'_>>> =
                some.iter().map(|member| process::start(cluster, member)).collect();
            for mut process in starting? {
                process.ready().await?;
                // A dead child stays in the process table until somebody asks for its end.
                thread::spawn(move || process.child.wait());
            }
        }
    }
    Ok(())
}

/// Stops the cluster: through the process that started it, if that lives.
async fn stop(cluster: &Cluster) -> anyhow::Result<()> {
    let holder = || lock::holder(&cluster.folder);
    let Some(pid) = holder().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) else {
        return stop_members(cluster).await;
    };
    kill_process(pid, Signal::TERM).context("cannot stop the cluster")?;
    while holder().is_some() {
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn stop_members(cluster: &Cluster) -> anyhow::Result<()> {
    for role in ROLES.into_iter().rev() {
        let members: Vec<&Member> = cluster.of(role);
        process::stop(cluster, &members).await?;
    }
    Ok(())
}
