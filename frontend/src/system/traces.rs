//! `system_traces`: the requests that this frontend traced.

use std::net::{IpAddr, Ipv4Addr};

use super::{Facts, record::Record};
use crate::trace::Trace;

/// Every trace that a SELECT wants.
fn wanted(facts: &Facts<'_>) -> Vec<std::sync::Arc<Trace>> {
    let mut traces = facts.traces.all();
    traces.retain(|trace| facts.wanted.holds(trace.id.as_bytes()));
    traces
}

pub(super) fn sessions(facts: &Facts<'_>) -> Vec<Record> {
    let own = facts.identity.cql_address;
    wanted(facts)
        .iter()
        .map(|trace| {
            let request = &trace.request;
            let client = request.client.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            let parameters = request.parameters.iter().map(|(name, value)| (name, value));
            let record = Record::new()
                .uuid("session_id", trace.id)
                .inet("client", client)
                .text("command", "QUERY")
                .inet("coordinator", own.ip())
                .int("coordinator_port", i32::from(own.port()))
                .text_map("parameters", parameters)
                .text("request", request.activity)
                .bigint("started_at", request.at_us.div_euclid(1_000));
            match trace.took_us() {
                Some(took) => record.int("duration", i32::try_from(took).unwrap_or(i32::MAX)),
                None => record,
            }
        })
        .collect()
}

pub(super) fn events(facts: &Facts<'_>) -> Vec<Record> {
    let own = facts.identity.cql_address;
    let mut records = Vec::new();
    for trace in wanted(facts) {
        records.extend(trace.notes().into_iter().map(|(id, note)| {
            let elapsed = i32::try_from(note.elapsed_us).unwrap_or(i32::MAX);
            Record::new()
                .uuid("session_id", trace.id)
                .uuid("event_id", id)
                .text("activity", &note.activity)
                .inet("source", note.source.unwrap_or(own.ip()))
                .int("source_elapsed", elapsed)
                .int("source_port", i32::from(own.port()))
                .text("thread", "cellar")
        }));
    }
    records
}
