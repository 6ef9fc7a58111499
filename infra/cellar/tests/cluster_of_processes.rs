//! `cellar cluster`, seen from outside: separate processes, one document, nothing supervised.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

fn cellar(data: &Path, verb: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cellar"));
    command.args(verb).arg("--data").arg(data).stdin(Stdio::null());
    command
}

fn run(data: &Path, verb: &[&str]) -> Output {
    cellar(data, verb).output().unwrap()
}

/// A cluster that is stopped when the test ends, in whatever way.
struct Cluster<'a> {
    data: &'a Path,
    child: Child,
    document: Value,
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        run(self.data, &["cluster", "stop"]);
        self.child.wait().unwrap();
    }
}

impl<'a> Cluster<'a> {
    fn start(data: &'a Path, shape: &[&str]) -> Self {
        let mut command = cellar(data, &["cluster"]);
        let mut child = command.args(shape).stdout(Stdio::piped()).spawn().unwrap();
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

    fn field(&self, id: &str, pointer: &str) -> Value {
        let processes = self.document["processes"].as_array().unwrap();
        let process = processes.iter().find(|process| process["id"] == id).unwrap();
        process.pointer(pointer).unwrap().clone()
    }

    fn pid(&self, id: &str) -> Option<u64> {
        let said = run(self.data, &["cluster", "status", "--json"]).stdout;
        let said: Value = serde_json::from_slice(&said).unwrap();
        let processes = said["processes"].as_array().unwrap();
        processes.iter().find(|process| process["id"] == id).unwrap()["pid"].as_u64()
    }
}

fn signal(name: &str, pid: u64) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "not in time: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_killed_process_stays_dead_until_it_is_started_again_and_stop_ends_all() {
    let scratch = tempfile::tempdir().unwrap();
    let data = &scratch.path().join("data");
    let shape = ["--metadata", "3", "--nodes", "1", "--frontends", "1"];
    let mut cluster =
        Cluster::start(data, &[&shape[..], &["--first-address", "127.77.1.1"]].concat());
    assert_eq!(cluster.document["processes"].as_array().unwrap().len(), 5);
    let admin = cluster.field("frontend-1", "/addresses/admin").as_str().unwrap().to_owned();
    assert!(get(&admin, "/nodes").contains("127.77.1.5:7000"));

    let killed = cluster.field("metadata-2", "/pid").as_u64().unwrap();
    signal("-KILL", killed);
    eventually("metadata-2 is dead", || cluster.pid("metadata-2").is_none());
    thread::sleep(Duration::from_millis(500));
    assert_eq!(cluster.pid("metadata-2"), None);
    let started = run(data, &["cluster", "start", "metadata-2"]);
    assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
    let again: Value = serde_json::from_slice(&started.stdout).unwrap();
    assert_eq!(again["addresses"]["internal"], "127.77.1.3:7100");
    assert_ne!(again["pid"].as_u64(), Some(killed));
    let twice = run(data, &["cluster", "start", "metadata-2"]);
    assert!(String::from_utf8_lossy(&twice.stderr).contains("runs already"));

    assert!(run(data, &["cluster", "stop"]).status.success());
    assert!(cluster.child.wait().unwrap().success());
    for id in ["frontend-1", "metadata-1", "metadata-2", "metadata-3", "node-1"] {
        assert_eq!(cluster.pid(id), None, "{id}");
    }
    let other = run(data, &["cluster", "--nodes", "2"]);
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(said.contains("1 nodes") && !other.status.success(), "{said}");
}

#[test]
fn what_makes_no_sense_is_refused_with_the_reason() {
    let scratch = tempfile::tempdir().unwrap();
    for (arguments, reason) in [
        (&["cluster", "--metadata", "2"][..], "1, 3 or 5 members"),
        (&["cluster", "--metadata", "127.0.0.1:7100"], "not a number"),
        (&["cluster", "--cql", "127.0.0.1:1"], "an address of its own"),
        (&["cluster", "status"], "no cluster in"),
    ] {
        let output = run(&scratch.path().join("data"), arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(reason), "{arguments:?}: {said}");
    }
}
