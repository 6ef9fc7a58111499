//! A cluster on loopback as `cellar cluster` starts it: every process has an address of its own,
//! and can be killed and started again. Start at [`Local::start`].

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::places::Places;

/// How many processes of each role.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) metadata: u32,
    pub(crate) nodes: u32,
    pub(crate) frontends: u32,
}

/// A running cluster; it ends when the value is dropped.
pub(crate) struct Local {
    child: Child,
    cellar: PathBuf,
    data: PathBuf,
    /// Where each frontend serves CQL.
    pub(crate) cql: Vec<SocketAddr>,
    /// Where each frontend serves operators.
    pub(crate) admin: Vec<SocketAddr>,
    _scratch: TempDir,
}

impl Local {
    /// Starts a cluster with data in a new folder; it is ready when this returns.
    pub(crate) fn start(places: &Places, name: &str, shape: Shape) -> Result<Self> {
        let folder = places.cache.join("scratch");
        std::fs::create_dir_all(&folder)?;
        let scratch = TempDir::new_in(&folder)?;
        let data = scratch.path().join("data");
        let cellar = places.program("cellar")?;
        let log = places.logs()?.join(format!("{name}.log"));
        let mut child = Command::new(&cellar)
            .args(["cluster", "--data"])
            .arg(&data)
            .args(["--metadata", &shape.metadata.to_string()])
            .args(["--nodes", &shape.nodes.to_string()])
            .args(["--frontends", &shape.frontends.to_string()])
            .args(["--first-address", &first_address()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .context("cannot start cellar cluster")?;
        let output = child.stdout.take().context("cellar cluster has no output")?;
        let (cql, admin) = (Vec::new(), Vec::new());
        let mut cluster = Self { child, cellar, data, cql, admin, _scratch: scratch };
        let told = document(output).with_context(|| {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            format!("the cluster is not ready; see {}:\n{said}", log.display())
        })?;
        cluster.cql = addresses(&told, "cql")?;
        cluster.admin = addresses(&told, "admin")?;
        Ok(cluster)
    }

    /// What an operator's verb answers, as JSON.
    pub(crate) fn ask(&self, verb: &[&str]) -> Result<Value> {
        let admin = self.admin.first().context("the cluster has no frontend")?;
        let mut command = Command::new(&self.cellar);
        command.args(verb).args(["--admin", &admin.to_string()]);
        let output = command.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            bail!("cellar {}: {}", verb.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// The numbers of all cells that somebody leads.
    pub(crate) fn cells(&self) -> Result<Vec<u64>> {
        let said = self.ask(&["top", "--json"])?;
        let cells = said.as_array().context("cells are a list")?;
        Ok(cells.iter().filter_map(|cell| cell.get("cell")?.as_u64()).collect())
    }

    /// SIGTERM, and waits for the end of all processes.
    pub(crate) fn stop(mut self) -> Result<()> {
        let id = self.child.id().to_string();
        crate::cache::run(Command::new("kill").args(["-TERM", &id]))?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("cellar cluster ended with {status}");
        }
        Ok(())
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        // It may have been stopped already; then there is nothing to end.
        let mut stop = Command::new(&self.cellar);
        let _ = stop.args(["cluster", "stop", "--data"]).arg(&self.data).status();
        let _ = self.child.wait();
    }
}

/// The document that is printed once everything is ready.
fn document(output: ChildStdout) -> Result<Value> {
    let mut text = String::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        text.push_str(&line);
        if line == "}" {
            return Ok(serde_json::from_str(&text)?);
        }
    }
    bail!("cellar cluster ended")
}

/// An address of every frontend.
fn addresses(told: &Value, what: &str) -> Result<Vec<SocketAddr>> {
    let processes = told.get("processes").and_then(Value::as_array).context("processes")?;
    let is_frontend = |p: &&Value| p.get("role").and_then(Value::as_str) == Some("frontend");
    let frontends = processes.iter().filter(is_frontend);
    frontends
        .map(|process| {
            let address = process.get("addresses").and_then(|all| all.get(what)?.as_str());
            Ok(address.with_context(|| format!("a frontend without {what}"))?.parse()?)
        })
        .collect()
}

/// An address that no other run on this machine is likely to use.
fn first_address() -> String {
    let id = std::process::id();
    format!("127.{}.{}.1", 16 + id % 200, (id / 200) % 250)
}
