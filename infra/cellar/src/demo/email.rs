//! A year of generated e-mail events.

use std::ops::Range;

use cellar_loadtest::email;
use cellar_workload::email::{Filter, Oracle, Pipeline, Shape, Table, Totals, schema};
use indicatif::ProgressBar;
use scylla::client::session::Session;

use super::{Checks, IN_FLIGHT};

/// Messages of the demo.
const MESSAGES: Range<u64> = 0..10_000;
/// Any seed would do.
const SEED: u64 = 2013;

/// The events that were loaded.
pub(super) struct Part {
    oracle: Oracle,
}

impl Part {
    pub(super) async fn load(session: &Session, checks: &mut Checks) -> anyhow::Result<Self> {
        let pipeline = Pipeline::new(Shape::ci(SEED));
        let oracle = Oracle::of(&pipeline, MESSAGES, &Filter::default());
        let part = Self { oracle };
        let rows = part.cold_rows();
        println!("loading {rows} rows of {} generated e-mails of 2023", MESSAGES.end);
        email::create(session).await?;
        let bar = ProgressBar::new(rows);
        let sent =
            email::load(session, &pipeline, MESSAGES, IN_FLIGHT, &|rows| bar.inc(rows)).await?;
        bar.finish_and_clear();
        checks.equal("rows sent", sent, rows);
        part.verify(session, "hot", checks).await?;
        Ok(part)
    }

    /// Every row is years old.
    pub(super) fn cold_rows(&self) -> u64 {
        self.parts().iter().map(|(_, totals)| totals.sum.rows).sum()
    }

    /// Compares everything with the oracle.
    pub(super) async fn verify(
        &self,
        session: &Session,
        how: &str,
        checks: &mut Checks,
    ) -> anyhow::Result<()> {
        for (table, oracle) in self.parts() {
            let found = email::totals(session, table).await?;
            checks.equal(&format!("{}, {how}", table.name), found.sum, oracle.sum);
        }
        Ok(())
    }

    fn parts(&self) -> [(&'static Table, &Totals); 3] {
        [
            (&schema::SEND_CLAIM, &self.oracle.claims),
            (&schema::EVENTS, &self.oracle.events),
            (&schema::TIMELINE, &self.oracle.timeline),
        ]
    }
}
