//! The generated email events: load them, add them up.

use std::ops::Range;

use anyhow::Context;
use cellar_workload::{
    email::{Pipeline, Row, Table, Totals, schema},
    value::{Kind, Value},
};
use futures::stream;
use scylla::client::session::Session;

use crate::session;

/// Rows of a page while adding up.
const PAGE_ROWS: i32 = 5_000;

/// Creates keyspace and tables.
///
/// # Errors
/// The statement that fails.
pub async fn create(session: &Session) -> anyhow::Result<()> {
    session::run(session, &[schema::CREATE_KEYSPACE]).await?;
    session::run(session, &schema::CREATE_TABLES).await
}

/// Loads claims, events and timelines of a range of messages and tells `done` of each row.
///
/// # Errors
/// An insert that fails.
pub async fn load(
    session: &Session,
    pipeline: &Pipeline,
    range: Range<u64>,
    in_flight: usize,
    done: &(dyn Fn(u64) + Sync),
) -> anyhow::Result<u64> {
    let mut rows = 0_u64;
    for table in [&schema::SEND_CLAIM, &schema::EVENTS, &schema::TIMELINE] {
        let statement = session.prepare(table.insert()).await.context("cannot prepare")?;
        let values = pipeline.range(range.clone()).flat_map(|message| {
            message
                .rows()
                .filter(|row| row.table() == table)
                .map(|row: Row| row.values())
                .collect::<Vec<_>>()
        });
        let inserted =
            session::insert(session, &statement, stream::iter(values), in_flight, done).await?;
        rows = rows.saturating_add(inserted);
    }
    Ok(rows)
}

/// Adds up what the service returns of one table.
///
/// # Errors
/// The driver's.
pub async fn totals(session: &Session, table: &Table) -> anyhow::Result<Totals> {
    let kinds: Vec<Kind> = table.columns.iter().map(|(_, kind)| *kind).collect();
    let mut totals = Totals::default();
    let add = |values: Vec<Value>| totals.add_values(table, &values);
    session::each_row(session, &table.select_all(), &kinds, PAGE_ROWS, add).await?;
    Ok(totals)
}
