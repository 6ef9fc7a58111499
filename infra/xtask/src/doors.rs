//! `cargo xtask doors`: what goes in through one door comes out of every other. Plain HTTP as curl
//! speaks it, the SDK's example, and cqlsh, all against the real server, before and after kill -9.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{cache, places::Places, server::Server};

const ROW: &str = "/v1/keyspaces/doors/tables/orders/rows/bob/7";
/// Long enough for any machine; a server that hangs must not hang the tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a server and goes through every door.
pub(crate) fn run(places: &Places) -> Result<()> {
    let mut server = Server::dev(places, "doors")?;
    let http = server.http;
    define(http)?;
    rows(http)?;
    errors(http)?;
    let found = cqlsh(places, server.cql, "SELECT total, tags FROM doors.orders")?;
    ensure!(found.contains("7.50") && found.contains("['new', 'paid']"), "cqlsh saw: {found}");
    cqlsh(
        places,
        server.cql,
        "UPDATE doors.orders SET note = 'by cqlsh' WHERE who='bob' AND id=7",
    )?;
    server.kill()?;
    server.start()?;
    let row = ask(http, "GET", ROW, None)?.is(200)?.body;
    ensure!(
        *at(&row, "/note") == "by cqlsh" && *at(&row, "/total") == "7.50",
        "after kill -9: {row}"
    );
    sdk(places, http)?;
    delete(http)?;
    server.stop()
}

fn define(http: SocketAddr) -> Result<()> {
    let keyspace = "CREATE KEYSPACE doors WITH replication = \
        {'class': 'SimpleStrategy', 'replication_factor': 1}";
    let table = "CREATE TABLE doors.orders (who text, id int, total decimal, tags list<text>, \
        note text, PRIMARY KEY (who, id))";
    for statement in [keyspace, table] {
        ask(http, "POST", "/v1/query", Some(&json!({ "statement": statement })))?.is(200)?;
    }
    Ok(())
}

fn rows(http: SocketAddr) -> Result<()> {
    let row = json!({ "total": "7.50", "tags": ["new", "paid"] });
    let put = ask(http, "PUT", ROW, Some(&row))?;
    ensure!(put.status / 100 == 2, "PUT: {} {}", put.status, put.body);
    ensure!(put.head.contains("cellar-consumed:"), "PUT does not say what it cost: {}", put.head);
    let got = ask(http, "GET", ROW, None)?.is(200)?.body;
    let expected = (at(&row, "/total"), at(&row, "/tags"), &json!("bob"), &json!(7));
    ensure!(
        (at(&got, "/total"), at(&got, "/tags"), at(&got, "/who"), at(&got, "/id")) == expected,
        "GET: {got}"
    );
    let select = json!({
        "statement": "SELECT total FROM doors.orders WHERE who = ? AND id = ?",
        "params": ["bob", 7],
    });
    let selected = ask(http, "POST", "/v1/query", Some(&select))?.is(200)?.body;
    ensure!(*at(&selected, "/rows/0/total") == "7.50", "SELECT: {selected}");
    Ok(())
}

fn errors(http: SocketAddr) -> Result<()> {
    let cases = [
        ("SELEC", 400),
        ("SELECT * FROM doors.nothing", 404),
        ("SELECT nothing FROM doors.orders", 422),
    ];
    for (statement, status) in cases {
        let answer = ask(http, "POST", "/v1/query", Some(&json!({ "statement": statement })))?;
        let problem = answer.head.contains("application/problem+json");
        ensure!(
            answer.status == status && problem && at(&answer.body, "/detail").is_string(),
            "{statement}: {} {}",
            answer.status,
            answer.body
        );
    }
    ask(http, "GET", "/v1/keyspaces/doors/tables/orders/rows/eve/1", None)?.is(404)?;
    Ok(())
}

fn delete(http: SocketAddr) -> Result<()> {
    let deleted = ask(http, "DELETE", ROW, None)?;
    ensure!(deleted.status / 100 == 2, "DELETE: {} {}", deleted.status, deleted.body);
    ask(http, "GET", ROW, None)?.is(404)?;
    Ok(())
}

/// The SDK's example checks every step of its own.
fn sdk(places: &Places, http: SocketAddr) -> Result<()> {
    let mut example = Command::new(places.program("examples/first_steps")?);
    cache::run(example.arg(format!("http://{http}")))
}

fn cqlsh(places: &Places, cql: SocketAddr, statement: &str) -> Result<String> {
    let python = cache::python(places)?;
    let mut cqlsh = Command::new(python.join("bin/python"));
    cqlsh.arg(python.join("bin/cqlsh")).args(["--request-timeout", "60", "-e", statement]);
    cqlsh.args([cql.ip().to_string(), cql.port().to_string()]);
    let output = cqlsh.output().context("cannot start cqlsh")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("cqlsh: {text}{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(text)
}

/// A part of a document, null if there is none.
fn at<'a>(document: &'a Value, pointer: &str) -> &'a Value {
    document.pointer(pointer).unwrap_or(&Value::Null)
}

/// What the server said.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The header block, in lower case.
    head: String,
    /// The body, null if there is none.
    pub(crate) body: Value,
}

impl Answer {
    /// An error unless this is the status.
    pub(crate) fn is(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "{} instead of {status}: {}", self.status, self.body);
        Ok(self)
    }
}

/// One request on a connection of its own, as small scripts send it.
pub(crate) fn ask(
    http: SocketAddr,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<Answer> {
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut stream = TcpStream::connect(http).with_context(|| format!("nobody at {http}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {http}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text).with_context(|| format!("{method} {path}"))?;
    let (head, body) = text.split_once("\r\n\r\n").context("the answer has no end of headers")?;
    let status = head.split(' ').nth(1).context("the answer has no status")?.parse()?;
    let head = head.to_lowercase();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body)? };
    Ok(Answer { status, head, body })
}
