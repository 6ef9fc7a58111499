//! A cluster of processes for tests that end some of them, and clients of it over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    dead_code,
    reason = "helpers of tests, which fail loudly; each test program uses a part"
)]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// A cluster that is stopped when the test ends, in whatever way.
pub struct Cluster {
    data: tempfile::TempDir,
    child: Child,
    document: Value,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.verb(&["stop"]);
        self.child.wait().unwrap();
    }
}

impl Cluster {
    /// Starts one with a metadata service of one member and one frontend.
    pub fn start(nodes: u32, first_address: &str) -> Self {
        Self::start_with(first_address, [1, nodes, 1], &[])
    }

    /// Starts one with so many members of the metadata service, nodes and frontends, and with
    /// settings for all processes.
    pub fn start_with(first_address: &str, shape: [u32; 3], settings: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cellar"));
        command.arg("cluster").args(["--first-address", first_address]).args(settings);
        for (role, count) in ["--metadata", "--nodes", "--frontends"].into_iter().zip(shape) {
            command.arg(role).arg(count.to_string());
        }
        command.arg("--data").arg(data.path()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut text = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            text.push_str(&line);
            if line == "}" {
                break;
            }
        }
        let document = serde_json::from_str(&text).unwrap();
        Self { data, child, document }
    }

    fn verb(&self, verb: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cellar"));
        command.arg("cluster").args(verb).arg("--data").arg(self.data.path());
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// The folder of a role of a process.
    pub fn folder(&self, id: &str, role: &str) -> PathBuf {
        self.data.path().join(id).join(role)
    }

    fn address(&self, id: &str, kind: &str) -> String {
        let processes = self.document["processes"].as_array().unwrap();
        let process = processes.iter().find(|process| process["id"] == id).unwrap();
        process["addresses"][kind].as_str().unwrap().to_owned()
    }

    fn pid(&self, id: &str) -> Option<u64> {
        let said: Value = serde_json::from_slice(&self.verb(&["status", "--json"]).stdout).unwrap();
        let processes = said["processes"].as_array().unwrap();
        processes.iter().find(|process| process["id"] == id).unwrap()["pid"].as_u64()
    }

    /// Sends a signal to a process.
    pub fn signal(&self, id: &str, name: &str) {
        let pid = self.pid(id).unwrap().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// Ends a process in the middle of whatever it does.
    pub fn kill(&self, id: &str) {
        self.signal(id, "-KILL");
        eventually(&format!("{id} is dead"), || self.pid(id).is_none());
    }

    /// Starts a process again; it serves when this returns.
    pub fn start_again(&self, id: &str) {
        let started = self.verb(&["start", id]);
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
    }

    /// What the frontend's admin listener says.
    pub fn admin(&self, path: &str) -> Value {
        let (status, body) = http(&self.address("frontend-1", "admin"), "GET", path, "");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// The same; none if it cannot say.
    pub fn try_admin(&self, path: &str) -> Option<Value> {
        match http(&self.address("frontend-1", "admin"), "GET", path, "") {
            (200, body) => serde_json::from_str(&body).ok(),
            _ => None,
        }
    }

    /// Asks the frontend's admin listener for a change; says whether it was made.
    pub fn change(&self, path: &str) -> Result<(), String> {
        match http(&self.address("frontend-1", "admin"), "POST", path, "") {
            (200, _) => Ok(()),
            (status, body) => Err(format!("{status} {body}")),
        }
    }

    /// Every cell as the node has it that leads it, as that node itself says, with the node.
    pub fn led_cells(&self) -> Vec<(u64, Value)> {
        let told = self.admin("/cells");
        let mut found = Vec::new();
        for node in told.as_array().unwrap() {
            let cells = node["answer"].as_array().into_iter().flatten();
            let led = cells.filter(|cell| cell["leader"] == node["node"]);
            found.extend(led.map(|cell| (node["node"].as_u64().unwrap(), cell.clone())));
        }
        found
    }

    /// Which node leads which cell.
    pub fn leaders(&self) -> BTreeMap<u64, u64> {
        let cells = self.led_cells().into_iter();
        cells.map(|(node, cell)| (cell["cell"].as_u64().unwrap(), node)).collect()
    }

    /// Asks for a node to lead a cell.
    pub fn transfer(&self, cell: u64, node: u64) {
        // Whoever asks looks what came of it.
        drop(self.change(&format!("/cells/{cell}/transfer-leader?to={node}")));
    }

    /// Runs a statement through the first frontend.
    pub fn query(&self, statement: &str) -> Result<Value, String> {
        self.query_by("frontend-1", "LOCAL_QUORUM", statement)
    }

    /// Runs a statement through a frontend.
    pub fn query_by(&self, id: &str, level: &str, statement: &str) -> Result<Value, String> {
        let body = json!({ "statement": statement, "consistency": level }).to_string();
        match http(&self.address(id, "http"), "POST", "/v1/query", &body) {
            (200..300, body) => Ok(serde_json::from_str(&body).unwrap_or_default()),
            (status, body) => Err(format!("{status} {body}")),
        }
    }

    /// Runs a statement again and again until it is done: it must do no harm twice.
    pub fn done(&self, statement: &str) -> Value {
        let began = Instant::now();
        loop {
            match self.query(statement) {
                Ok(answer) => return answer,
                Err(error) => assert!(began.elapsed() < PATIENCE, "{statement}: {error}"),
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Longest wait for anything, on a machine that is as busy as can be.
const PATIENCE: Duration = Duration::from_secs(120);

pub fn eventually(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "not in time: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A process that has said that it is ready; it is killed at the end, in whatever way.
pub struct Ready(pub Child);

impl Drop for Ready {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Ready {
    pub fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = Self(child);
        let mut output = BufReader::new(ready.0.stdout.take().unwrap());
        let mut line = String::new();
        while line.trim() != "ready" {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "it has ended: {command:?}");
        }
        // What it says later is not read; nobody may wait for that.
        thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        ready
    }
}

/// A statement for a keyspace `ks` with so many replicas.
pub fn keyspace(replicas: u32) -> String {
    format!(
        "CREATE KEYSPACE IF NOT EXISTS ks WITH replication = \
         {{'class': 'SimpleStrategy', 'replication_factor': '{replicas}'}}"
    )
}

/// Has some threads do one piece of work after the other, numbered from 0 on, until something has
/// come or failed.
pub fn meanwhile<T>(threads: u32, work: impl Fn(u64) + Sync, come: impl FnOnce() -> T) -> T {
    let (stop, number, work) = (&AtomicBool::new(false), &AtomicU64::new(0), &work);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    work(number.fetch_add(1, Ordering::SeqCst));
                }
            });
        }
        let come = catch_unwind(AssertUnwindSafe(come));
        stop.store(true, Ordering::SeqCst);
        come.unwrap_or_else(|failed| resume_unwind(failed))
    })
}

/// Whether a file has these bytes in it.
pub fn has(file: &Path, bytes: &[u8]) -> bool {
    let found = std::fs::read(file).unwrap_or_default();
    found.windows(bytes.len()).any(|window| window == bytes)
}

fn http(address: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let asked = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = match asked() {
        Ok(answer) => answer,
        Err(error) => return (0, error.to_string()),
    };
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, body.to_owned())
}
