//! Writes and reads a table while a column is dropped and added again; what is checked is
//! described in `infra/tests/drivers/COLUMNS.md`. Start at [`run`].

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use futures::TryStreamExt;
use scylla::{
    client::session::Session,
    cluster::metadata::{ColumnType, NativeType},
    errors::{DbError, ExecutionError, PrepareError, RequestAttemptError},
    statement::prepared::PreparedStatement,
    value::{CqlValue, Row},
};
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinSet};

const WORKERS: u32 = 4;
const ROWS: u32 = 500;
/// A request that takes longer than this is not counted on.
const SLOW_US: u64 = 10_000_000;

/// How the table stands, as the one that alters it says.
#[derive(Clone, Debug, Deserialize)]
struct State {
    column: String,
    epoch: u64,
    there: bool,
    floor: u64,
}

impl State {
    fn read(path: &Path) -> Result<Self> {
        serde_json::from_slice(&std::fs::read(path)?).context("the state of the table")
    }
}

#[derive(Debug, Default, Serialize)]
struct Figures {
    requests: u64,
    refused: u64,
    faults: BTreeMap<String, u64>,
}

/// Runs until a line comes, and prints what happened.
///
/// # Errors
/// Only what concerns no request.
pub(crate) async fn run(session: Session, state: PathBuf) -> Result<()> {
    let (session, figures) = (Arc::new(session), Arc::new(Mutex::new(Figures::default())));
    let (stop, stopped) = watch::channel(false);
    let mut workers = JoinSet::new();
    for number in 0..WORKERS {
        let worker = Worker {
            name: format!("rust-{number}"),
            session: Arc::clone(&session),
            state: state.clone(),
            figures: Arc::clone(&figures),
            prepared: HashMap::new(),
            written: HashMap::new(),
        };
        workers.spawn(worker.work(stopped.clone()));
    }
    println!("loading");
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    stop.send(true).context("nobody works")?;
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    println!(
        "{}",
        serde_json::to_string(&*figures.lock().unwrap_or_else(PoisonError::into_inner))?
    );
    Ok(())
}

/// One writer of its own rows, which knows what it wrote.
struct Worker {
    name: String,
    session: Arc<Session>,
    state: PathBuf,
    figures: Arc<Mutex<Figures>>,
    prepared: HashMap<String, PreparedStatement>,
    /// By row and column: the epoch of the write, and its value.
    written: HashMap<String, HashMap<String, (u64, String)>>,
}

/// What became of a request.
enum Failed {
    /// The server refused the statement.
    Invalid(String),
    Otherwise(String),
}

impl Failed {
    fn by(attempt: &RequestAttemptError, shown: String) -> Self {
        match attempt {
            RequestAttemptError::DbError(DbError::Invalid, said) => Self::Invalid(said.clone()),
            _ => Self::Otherwise(shown),
        }
    }
}

impl From<ExecutionError> for Failed {
    fn from(error: ExecutionError) -> Self {
        let shown = format!("{error:?}");
        match &error {
            ExecutionError::LastAttemptError(attempt) => Self::by(attempt, shown),
            ExecutionError::PrepareError(error) => Self::from(error.clone()),
            _ => Self::Otherwise(shown),
        }
    }
}

impl From<PrepareError> for Failed {
    fn from(error: PrepareError) -> Self {
        let shown = format!("{error:?}");
        match &error {
            PrepareError::AllAttemptsFailed { first_attempt } => Self::by(first_attempt, shown),
            _ => Self::Otherwise(shown),
        }
    }
}

type Cells = Vec<(String, Option<String>)>;

impl Worker {
    async fn work(mut self, stopped: watch::Receiver<bool>) -> Result<()> {
        while !*stopped.borrow() {
            let state = State::read(&self.state)?;
            let id = format!("{}-{}", self.name, fastrand::u32(..ROWS));
            let kind = fastrand::u8(..6);
            match self.turn(&id, kind, &state).await {
                Ok(()) => {}
                // As Cassandra answers for a column that is not there.
                Err(Failed::Invalid(said))
                    if matches!(kind, 1 | 2 | 4) && said.contains(&state.column) =>
                {
                    self.count(|figures| figures.refused += 1);
                    self.prepared.retain(|text, _| !text.contains(&state.column));
                }
                Err(Failed::Invalid(said) | Failed::Otherwise(said)) => {
                    self.fault(format!("kind {kind}: {said}"));
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    async fn turn(&mut self, id: &str, kind: u8, state: &State) -> Result<(), Failed> {
        let column = &state.column;
        match kind {
            0 => self.write(id, state, None).await,
            1 | 2 => self.write(id, state, Some(column)).await,
            3 | 4 => {
                let columns = if kind == 3 { "*".into() } else { format!("id, a, {column}, z") };
                let text = format!("SELECT {columns} FROM columns.t WHERE id = ?");
                for row in self.execute(&text, &[id.to_owned()]).await? {
                    self.check(&row, state, Some(id));
                }
                Ok(())
            }
            _ => {
                for row in self.execute("SELECT * FROM columns.t LIMIT 100", &[]).await? {
                    self.check(&row, state, None);
                }
                Ok(())
            }
        }
    }

    async fn write(&mut self, id: &str, at: &State, column: Option<&str>) -> Result<(), Failed> {
        let value = |name: &str| format!("{id}|{name}|{}", now_us());
        // It may be written although it fails.
        let kept = self.written.remove(id).unwrap_or_default();
        let names: Vec<&str> = ["a"].into_iter().chain(column).chain(["z"]).collect();
        let values: Vec<String> = names.iter().map(|name| value(name)).collect();
        let marks = vec!["?"; names.len()].join(", ");
        let list = names.join(", ");
        let text = format!("INSERT INTO columns.t (id, {list}) VALUES (?, {marks})");
        let bound: Vec<String> = [id.to_owned()].into_iter().chain(values.clone()).collect();
        let answer = self.execute(&text, &bound).await;
        let mut row = if column.is_none() || answer.is_err() { kept } else { HashMap::new() };
        match answer {
            Ok(_) => {
                let now = names.iter().zip(values);
                row.extend(now.map(|(name, value)| ((*name).to_owned(), (at.epoch, value))));
            }
            Err(Failed::Invalid(_)) => row.retain(|name, _| name == "a" || name == "z"),
            Err(Failed::Otherwise(_)) => row.clear(),
        }
        self.written.insert(id.to_owned(), row);
        answer.map(drop)
    }

    async fn execute(&mut self, text: &str, values: &[String]) -> Result<Vec<Cells>, Failed> {
        self.count(|figures| figures.requests += 1);
        let prepared = match self.prepared.get(text) {
            Some(prepared) => prepared.clone(),
            None => {
                let mut prepared = self.session.prepare(text).await?;
                prepared.set_page_size(40);
                self.prepared.insert(text.to_owned(), prepared.clone());
                prepared
            }
        };
        let kinds = prepared.get_variable_col_specs();
        let bound = kinds.iter().zip(values).map(|(spec, value)| match spec.typ() {
            ColumnType::Native(NativeType::Blob) => CqlValue::Blob(value.clone().into_bytes()),
            ColumnType::Native(NativeType::Ascii) => CqlValue::Ascii(value.clone()),
            _ => CqlValue::Text(value.clone()),
        });
        let bound: Vec<CqlValue> = bound.collect();
        rows(&self.session, prepared, bound).await
    }

    /// Every value says whose it is; those of this worker must be the last written.
    fn check(&self, row: &Cells, began: &State, mine: Option<&str>) {
        let ended = State::read(&self.state).unwrap_or_else(|_| began.clone());
        let of = |name: &str| row.iter().find(|(column, _)| column == name);
        let Some(id) = of("id").and_then(|(_, id)| id.as_deref()) else {
            return self.fault("a row without id".to_owned());
        };
        if mine.is_some_and(|mine| mine != id) {
            self.fault(format!("row {id} instead of {mine:?}"));
        }
        let last = mine.and_then(|mine| self.written.get(mine));
        for (name, value) in row.iter().filter(|(name, _)| name != "id") {
            if let Some(value) = value {
                let parts: Vec<&str> = value.split('|').collect();
                let written = parts.get(2).and_then(|us| us.parse::<u64>().ok());
                let own = parts.first() == Some(&id) && parts.get(1) == Some(&name.as_str());
                if !own || written.is_none() {
                    self.fault(format!("{name} of {id} is {value}"));
                }
                let late = written.unwrap_or(u64::MAX).saturating_add(SLOW_US);
                if *name == began.column && late < began.floor {
                    self.fault(format!("{name} was written before it was dropped: {value}"));
                }
            }
            let Some((epoch, text)) = last.and_then(|last| last.get(name)) else { continue };
            let calm = *epoch == began.epoch && began.epoch == ended.epoch && began.there;
            if (name == "a" || name == "z" || calm) && value.as_ref() != Some(text) {
                self.fault(format!("{name} is {value:?}, not {text}"));
            }
        }
        if last.is_some_and(|last| last.contains_key("z"))
            && (of("a").is_none() || of("z").is_none())
        {
            self.fault(format!("only {row:?}"));
        }
    }

    fn count(&self, add: impl FnOnce(&mut Figures)) {
        add(&mut self.figures.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn fault(&self, text: String) {
        let text: String = text.chars().take(300).collect();
        self.count(|figures| *figures.faults.entry(text).or_default() += 1);
    }
}

/// All pages of a statement, with the columns' names as the server said them with each page.
async fn rows(
    session: &Session,
    prepared: PreparedStatement,
    values: Vec<CqlValue>,
) -> Result<Vec<Cells>, Failed> {
    let pager = session.execute_iter(prepared, values).await;
    let failed = |error: &dyn std::fmt::Debug| Failed::Otherwise(format!("{error:?}"));
    let pager = pager.map_err(|error| paged(&error))?;
    if pager.column_specs().iter().next().is_none() {
        return Ok(Vec::new());
    }
    let mut stream = pager.rows_stream::<Row>().map_err(|error| failed(&error))?;
    let mut all = Vec::new();
    while let Some(row) = stream.try_next().await.map_err(|error| failed(&error))? {
        let names = stream.column_specs().iter().map(|spec| spec.name().to_owned());
        all.push(names.zip(row.columns.into_iter().map(shown)).collect());
    }
    Ok(all)
}

fn paged(error: &scylla::errors::PagerExecutionError) -> Failed {
    use scylla::errors::{NextPageError, PagerExecutionError};
    let shown = format!("{error:?}");
    match error {
        PagerExecutionError::PrepareError(error) => Failed::from(error.clone()),
        PagerExecutionError::NextPageError(NextPageError::RequestFailure(
            scylla::errors::RequestError::LastAttemptError(attempt),
        )) => Failed::by(attempt, shown),
        _ => Failed::Otherwise(shown),
    }
}

fn shown(value: Option<CqlValue>) -> Option<String> {
    match value? {
        CqlValue::Blob(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        CqlValue::Text(text) | CqlValue::Ascii(text) => Some(text),
        other => Some(format!("{other:?}")),
    }
}

fn now_us() -> u128 {
    UNIX_EPOCH.elapsed().unwrap_or_default().as_micros()
}
