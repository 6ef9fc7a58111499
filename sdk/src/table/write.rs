//! [`RowWrite`]: one write of one row, with its condition.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use serde::Serialize;

use crate::answer::{Consumed, Row};
use crate::client::{Call, Client, Effect};
use crate::clock;
use crate::error::Error;
use crate::value::{encode, to_value};

/// A write of a row. Nothing happens before [`RowWrite::send`].
#[derive(Clone, Debug)]
#[must_use = "a write does nothing until it is sent"]
pub struct RowWrite {
    client: Client,
    call: Result<Call, Error>,
    timestamp_us: Option<i64>,
}

/// The answer to a [`RowWrite`].
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Whether the write was done; false only if its condition did not hold.
    pub applied: bool,
    /// If it was not done: the row that stood in its way, if there was one.
    pub current: Option<Row>,
    /// What it cost.
    pub consumed: Consumed,
    /// The name of the request in the server's logs.
    pub request_id: String,
}

impl RowWrite {
    pub(super) fn new(client: Client, call: Result<Call, Error>) -> Self {
        Self { client, call, timestamp_us: None }
    }

    pub(super) fn with_body(mut self, row: &(impl Serialize + ?Sized)) -> Self {
        self.call = self.call.and_then(|call| {
            let row = to_value(row).map_err(Error::Bind)?;
            let mut body = Vec::new();
            encode(&row, &mut body);
            Ok(Call { body: Some(Bytes::from(body)), ..call })
        });
        self
    }

    /// Only if there is no row with this key.
    pub fn if_not_exists(self) -> Self {
        self.with_condition(IF_NONE_MATCH)
    }

    /// Only if there is a row with this key.
    pub fn if_exists(self) -> Self {
        self.with_condition(IF_MATCH)
    }

    fn with_condition(self, name: HeaderName) -> Self {
        let condition = Some((name, HeaderValue::from_static("*")));
        self.change(|call| call.condition = condition)
    }

    /// Time of the write, in microseconds since 1970.
    pub fn timestamp(mut self, microseconds: i64) -> Self {
        self.timestamp_us = Some(microseconds);
        self
    }

    /// The written columns expire after this many seconds.
    pub fn ttl(self, seconds: u32) -> Self {
        self.change(|call| call.set("ttl", &seconds.to_string()))
    }

    /// Says that doing this twice is the same as doing it once, so that it may be sent again when
    /// nobody knows whether it was applied. True of every write without a condition, which gets a
    /// fixed timestamp unless it has one; with a condition, the second try may be refused because
    /// the first one was applied.
    pub fn idempotent(self) -> Self {
        self.change(|call| call.effect = Effect::Repeatable)
    }

    /// How long this may take with all its retries.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.change(|call| call.timeout = timeout)
    }

    fn change(mut self, change: impl FnOnce(&mut Call)) -> Self {
        if let Ok(call) = &mut self.call {
            change(call);
        }
        self
    }

    /// Does it.
    ///
    /// # Errors
    /// See [`Error`]. A condition that does not hold is no error: see [`Written::applied`].
    pub async fn send(self) -> Result<Written, Error> {
        let mut call = self.call?;
        let repeated = call.effect == Effect::Repeatable && call.condition.is_none();
        let timestamp = self.timestamp_us.or_else(|| if repeated { clock::now_us() } else { None });
        if let Some(timestamp) = timestamp {
            call.set("timestamp", &timestamp.to_string());
        }
        match self.client.run(&call).await {
            Ok(reply) => Ok(Written {
                applied: true,
                current: None,
                consumed: reply.meta.consumed,
                request_id: reply.meta.request_id,
            }),
            Err(Error::Problem(problem)) if problem.condition_not_met() => Ok(Written {
                applied: false,
                current: problem.members.member("current").cloned().and_then(Row::alone),
                consumed: problem.consumed,
                request_id: problem.request_id,
            }),
            Err(error) => Err(error),
        }
    }
}
