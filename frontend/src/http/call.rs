//! One request on its way: what its headers and its query string ask for, and running statements
//! for it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cellar_cell_api::ReadLevel;
use cellar_cql::{
    parse_statement,
    plan::{BoundValue, Plan, PlanError, Planned, SchemaView},
};
use cellar_schema::Table;
use cellar_wire::Consistency;
use hyper::HeaderMap;

use super::{
    HttpShared,
    document::Document,
    endpoint::TableName,
    limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX, PROTOCOL, TIMEOUT_DEFAULT, TIMEOUT_MAX},
    media::Format,
    problem::HttpError,
    result::{self, Style},
    rows::statement::place,
    uri::Pairs,
    value::Numbers,
};
use crate::{
    access::Who,
    admission::Admitted,
    error::RequestError,
    execute::{Done, Parameters},
};

/// A request whose body has arrived.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) shared: HttpShared,
    pub(super) headers: HeaderMap,
    pub(super) path: String,
    pub(super) pairs: Pairs,
    pub(super) body: Bytes,
    pub(super) style: Style,
    pub(super) who: Who,
    /// Held as long as the request; none for what is always let in.
    pub(super) admitted: Option<Admitted>,
}

/// How to run a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) keyspace: Option<String>,
    pub(super) level: ReadLevel,
    pub(super) page_size: u32,
    pub(super) page_state: Option<Bytes>,
    pub(super) timestamp_us: Option<i64>,
    pub(super) timeout: Duration,
}

impl Options {
    /// What headers say, and over them the query string.
    pub(super) fn of(headers: &HeaderMap, pairs: &Pairs) -> Result<Self, HttpError> {
        let mut options = Self {
            keyspace: None,
            level: ReadLevel::Leader,
            page_size: PAGE_ROWS_DEFAULT,
            page_state: None,
            timestamp_us: None,
            timeout: TIMEOUT_DEFAULT,
        };
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let keyspace = pairs.get("keyspace").or(header("cellar-keyspace"));
        options.keyspace = keyspace.map(str::to_owned);
        if let Some(name) = pairs.get("consistency").or(header("cellar-consistency")) {
            options.level = level(name)?;
        }
        if let Some(text) = header("cellar-timeout") {
            options.timeout = timeout(duration_ms(text))?;
        }
        if let Some(text) = pairs.get("timeout_ms") {
            options.timeout = timeout(text.parse().ok())?;
        }
        if let Some(text) = pairs.get("page_size") {
            options.page_size = page_size(text.parse().ok())?;
        }
        if let Some(text) = pairs.get("page_state") {
            options.page_state = page_state(text)?;
        }
        if let Some(text) = pairs.get("timestamp") {
            let wrong = || HttpError::malformed("timestamp is microseconds since the epoch");
            options.timestamp_us = Some(text.parse().map_err(|_| wrong())?);
        }
        Ok(options)
    }

    /// Takes over one member of a document; false if it is no option.
    pub(super) fn set(&mut self, name: &str, value: &Document) -> Result<bool, HttpError> {
        let text = || {
            let wrong = || HttpError::malformed(format!("\"{name}\" is not a text"));
            value.text().ok_or_else(wrong)
        };
        match name {
            "keyspace" | "consistency" | "page_size" | "page_state" | "timestamp"
            | "timeout_ms"
                if value.is_null() => {}
            "keyspace" => self.keyspace = Some(text()?.to_owned()),
            "consistency" => self.level = level(text()?)?,
            "page_size" => self.page_size = page_size(value.integer())?,
            "page_state" => self.page_state = page_state(text()?)?,
            "timeout_ms" => {
                let ms = value.integer().and_then(|ms| u64::try_from(ms).ok());
                self.timeout = timeout(ms)?;
            }
            "timestamp" => {
                let wrong = || HttpError::malformed("\"timestamp\" is no number of microseconds");
                self.timestamp_us = Some(value.integer().ok_or_else(wrong)?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The same rule as for CQL: levels of one replica may be answered by any.
fn level(name: &str) -> Result<ReadLevel, HttpError> {
    let mut all = Consistency::ALL.into_iter();
    match all.find(|level| level.name().eq_ignore_ascii_case(name)) {
        Some(Consistency::Any | Consistency::One | Consistency::LocalOne) => Ok(ReadLevel::Any),
        Some(_) => Ok(ReadLevel::Leader),
        None => Err(HttpError::malformed(format!("'{name}' is no consistency level"))),
    }
}

fn timeout(ms: Option<u64>) -> Result<Duration, HttpError> {
    let wrong = || HttpError::malformed("a timeout is a positive number of milliseconds");
    let ms = ms.filter(|ms| *ms > 0).ok_or_else(wrong)?;
    Ok(Duration::from_millis(ms).min(TIMEOUT_MAX))
}

/// `500ms`, `2s`, or a number of milliseconds.
fn duration_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Some(ms) = text.strip_suffix("ms") {
        return ms.trim().parse().ok();
    }
    match text.strip_suffix('s') {
        Some(seconds) => seconds.trim().parse::<u64>().ok()?.checked_mul(1000),
        None => text.parse().ok(),
    }
}

fn page_size(rows: Option<i64>) -> Result<u32, HttpError> {
    let rows = rows.and_then(|rows| u32::try_from(rows).ok()).filter(|rows| *rows > 0);
    let wrong = || HttpError::malformed("page_size is a positive number of rows");
    Ok(rows.ok_or_else(wrong)?.min(PAGE_ROWS_MAX))
}

fn page_state(text: &str) -> Result<Option<Bytes>, HttpError> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || HttpError::malformed("page_state is none that was given out as \"next\"");
    result::page_state(text).map(Some).ok_or_else(wrong)
}

impl Style {
    /// What headers and the query string ask for.
    pub(super) fn of(headers: &HeaderMap, pairs: &Pairs) -> Result<Self, HttpError> {
        let choice = |name: &str, first: &str, second: &str| match pairs.get(name) {
            None => Ok(false),
            Some(value) if value == first => Ok(false),
            Some(value) if value == second => Ok(true),
            Some(_) => Err(HttpError::malformed(format!("{name} is {first} or {second}"))),
        };
        let native = choice("numbers", "string", "native")?;
        Ok(Self {
            format: Format::accepted(headers)?,
            numbers: if native { Numbers::Native } else { Numbers::Strings },
            arrays: choice("rows", "object", "array")?,
        })
    }
}

impl Call {
    /// The body as a document.
    pub(super) fn document(&self) -> Result<Document, HttpError> {
        Document::read(Format::of_body(&self.headers)?, &self.body)
    }

    /// Options of the headers and the query string.
    pub(super) fn options(&self) -> Result<Options, HttpError> {
        Options::of(&self.headers, &self.pairs)
    }

    /// Plans a statement; `keep` for those that come again with other values.
    pub(super) fn plan(
        &self,
        text: &str,
        keyspace: Option<&str>,
        keep: bool,
    ) -> Result<Arc<Planned>, HttpError> {
        let HttpShared { executor, statements } = &self.shared;
        if keep {
            let found = statements.plan(executor, keyspace.map(str::to_owned), text)?;
            return Ok(Arc::clone(&found.1.planned));
        }
        let parsed = parse_statement(text).map_err(PlanError::from)?;
        Ok(Arc::new(executor.plan(keyspace, &parsed)?))
    }

    /// Runs a planned statement.
    pub(super) async fn run(
        &self,
        planned: &Planned,
        values: Vec<BoundValue>,
        options: Options,
    ) -> Result<Done, HttpError> {
        if let Some(admitted) = &self.admitted {
            admitted.ask_for(&self.shared.executor, planned)?;
        }
        let timeout = options.timeout;
        let parameters = Parameters {
            values,
            level: options.level,
            page_size: Some(options.page_size),
            paging_state: options.page_state,
            timestamp_us: options.timestamp_us,
            now_seconds: None,
            timeout,
            keyspace: options.keyspace,
            protocol: PROTOCOL,
            who: self.who.clone(),
        };
        let running = self.shared.executor.run(planned, parameters);
        let mut done = if matches!(planned.plan, Plan::Select(_)) {
            // The executor's timeout is for each step; reads may be given up at any time.
            let reason = format!("not done within {} ms", timeout.as_millis());
            let late = |_| RequestError::ReadTimeout { reason };
            tokio::time::timeout(timeout, running).await.map_err(late)??
        } else {
            running.await?
        };
        done.warnings.splice(0..0, planned.warnings.iter().cloned());
        Ok(done)
    }

    /// Runs a statement that this module made, with its values in order.
    pub(super) async fn run_own(
        &self,
        text: &str,
        values: Vec<BoundValue>,
        options: Options,
    ) -> Result<Done, HttpError> {
        let planned = self.plan(text, None, true)?;
        self.run(&planned, values, options).await
    }

    /// A table as it is now. The planner words the error, hints included.
    pub(super) fn table(&self, name: &TableName) -> Result<Arc<Table>, HttpError> {
        let executor = &self.shared.executor;
        let view = executor.system.view(executor.catalog());
        if let Some(table) = view.table(&name.keyspace, &name.table) {
            return Ok(table);
        }
        let text = format!("SELECT * FROM {}", place(&name.keyspace, &name.table));
        self.plan(&text, None, false)?;
        Err(RequestError::unavailable("the table was made this moment").into())
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn the_query_string_goes_before_headers() {
        let mut headers = HeaderMap::new();
        headers.insert("cellar-keyspace", HeaderValue::from_static("one"));
        headers.insert("cellar-consistency", HeaderValue::from_static("local_one"));
        headers.insert("cellar-timeout", HeaderValue::from_static("2s"));
        let plain = Options::of(&headers, &Pairs::default()).unwrap();
        assert_eq!(plain.keyspace.as_deref(), Some("one"));
        assert_eq!((plain.level, plain.timeout), (ReadLevel::Any, Duration::from_secs(2)));
        let pairs = "keyspace=two&consistency=QUORUM&timeout_ms=500&page_size=7&page_state=AQI";
        let asked = Options::of(&headers, &Pairs::read(Some(pairs)).unwrap()).unwrap();
        assert_eq!(asked.keyspace.as_deref(), Some("two"));
        assert_eq!((asked.level, asked.timeout), (ReadLevel::Leader, Duration::from_millis(500)));
        assert_eq!((asked.page_size, asked.page_state), (7, Some(Bytes::from_static(&[1, 2]))));
    }

    #[test]
    fn options_that_make_no_sense_are_refused_and_large_ones_cut() {
        let of = |query| Options::of(&HeaderMap::new(), &Pairs::read(Some(query)).unwrap());
        for query in [
            "consistency=most",
            "timeout_ms=0",
            "timeout_ms=soon",
            "page_size=0",
            "page_size=-1",
            "page_state=%21",
            "timestamp=now",
        ] {
            assert_eq!(of(query).unwrap_err().status(), 400, "{query}");
        }
        assert_eq!(of("page_size=4000000").unwrap().page_size, PAGE_ROWS_MAX);
        assert_eq!(of("timeout_ms=99999999").unwrap().timeout, TIMEOUT_MAX);
        assert_eq!(duration_ms(" 500ms "), Some(500));
        assert_eq!(duration_ms("250"), Some(250));
        assert_eq!(duration_ms("1.5s"), None);
    }
}
