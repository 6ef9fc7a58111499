//! `cargo xtask hostile`: what no driver sends, over raw TCP. Each case must get its proper error
//! or end its own connection; the server and a neighbour connection go on. Start at [`run`].

mod cases;
mod wire;

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{places::Places, server::Server};
use cases::{Case, Outcome};
use wire::{Answer, Client};

/// Below the 1,024 files that a process may have open by default.
const SILENT_CONNECTIONS: u32 = 500;

/// What to run.
#[derive(Debug, Default, Args)]
pub(crate) struct Options {
    /// A server that runs already, instead of one started here.
    #[arg(long, value_name = "HOST:PORT")]
    against: Option<SocketAddr>,
}

impl Options {
    /// Whether the real server is needed.
    pub(crate) fn starts_a_server(&self) -> bool {
        self.against.is_none()
    }
}

/// Runs every case; every failure is printed before the run fails.
pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    let server = match options.against {
        Some(_) => None,
        None => Some(Server::dev(places, "hostile")?),
    };
    let address = server.as_ref().map(|server| server.cql).or(options.against);
    let address = address.context("no server")?;
    let mut neighbour = Neighbour::start(address)?;
    let cases = cases::all();
    let mut failed = 0;
    for case in &cases {
        let result = attempt(address, case).and_then(|()| neighbour.still_served());
        if let Err(error) = result {
            println!("hostile: {}: {error:#}", case.name);
            failed += 1;
            neighbour = Neighbour::start(address)?;
        }
    }
    crowd(address, &mut neighbour)?;
    neighbour.client.query("DROP KEYSPACE hostile")?;
    println!("xtask: hostile input: {} of {} cases", cases.len() - failed, cases.len());
    if failed > 0 {
        bail!("{failed} cases of hostile input failed");
    }
    match server {
        Some(mut server) => server.stop(),
        None => Ok(()),
    }
}

/// Many connections that say nothing, or half a word, take nothing from the neighbour.
fn crowd(address: SocketAddr, neighbour: &mut Neighbour) -> Result<()> {
    let mut silent = Vec::new();
    for number in 0..SILENT_CONNECTIONS {
        let mut client = Client::connect(address)?;
        if number % 2 == 0 {
            client.send(&[4, 0, 0])?;
        }
        silent.push(client);
    }
    neighbour.still_served().context("beside silent connections")?;
    drop(silent);
    neighbour.still_served().context("after silent connections")
}

fn attempt(address: SocketAddr, case: &Case) -> Result<()> {
    let mut client = match case.before_startup {
        true => Client::connect(address)?,
        false => Client::ready(address)?,
    };
    (case.send)(&mut client)?;
    if matches!(case.outcome, Outcome::Closed) {
        return client.ends();
    }
    let answer = client.receive()?;
    match (&answer, case.outcome) {
        (Answer::Error { code, message }, Outcome::Refused(codes)) if codes.contains(code) => {
            if message.is_empty() {
                bail!("the error {code:#06x} has no message");
            }
            if !client.serves()? {
                bail!("the connection does not serve after the error {code:#06x}: {message}");
            }
            Ok(())
        }
        (Answer::Error { code, .. }, Outcome::RefusedOrClosed(codes)) if codes.contains(code) => {
            Ok(())
        }
        (Answer::Closed, Outcome::RefusedOrClosed(_)) => Ok(()),
        (_, expected) => bail!("answered {answer:?}, expected {expected:x?}"),
    }
}

/// A well-behaved client beside the hostile ones, on one connection all the time.
struct Neighbour {
    client: Client,
    turn: u64,
}

impl Neighbour {
    fn start(address: SocketAddr) -> Result<Self> {
        let mut client = Client::ready(address)?;
        client.query(
            "CREATE KEYSPACE IF NOT EXISTS hostile WITH replication = \
             {'class': 'NetworkTopologyStrategy', 'dc1': 1}",
        )?;
        client.query("CREATE TABLE IF NOT EXISTS hostile.t (k int PRIMARY KEY, v text)")?;
        Ok(Self { client, turn: 0 })
    }

    /// Writes, and reads it back.
    fn still_served(&mut self) -> Result<()> {
        self.turn += 1;
        let text = format!("turn {}", self.turn);
        let insert = format!("INSERT INTO hostile.t (k, v) VALUES (1, '{text}')");
        self.client.query(&insert).context("the neighbour cannot write")?;
        let found = self.client.query("SELECT v FROM hostile.t WHERE k = 1")?;
        if !found.ends_with(text.as_bytes()) {
            bail!("the neighbour reads something else than {text}");
        }
        Ok(())
    }
}
