//! Bytes that changed on a disk: found each time, never served; other replicas answer instead, and
//! send what they have, without anybody's help.

use std::{
    fs::{self, File},
    net::SocketAddr,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    doors::{Answer, ask},
    local::{Local, Shape},
    places::Places,
    server::Server,
};

const THREE: Shape = Shape { metadata: 1, nodes: 3, frontends: 1 };
const ROWS: u32 = 2_000;
/// The node that is damaged.
const HURT: u64 = 1;
/// How long healing may take.
const HEALED_WITHIN: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(500);
/// One row in so many is damaged, where it lies in a table: tables hold the records of the cells
/// too, without which a node does not start.
const EVERY: usize = 50;
/// Bytes at the beginning of a table that stay: records of cells and indexes are there.
const RECORDS_BYTES: usize = 64 << 10;
/// Bytes of a row by which it is found.
const FOUND_BY: usize = 40;

/// Runs it.
pub(super) fn run(places: &Places) -> Result<()> {
    alone(places)?;
    log(places)?;
    among_three(places)
}

/// Without another replica, damage is an error that names the cell.
fn alone(places: &Places) -> Result<()> {
    let mut server = Server::dev(places, "disk-damage")?;
    fill(server.http, 1)?;
    server.stop()?;
    let flipped = damage(&server.data.join("node"))?;
    server.start()?;
    let (right, refused) = read(server.http, "LOCAL_QUORUM")?;
    let said = refused.first().context("no damage was noticed")?;
    ensure!(said.contains("cell") && said.contains("corrupt"), "the error says {said}");
    println!(
        "xtask: {flipped} bytes flipped, {right} rows read, {} refused: {said}",
        refused.len()
    );
    server.stop()
}

/// Damage in the middle of the log is no torn write: the node does not start.
fn log(places: &Places) -> Result<()> {
    let mut server = Server::dev(places, "disk-log-damage")?;
    fill(server.http, 1)?;
    server.kill()?;
    let segment = server.data.join("node/log/00000000000000000001.log");
    flip(&segment, 4_000)?;
    let Err(error) = server.start() else { anyhow::bail!("it starts on a damaged log") };
    let said = format!("{error:#}");
    ensure!(said.contains("is damaged at"), "it does not say what is wrong: {said}");
    println!("xtask: a damaged log is refused");
    Ok(())
}

/// With other replicas, clients notice nothing, and nobody has to do anything.
fn among_three(places: &Places) -> Result<()> {
    let cluster = Local::start(places, "disk-damage-three", THREE)?;
    let http = *cluster.http.first().context("no frontend")?;
    let admin = *cluster.admin.first().context("no frontend")?;
    fill(http, 3)?;
    ask(admin, "POST", "/flush", None)?.is(200)?;
    run_verb(&cluster, "stop")?;
    let flipped = damage(&cluster.data.join("node-1/node"))?;
    run_verb(&cluster, "start")?;
    let led = lead(&cluster, admin)?;
    for level in ["LOCAL_QUORUM", "ONE", "SERIAL"] {
        let (right, refused) = read(http, level)?;
        ensure!(refused.is_empty(), "{level}: {} refused: {:?}", refused.len(), refused.first());
        println!(
            "xtask: {flipped} bytes flipped on a node that led {led} cells: {right} at {level}"
        );
    }
    let told = fs::read(cluster.data.join("node-1/log"))?;
    let told = String::from_utf8_lossy(&told).contains("damaged");
    ensure!(told, "node-1 did not notice: it was not read");
    healed(admin)?;
    // Now the node has every row itself, as the leader and after a start.
    for when in ["healed", "started again"] {
        ensure!(lead(&cluster, admin)? > 0, "node-1 leads nothing when {when}");
        let (right, refused) = read(http, "LOCAL_QUORUM")?;
        ensure!(refused.is_empty() && right == ROWS, "{when}: {refused:?}");
        println!("xtask: {when}, node-1 leads and answers {right} rows right");
        run_verb(&cluster, "stop")?;
        run_verb(&cluster, "start")?;
    }
    cluster.stop()
}

/// Has the damaged node lead what it can; how many cells.
fn lead(cluster: &Local, admin: SocketAddr) -> Result<u32> {
    let mut led = 0;
    for cell in cluster.cells()? {
        let path = format!("/cells/{cell}/transfer-leader?to={HURT}");
        led += u32::from(ask(admin, "POST", &path, None)?.status == 200);
    }
    Ok(led)
}

/// Waits until the node says that nothing of it is damaged any more.
fn healed(admin: SocketAddr) -> Result<()> {
    let begun = Instant::now();
    loop {
        let nodes = ask(admin, "GET", "/nodes", None)?.is(200)?.body;
        let of = |node: &&Value| node.get("node").and_then(Value::as_u64) == Some(HURT);
        let hurt = nodes.as_array().and_then(|nodes| nodes.iter().find(of));
        let healed = hurt.and_then(|node| node.get("healed_cells")?.as_u64()).unwrap_or(0);
        let left = hurt.and_then(|node| Some(node.get("damaged_cells")?.as_array()?.len()));
        if healed > 0 && left == Some(0) {
            println!("xtask: {healed} cells healed by themselves, {:?} later", begun.elapsed());
            return Ok(());
        }
        ensure!(begun.elapsed() < HEALED_WITHIN, "{healed} healed, {left:?} damaged");
        thread::sleep(LOOK);
    }
}

fn run_verb(cluster: &Local, verb: &str) -> Result<()> {
    let status = cluster.verb(&[verb, "node-1"]).stdout(Stdio::null()).status()?;
    ensure!(status.success(), "cellar cluster {verb} node-1: {status}");
    Ok(())
}

fn fill(http: SocketAddr, copies: u32) -> Result<()> {
    let keyspace = format!(
        "CREATE KEYSPACE damage WITH replication = \
         {{'class': 'SimpleStrategy', 'replication_factor': {copies}}}"
    );
    for statement in [&keyspace, "CREATE TABLE damage.rows (id int PRIMARY KEY, value text)"] {
        query(http, statement, &json!([]), "QUORUM")?.is(200)?;
    }
    for row in 0..ROWS {
        let insert = "INSERT INTO damage.rows (id, value) VALUES (?, ?)";
        query(http, insert, &json!([row, value(row)]), "QUORUM")?.is(200)?;
    }
    Ok(())
}

/// Reads every row; how many were right, and what was said of the others.
fn read(http: SocketAddr, level: &str) -> Result<(u32, Vec<String>)> {
    let (mut right, mut refused) = (0, Vec::new());
    for row in 0..ROWS {
        let select = "SELECT value FROM damage.rows WHERE id = ?";
        let answer = query(http, select, &json!([row]), level)?;
        if answer.status != 200 {
            refused.push(answer.body.to_string());
            continue;
        }
        let found = answer.body.pointer("/rows/0/value").and_then(Value::as_str);
        ensure!(found == Some(&value(row)), "row {row} at {level} is wrong: {}", answer.body);
        right += 1;
    }
    Ok((right, refused))
}

fn query(http: SocketAddr, statement: &str, params: &Value, level: &str) -> Result<Answer> {
    let body = json!({ "statement": statement, "params": params, "consistency": level });
    ask(http, "POST", "/v1/query", Some(&body))
}

fn value(row: u32) -> String {
    let mut random = fastrand::Rng::with_seed(row.into());
    std::iter::repeat_with(|| random.alphanumeric()).take(1_000).collect()
}

/// Flips bytes in all tables of a node; how many.
fn damage(node: &Path) -> Result<usize> {
    let mut flipped = 0;
    for entry in fs::read_dir(node.join("rows/tree/tables"))? {
        let path: PathBuf = entry?.path();
        let bytes = fs::read(&path)?;
        for row in (0..ROWS).step_by(EVERY) {
            let text = value(row);
            let begins = text.as_bytes().get(..FOUND_BY).context("a row is longer")?;
            let found = bytes.windows(FOUND_BY).position(|window| window == begins);
            if let Some(at) = found.filter(|at| *at > RECORDS_BYTES) {
                flip(&path, u64::try_from(at)?)?;
                flipped += 1;
            }
        }
    }
    // The pages of the damaged files must come from the disk again.
    let _ = Command::new("sync").status();
    ensure!(flipped > 0, "there are no tables in {}", node.display());
    Ok(flipped)
}

fn flip(path: &Path, at: u64) -> Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at)?;
    let [byte] = byte;
    file.write_all_at(&[byte ^ 0x10], at)?;
    Ok(())
}
