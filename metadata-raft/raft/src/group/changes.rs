//! What a group's user watches, and the switching off of a group that has nobody to talk to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use openraft::{
    async_runtime::WatchReceiver, metrics::RaftServerMetrics, type_config::alias::WatchReceiverOf,
};
use tokio::sync::watch;

use super::{
    RaftHandle,
    rest::{Mode, Rest},
    state::State,
};
use crate::{
    host::Stalled,
    types::{RaftVote, Stored, Types},
};

/// What can change about a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The leader, as far as this node knows.
    pub leader: Option<u64>,
    /// The current term.
    pub term: u64,
    /// Index of the last entry applied here.
    pub applied: Option<u64>,
    /// Members with their addresses, voters and learners.
    pub members: BTreeMap<u64, String>,
    /// Those of them that vote; while one set is being replaced by another, of both.
    pub voters: BTreeSet<u64>,
}

type Metrics = WatchReceiverOf<Types, RaftServerMetrics<Types>>;

/// Whether a node has nobody to send heartbeats to.
pub(crate) fn is_alone(node: u64, members: &Stored) -> bool {
    members.nodes().all(|(id, _)| *id == node)
}

/// Turns timers off, for a group of one and on a disk that stands still, or on; who could not lead
/// does not try to.
fn switch_timers(raft: &RaftHandle, on: bool, may_lead: bool) {
    let config = raft.runtime_config();
    config.tick(on);
    config.heartbeat(on);
    config.elect(on && may_lead);
}

/// Passes on what openraft and apply report, until the group stops.
pub(crate) async fn observe(
    raft: RaftHandle,
    state: Arc<State>,
    stalled: Stalled,
    rest: Arc<Rest>,
    changes: watch::Sender<Changes>,
) {
    let mut stalls = stalled.subscribe();
    let mut metrics: Metrics = raft.server_metrics();
    let mut applied = state.applied.subscribe();
    let mut rest = rest.mode();
    let mut timers = None;
    loop {
        let (vote, leader, members) = {
            let now = metrics.borrow_watched();
            (now.vote, now.current_leader, Arc::clone(&now.membership_config))
        };
        let reached = *applied.borrow_and_update();
        let mode = *rest.borrow_and_update();
        let stalls_now = *stalls.borrow_and_update();
        let on = !is_alone(state.node, &members) && !stalls_now && mode != Mode::Resting;
        let wanted = (on, !state.lacks_base() && mode == Mode::Awake);
        if timers != Some(wanted) {
            switch_timers(&raft, wanted.0, wanted.1);
            if on && leader == Some(state.node) && raft.trigger().heartbeat().await.is_err() {
                return;
            }
            timers = Some(wanted);
        }
        changes.send_if_modified(|seen| {
            let next = describe(&vote, leader, reached, &members);
            let modified = *seen != next;
            *seen = next;
            modified
        });
        tokio::select! {
            biased;
            changed = metrics.changed() => if changed.is_err() { return },
            changed = applied.changed() => if changed.is_err() { return },
            changed = rest.changed() => if changed.is_err() { return },
            changed = stalls.changed() => if changed.is_err() { return },
        }
    }
}

fn describe(
    vote: &RaftVote,
    leader: Option<u64>,
    applied: Option<u64>,
    members: &Stored,
) -> Changes {
    let voters = members.membership().voter_ids().collect();
    let members = members.nodes().map(|(id, node)| (*id, node.addr.clone())).collect();
    Changes { leader, term: vote.leader_id.term, applied, members, voters }
}
