//! Writes that must survive: [`write`] goes on until the service is gone and prints a line for
//! each write that was acknowledged, [`verify`] reads every one of them back.

mod verify;
mod write;

pub(crate) use verify::verify;
pub(crate) use write::write;

use anyhow::{Context, Result, bail};

/// Keyspace and tables. Rows become cold a second after they were written, whenever the service
/// looks for cold ones.
const CREATE: [&str; 6] = [
    "CREATE KEYSPACE IF NOT EXISTS survival WITH replication = \
     {'class': 'NetworkTopologyStrategy', 'dc1': 3}",
    "CREATE TABLE IF NOT EXISTS survival.rows (part bigint, n bigint, v text, \
     PRIMARY KEY (part, n)) WITH CUSTOM_PROPERTIES = \
     {'tiering': {'mode': 'write_time', 'hot': '1s'}}",
    "CREATE TABLE IF NOT EXISTS survival.copies (n bigint PRIMARY KEY, v text)",
    "CREATE TABLE IF NOT EXISTS survival.claims (n bigint PRIMARY KEY, v text)",
    "CREATE TABLE IF NOT EXISTS survival.latest (k bigint PRIMARY KEY, v bigint)",
    "CREATE TABLE IF NOT EXISTS survival.tallies (page bigint PRIMARY KEY, hits counter)",
];

/// Partitions of the table of rows.
const PARTS: i64 = 64;
/// Keys that are written over and over.
const KEYS: i64 = 16;
/// Counters.
const PAGES: i64 = 8;

/// What a write is; the number of the write decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One row.
    Row,
    /// A logged batch over two tables.
    Batch,
    /// INSERT IF NOT EXISTS.
    Claim,
    /// A newer value over an older one, with a time of its own.
    Latest,
    /// A counter goes up.
    Tally,
    /// A row is written and then deleted; only both count.
    Gone,
}

impl Kind {
    fn of(number: i64) -> Self {
        match number % 10 {
            0..5 => Self::Row,
            5 => Self::Batch,
            6 => Self::Claim,
            7 => Self::Latest,
            8 => Self::Tally,
            _ => Self::Gone,
        }
    }
}

/// The value of a write: short or long, and no two alike.
fn value(number: i64) -> String {
    let times = usize::try_from(number % 40).unwrap_or_default();
    format!("{number:x}.").repeat(times.saturating_add(1))
}

/// A line that a writer printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// This write was acknowledged.
    Acknowledged(i64),
    /// This counter update was sent.
    Tried(i64),
}

impl Line {
    fn print(self) -> String {
        match self {
            Self::Acknowledged(number) => format!("ack {number}"),
            Self::Tried(number) => format!("try {number}"),
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let (word, number) = text.split_once(' ').context("a line has two words")?;
        let number = number.parse()?;
        match word {
            "ack" => Ok(Self::Acknowledged(number)),
            "try" => Ok(Self::Tried(number)),
            _ => bail!("no line of a writer: {text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_as_what_was_printed() {
        for line in [Line::Acknowledged(0), Line::Tried(i64::MAX)] {
            assert_eq!(Line::parse(&line.print()).unwrap(), line);
        }
        assert!(Line::parse("ack").is_err());
        assert!(Line::parse("error: gone").is_err());
    }
}
