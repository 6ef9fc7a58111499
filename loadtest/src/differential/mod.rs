//! The differential test: the same generated statements go to Cassandra and to Cellar, and
//! everything that a client can see of the answers is compared: rows, their order, names and
//! types of columns and markers, the class of errors; and after each write all that it changed.
//!
//! A run is a function of its seed. Statements come in episodes, each on tables of its own in a
//! keyspace of its own; a table on which the sides no longer agree is emptied on both, so that
//! each difference is told once, at the statement that made it. Known differences are in
//! `explained.json`, each with its reason; [`run`] returns how many others there are.

mod change;
mod compare;
mod explained;
mod expression;
mod relation;
mod report;
mod schema;
mod select;
mod side;
mod statement;
mod term;
mod types;
mod value;
mod write;

use anyhow::{Result, bail};
use fastrand::Rng;

use compare::{Difference, compare};
use report::Report;
use schema::{Schema, Table};
use side::{Outcome, Side};
use statement::{Bound, Generated};

/// Statements on the tables of one keyspace.
const EPISODE_STATEMENTS: u64 = 400;

/// What a run is asked for.
#[derive(Debug)]
pub struct Options {
    /// Cassandra, "host:port".
    pub cassandra: String,
    /// Cellar, "host:port".
    pub cellar: String,
    /// How many statements to generate.
    pub statements: u64,
    /// Where the generator starts.
    pub seed: u64,
    /// Also print how messages of equal errors differ.
    pub messages: bool,
}

/// Runs both sides and returns the number of differences that nothing explains.
///
/// # Errors
/// A side cannot be reached, or stops answering.
pub async fn run(options: &Options) -> Result<u64> {
    let sides = Sides {
        cassandra: Side::connect("Cassandra", &options.cassandra).await?,
        cellar: Side::connect("Cellar", &options.cellar).await?,
    };
    let mut report = Report::new(explained::list()?);
    let mut done = 0;
    let mut episode = 0;
    while done < options.statements {
        let count = EPISODE_STATEMENTS.min(options.statements.saturating_sub(done));
        let seed = options.seed.wrapping_mul(1_000_003).wrapping_add(episode);
        done = done.saturating_add(run_episode(&sides, &mut report, seed, count).await?);
        episode = episode.saturating_add(1);
        eprintln!("{done} of {} statements", options.statements);
    }
    Ok(report.close(options.messages))
}

struct Sides {
    cassandra: Side,
    cellar: Side,
}

impl Sides {
    /// Sends a statement to both.
    async fn both(&self, statement: &Generated) -> Result<(Outcome, Outcome)> {
        let (one, other) =
            futures::join!(self.cassandra.run(statement), self.cellar.run(statement));
        for (side, outcome) in [(&self.cassandra, &one), (&self.cellar, &other)] {
            if let Outcome::Driver(message) = outcome
                && side.text("SELECT key FROM system.local").await.is_driver()
            {
                bail!("{} is gone ({message}) after: {}", side.name, statement.text);
            }
        }
        Ok((one, other))
    }

    async fn both_texts(&self, text: &str) -> Result<(Outcome, Outcome)> {
        self.both(&Generated::plain(text)).await
    }
}

impl Outcome {
    fn is_driver(&self) -> bool {
        matches!(self, Outcome::Driver(_))
    }
}

/// Creates the tables, runs the statements, drops the tables; returns how many statements.
async fn run_episode(sides: &Sides, report: &mut Report, seed: u64, count: u64) -> Result<u64> {
    let mut rng = Rng::with_seed(seed);
    let keyspace = format!("diff_{seed}");
    let mut schema = Schema::generate(&mut rng, &keyspace);
    println!("\nkeyspace {keyspace}");
    let replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}";
    let mut setup = vec![
        format!("DROP KEYSPACE IF EXISTS {keyspace}"),
        format!("CREATE KEYSPACE {keyspace} WITH replication = {replication}"),
        format!("USE {keyspace}"),
    ];
    setup.extend(schema.create_types());
    for text in &setup {
        agreed(sides, report, text).await?;
    }
    let mut usable = Vec::new();
    for table in schema.tables.drain(..) {
        if agreed(sides, report, &table.create()).await? {
            agreed(sides, report, &table.described()).await?;
            agreed(sides, report, &table.everything()).await?;
            usable.push(table);
        }
    }
    schema.tables = usable;
    for turn in 0..count {
        let Some(statement) = statement::generate(&mut rng, &schema, turn) else {
            bail!("no table of {keyspace} exists on both sides")
        };
        step(sides, report, &mut schema, &statement).await?;
    }
    agreed(sides, report, &format!("DESCRIBE KEYSPACE {keyspace}")).await?;
    agreed(sides, report, &format!("DROP KEYSPACE {keyspace}")).await?;
    Ok(count)
}

/// Runs a statement that is no part of the count; true if both did it.
async fn agreed(sides: &Sides, report: &mut Report, text: &str) -> Result<bool> {
    let (one, other) = sides.both_texts(text).await?;
    if let Some(difference) = compare(&one, &other) {
        report.add(text, difference);
    }
    let did = |outcome: &Outcome| matches!(outcome, Outcome::Void | Outcome::Rows(_));
    Ok(did(&one) && did(&other))
}

/// Runs a generated statement and, after a write, compares all that its table holds.
async fn step(
    sides: &Sides,
    report: &mut Report,
    schema: &mut Schema,
    statement: &Generated,
) -> Result<()> {
    let (one, other) = sides.both(statement).await?;
    report.count(&one, &other);
    let difference = compare(&one, &other);
    let differs = difference.is_some();
    if let Some(difference) = difference {
        report.add(&with_values(statement), difference);
    }
    let Some(table) = schema.tables.get_mut(statement.table) else { return Ok(()) };
    if statement.changes_schema() {
        let done = matches!(&one, Outcome::Void) && matches!(&other, Outcome::Void);
        if let (Some(effect), true) = (&statement.effect, done) {
            effect.apply(table);
        }
        if differs {
            // The sides have another table now: both get the one that the generator knows.
            sides.both_texts(&format!("DROP TABLE IF EXISTS {}", table.name)).await?;
            sides.both_texts(&table.create()).await?;
        }
        agreed(sides, report, &table.described()).await?;
    }
    if statement.reads() || (matches!(one, Outcome::Error { .. }) && !differs) {
        return Ok(());
    }
    let written = |table: &&Table| statement.other.as_ref() == Some(&table.name);
    let tables = schema.tables.get(statement.table).into_iter();
    for table in tables.chain(schema.tables.iter().find(written)) {
        settle(sides, report, table, statement, differs).await?;
    }
    Ok(())
}

/// Compares all that a table holds after a write, and empties it where the sides differ.
async fn settle(
    sides: &Sides,
    report: &mut Report,
    table: &Table,
    statement: &Generated,
    told: bool,
) -> Result<()> {
    let after = state(sides, table).await?;
    // What comes after a deletion of counters is not defined.
    let deletes = table.has_counters() && statement.text.contains("DELETE");
    if after.is_none() && !deletes {
        return Ok(());
    }
    if let Some(after) = after
        && !told
    {
        let kind = "what a write left";
        let what = with_values(statement);
        report.add(&format!("{what}\n  {}", table.create()), Difference { kind, ..after });
    }
    sides.both_texts(&format!("TRUNCATE {}", table.name)).await?;
    Ok(())
}

/// How the contents of a table differ.
async fn state(sides: &Sides, table: &Table) -> Result<Option<Difference>> {
    let (one, other) = sides.both_texts(&table.everything()).await?;
    Ok(compare(&one, &other))
}

fn with_values(statement: &Generated) -> String {
    let mut text = statement.text.clone();
    if !statement.parts.is_empty() {
        text.insert_str(0, "BATCH message: ");
    }
    if let Some(rows) = statement.page_rows {
        text += &format!(" -- in pages of {rows}");
    }
    if statement.values.is_empty() {
        return text;
    }
    let values = statement.values.iter().map(|value| match value {
        Bound::Bytes(bytes) => format!("0x{}", hex::encode(bytes)),
        Bound::Null => "null".into(),
        Bound::Unset => "unset".into(),
    });
    format!("{text} -- with {}", values.collect::<Vec<_>>().join(", "))
}
