//! What a member sees of the cluster: reports if it leads, and events always, so that whoever
//! leads next knows what happened before.

use std::sync::Arc;

use cellar_metadata_api::{Event, NodeReport, Overview, protocol::SubmitError};
use tokio::time::Instant;

use super::Inner;

/// Follows the catalog and the leadership of the group, for ever.
pub(super) async fn follow(inner: &Inner) {
    let mut catalog = inner.shared.catalog.subscribe();
    let mut changes = inner.group.changes();
    let mut known = Arc::clone(&catalog.borrow_and_update());
    let mut leader: Option<u64> = None;
    loop {
        tokio::select! {
            changed = catalog.changed() => {
                if changed.is_err() {
                    return;
                }
                let next = Arc::clone(&catalog.borrow_and_update());
                inner.observed.lock().follow(&known, &next, inner.now_ms());
                known = next;
            }
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
                let (now, address) = {
                    let changes = changes.borrow_and_update();
                    let leads = changes.leader;
                    (leads, leads.and_then(|leads| changes.members.get(&leads).cloned()))
                };
                if !inner.group.is_leader() {
                    inner.observed.lock().forget_reports();
                }
                if let Some(now) = now.filter(|now| leader != Some(*now)) {
                    leader = Some(now);
                    inner.observed.lock().note([elected(now, address, inner.now_ms())]);
                }
            }
        }
    }
}

fn elected(member: u64, address: Option<String>, at_ms: i64) -> Event {
    let address = address.unwrap_or_default();
    Event {
        at_ms,
        kind: "metadata.leader".to_owned(),
        cell: None,
        epoch: None,
        node: None,
        detail: format!("member {member} {address}"),
    }
}

impl Inner {
    /// Takes a node's report if this member leads.
    pub(super) fn report(&self, report: NodeReport) -> Result<(), SubmitError> {
        if !self.group.is_leader() {
            return Err(self.not_leader());
        }
        self.observed.lock().take(report, Instant::now(), self.now_ms());
        Ok(())
    }

    /// What this member knows of the cluster if it leads.
    pub(super) fn overview(&self) -> Result<Overview, SubmitError> {
        if !self.group.is_leader() {
            return Err(self.not_leader());
        }
        let catalog = Arc::clone(&self.shared.catalog.borrow());
        Ok(self.observed.lock().overview(&catalog, Instant::now()))
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now_us().div_euclid(1000)
    }
}
