//! The real flights of 2013: load them, add them up.

use anyhow::Context;
use cellar_workload::{
    flights::{Flight, Totals, schema},
    value::Kind,
};
use futures::stream;
use scylla::client::session::Session;

use crate::session;

/// Rows of a page while adding up.
const PAGE_ROWS: i32 = 5_000;

/// Creates keyspace and table; with a policy if `tiered`.
///
/// # Errors
/// The statement that fails.
pub async fn create(session: &Session, tiered: Option<&str>) -> anyhow::Result<()> {
    let table = format!("{}{}", schema::CREATE_TABLE, tiered.unwrap_or_default());
    session::run(session, &[schema::CREATE_KEYSPACE, &table]).await
}

/// Loads flights and tells `done` of each; returns what was sent, added up.
///
/// # Errors
/// A flight that cannot be read, or an insert that fails.
pub async fn load(
    session: &Session,
    flights: Vec<Flight>,
    in_flight: usize,
    done: &(dyn Fn(u64) + Sync),
) -> anyhow::Result<Totals> {
    let statement = session.prepare(schema::INSERT).await.context("cannot prepare")?;
    let mut sent = Totals::default();
    for flight in &flights {
        sent.add(flight);
    }
    let rows = stream::iter(flights.into_iter().map(|flight| flight.values()));
    session::insert(session, &statement, rows, in_flight, done).await?;
    Ok(sent)
}

/// Adds up what the service returns.
///
/// # Errors
/// The driver's, or a row that is no flight.
pub async fn totals(session: &Session, and: &str) -> anyhow::Result<Totals> {
    let kinds: Vec<Kind> = schema::COLUMNS.iter().map(|(_, kind)| *kind).collect();
    let mut totals = Totals::default();
    let mut wrong = 0_u64;
    let statement = format!("{}{and}", schema::SELECT_ALL);
    session::each_row(session, &statement, &kinds, PAGE_ROWS, |values| {
        match Flight::from_values(values) {
            Some(flight) => totals.add(&flight),
            None => wrong = wrong.saturating_add(1),
        }
    })
    .await?;
    anyhow::ensure!(wrong == 0, "{wrong} rows are no flights");
    Ok(totals)
}
