//! What a member has seen of the cluster of late: the reports of nodes and the events that follow
//! from them and from changes of the catalog. Nothing of it is replicated or durable.

mod changes;
mod reports;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use cellar_metadata_api::{Catalog, Event, NodeId, NodeReport, Overview};
use tokio::time::Instant;

use self::reports::Seen;
use crate::limits::EVENTS_MAX;

/// What nodes said last, and what happened.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    reports: BTreeMap<NodeId, (NodeReport, Instant)>,
    seen: Seen,
    events: VecDeque<Event>,
}

impl Observed {
    /// Takes a node's word.
    pub(crate) fn take(&mut self, report: NodeReport, now: Instant, at_ms: i64) {
        let events = self.seen.compare(&report, now, at_ms);
        self.note(events);
        self.reports.insert(report.node, (report, now));
    }

    /// Notes what a change of the catalog means.
    pub(crate) fn follow(&mut self, before: &Catalog, after: &Catalog, at_ms: i64) {
        self.note(changes::events(before, after, at_ms));
        self.reports.retain(|node, _| after.nodes.contains_key(node));
    }

    /// Notes events.
    pub(crate) fn note(&mut self, events: impl IntoIterator<Item = Event>) {
        self.events.extend(events);
        let surplus = self.events.len().saturating_sub(EVENTS_MAX);
        self.events.drain(..surplus);
    }

    /// Forgets the reports: another member is told from now on.
    pub(crate) fn forget_reports(&mut self) {
        self.reports.clear();
        self.seen = Seen::default();
    }

    /// What each node said last, with its age in milliseconds.
    pub(crate) fn reports(&self, now: Instant) -> BTreeMap<NodeId, (NodeReport, u64)> {
        let age_ms = |at: Instant| {
            u64::try_from(now.saturating_duration_since(at).as_millis()).unwrap_or(u64::MAX)
        };
        let reports = self.reports.iter();
        reports.map(|(node, (report, at))| (*node, (report.clone(), age_ms(*at)))).collect()
    }

    /// Everything, as operators see it.
    pub(crate) fn overview(&self, catalog: &Arc<Catalog>, now: Instant) -> Overview {
        let mut reports = self.reports(now);
        let nodes = catalog.nodes.values();
        Overview {
            nodes: nodes.map(|node| (node.clone(), reports.remove(&node.id))).collect(),
            events: self.events.iter().cloned().collect(),
        }
    }
}
