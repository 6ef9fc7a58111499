//! A disk that becomes full while clients write: a definite error each time, reads go on, a start
//! without a free byte, and everything acknowledged is there when there is space again.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::Image;
use crate::{
    doors::{Answer, ask},
    places::Places,
    server::{self, Server},
};

/// Size of the disk.
const DISK_MIB: u64 = 1_024;
/// What is left when clients begin to fill it.
const LEFT_MIB: u64 = 180;
/// Bytes of one row.
const ROW_BYTES: usize = 256 << 10;
/// Rows that fill what is left, several times.
const ROWS_MAX: u32 = 3_000;
/// How long a refusal may take; far less than any timeout.
const REFUSED_WITHIN: Duration = Duration::from_secs(5);
/// How long it may take until writes are taken again.
const AGAIN_WITHIN: Duration = Duration::from_secs(60);

/// Runs it.
pub(super) fn run(places: &Places) -> Result<()> {
    let scratch = server::scratch(places)?;
    let mounted = scratch.path().join("mounted");
    let image = Image::mount(&scratch.path().join("image"), &mounted, DISK_MIB)?;
    let mut server = Server::dev_in(places, "disk-full", &mounted.join("data"), &[])?;
    let http = server.http;
    define(http)?;
    image.fill_to(LEFT_MIB)?;
    let mut rows = 0;
    let refused = loop {
        ensure!(rows < ROWS_MAX, "the disk does not become full: {} MiB", image.free_mib()?);
        match write(http, rows)? {
            None => rows += 1,
            Some(refused) => break refused,
        }
    };
    println!("xtask: after {rows} rows, {} MiB left: {refused}", image.free_mib()?);
    serves(http, rows, "with little space")?;
    image.fill()?;
    serves(http, rows, "without space")?;
    for _ in 0..2 {
        server.kill()?;
        // What the process let go of is taken too.
        image.fill()?;
        let killed = Instant::now();
        server.start().context("it does not start without space")?;
        println!("xtask: ready without space after {} ms", killed.elapsed().as_millis());
        serves(http, rows, "started without space")?;
    }
    image.free()?;
    let freed = Instant::now();
    while write(http, rows)?.is_some() {
        ensure!(freed.elapsed() < AGAIN_WITHIN, "writes are refused although there is space");
        thread::sleep(Duration::from_millis(200));
    }
    println!("xtask: writes are taken {} ms after there is space", freed.elapsed().as_millis());
    for row in rows + 1..rows + 50 {
        ensure!(write(http, row)?.is_none(), "row {row} is refused although there is space");
    }
    rows += 50;
    read(http, rows)?;
    server.kill()?;
    server.start()?;
    read(http, rows)?;
    server.stop()
}

fn query(http: SocketAddr, statement: &str, params: &Value) -> Result<Answer> {
    ask(http, "POST", "/v1/query", Some(&json!({ "statement": statement, "params": params })))
}

fn define(http: SocketAddr) -> Result<()> {
    let keyspace = "CREATE KEYSPACE filled WITH replication = \
        {'class': 'SimpleStrategy', 'replication_factor': 1}";
    for statement in [keyspace, "CREATE TABLE filled.rows (id int PRIMARY KEY, value text)"] {
        query(http, statement, &json!([]))?.is(200)?;
    }
    Ok(())
}

/// What row holds; different in every row, and no pattern that compresses well.
fn value(row: u32) -> String {
    let mut random = fastrand::Rng::with_seed(row.into());
    std::iter::repeat_with(|| random.alphanumeric()).take(ROW_BYTES).collect()
}

/// Writes a row; none if it is acknowledged, else the definite error.
fn write(http: SocketAddr, row: u32) -> Result<Option<String>> {
    let begun = Instant::now();
    let insert = "INSERT INTO filled.rows (id, value) VALUES (?, ?)";
    let answer = query(http, insert, &json!([row, value(row)]))?;
    if answer.status == 200 {
        return Ok(None);
    }
    let said = answer.body.to_string();
    let is_definite = answer.status == 503 && said.contains("the disk is full");
    ensure!(is_definite, "row {row}: {} {said}", answer.status);
    ensure!(begun.elapsed() < REFUSED_WITHIN, "refused after {:?}", begun.elapsed());
    Ok(Some(said))
}

/// Reads are answered, writes and changes of the schema refused.
fn serves(http: SocketAddr, rows: u32, when: &str) -> Result<()> {
    read(http, rows).with_context(|| format!("reads {when}"))?;
    for _ in 0..5 {
        ensure!(write(http, rows)?.is_some(), "{when} a write was taken");
    }
    Ok(())
}

/// Reads every row that was acknowledged, and sees no other.
fn read(http: SocketAddr, rows: u32) -> Result<()> {
    for row in 0..rows {
        let select = "SELECT value FROM filled.rows WHERE id = ?";
        let body = query(http, select, &json!([row]))?.is(200)?.body;
        let found = body.pointer("/rows/0/value").and_then(Value::as_str);
        if found != Some(value(row).as_str()) {
            bail!("row {row} is not what was acknowledged: {:?}", found.map(str::len));
        }
    }
    let counted = query(http, "SELECT count(*) FROM filled.rows", &json!([]))?.is(200)?.body;
    let told = counted.to_string();
    ensure!(told.contains(&rows.to_string()), "{rows} rows were written, counted are {told}");
    Ok(())
}
