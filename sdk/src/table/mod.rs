//! [`Table`]: rows by key, read and written as Rust types, without CQL.

mod key;
mod prefix;
mod write;

use hyper::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answer::{Consumed, Row};
use crate::client::{Call, Client, Effect};
use crate::error::Error;
use crate::query::{RowStream, Source};
use crate::value::{Value, decode};

pub(crate) use prefix::Prefix;
pub use write::{RowWrite, Written};

/// A table of a keyspace. Keys are tuples of the primary key's columns in their order, partition
/// key first; a key of one column may stand alone.
///
/// ```no_run
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize)]
/// struct Reading {
///     sensor: String,
///     at: i64,
///     temp: f32,
/// }
///
/// # async fn run(db: cellar_sdk::Client) -> Result<(), cellar_sdk::Error> {
/// let readings = db.table("demo", "readings");
/// let reading = Reading { sensor: "a1".into(), at: 1, temp: 20.5 };
/// readings.put(("a1", 1), &reading).send().await?;
/// let found = readings.get::<Reading>(("a1", 1)).await?;
/// println!("{:?} °C for {}", found.row.map(|row| row.temp), found.consumed);
/// readings.delete(("a1", 1)).if_exists().send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    client: Client,
    /// Path of the table's rows.
    path: String,
}

/// The answer of [`Table::get`].
#[derive(Clone, Debug, PartialEq)]
pub struct Found<T> {
    /// The row, if there is one with this key.
    pub row: Option<T>,
    /// What looking cost.
    pub consumed: Consumed,
    /// The name of the request in the server's logs.
    pub request_id: String,
}

/// The server's code for a row that is not there.
const NO_ROW: &str = "CEL-4043";

impl Table {
    pub(crate) fn new(client: Client, keyspace: &str, table: &str) -> Self {
        let (keyspace, table) = (key::percent_encode(keyspace), key::percent_encode(table));
        let path = format!("/v1/keyspaces/{keyspace}/tables/{table}/rows");
        Self { client, path }
    }

    /// The row with this (whole) key, as a Rust type; see [`Row::typed`].
    ///
    /// # Errors
    /// See [`Error`]. A row that is not there is no error.
    pub async fn get<T: DeserializeOwned>(&self, key: impl Serialize) -> Result<Found<T>, Error> {
        let call = Call { effect: Effect::Read, ..self.call(Method::GET, &key)? };
        let reply = match self.client.run(&call).await {
            Ok(reply) => reply,
            Err(Error::Problem(problem)) if problem.code == NO_ROW => {
                let (consumed, request_id) = (problem.consumed, problem.request_id);
                return Ok(Found { row: None, consumed, request_id });
            }
            Err(error) => return Err(error),
        };
        let row = read_row(&reply.body)?.typed()?;
        let meta = reply.meta;
        Ok(Found { row: Some(row), consumed: meta.consumed, request_id: meta.request_id })
    }

    /// All rows whose key begins like this; the columns given must cover the partition key.
    ///
    /// ```no_run
    /// # async fn run(db: cellar_sdk::Client) -> Result<(), cellar_sdk::Error> {
    /// let mut rows = db.table("demo", "readings").rows("a1");
    /// while let Some(row) = rows.try_next().await? {
    ///     println!("{:?}", row.get::<f32>("temp")?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn rows(&self, key_prefix: impl Serialize) -> RowStream {
        let call = self.call(Method::GET, &key_prefix);
        RowStream::new(Source::Prefix(Prefix::new(self.client.clone(), call)), None)
    }

    /// Makes the row exactly this: columns that `row` leaves out become null. The columns of the
    /// key may be among those of `row`, with the same values.
    pub fn put(&self, key: impl Serialize, row: &(impl Serialize + ?Sized)) -> RowWrite {
        RowWrite::new(self.client.clone(), self.call(Method::PUT, &key)).with_body(row)
    }

    /// Sets the columns of `changes` and leaves the others alone; null deletes a column. The row
    /// comes to be if it is not there.
    pub fn patch(&self, key: impl Serialize, changes: &(impl Serialize + ?Sized)) -> RowWrite {
        RowWrite::new(self.client.clone(), self.call(Method::PATCH, &key)).with_body(changes)
    }

    /// Deletes the row with this key, or all rows whose key begins like this; the columns given
    /// must cover the partition key.
    pub fn delete(&self, key: impl Serialize) -> RowWrite {
        RowWrite::new(self.client.clone(), self.call(Method::DELETE, &key))
    }

    fn call(&self, method: Method, key: &dyn ErasedKey) -> Result<Call, Error> {
        let path = key.path(&self.path).map_err(Error::Bind)?;
        Ok(self.client.call(method, path))
    }
}

/// Anything that serializes into a key.
trait ErasedKey {
    fn path(&self, table: &str) -> Result<String, crate::ValueError>;
}

impl<K: Serialize> ErasedKey for K {
    fn path(&self, table: &str) -> Result<String, crate::ValueError> {
        key::path(table, self)
    }
}

/// A row that is the whole body.
fn read_row(body: &[u8]) -> Result<Row, Error> {
    let wrong = |reason: String| Error::Answer { reason };
    let row: Value = decode(body).map_err(|error| wrong(error.to_string()))?;
    Row::alone(row).ok_or_else(|| wrong("the body is no row".to_owned()))
}
