//! The verbs of operators: each asks the admin endpoint of a process (`--admin`; one that reaches
//! the cells, so a frontend or `dev`) and shows the answer as a table or as JSON.

mod answers;
mod show;
mod top;

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use hyper::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http;

/// How long an answer may take; a split waits for the metadata service.
const PATIENCE: Duration = Duration::from_secs(60);

/// How to show an answer.
#[derive(Debug, Args)]
pub(crate) struct Shown {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// How to watch.
#[derive(Debug, Args)]
pub(crate) struct Top {
    /// Time between the two looks that are compared.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    #[command(flatten)]
    shown: Shown,
}

/// What to do with one cell.
#[derive(Debug, Subcommand)]
pub(crate) enum CellVerb {
    /// Split a cell, in the middle of its bytes unless told where.
    Split {
        /// The cell's number.
        cell: u64,
        /// Id of the table in which the right half begins.
        #[arg(long, requires = "token")]
        table: Option<u32>,
        /// Token at which the right half begins.
        #[arg(long, requires = "table", allow_negative_numbers = true)]
        token: Option<i64>,
    },
    /// Let another replica lead a cell.
    TransferLeader {
        /// The cell's number.
        cell: u64,
        /// The node's number; the replica that is furthest if not given.
        #[arg(long, value_name = "NODE")]
        to: Option<u64>,
    },
    /// Merge a cell with its right neighbour.
    Merge {
        /// The cell's number; it stays.
        cell: u64,
        /// The neighbour's number.
        right: Option<u64>,
    },
    /// Put a cell onto other nodes. The nodes it stands on give up a move that is under way.
    Move {
        /// The cell's number.
        cell: u64,
        /// The nodes that are to hold it; the first is to lead.
        #[arg(long, value_name = "NODE,NODE,NODE", value_delimiter = ',', required = true)]
        to: Vec<u64>,
    },
}

/// What to do with one node.
#[derive(Debug, Subcommand)]
pub(crate) enum NodeVerb {
    /// Let its cells go to other nodes; it gets no new ones.
    Drain {
        /// The node's number.
        node: u64,
    },
    /// Take a node back that was to be drained.
    Keep {
        /// The node's number.
        node: u64,
    },
    /// Forget a node for good, once nothing stands on it.
    Remove {
        /// The node's number.
        node: u64,
    },
}

/// What to do with one member of the metadata service.
#[derive(Debug, Subcommand)]
pub(crate) enum MemberVerb {
    /// Add a member that runs already, with `--member` and an empty folder.
    Add {
        /// Its number, which no other member has had.
        id: u64,
        /// Where it is reached.
        #[arg(value_name = "HOST:PORT")]
        address: String,
    },
    /// Let a member leave; stop its process afterwards.
    Remove {
        /// Its number.
        id: u64,
    },
}

/// `cellar cells`.
pub(crate) async fn cells(admin: SocketAddr, shown: &Shown) -> anyhow::Result<()> {
    let said = ask(admin, Method::GET, "/cells").await?;
    if shown.json {
        return print(&said);
    }
    let nodes: Vec<answers::NodeCells> = read(said)?;
    show::cells(&nodes);
    Ok(())
}

/// `cellar nodes`.
pub(crate) async fn nodes(admin: SocketAddr, shown: &Shown) -> anyhow::Result<()> {
    let said = ask(admin, Method::GET, "/nodes").await?;
    if shown.json {
        return print(&said);
    }
    let nodes: Vec<answers::Node> = read(said)?;
    show::nodes(&nodes);
    Ok(())
}

/// `cellar top`.
pub(crate) async fn top(admin: SocketAddr, asked: &Top) -> anyhow::Result<()> {
    let before: Vec<answers::NodeCells> = read(ask(admin, Method::GET, "/cells").await?)?;
    let began = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(asked.seconds)).await;
    let after: Vec<answers::NodeCells> = read(ask(admin, Method::GET, "/cells").await?)?;
    let busy = top::compare(&before, &after, began.elapsed());
    match asked.shown.json {
        true => print(&serde_json::to_value(busy)?),
        false => {
            show::top(&busy);
            Ok(())
        }
    }
}

/// `cellar cell …`.
pub(crate) async fn cell(admin: SocketAddr, verb: &CellVerb) -> anyhow::Result<()> {
    let path = match verb {
        CellVerb::Split { cell, table: Some(table), token: Some(token) } => {
            format!("/cells/{cell}/split?table={table}&token={token}")
        }
        CellVerb::Split { cell, .. } => format!("/cells/{cell}/split"),
        CellVerb::TransferLeader { cell, to: Some(to) } => {
            format!("/cells/{cell}/transfer-leader?to={to}")
        }
        CellVerb::TransferLeader { cell, to: None } => format!("/cells/{cell}/transfer-leader"),
        CellVerb::Merge { cell, right: None } => format!("/cells/{cell}/merge"),
        CellVerb::Merge { cell, right: Some(right) } => {
            format!("/cells/{cell}/merge?right={right}")
        }
        CellVerb::Move { cell, to } => {
            let to: Vec<String> = to.iter().map(u64::to_string).collect();
            format!("/cells/{cell}/move?to={}", to.join(","))
        }
    };
    print(&ask(admin, Method::POST, &path).await?)
}

/// `cellar node …`.
pub(crate) async fn node(admin: SocketAddr, verb: &NodeVerb) -> anyhow::Result<()> {
    let (node, verb) = match verb {
        NodeVerb::Drain { node } => (node, "drain"),
        NodeVerb::Keep { node } => (node, "keep"),
        NodeVerb::Remove { node } => (node, "remove"),
    };
    print(&ask(admin, Method::POST, &format!("/nodes/{node}/{verb}")).await?)
}

/// `cellar members`.
pub(crate) async fn members(admin: SocketAddr, shown: &Shown) -> anyhow::Result<()> {
    show_members(ask(admin, Method::GET, "/members").await?, shown.json)
}

/// `cellar member …`.
pub(crate) async fn member(admin: SocketAddr, verb: &MemberVerb) -> anyhow::Result<()> {
    let path = match verb {
        MemberVerb::Add { id, address } => format!("/members/{id}/add?address={address}"),
        MemberVerb::Remove { id } => format!("/members/{id}/remove"),
    };
    show_members(ask(admin, Method::POST, &path).await?, false)
}

fn show_members(said: Value, json: bool) -> anyhow::Result<()> {
    if json {
        return print(&said);
    }
    let members: Vec<answers::Member> = read(said)?;
    show::members(&members);
    Ok(())
}

/// `cellar events`.
pub(crate) async fn events(admin: SocketAddr, shown: &Shown) -> anyhow::Result<()> {
    let said = ask(admin, Method::GET, "/events").await?;
    if shown.json {
        return print(&said);
    }
    let events: Vec<answers::Event> = read(said)?;
    show::events(&events);
    Ok(())
}

async fn ask(admin: SocketAddr, method: Method, path: &str) -> anyhow::Result<Value> {
    let (status, body) = http::ask(admin, method, path, PATIENCE).await?;
    let said: Value = serde_json::from_slice(&body)
        .with_context(|| format!("{admin} answers {status} and no JSON; is it `--admin`?"))?;
    if status.is_success() {
        return Ok(said);
    }
    match said.get("error").and_then(Value::as_str) {
        Some(error) => bail!("{error}"),
        None => bail!("{admin} answers {status}"),
    }
}

fn read<T: DeserializeOwned>(said: Value) -> anyhow::Result<T> {
    serde_json::from_value(said).context("the answer is that of another version")
}

fn print(value: &Value) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}
