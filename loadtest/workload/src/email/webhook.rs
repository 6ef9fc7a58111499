//! Bodies of webhook posts as SendGrid makes them, in the order in which they arrive.
//!
//! Guarantees: every event of the range is in a post, those that [`Arrival`] delivers twice in
//! two; no body is above [`limits::POST_BYTES_MAX`]. Bodies are not signed: the crate holds no
//! key. The range is sorted in memory, so it suits up to some hundred thousand messages.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Value as Json, json};

use crate::date::SECOND_MS;
use crate::limits;

use super::{Arrival, EventRow, Pipeline};

/// One post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Server that posts, from 0.
    pub server: u64,
    /// When, milliseconds.
    pub at_ms: i64,
    /// Events inside.
    pub events: usize,
    /// A JSON array, its elements apart by `\r\n`, with `\r\n` at its end.
    pub body: Vec<u8>,
}

/// The posts that bring the events of a range of messages, in the order of time.
#[must_use]
pub fn posts(pipeline: &Pipeline, range: Range<u64>) -> Vec<Post> {
    let mut batches: BTreeMap<(i64, u64), Vec<String>> = BTreeMap::new();
    for event in pipeline.range(range).flat_map(|message| message.events) {
        let arrival = Arrival::of(pipeline.shape(), &event);
        let text = json(&event).to_string();
        if let Some(again_ms) = arrival.again_ms {
            batches.entry((again_ms, arrival.server)).or_default().push(text.clone());
        }
        batches.entry((arrival.at_ms, arrival.server)).or_default().push(text);
    }
    batches
        .into_iter()
        .flat_map(|((at_ms, server), events)| split(at_ms, server, &events))
        .collect()
}

/// Events one server flushes at one time, in as many posts as their bytes need.
fn split(at_ms: i64, server: u64, events: &[String]) -> Vec<Post> {
    const BETWEEN: &str = ",\r\n";
    const AROUND: usize = "[]\r\n".len();
    let mut posts = Vec::new();
    let (mut inside, mut count) = (String::new(), 0);
    for event in events {
        let bytes = inside.len() + BETWEEN.len() + event.len() + AROUND;
        if count > 0 && bytes > limits::POST_BYTES_MAX {
            posts.push(post(at_ms, server, count, &inside));
            (inside, count) = (String::new(), 0);
        }
        if count > 0 {
            inside.push_str(BETWEEN);
        }
        inside.push_str(event);
        count += 1;
    }
    posts.push(post(at_ms, server, count, &inside));
    posts
}

fn post(at_ms: i64, server: u64, events: usize, inside: &str) -> Post {
    Post { server, at_ms, events, body: format!("[{inside}]\r\n").into_bytes() }
}

/// One event as the vendor writes it; the customer's arguments stand at the top level.
#[must_use]
pub fn json(event: &EventRow) -> Json {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Json| {
        fields.insert(name.to_owned(), value);
    };
    put("email", json!(event.email));
    put("timestamp", json!(event.event_ts / SECOND_MS));
    put("event", json!(event.event.name()));
    put("sg_event_id", json!(event.sg_event_id));
    put("category", json!(event.category));
    let optional = [
        ("sg_message_id", &event.sg_message_id),
        ("reason", &event.reason),
        ("response", &event.response),
        ("status", &event.status),
        ("type", &event.bounce_type),
        ("bounce_classification", &event.bounce_class),
        ("useragent", &event.useragent),
        ("url", &event.url),
    ];
    for (name, text) in optional {
        if let Some(text) = text {
            put(name, json!(text));
        }
    }
    if let Some(attempt) = event.attempt {
        put("attempt", json!(attempt.to_string()));
    }
    if let Some(index) = event.url_index {
        put("url_offset", json!({ "index": index, "type": "html" }));
    }
    if let Some(ip) = event.ip {
        put("ip", json!(ip.to_string()));
    }
    if let Some(is_machine) = event.machine_open {
        put("sg_machine_open", json!(is_machine));
    }
    if let Some(tls) = event.tls {
        put("tls", json!(u8::from(tls)));
    }
    put("account_id", json!(event.account_id.to_string()));
    put("campaign_id", json!(event.campaign_id));
    put("subscriber_id", json!(event.subscriber_id.to_string()));
    put("message_id", json!(event.message_id.to_string()));
    for (name, value) in &event.args {
        put(name, json!(value));
    }
    Json::Object(fields)
}
