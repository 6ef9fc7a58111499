//! A cluster on loopback as `cellar cluster` starts it: every process has an address of its own,
//! and can be killed and started again. Start at [`Local::start`].

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::places::Places;

/// One process of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) role: String,
    pub(crate) ip: IpAddr,
    /// None if it does not run.
    pub(crate) pid: Option<u64>,
}

impl Member {
    fn read(process: &Value) -> Option<Self> {
        let text = |key| process.get(key).and_then(Value::as_str).map(str::to_owned);
        let admin = process.get("addresses")?.get("admin")?.as_str()?;
        let ip = admin.parse::<SocketAddr>().ok()?.ip();
        let pid = process.get("pid").and_then(Value::as_u64);
        Some(Self { id: text("id")?, role: text("role")?, ip, pid })
    }
}

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
    /// The folder of everything durable; a folder below it per process, with its log.
    pub(crate) data: PathBuf,
    /// Where each frontend serves CQL.
    pub(crate) cql: Vec<SocketAddr>,
    /// Where each frontend serves HTTP.
    pub(crate) http: Vec<SocketAddr>,
    /// Where each frontend serves operators.
    pub(crate) admin: Vec<SocketAddr>,
    _scratch: TempDir,
}

impl Local {
    /// Starts a cluster with data in a new folder; it is ready when this returns.
    pub(crate) fn start(places: &Places, name: &str, shape: Shape) -> Result<Self> {
        Self::start_with(places, name, shape, &[])
    }

    /// The same with settings for all processes, as flags.
    pub(crate) fn start_with(
        places: &Places,
        name: &str,
        shape: Shape,
        settings: &[&str],
    ) -> Result<Self> {
        Self::start_of(places, name, shape, settings, None)
    }

    /// The same with processes of another build of `cellar`, such as an older one; what is started
    /// again later is of this build.
    pub(crate) fn start_of(
        places: &Places,
        name: &str,
        shape: Shape,
        settings: &[&str],
        first: Option<&Path>,
    ) -> Result<Self> {
        let folder = places.cache.join("scratch");
        std::fs::create_dir_all(&folder)?;
        let scratch = TempDir::new_in(&folder)?;
        let data = scratch.path().join("data");
        let cellar = places.program("cellar")?;
        let log = places.logs()?.join(format!("{name}.log"));
        let mut child = Command::new(first.unwrap_or(&cellar))
            .args(["cluster", "--data"])
            .arg(&data)
            .args(["--metadata", &shape.metadata.to_string()])
            .args(["--nodes", &shape.nodes.to_string()])
            .args(["--frontends", &shape.frontends.to_string()])
            .args(["--first-address", &first_address()])
            .args(settings)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .context("cannot start cellar cluster")?;
        let output = child.stdout.take().context("cellar cluster has no output")?;
        let (cql, http, admin) = (Vec::new(), Vec::new(), Vec::new());
        let mut cluster = Self { child, cellar, data, cql, http, admin, _scratch: scratch };
        let told = document(output).with_context(|| {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            format!("the cluster is not ready; see {}:\n{said}", log.display())
        })?;
        cluster.cql = addresses(&told, "cql")?;
        cluster.http = addresses(&told, "http")?;
        cluster.admin = addresses(&told, "admin")?;
        Ok(cluster)
    }

    /// What an operator's verb answers, as JSON; any frontend that lives is asked.
    pub(crate) fn ask(&self, verb: &[&str]) -> Result<Value> {
        let mut said = "the cluster has no frontend".to_owned();
        for admin in &self.admin {
            let mut command = Command::new(&self.cellar);
            command.args(verb).args(["--admin", &admin.to_string()]);
            let output = command.stdin(Stdio::null()).output()?;
            if output.status.success() {
                return Ok(serde_json::from_slice(&output.stdout)?);
            }
            said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            if !said.contains("cannot ask") {
                break;
            }
        }
        bail!("cellar {}: {said}", verb.join(" "))
    }

    /// The numbers of all cells that somebody leads.
    pub(crate) fn cells(&self) -> Result<Vec<u64>> {
        let said = self.ask(&["top", "--json"])?;
        let cells = said.as_array().context("cells are a list")?;
        Ok(cells.iter().filter_map(|cell| cell.get("cell")?.as_u64()).collect())
    }

    /// The processes, and who of them lives.
    pub(crate) fn members(&self) -> Result<Vec<Member>> {
        let output = self.verb(&["status", "--json"]).stdin(Stdio::null()).output()?;
        let said: Value = serde_json::from_slice(&output.stdout).context("no status")?;
        let processes = said.get("processes").and_then(Value::as_array).context("processes")?;
        processes.iter().map(|process| Member::read(process).context("a process")).collect()
    }

    /// `cellar cluster` with a verb, for this cluster; to be given the rest and started.
    pub(crate) fn verb(&self, verb: &[&str]) -> Command {
        let mut command = Command::new(&self.cellar);
        command.arg("cluster").args(verb).arg("--data").arg(&self.data);
        command
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
