//! First figures of a build: starts `cellar dev` in a fresh folder and measures it from outside.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use scylla::client::session::Session;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{
    bench::{self, CqlTarget, Plan, Scenario},
    memory, session,
};

/// What to measure.
#[derive(Clone, Debug)]
pub struct Figures {
    /// The binary.
    pub binary: PathBuf,
    /// Connections of the driver.
    pub connections: usize,
    /// How long each load is measured.
    pub duration: Duration,
    /// Tables that are created for the memory they take.
    pub tables: u32,
    /// Rows that are written for the memory they take.
    pub rows: u64,
}

/// A running `cellar dev`.
struct Server {
    child: Child,
    cql: String,
    folder: tempfile::TempDir,
}

impl Figures {
    /// Measures and tells each figure as a JSON value as soon as it is known.
    ///
    /// # Errors
    /// A server that does not start, or the driver's.
    pub async fn measure(&self, tell: &mut dyn FnMut(&str, Value)) -> anyhow::Result<()> {
        let begun = Instant::now();
        let server = Server::start(&self.binary, tempfile::tempdir()?).await?;
        tell("ready_ms", millis(begun.elapsed()));
        tokio::time::sleep(Duration::from_secs(2)).await;
        tell("idle_resident_bytes", server.resident()?);
        let session = session::connect(std::slice::from_ref(&server.cql), self.connections).await?;
        for scenario in [Scenario::Write, Scenario::Read] {
            for in_flight in [64, 1024] {
                let report = self.load(&session, scenario, in_flight).await?;
                tell(&format!("{scenario:?}_{in_flight}").to_lowercase(), report);
            }
        }
        drop(session);
        server.stop().await?;

        let server = Server::start(&self.binary, tempfile::tempdir()?).await?;
        let session = session::connect(std::slice::from_ref(&server.cql), self.connections).await?;
        let begun = Instant::now();
        self.create_tables(&session).await?;
        tell("create_tables_ms", json!([self.tables, millis(begun.elapsed())]));
        tell("tables_resident_bytes", json!([self.tables, server.resident()?]));
        drop(session);
        server.stop().await?;

        let server = Server::start(&self.binary, tempfile::tempdir()?).await?;
        let session = session::connect(std::slice::from_ref(&server.cql), self.connections).await?;
        let begun = Instant::now();
        self.write_rows(&session).await?;
        tell("rows_ms", json!([self.rows, millis(begun.elapsed())]));
        tell("rows_resident_bytes", json!([self.rows, server.resident()?]));
        drop(session);
        let folder = server.stop().await?;
        let begun = Instant::now();
        let server = Server::start(&self.binary, folder).await?;
        tell("ready_again_ms", millis(begun.elapsed()));
        server.stop().await?;
        Ok(())
    }

    async fn load(
        &self,
        session: &Arc<Session>,
        scenario: Scenario,
        in_flight: usize,
    ) -> anyhow::Result<Value> {
        let target = CqlTarget::new(Arc::clone(session), scenario, 100_000, 100).await?;
        let warmup = Duration::from_secs(2);
        let plan = Plan { in_flight, rate: None, duration: self.duration, warmup };
        let report = bench::run(Arc::new(target), plan).await?;
        Ok(serde_json::to_value(&report)?)
    }

    async fn create_tables(&self, session: &Session) -> anyhow::Result<()> {
        let keyspace = "CREATE KEYSPACE many WITH replication = \
                        {'class': 'NetworkTopologyStrategy', 'replication_factor': 1}";
        session::run(session, &[keyspace]).await?;
        for number in 0..self.tables {
            let table = format!(
                "CREATE TABLE many.t{number} (a int, b int, c text, d blob, PRIMARY KEY (a, b))"
            );
            session::run(session, &[&table]).await?;
        }
        Ok(())
    }

    async fn write_rows(&self, session: &Arc<Session>) -> anyhow::Result<()> {
        let target = CqlTarget::new(Arc::clone(session), Scenario::Write, self.rows, 100).await?;
        stream::iter(0..self.rows)
            .map(|index| bench::Target::request(&target, index))
            .buffer_unordered(512)
            .map_err(anyhow::Error::msg)
            .try_collect::<()>()
            .await
    }
}

impl Server {
    async fn start(binary: &Path, folder: tempfile::TempDir) -> anyhow::Result<Self> {
        let [cql, http, admin] = [free()?, free()?, free()?];
        let mut child = Command::new(binary)
            .arg("dev")
            .args(["--cql", &cql, "--http", &http, "--admin", &admin])
            .arg("--data")
            .arg(folder.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let out = child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(out).lines();
        while let Some(line) = lines.next_line().await? {
            if line == "ready" {
                // It prints nothing more there.
                return Ok(Self { child, cql, folder });
            }
        }
        anyhow::bail!("{} ended before it was ready", binary.display())
    }

    fn resident(&self) -> anyhow::Result<Value> {
        let pid = self.child.id().context("the server has ended")?;
        Ok(memory::resident_bytes(pid)?.into())
    }

    /// Stops it as an operator would, and keeps its folder.
    async fn stop(mut self) -> anyhow::Result<tempfile::TempDir> {
        let pid = self.child.id().context("the server has ended")?;
        let sent = Command::new("kill").arg(pid.to_string()).status().await?;
        anyhow::ensure!(sent.success(), "cannot signal the server");
        let status = self.child.wait().await?;
        anyhow::ensure!(status.success(), "the server ended with {status}");
        Ok(self.folder)
    }
}

fn free() -> anyhow::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

fn millis(duration: Duration) -> Value {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).into()
}
