//! Rows of the tables, typed, and their values in the order of the columns.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use uuid::Uuid;

use crate::value::{Value, canonical_row};

use super::{EventKind, Table, schema};

/// A row of `email.send_claim`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRow {
    /// Account that sends.
    pub account_id: i64,
    /// Campaign of that account.
    pub campaign_id: String,
    /// Shard of the campaign: a hash of the subscriber.
    pub shard: i16,
    /// Subscriber of that account.
    pub subscriber_id: i64,
    /// The message.
    pub message_id: Uuid,
    /// Process that claimed it.
    pub worker: String,
    /// Milliseconds.
    pub claimed_at: i64,
}

/// A row of `email.events`; what an event of its kind lacks is `None` or empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Account that sends.
    pub account_id: i64,
    /// Campaign of that account.
    pub campaign_id: String,
    /// UTC day of `event_ts`, since 1970-01-01.
    pub day: i64,
    /// Shard of the campaign: a hash of the message.
    pub shard: i16,
    /// What happened.
    pub event: EventKind,
    /// Milliseconds, in whole seconds.
    pub event_ts: i64,
    /// Identity of the event: a redelivery carries the same.
    pub sg_event_id: String,
    /// The message.
    pub message_id: Uuid,
    /// Subscriber of that account.
    pub subscriber_id: i64,
    /// The vendor's name of the message; asynchronous bounces have none.
    pub sg_message_id: Option<String>,
    /// Address, always of a domain reserved for examples.
    pub email: String,
    /// Number of the deferral.
    pub attempt: Option<i16>,
    /// Why it was dropped, deferred or bounced.
    pub reason: Option<String>,
    /// What the receiving server said when it accepted or deferred.
    pub response: Option<String>,
    /// Enhanced status code of a bounce.
    pub status: Option<String>,
    /// `bounce` or `blocked`.
    pub bounce_type: Option<String>,
    /// The vendor's class of a bounce.
    pub bounce_class: Option<String>,
    /// Link that was followed.
    pub url: Option<String>,
    /// Its place in the message.
    pub url_index: Option<i16>,
    /// Address of the other side, always of a block reserved for documentation.
    pub ip: Option<IpAddr>,
    /// Program that opened or clicked.
    pub useragent: Option<String>,
    /// Whether a machine opened it.
    pub machine_open: Option<bool>,
    /// Whether the transport was encrypted.
    pub tls: Option<bool>,
    /// Categories of the campaign.
    pub category: BTreeSet<String>,
    /// Arguments of the customer.
    pub args: BTreeMap<String, String>,
}

/// A row of `email.subscriber_timeline`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineRow {
    /// Account that sends.
    pub account_id: i64,
    /// Subscriber of that account.
    pub subscriber_id: i64,
    /// Milliseconds, in whole seconds.
    pub event_ts: i64,
    /// Identity of the event.
    pub sg_event_id: String,
    /// What happened.
    pub event: EventKind,
    /// Campaign of that account.
    pub campaign_id: String,
    /// Link that was followed.
    pub url: Option<String>,
}

/// A row of `email.subscriber_profile`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileRow {
    /// Account whose list it is.
    pub account_id: i64,
    /// Subscriber of that account.
    pub subscriber_id: i64,
    /// Address, always of a domain reserved for examples.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// `active`, `inactive` or `cancelled`.
    pub state: String,
    /// Tags.
    pub tags: BTreeSet<String>,
    /// Fields of the customer.
    pub fields: BTreeMap<String, String>,
    /// Milliseconds.
    pub created_at: i64,
}

/// A row of `email.suppression`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressionRow {
    /// Account whose list it is.
    pub account_id: i64,
    /// Subscriber of that account.
    pub subscriber_id: i64,
    /// `unsubscribe` or `spamreport`.
    pub reason: EventKind,
    /// Milliseconds.
    pub since: i64,
}

/// A row of any of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// Of `email.send_claim`.
    Claim(ClaimRow),
    /// Of `email.events`.
    Event(Box<EventRow>),
    /// Of `email.subscriber_timeline`.
    Timeline(TimelineRow),
    /// Of `email.subscriber_profile`.
    Profile(ProfileRow),
    /// Of `email.suppression`.
    Suppression(SuppressionRow),
}

impl Row {
    /// The table the row belongs to.
    #[must_use]
    pub const fn table(&self) -> &'static Table {
        match self {
            Self::Claim(_) => &schema::SEND_CLAIM,
            Self::Event(_) => &schema::EVENTS,
            Self::Timeline(_) => &schema::TIMELINE,
            Self::Profile(_) => &schema::PROFILE,
            Self::Suppression(_) => &schema::SUPPRESSION,
        }
    }

    /// The values, in the order of the table's columns.
    #[must_use]
    pub fn values(&self) -> Vec<Value> {
        match self {
            Self::Claim(row) => row.values(),
            Self::Event(row) => row.values(),
            Self::Timeline(row) => row.values(),
            Self::Profile(row) => row.values(),
            Self::Suppression(row) => row.values(),
        }
    }

    /// The canonical text: the canonical text of every column between bars.
    #[must_use]
    pub fn canonical(&self) -> String {
        canonical_row(&self.values())
    }
}

impl ClaimRow {
    /// The values, in the order of [`schema::SEND_CLAIM`].
    #[must_use]
    pub fn values(&self) -> Vec<Value> {
        vec![
            Value::Bigint(self.account_id),
            Value::Text(self.campaign_id.clone()),
            Value::Smallint(self.shard),
            Value::Bigint(self.subscriber_id),
            Value::Uuid(self.message_id),
            Value::Text(self.worker.clone()),
            Value::Timestamp(self.claimed_at),
        ]
    }
}

impl EventRow {
    /// The values, in the order of [`schema::EVENTS`].
    #[must_use]
    pub fn values(&self) -> Vec<Value> {
        vec![
            Value::Bigint(self.account_id),
            Value::Text(self.campaign_id.clone()),
            Value::Date(self.day),
            Value::Smallint(self.shard),
            Value::Text(self.event.name().to_owned()),
            Value::Timestamp(self.event_ts),
            Value::Text(self.sg_event_id.clone()),
            Value::Uuid(self.message_id),
            Value::Bigint(self.subscriber_id),
            text(self.sg_message_id.as_ref()),
            Value::Text(self.email.clone()),
            self.attempt.map_or(Value::Null, Value::Smallint),
            text(self.reason.as_ref()),
            text(self.response.as_ref()),
            text(self.status.as_ref()),
            text(self.bounce_type.as_ref()),
            text(self.bounce_class.as_ref()),
            text(self.url.as_ref()),
            self.url_index.map_or(Value::Null, Value::Smallint),
            self.ip.map_or(Value::Null, Value::Inet),
            text(self.useragent.as_ref()),
            self.machine_open.map_or(Value::Null, Value::Boolean),
            self.tls.map_or(Value::Null, Value::Boolean),
            Value::Texts(self.category.clone()),
            Value::TextMap(self.args.clone()),
        ]
    }

    /// The row of the same event in the subscriber's timeline, if its kind stands there.
    #[must_use]
    pub fn timeline(&self) -> Option<TimelineRow> {
        self.event.is_in_timeline().then(|| TimelineRow {
            account_id: self.account_id,
            subscriber_id: self.subscriber_id,
            event_ts: self.event_ts,
            sg_event_id: self.sg_event_id.clone(),
            event: self.event,
            campaign_id: self.campaign_id.clone(),
            url: self.url.clone(),
        })
    }
}

impl TimelineRow {
    /// The values, in the order of [`schema::TIMELINE`].
    #[must_use]
    pub fn values(&self) -> Vec<Value> {
        vec![
            Value::Bigint(self.account_id),
            Value::Bigint(self.subscriber_id),
            Value::Timestamp(self.event_ts),
            Value::Text(self.sg_event_id.clone()),
            Value::Text(self.event.name().to_owned()),
            Value::Text(self.campaign_id.clone()),
            text(self.url.as_ref()),
        ]
    }
}

impl ProfileRow {
    /// The values, in the order of [`schema::PROFILE`].
    #[must_use]
    pub fn values(&self) -> Vec<Value> {
        vec![
            Value::Bigint(self.account_id),
            Value::Bigint(self.subscriber_id),
            Value::Text(self.email.clone()),
            Value::Text(self.first_name.clone()),
            Value::Text(self.state.clone()),
            Value::Texts(self.tags.clone()),
            Value::TextMap(self.fields.clone()),
            Value::Timestamp(self.created_at),
            Value::Null,
            Value::Null,
        ]
    }
}

impl SuppressionRow {
    /// The values, in the order of [`schema::SUPPRESSION`].
    #[must_use]
    pub fn values(&self) -> Vec<Value> {
        vec![
            Value::Bigint(self.account_id),
            Value::Bigint(self.subscriber_id),
            Value::Text(self.reason.name().to_owned()),
            Value::Timestamp(self.since),
        ]
    }
}

fn text(text: Option<&String>) -> Value {
    text.cloned().map_or(Value::Null, Value::Text)
}
