//! [`Query`]: one CQL statement with its values and settings, and the ways to take its rows.

mod language;
mod stream;

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use serde::Serialize;

use crate::answer::{Page, Rows};
use crate::client::{Call, Client, Effect};
use crate::clock;
use crate::error::Error;
use crate::limits::COLLECTED_ROWS_MAX;
use crate::value::{Value, ValueError, encode, to_value};

pub(crate) use stream::Source;
pub use stream::{RowStream, TypedRows};

/// A statement to run. Nothing happens before [`Query::send`], [`Query::page`] or
/// [`Query::stream`].
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is sent"]
pub struct Query {
    client: Client,
    statement: String,
    values: Values,
    wrong: Option<Error>,
    keyspace: Option<String>,
    consistency: Option<String>,
    page_rows: Option<u32>,
    page_state: Option<String>,
    timestamp_us: Option<i64>,
    timeout: Option<Duration>,
    idempotent: bool,
}

/// The values of a statement's variables.
#[derive(Clone, Debug)]
enum Values {
    None,
    InOrder(Vec<Value>),
    Named(Vec<(Value, Value)>),
}

impl Query {
    pub(crate) fn new(client: Client, statement: String) -> Self {
        let keyspace = client.keyspace().map(str::to_owned);
        Self {
            client,
            statement,
            values: Values::None,
            wrong: None,
            keyspace,
            consistency: None,
            page_rows: None,
            page_state: None,
            timestamp_us: None,
            timeout: None,
            idempotent: false,
        }
    }

    /// The value of the next `?`.
    pub fn bind(mut self, value: impl Serialize) -> Self {
        match (to_value(&value), &mut self.values) {
            (Ok(value), Values::InOrder(values)) => values.push(value),
            (Ok(value), Values::None) => self.values = Values::InOrder(vec![value]),
            (Ok(_), Values::Named(_)) => self.mixed(),
            (Err(error), _) => self.unusable(Error::Bind(error)),
        }
        self
    }

    /// The value of `:name`. A name with capital letters is written as in the statement, without
    /// its quotes.
    pub fn bind_named(mut self, name: &str, value: impl Serialize) -> Self {
        let named = to_value(&value).map(|value| (Value::Text(name.to_owned()), value));
        match (named, &mut self.values) {
            (Ok(named), Values::Named(values)) => values.push(named),
            (Ok(named), Values::None) => self.values = Values::Named(vec![named]),
            (Ok(_), Values::InOrder(_)) => self.mixed(),
            (Err(error), _) => self.unusable(Error::Bind(error.within(name))),
        }
        self
    }

    fn mixed(&mut self) {
        self.unusable(Error::Bind(ValueError::new(
            "a statement takes its values in order or by name, not both",
        )));
    }

    /// Remembers the first mistake, which sending then tells.
    fn unusable(&mut self, error: Error) {
        self.wrong.get_or_insert(error);
    }

    /// The keyspace of unqualified table names.
    pub fn keyspace(mut self, keyspace: &str) -> Self {
        self.keyspace = Some(keyspace.to_owned());
        self
    }

    /// A CQL consistency level, such as `LOCAL_ONE`; unless given, reads see every write that
    /// was acknowledged before they began.
    pub fn consistency(mut self, level: &str) -> Self {
        self.consistency = Some(level.to_owned());
        self
    }

    /// Rows of a page. It bounds memory and the length of one request, not the result.
    pub fn page_size(mut self, rows: u32) -> Self {
        self.page_rows = Some(rows);
        self
    }

    /// Begins where [`Rows::next_page`] said.
    pub fn page_state(mut self, state: &str) -> Self {
        self.page_state = Some(state.to_owned());
        self
    }

    /// Time of the write, in microseconds since 1970, unless the statement has its own.
    pub fn timestamp(mut self, microseconds: i64) -> Self {
        self.timestamp_us = Some(microseconds);
        self
    }

    /// How long this request may take with all its retries; for a stream: each page.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Says that running this write twice is the same as running it once, so that it may be sent
    /// again when nobody knows whether it was applied. True of an INSERT, UPDATE or DELETE with
    /// given values; not of counters, of appending to a list, of `now()` or of conditions.
    ///
    /// The write gets a fixed timestamp unless it has one, so that a late second copy does not
    /// hide what others wrote in between.
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Runs the statement and takes all its rows, over as many pages as there are.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::TooManyRows`] beyond [`COLLECTED_ROWS_MAX`] rows.
    pub async fn send(self) -> Result<Rows, Error> {
        let mut stream = self.stream();
        let mut rows = Vec::new();
        while let Some(row) = stream.try_next().await? {
            if rows.len() >= COLLECTED_ROWS_MAX {
                return Err(Error::TooManyRows { rows_max: COLLECTED_ROWS_MAX });
            }
            rows.push(row);
        }
        Ok(stream.into_rows(rows))
    }

    /// Runs the statement and takes one page only; [`Rows::next_page`] says where the next one
    /// begins. For user interfaces that turn pages; everything else wants [`Query::send`] or
    /// [`Query::stream`].
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn page(self) -> Result<Rows, Error> {
        let state = self.page_state.clone();
        Source::Query(self).page(state).await.map(Rows::from)
    }

    /// The rows one after the other; pages are fetched as they are needed, so that a result of
    /// any size takes the memory of one page.
    ///
    /// ```no_run
    /// # async fn run(db: cellar_sdk::Client) -> Result<(), cellar_sdk::Error> {
    /// let mut rows = db.query("SELECT sensor, temp FROM demo.readings").stream();
    /// while let Some(row) = rows.try_next().await? {
    ///     let (sensor, temp): (String, f32) = row.typed()?;
    ///     println!("{sensor} {temp}");
    /// }
    /// println!("cost {}", rows.consumed());
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream(mut self) -> RowStream {
        let state = self.page_state.take();
        RowStream::new(Source::Query(self), state)
    }

    /// Fetches the page that begins there.
    pub(crate) async fn fetch(&self, state: Option<String>) -> Result<Page, Error> {
        let call = self.call(state)?;
        let reply = self.client.run(&call).await?;
        Page::read(&reply.body, reply.meta)
    }

    fn call(&self, page_state: Option<String>) -> Result<Call, Error> {
        if let Some(wrong) = &self.wrong {
            return Err(wrong.clone());
        }
        let effect = match (language::only_reads(&self.statement), self.idempotent) {
            (true, _) => Effect::Read,
            (false, true) => Effect::Repeatable,
            (false, false) => Effect::Once,
        };
        let timestamp = match (self.timestamp_us, effect) {
            (None, Effect::Repeatable) => clock::now_us(),
            (given, _) => given,
        };
        let mut body = vec![(text("statement"), text(&self.statement))];
        let mut set = |name: &str, value: Option<Value>| {
            body.extend(value.map(|value| (text(name), value)));
        };
        set(
            "params",
            match &self.values {
                Values::None => None,
                Values::InOrder(values) => Some(Value::List(values.clone())),
                Values::Named(values) => Some(Value::Map(values.clone())),
            },
        );
        set("keyspace", self.keyspace.as_deref().map(text));
        set("consistency", self.consistency.as_deref().map(text));
        set("page_size", self.page_rows.map(|rows| Value::Int(rows.into())));
        set("page_state", page_state.as_deref().map(text));
        set("timestamp", timestamp.map(Value::Int));
        let mut bytes = Vec::new();
        encode(&Value::Map(body), &mut bytes);
        let call = self.client.call(Method::POST, "/v1/query?rows=array".to_owned());
        let timeout = self.timeout.unwrap_or(call.timeout);
        Ok(Call { body: Some(Bytes::from(bytes)), effect, timeout, ..call })
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
