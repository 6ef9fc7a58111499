//! Reads back what was acknowledged.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use scylla::{
    client::session::Session,
    statement::{Statement, prepared::PreparedStatement},
    value::Counter,
};

use super::{KEYS, Kind, Line, PAGES, PARTS, value};

/// Reads in flight.
const IN_FLIGHT: usize = 128;
/// Rows of a page of a scan.
const PAGE_ROWS: i32 = 5_000;
/// Losses that are shown.
const SHOWN: usize = 20;

/// Reads the acknowledged writes of the last `last` writers back and returns how many there are;
/// counters and values that were overwritten cover all writers. If those are all writers, rows are
/// read by one scan of their table, else each by its key.
///
/// # Errors
/// A line that is none, a read that fails, or what was lost.
pub(crate) async fn verify(session: &Session, files: &[PathBuf], last: usize) -> Result<usize> {
    let (mut lines, mut single) = (Vec::new(), Vec::new());
    for (place, file) in files.iter().rev().enumerate() {
        let written = read(file)?;
        if place < last {
            single.extend(acknowledged(&written));
        }
        lines.extend(written);
    }
    let mut reader = Reader::prepare(session).await?;
    if last >= files.len() {
        reader.scanned = Some(scan(session).await?);
    }
    let mut lost: Vec<String> = stream::iter(single.iter().copied())
        .map(async |number| reader.one(number).await)
        .buffer_unordered(IN_FLIGHT)
        .try_filter_map(async |loss| Ok(loss))
        .try_collect()
        .await?;
    lost.extend(reader.latest(&acknowledged(&lines).collect::<Vec<_>>()).await?);
    lost.extend(reader.tallies(&lines).await?);
    if !lost.is_empty() {
        let shown: Vec<_> = lost.iter().take(SHOWN).map(String::as_str).collect();
        bail!("{} acknowledged writes were lost:\n{}", lost.len(), shown.join("\n"));
    }
    Ok(single.len())
}

/// Every row of the table of rows, page by page.
async fn scan(session: &Session) -> Result<HashMap<i64, String>> {
    let mut statement = Statement::new("SELECT n, v FROM survival.rows");
    statement.set_page_size(PAGE_ROWS);
    let rows = session.query_iter(statement, ()).await?.rows_stream::<(i64, String)>()?;
    let mut all = HashMap::new();
    let twice: Vec<i64> = rows
        .map_ok(|(number, value)| all.insert(number, value).map(|_| number))
        .try_filter_map(async |twice| Ok(twice))
        .try_collect()
        .await?;
    if !twice.is_empty() {
        bail!("{} rows were returned twice: {:?} ...", twice.len(), twice.first());
    }
    Ok(all)
}

fn acknowledged(lines: &[Line]) -> impl Iterator<Item = i64> {
    lines.iter().filter_map(|line| match line {
        Line::Acknowledged(number) => Some(*number),
        Line::Tried(_) => None,
    })
}

fn read(file: &Path) -> Result<Vec<Line>> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    text.lines().map(Line::parse).collect()
}

struct Reader<'a> {
    session: &'a Session,
    row: PreparedStatement,
    copy: PreparedStatement,
    claim: PreparedStatement,
    latest: PreparedStatement,
    tally: PreparedStatement,
    /// All rows, if they were read at once.
    scanned: Option<HashMap<i64, String>>,
}

impl<'a> Reader<'a> {
    async fn prepare(session: &'a Session) -> Result<Self> {
        let prepare = async |text: &str| {
            session.prepare(text).await.with_context(|| format!("cannot prepare {text}"))
        };
        Ok(Self {
            session,
            row: prepare("SELECT v FROM survival.rows WHERE part = ? AND n = ?").await?,
            copy: prepare("SELECT v FROM survival.copies WHERE n = ?").await?,
            claim: prepare("SELECT v FROM survival.claims WHERE n = ?").await?,
            latest: prepare("SELECT v FROM survival.latest WHERE k = ?").await?,
            tally: prepare("SELECT hits FROM survival.tallies WHERE page = ?").await?,
            scanned: None,
        })
    }

    /// What is wrong with one write, if anything.
    async fn one(&self, number: i64) -> Result<Option<String>> {
        let found = match Kind::of(number) {
            Kind::Row => vec![self.row(number).await?],
            Kind::Batch => vec![self.row(number).await?, self.text(&self.copy, (number,)).await?],
            Kind::Claim => vec![self.text(&self.claim, (number,)).await?],
            Kind::Gone => {
                let found = self.text(&self.copy, (number,)).await?;
                return Ok(found.map(|_| format!("the deleted row {number} is back")));
            }
            Kind::Latest | Kind::Tally => return Ok(None),
        };
        let expected = Some(value(number));
        let wrong = found.iter().find(|found| **found != expected);
        Ok(wrong.map(|found| format!("{:?} {number}: found {found:?}", Kind::of(number))))
    }

    async fn row(&self, number: i64) -> Result<Option<String>> {
        match &self.scanned {
            Some(rows) => Ok(rows.get(&number).cloned()),
            None => self.text(&self.row, (number % PARTS, number)).await,
        }
    }

    async fn text(
        &self,
        statement: &PreparedStatement,
        values: impl scylla::serialize::row::SerializeRow,
    ) -> Result<Option<String>> {
        let result = self.session.execute_unpaged(statement, values).await?.into_rows_result()?;
        Ok(result.maybe_first_row::<(String,)>()?.map(|(text,)| text))
    }

    /// Keys whose value is older than one that was acknowledged.
    async fn latest(&self, acknowledged: &[i64]) -> Result<Vec<String>> {
        let mut newest = BTreeMap::new();
        for number in acknowledged.iter().filter(|number| Kind::of(**number) == Kind::Latest) {
            let value = newest.entry(number % KEYS).or_insert(*number);
            *value = (*value).max(*number);
        }
        let mut lost = Vec::new();
        for (key, expected) in newest {
            let result = self.session.execute_unpaged(&self.latest, (key,)).await?;
            let result = result.into_rows_result()?;
            let found = result.maybe_first_row::<(i64,)>()?.map(|(value,)| value);
            if found.is_none_or(|found| found < expected) {
                lost.push(format!("key {key}: found {found:?}, acknowledged was {expected}"));
            }
        }
        Ok(lost)
    }

    /// Counters below what was acknowledged or above what was sent; all writers' lines are needed.
    async fn tallies(&self, lines: &[Line]) -> Result<Vec<String>> {
        let mut bounds: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
        for line in lines {
            match line {
                Line::Acknowledged(number) if Kind::of(*number) == Kind::Tally => {
                    bounds.entry(number % PAGES).or_default().0 += 1;
                }
                Line::Tried(number) => bounds.entry(number % PAGES).or_default().1 += 1,
                Line::Acknowledged(_) => {}
            }
        }
        let mut wrong = Vec::new();
        for (page, (least, most)) in bounds {
            let result = self.session.execute_unpaged(&self.tally, (page,)).await?;
            let result = result.into_rows_result()?;
            let found = result.maybe_first_row::<(Counter,)>()?.map_or(0, |(hits,)| hits.0);
            if !(least..=most).contains(&found) {
                wrong.push(format!("counter {page} is {found}, not {least} to {most}"));
            }
        }
        Ok(wrong)
    }
}
