//! `system_traces`: the requests that were traced, by whichever frontend.

use std::net::{IpAddr, Ipv4Addr};

use super::super::{Facts, record::Record};
use crate::trace::Told;

/// Every trace that a SELECT wants.
fn wanted<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = &'a Told> {
    let traces = facts.learnt.traces.iter();
    traces.filter(|trace| facts.wanted.holds(trace.id.as_bytes()))
}

pub(in crate::system) fn sessions(facts: &Facts<'_>) -> Vec<Record> {
    wanted(facts)
        .map(|trace| {
            let client = trace.client.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            let parameters = trace.parameters.iter().map(|(name, value)| (name, value));
            let record = Record::new()
                .uuid("session_id", trace.id)
                .inet("client", client)
                .text("command", "QUERY")
                .inet("coordinator", trace.coordinator.ip())
                .int("coordinator_port", i32::from(trace.coordinator.port()))
                .text_map("parameters", parameters)
                .text("request", &trace.activity)
                .bigint("started_at", trace.at_us.div_euclid(1_000));
            match trace.took_us {
                Some(took) => record.int("duration", i32::try_from(took).unwrap_or(i32::MAX)),
                None => record,
            }
        })
        .collect()
}

pub(in crate::system) fn events(facts: &Facts<'_>) -> Vec<Record> {
    let mut records = Vec::new();
    for trace in wanted(facts) {
        records.extend(trace.notes.iter().map(|note| {
            let elapsed = i32::try_from(note.elapsed_us).unwrap_or(i32::MAX);
            Record::new()
                .uuid("session_id", trace.id)
                .uuid("event_id", note.id)
                .text("activity", &note.activity)
                .inet("source", note.source.unwrap_or(trace.coordinator.ip()))
                .int("source_elapsed", elapsed)
                .int("source_port", i32::from(trace.coordinator.port()))
                .text("thread", "cellar")
        }));
    }
    records
}
