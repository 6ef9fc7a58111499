//! Keyspace, tables and statements of the e-mail pipeline, as section 2.1 of the workload
//! specification gives them.
//!
//! Statements that only list columns are made by [`Table`]; the ones the application thinks in
//! are constants here.

use crate::value::Kind;

use super::Table;

/// Creates the keyspace; three replicas in one data centre.
pub const CREATE_KEYSPACE: &str = "CREATE KEYSPACE IF NOT EXISTS email WITH replication = \
     {'class': 'NetworkTopologyStrategy', 'dc1': 3}";

/// What a table with tiering by `column` ends with, in [`CREATE_TABLES`].
macro_rules! tiered_by {
    ($column:literal) => {
        concat!(
            "CUSTOM_PROPERTIES = {'tiering': {'mode': 'age', 'column': '",
            $column,
            "', 'hot': '90d', 'seal': '1d'}}"
        )
    };
}

/// Creates the tables, one statement each, with their tier policies.
pub const CREATE_TABLES: [&str; 7] = [
    concat!(
        "CREATE TABLE IF NOT EXISTS email.send_claim (",
        "account_id bigint, campaign_id text, shard smallint, subscriber_id bigint, ",
        "message_id uuid, worker text, claimed_at timestamp, ",
        "PRIMARY KEY ((account_id, campaign_id, shard), subscriber_id)) WITH ",
        tiered_by!("claimed_at")
    ),
    concat!(
        "CREATE TABLE IF NOT EXISTS email.events (",
        "account_id bigint, campaign_id text, day date, shard smallint, event text, ",
        "event_ts timestamp, sg_event_id text, message_id uuid, subscriber_id bigint, ",
        "sg_message_id text, email text, attempt smallint, reason text, response text, ",
        "status text, bounce_type text, bounce_class text, url text, url_index smallint, ",
        "ip inet, useragent text, machine_open boolean, tls boolean, ",
        "category frozen<set<text>>, args map<text, text>, ",
        "PRIMARY KEY ((account_id, campaign_id, day, shard), event, event_ts, sg_event_id)) ",
        "WITH CLUSTERING ORDER BY (event ASC, event_ts DESC, sg_event_id ASC) AND ",
        tiered_by!("day")
    ),
    concat!(
        "CREATE TABLE IF NOT EXISTS email.subscriber_timeline (",
        "account_id bigint, subscriber_id bigint, event_ts timestamp, sg_event_id text, ",
        "event text, campaign_id text, url text, ",
        "PRIMARY KEY ((account_id, subscriber_id), event_ts, sg_event_id)) ",
        "WITH CLUSTERING ORDER BY (event_ts DESC, sg_event_id ASC) AND ",
        tiered_by!("event_ts")
    ),
    "CREATE TABLE IF NOT EXISTS email.subscriber_profile (\
     account_id bigint, subscriber_id bigint, email text, first_name text, state text, \
     tags set<text>, fields map<text, text>, created_at timestamp, last_open timestamp, \
     last_click timestamp, PRIMARY KEY ((account_id, subscriber_id)))",
    "CREATE TABLE IF NOT EXISTS email.suppression (\
     account_id bigint, subscriber_id bigint, reason text, since timestamp, \
     PRIMARY KEY ((account_id, subscriber_id)))",
    "CREATE TABLE IF NOT EXISTS email.campaign_report (\
     account_id bigint, campaign_id text, day date, event text, n counter, \
     PRIMARY KEY ((account_id, campaign_id), day, event))",
    "CREATE TABLE IF NOT EXISTS email.webhook_raw (\
     hour timestamp, shard smallint, post_id timeuuid, signature text, ts text, body blob, \
     PRIMARY KEY ((hour, shard), post_id)) WITH default_time_to_live = 604800",
];

/// The last 20 events of a subscriber; binds account and subscriber.
pub const LATEST_20: &str = "SELECT event_ts, sg_event_id, event, campaign_id, url FROM \
     email.subscriber_timeline WHERE account_id = ? AND subscriber_id = ? LIMIT 20";

/// Counts one event; binds account, campaign, day and event.
pub const COUNT_EVENT: &str = "UPDATE email.campaign_report SET n = n + 1 WHERE \
     account_id = ? AND campaign_id = ? AND day = ? AND event = ?";

/// A campaign's counters by day and event; binds account and campaign.
pub const CAMPAIGN_REPORT: &str = "SELECT day, event, n FROM email.campaign_report WHERE \
     account_id = ? AND campaign_id = ?";

/// The same figures for one day from the events; binds account, campaign, day and shard, and the
/// caller adds up the shards.
pub const CAMPAIGN_GROUP_BY: &str = "SELECT event, count(*) FROM email.events WHERE \
     account_id = ? AND campaign_id = ? AND day = ? AND shard = ? GROUP BY \
     account_id, campaign_id, day, shard, event";

/// Who clicked in a campaign on a day; binds account, campaign, day and shard.
pub const CLICKERS: &str = "SELECT event_ts, subscriber_id, url FROM email.events WHERE \
     account_id = ? AND campaign_id = ? AND day = ? AND shard = ? AND event = 'click'";

/// `email.send_claim`
pub const SEND_CLAIM: Table = Table {
    name: "email.send_claim",
    columns: &[
        ("account_id", Kind::Bigint),
        ("campaign_id", Kind::Text),
        ("shard", Kind::Smallint),
        ("subscriber_id", Kind::Bigint),
        ("message_id", Kind::Uuid),
        ("worker", Kind::Text),
        ("claimed_at", Kind::Timestamp),
    ],
    partition_columns: 3,
    key_columns: 4,
    time_column: 6,
    subscriber_column: 3,
    attempt_column: None,
};

/// `email.events`
pub const EVENTS: Table = Table {
    name: "email.events",
    columns: &[
        ("account_id", Kind::Bigint),
        ("campaign_id", Kind::Text),
        ("day", Kind::Date),
        ("shard", Kind::Smallint),
        ("event", Kind::Text),
        ("event_ts", Kind::Timestamp),
        ("sg_event_id", Kind::Text),
        ("message_id", Kind::Uuid),
        ("subscriber_id", Kind::Bigint),
        ("sg_message_id", Kind::Text),
        ("email", Kind::Text),
        ("attempt", Kind::Smallint),
        ("reason", Kind::Text),
        ("response", Kind::Text),
        ("status", Kind::Text),
        ("bounce_type", Kind::Text),
        ("bounce_class", Kind::Text),
        ("url", Kind::Text),
        ("url_index", Kind::Smallint),
        ("ip", Kind::Inet),
        ("useragent", Kind::Text),
        ("machine_open", Kind::Boolean),
        ("tls", Kind::Boolean),
        ("category", Kind::Texts),
        ("args", Kind::TextMap),
    ],
    partition_columns: 4,
    key_columns: 7,
    time_column: 5,
    subscriber_column: 8,
    attempt_column: Some(11),
};

/// `email.subscriber_timeline`
pub const TIMELINE: Table = Table {
    name: "email.subscriber_timeline",
    columns: &[
        ("account_id", Kind::Bigint),
        ("subscriber_id", Kind::Bigint),
        ("event_ts", Kind::Timestamp),
        ("sg_event_id", Kind::Text),
        ("event", Kind::Text),
        ("campaign_id", Kind::Text),
        ("url", Kind::Text),
    ],
    partition_columns: 2,
    key_columns: 4,
    time_column: 2,
    subscriber_column: 1,
    attempt_column: None,
};

/// `email.subscriber_profile`
pub const PROFILE: Table = Table {
    name: "email.subscriber_profile",
    columns: &[
        ("account_id", Kind::Bigint),
        ("subscriber_id", Kind::Bigint),
        ("email", Kind::Text),
        ("first_name", Kind::Text),
        ("state", Kind::Text),
        ("tags", Kind::Texts),
        ("fields", Kind::TextMap),
        ("created_at", Kind::Timestamp),
        ("last_open", Kind::Timestamp),
        ("last_click", Kind::Timestamp),
    ],
    partition_columns: 2,
    key_columns: 2,
    time_column: 7,
    subscriber_column: 1,
    attempt_column: None,
};

/// `email.suppression`
pub const SUPPRESSION: Table = Table {
    name: "email.suppression",
    columns: &[
        ("account_id", Kind::Bigint),
        ("subscriber_id", Kind::Bigint),
        ("reason", Kind::Text),
        ("since", Kind::Timestamp),
    ],
    partition_columns: 2,
    key_columns: 2,
    time_column: 3,
    subscriber_column: 1,
    attempt_column: None,
};
