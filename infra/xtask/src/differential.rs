//! `cargo xtask differential`: the same generated statements to the real server and to Apache
//! Cassandra 5 from Maven Central, with everything compared that a client sees of the answers.
//!
//! The generator and the comparer are `cellar-loadtest differential`; this starts both services,
//! unless it is told where they run. Start at [`run`].

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use tempfile::TempDir;

use crate::{
    cache,
    places::Places,
    server::{self, Server},
};

/// How long Cassandra may take to answer after its start.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// Packages of the JDK that Cassandra reaches into.
const OPENED: [&str; 22] = [
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.ref",
    "java.base/java.lang.reflect",
    "java.base/java.math",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.nio.charset",
    "java.base/java.nio.file.spi",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/java.util.jar",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch",
    "java.base/sun.nio.fs",
];
/// Packages of other modules of the JDK that Cassandra reaches into.
const OPENED_REST: [&str; 4] = [
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "jdk.management/com.sun.management.internal",
];

/// How many statements, and where the services are.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Statements to generate.
    #[arg(long, default_value_t = 2000)]
    pub(crate) statements: u64,
    /// Where the generator starts.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Also print how the messages of equal errors differ.
    #[arg(long)]
    pub(crate) messages: bool,
    /// A Cassandra that runs, "host:port"; without it one is started.
    #[arg(long)]
    pub(crate) cassandra: Option<String>,
    /// A Cellar that runs, "host:port"; without it one is started.
    #[arg(long)]
    pub(crate) cellar: Option<String>,
}

impl Options {
    pub(crate) fn starts_a_server(&self) -> bool {
        self.cellar.is_none()
    }
}

/// Starts what does not run and compares; an error on a difference that nothing explains.
pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    let cassandra = match &options.cassandra {
        Some(_) => None,
        None => Some(Cassandra::start(places)?),
    };
    let server = match &options.cellar {
        Some(_) => None,
        None => Some(Server::dev(places, "differential")?),
    };
    let of = |running: Option<SocketAddr>, given: &Option<String>| {
        running.map(|address| address.to_string()).or_else(|| given.clone()).unwrap_or_default()
    };
    let mut command = Command::new(places.program("cellar-loadtest")?);
    command.args(["--cql", &of(server.as_ref().map(|server| server.cql), &options.cellar)]);
    let truth = of(cassandra.as_ref().map(|cassandra| cassandra.cql), &options.cassandra);
    command.args(["differential", "--cassandra", &truth]);
    command.args(["--statements", &options.statements.to_string()]);
    command.args(["--seed", &options.seed.to_string()]);
    if options.messages {
        command.arg("--messages");
    }
    cache::run(command.env("RUST_BACKTRACE", "0"))
}

/// A running Cassandra, which ends and is forgotten when dropped.
struct Cassandra {
    child: Child,
    cql: SocketAddr,
    _data: TempDir,
}

impl Cassandra {
    fn start(places: &Places) -> Result<Self> {
        let library = library(places)?;
        let data = server::scratch(places)?;
        let [cql, storage, ssl, management] = server::free_ports()?;
        let root = data.path().display().to_string();
        let settings = fs::read_to_string(places.tests("differential/cassandra.yaml"))?
            .replace("DATA", &root)
            .replace("CQL_PORT", &cql.port().to_string())
            .replace("STORAGE_PORT", &storage.port().to_string())
            .replace("SSL_PORT", &ssl.port().to_string());
        fs::write(data.path().join("cassandra.yaml"), settings)?;
        fs::write(data.path().join("cassandra-rackdc.properties"), "dc=dc1\nrack=rack1\n")?;
        fs::copy(places.tests("differential/logback.xml"), data.path().join("logback.xml"))?;
        let log = fs::File::create(places.logs()?.join("cassandra.log"))?;
        let child = java(&library, data.path(), management)?
            .stdin(Stdio::null())
            .stderr(log.try_clone()?)
            .stdout(log)
            .spawn()
            .context("cannot start java")?;
        let mut cassandra = Self { child, cql, _data: data };
        cassandra.wait()?;
        Ok(cassandra)
    }

    fn wait(&mut self) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < READY_WITHIN {
            if let Some(status) = self.child.try_wait()? {
                bail!("Cassandra ended with {status}; see target/xtask/logs/cassandra.log");
            }
            if TcpStream::connect(self.cql).is_ok() {
                println!("xtask: Cassandra answers after {} s", started.elapsed().as_secs());
                return Ok(());
            }
            thread::sleep(Duration::from_millis(250));
        }
        bail!("Cassandra does not answer; see target/xtask/logs/cassandra.log")
    }
}

impl Drop for Cassandra {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder of Cassandra's jars, fetched from Maven Central once.
fn library(places: &Places) -> Result<PathBuf> {
    let pom = places.tests("differential/pom.xml");
    cache::program(&["java"], "Java 17, to run Cassandra; or --cassandra HOST:PORT")?;
    cache::environment(places, "cassandra", &[&pom], |folder| {
        let maven =
            cache::program(&["mvn"], "Maven, to fetch Cassandra; or --cassandra HOST:PORT")?;
        fs::create_dir_all(folder)?;
        let output = format!("-DoutputDirectory={}", folder.display());
        let goal = "dependency:copy-dependencies";
        cache::run(Command::new(maven).args(["-q", "-B", "-f"]).arg(&pom).args([goal, &output]))
    })
}

/// The command that runs the daemon.
fn java(library: &Path, data: &Path, management: SocketAddr) -> Result<Command> {
    let agent = fs::read_dir(library)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("jamm"))
        })
        .context("Cassandra's jars lack jamm")?;
    let mut command = Command::new("java");
    command.args(["-Xmx1g", "-XX:+UseG1GC", "-Djava.security.manager=allow"]);
    for package in OPENED.iter().chain(&OPENED_REST) {
        command.args(["--add-exports", &format!("{package}=ALL-UNNAMED")]);
        command.args(["--add-opens", &format!("{package}=ALL-UNNAMED")]);
    }
    let data_shown = data.display();
    command.args([
        format!("-Dcassandra.config=file://{data_shown}/cassandra.yaml"),
        format!("-Dcassandra.storagedir={data_shown}"),
        format!("-Dcassandra.jmx.local.port={}", management.port()),
        "-Dcassandra-foreground=yes".to_owned(),
        "-Djdk.attach.allowAttachSelf=true".to_owned(),
        "-Dcassandra.skip_wait_for_gossip_to_settle=0".to_owned(),
        "-Dcassandra.ring_delay_ms=1000".to_owned(),
        format!("-javaagent:{}", agent.display()),
        "-cp".to_owned(),
        format!("{data_shown}:{}/*", library.display()),
        "org.apache.cassandra.service.CassandraDaemon".to_owned(),
    ]);
    Ok(command)
}
