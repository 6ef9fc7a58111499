//! First steps against a running `cellar dev`: a table, typed rows, a stream, a condition, errors.
//!
//! Run it with `cargo run --example first_steps -p cellar-sdk`, or with another URL as argument.
//! It exits with an error if anything is not as it should be, and leaves nothing behind.

use std::time::Duration;

use cellar_sdk::{Client, Consumed, Error, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A row of the table: field names are column names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    sensor: Uuid,
    /// Milliseconds since 1970; a type that parses RFC 3339 would do as well.
    at: i64,
    temp: f32,
    tags: Vec<String>,
}

#[tokio::main]
async fn main() {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
    match run(&url).await {
        Ok(consumed) => println!("done; everything together cost {consumed}"),
        Err(error) => {
            eprintln!("error: {error}");
            eprintln!("  code {:?}, outcome {:?}", error.code(), error.outcome());
            std::process::exit(1);
        }
    }
}

async fn run(url: &str) -> Result<Consumed, Error> {
    let db = Client::connect(url).await?;
    let mut consumed = Consumed::default();

    // 1. Statements. A schema change is done when its answer is here.
    let create = "CREATE KEYSPACE IF NOT EXISTS first_steps WITH replication = \
        {'class': 'SimpleStrategy', 'replication_factor': 1}";
    db.query(create).send().await?;
    db.query("DROP TABLE IF EXISTS first_steps.readings").send().await?;
    let create = "CREATE TABLE first_steps.readings (sensor uuid, at timestamp, temp float, \
        tags list<text>, PRIMARY KEY (sensor, at)) WITH CLUSTERING ORDER BY (at DESC)";
    db.query(create).send().await?;
    println!("1. made the table first_steps.readings");

    consumed += rows_by_key(&db).await?;
    consumed += pages(&db).await?;
    consumed += conditions(&db).await?;
    errors(&db).await?;

    db.query("DROP KEYSPACE first_steps").send().await?;
    Ok(consumed)
}

/// 2. Rows by key, without CQL.
async fn rows_by_key(db: &Client) -> Result<Consumed, Error> {
    let readings = db.table("first_steps", "readings");
    let reading = Reading { sensor: Uuid::from_u128(1), at: 0, temp: 20.5, tags: vec![] };
    let key = (reading.sensor, Value::Timestamp(reading.at));
    let put = readings.put(&key, &reading).idempotent().send().await?;

    let change = serde_json::json!({ "temp": 21.25, "tags": ["checked"] });
    let patched = readings.patch(&key, &change).send().await?;
    let found = readings.get::<Reading>(&key).await?;
    let expected = Reading { temp: 21.25, tags: vec!["checked".into()], ..reading };
    same("the row", found.row, Some(expected))?;

    let deleted = readings.delete(&key).send().await?;
    let gone = readings.get::<Reading>(&key).await?;
    same("the deleted row", gone.row, None)?;

    let mut consumed = put.consumed;
    for part in [patched.consumed, found.consumed, deleted.consumed, gone.consumed] {
        consumed += part;
    }
    println!("2. put, patched, got and deleted a row for {consumed}");
    Ok(consumed)
}

/// 3. A result of many pages, one row after the other.
async fn pages(db: &Client) -> Result<Consumed, Error> {
    let sensor = Uuid::from_u128(2);
    let mut consumed = Consumed::default();
    for minute in 0..250_u16 {
        let insert = "INSERT INTO readings (sensor, at, temp, tags) VALUES (?, ?, ?, ?)";
        let query = db.query(insert).keyspace("first_steps").idempotent();
        let query = query.bind(sensor).bind(i64::from(minute) * 60_000);
        consumed += query.bind(f32::from(minute) / 10.0).bind(["demo"]).send().await?.consumed();
    }
    let select = "SELECT sensor, at, temp, tags FROM first_steps.readings WHERE sensor = :sensor";
    let query = db.query(select).bind_named("sensor", sensor).page_size(100);
    let mut rows = query.timeout(Duration::from_secs(5)).stream().typed::<Reading>();
    let (mut count, mut last) = (0, i64::MAX);
    while let Some(reading) = rows.try_next().await? {
        same("newest first", reading.at < last, true)?;
        (count, last) = (count + 1, reading.at);
    }
    same("the number of rows", count, 250)?;
    consumed += rows.consumed();

    let select = "SELECT count(*) FROM first_steps.readings WHERE sensor = ?";
    let counted = db.query(select).bind(sensor).send().await?;
    same("the count", counted.first::<i64>()?, Some(250))?;
    consumed += counted.consumed();
    println!("3. wrote 250 rows and read them in three pages for {consumed}");
    Ok(consumed)
}

/// 4. Writes with a condition.
async fn conditions(db: &Client) -> Result<Consumed, Error> {
    let readings = db.table("first_steps", "readings");
    let reading = Reading { sensor: Uuid::from_u128(3), at: 1, temp: 1.0, tags: vec![] };
    let key = (reading.sensor, Value::Timestamp(reading.at));
    let first = readings.put(&key, &reading).if_not_exists().send().await?;
    same("the first insert", first.applied, true)?;
    let second = readings.put(&key, &reading).if_not_exists().send().await?;
    same("the second insert", second.applied, false)?;

    let update = "UPDATE first_steps.readings SET temp = ? WHERE sensor = ? AND at = ? IF temp = ?";
    let query = db.query(update).bind(2.0_f32).bind(reading.sensor).bind(reading.at).bind(5.0_f32);
    let refused = query.send().await?;
    same("the update", refused.applied(), Some(false))?;
    same("what stood in its way", refused.first::<f32>()?, Some(1.0))?;

    let mut consumed = first.consumed;
    consumed += second.consumed;
    consumed += refused.consumed();
    println!("4. one insert of two and no update was applied, for {consumed}");
    Ok(consumed)
}

/// 5. Errors say what happened and whether anything was done.
async fn errors(db: &Client) -> Result<(), Error> {
    match db.query("SELECT * FROM first_steps.reading").send().await {
        Ok(_) => same("a table that is not there", "rows", "an error"),
        Err(error) => {
            println!("5. as it should be: {error} (outcome {:?})", error.outcome());
            same("whether it helps to try again", error.retryable(), false)
        }
    }
}

/// Ends the example if something is not as it should be.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: T, expected: T) -> Result<(), Error> {
    if got == expected {
        return Ok(());
    }
    Err(Error::Settings { reason: format!("{what}: got {got:?}, expected {expected:?}") })
}
