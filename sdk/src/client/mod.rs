//! [`Client`]: one server, a pool of connections, and the rules by which requests are sent again.

mod attempt;
mod retry;
mod settings;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use hyper::Method;

use crate::error::{Error, Outcome};
use crate::query::Query;
use crate::table::Table;

pub(crate) use attempt::{Call, Effect, Reply};
pub use settings::ClientBuilder;

use attempt::Transport;
use retry::Budget;

/// A client of one Cellar server. Clones are cheap and share connections and the retry budget.
///
/// ```no_run
/// # async fn run() -> Result<(), cellar_sdk::Error> {
/// let db = cellar_sdk::Client::connect("http://127.0.0.1:8080").await?;
/// let rows = db.query("SELECT release_version FROM system.local").send().await?;
/// println!("{:?}, cost {}", rows.first::<String>()?, rows.consumed());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    transport: Transport,
    budget: Budget,
    settings: settings::Settings,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.shared.settings.url;
        f.debug_struct("Client").field("url", url).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the server at this URL, after making sure that it answers.
    ///
    /// # Errors
    /// When the URL makes no sense, or the server cannot be reached or does not answer.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let client = Self::builder(url).build()?;
        client.ping().await?;
        Ok(client)
    }

    /// Settings for a client of the server at this URL.
    ///
    /// ```no_run
    /// # fn run() -> Result<(), cellar_sdk::Error> {
    /// let db = cellar_sdk::Client::builder("http://127.0.0.1:8080").keyspace("demo").build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(url: &str) -> ClientBuilder {
        ClientBuilder::new(url)
    }

    /// Asks the server for a sign of life.
    ///
    /// # Errors
    /// When there is none.
    pub async fn ping(&self) -> Result<(), Error> {
        let call = Call { effect: Effect::Read, ..self.call(Method::GET, "/version".to_owned()) };
        self.run(&call).await.map(|_| ())
    }

    /// A CQL statement to run. Values take the places of its `?`, or of its `:name`.
    ///
    /// ```no_run
    /// # async fn run(db: cellar_sdk::Client) -> Result<(), cellar_sdk::Error> {
    /// let rows = db
    ///     .query("SELECT temp FROM demo.readings WHERE sensor = ? LIMIT ?")
    ///     .bind("a1")
    ///     .bind(10)
    ///     .send()
    ///     .await?;
    /// for temp in rows.typed::<f32>()? {
    ///     println!("{temp}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn query(&self, statement: impl Into<String>) -> Query {
        Query::new(self.clone(), statement.into())
    }

    /// A table whose rows are read and written whole, by key.
    #[must_use]
    pub fn table(&self, keyspace: &str, table: &str) -> Table {
        Table::new(self.clone(), keyspace, table)
    }

    /// A call of the API with the client's own settings.
    pub(crate) fn call(&self, method: Method, path: String) -> Call {
        Call {
            method,
            path,
            body: None,
            condition: None,
            effect: Effect::Once,
            timeout: self.shared.settings.timeout,
        }
    }

    /// The keyspace of unqualified names, unless a query says otherwise.
    pub(crate) fn keyspace(&self) -> Option<&str> {
        self.shared.settings.keyspace.as_deref()
    }

    /// Sends a call, again where that is safe and there is time, until it is answered.
    pub(crate) async fn run(&self, call: &Call) -> Result<Reply, Error> {
        let started = Instant::now();
        let mut unknown = false;
        for attempt in 1.. {
            let left = call.timeout.saturating_sub(started.elapsed());
            let sent = tokio::time::timeout(left, self.shared.transport.send(call, left)).await;
            let error = match sent {
                Ok(Ok(reply)) => {
                    self.shared.budget.refill();
                    return Ok(reply);
                }
                Ok(Err(error)) => error,
                Err(_) => {
                    return Err(Error::Timeout { after: call.timeout, outcome: in_flight(call) });
                }
            };
            unknown |= error.outcome() == Outcome::Unknown && call.effect != Effect::Read;
            let left = call.timeout.saturating_sub(started.elapsed());
            let wait = retry::wait(call, &error, attempt).filter(|wait| *wait < left);
            let Some(wait) = wait.filter(|_| self.shared.budget.take()) else {
                return Err(if unknown { retry::as_unknown(error) } else { error });
            };
            tokio::time::sleep(wait).await;
        }
        // The loop ends by returning only; the attempts are counted in `retry::wait`.
        Err(Error::Timeout { after: call.timeout, outcome: Outcome::Unknown })
    }
}

/// What an attempt that is given up may have done.
fn in_flight(call: &Call) -> Outcome {
    if call.effect == Effect::Read { Outcome::None } else { Outcome::Unknown }
}
