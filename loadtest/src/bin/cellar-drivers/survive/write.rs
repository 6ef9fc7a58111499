//! Writes of every kind until one fails.

use std::io::Write as _;

use anyhow::{Context, Result, bail};
use futures::{StreamExt, stream};
use scylla::{
    client::session::Session,
    statement::{
        batch::{Batch, BatchType},
        prepared::PreparedStatement,
    },
    value::Row,
};

use super::{CREATE, KEYS, Kind, Line, PAGES, PARTS, value};

/// Writes in flight.
const IN_FLIGHT: usize = 64;

/// Writes numbers from `first` on, and prints a line for each that was acknowledged.
///
/// # Errors
/// The first write that fails: the service is gone, or refuses.
pub(crate) async fn write(session: &Session, first: i64) -> Result<()> {
    for statement in CREATE {
        session.query_unpaged(statement, ()).await.context("cannot create a table")?;
    }
    let writer = Writer::prepare(session).await?;
    let mut writes = stream::iter(first..)
        .map(async |number| writer.one(number).await.map(|()| number))
        .buffer_unordered(IN_FLIGHT);
    while let Some(written) = writes.next().await {
        say(Line::Acknowledged(written?))?;
    }
    Ok(())
}

fn say(line: Line) -> Result<()> {
    writeln!(std::io::stdout(), "{}", line.print()).context("nobody reads the acknowledgements")
}

struct Writer<'a> {
    session: &'a Session,
    row: PreparedStatement,
    copy: PreparedStatement,
    claim: PreparedStatement,
    latest: PreparedStatement,
    tally: PreparedStatement,
    delete: PreparedStatement,
    both: Batch,
}

impl<'a> Writer<'a> {
    async fn prepare(session: &'a Session) -> Result<Self> {
        let prepare = async |text: &str| {
            session.prepare(text).await.with_context(|| format!("cannot prepare {text}"))
        };
        let row = prepare("INSERT INTO survival.rows (part, n, v) VALUES (?, ?, ?)").await?;
        let copy = prepare("INSERT INTO survival.copies (n, v) VALUES (?, ?)").await?;
        let mut both = Batch::new(BatchType::Logged);
        both.append_statement(row.clone());
        both.append_statement(copy.clone());
        Ok(Self {
            session,
            row,
            copy,
            claim: prepare("INSERT INTO survival.claims (n, v) VALUES (?, ?) IF NOT EXISTS")
                .await?,
            latest: prepare("INSERT INTO survival.latest (k, v) VALUES (?, ?) USING TIMESTAMP ?")
                .await?,
            tally: prepare("UPDATE survival.tallies SET hits = hits + 1 WHERE page = ?").await?,
            delete: prepare("DELETE FROM survival.copies WHERE n = ?").await?,
            both,
        })
    }

    async fn one(&self, number: i64) -> Result<()> {
        let (session, value) = (self.session, value(number));
        match Kind::of(number) {
            Kind::Row => {
                let values = (number % PARTS, number, value);
                session.execute_unpaged(&self.row, values).await?;
            }
            Kind::Batch => {
                let row = (number % PARTS, number, value.clone());
                session.batch(&self.both, (row, (number, value))).await?;
            }
            Kind::Claim => {
                let result = session.execute_unpaged(&self.claim, (number, value)).await?;
                let applied = result.into_rows_result()?.first_row::<Row>()?;
                let applied = applied.columns.into_iter().next().flatten();
                if applied.and_then(|value| value.as_boolean()) != Some(true) {
                    bail!("the claim of a new number was not applied: {number}");
                }
            }
            Kind::Latest => {
                let values = (number % KEYS, number, number);
                session.execute_unpaged(&self.latest, values).await?;
            }
            Kind::Tally => {
                say(Line::Tried(number))?;
                session.execute_unpaged(&self.tally, (number % PAGES,)).await?;
            }
            Kind::Gone => {
                session.execute_unpaged(&self.copy, (number, value)).await?;
                session.execute_unpaged(&self.delete, (number,)).await?;
            }
        }
        Ok(())
    }
}
