//! A great many tables through a stock driver: how fast they are made, first and last, and how soon
//! the last one takes a write.

use std::{num::NonZeroUsize, time::Duration};

use anyhow::{Context, Result};
use scylla::client::{PoolSize, session_builder::SessionBuilder};
use serde::Serialize;
use tokio::time::Instant;

/// Tables that are looked at on either end.
const END: u32 = 100;

/// What it took.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Many {
    /// Tables that were made.
    pub tables: u32,
    /// All of them, in seconds.
    pub seconds: f64,
    /// Milliseconds for each of the first hundred.
    pub first_ms: f64,
    /// Milliseconds for each of the last hundred.
    pub last_ms: f64,
    /// The first write to the table that was made last, in milliseconds, the statement's text being
    /// new to the service as well.
    pub first_write_ms: f64,
    /// A write to the same table after that, in milliseconds.
    pub next_write_ms: f64,
}

/// Makes tables one after the other in a new keyspace, and writes to the last one.
///
/// # Errors
/// The driver's.
pub async fn many(frontends: &[String], tables: u32, replicas: u32) -> Result<Many> {
    // The driver does not read the schema after each: that would measure the driver.
    let session = SessionBuilder::new()
        .known_nodes(frontends)
        .pool_size(PoolSize::PerHost(NonZeroUsize::MIN))
        .fetch_schema_metadata(false)
        .auto_await_schema_agreement(false)
        .build()
        .await
        .context("cannot connect")?;
    let keyspace = format!(
        "CREATE KEYSPACE many WITH replication = \
         {{'class': 'NetworkTopologyStrategy', 'replication_factor': {replicas}}}"
    );
    crate::session::run(&session, &[&keyspace]).await?;
    let began = Instant::now();
    let (mut first, mut last_from) = (Duration::ZERO, Duration::ZERO);
    for number in 0..tables {
        let text = format!(
            "CREATE TABLE many.t{number} (a int, b int, c text, d blob, PRIMARY KEY (a, b))"
        );
        crate::session::run(&session, &[&text]).await?;
        if number.saturating_add(1) == END {
            first = began.elapsed();
        }
        if number.saturating_add(END) == tables.saturating_sub(1) {
            last_from = began.elapsed();
        }
    }
    let all = began.elapsed();
    let mut figures = Many { tables, seconds: all.as_secs_f64(), ..Many::default() };
    figures.first_ms = first.as_secs_f64() * 1e3 / f64::from(END);
    figures.last_ms = all.saturating_sub(last_from).as_secs_f64() * 1e3 / f64::from(END);
    let last = tables.saturating_sub(1);
    for (key, took) in [(1, &mut figures.first_write_ms), (2, &mut figures.next_write_ms)] {
        let began = Instant::now();
        let text = format!("INSERT INTO many.t{last} (a, b, c) VALUES ({key}, 2, 'x')");
        crate::session::run(&session, &[&text]).await?;
        *took = began.elapsed().as_secs_f64() * 1e3;
    }
    Ok(figures)
}
