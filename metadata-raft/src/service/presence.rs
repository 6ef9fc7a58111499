//! Which nodes and frontends are in touch, and the housekeeping of the leader.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cellar_metadata_api::{Command, NodeState};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Inner, watchers::Process};
use crate::limits::{ENTRIES_PER_SNAPSHOT, PRESENCE_CHECK_MS};

/// Follows who is in touch, for ever. `durable` is the last entry in the snapshot file.
pub(super) async fn follow(inner: &Inner, durable: Option<u64>) {
    let mut ticks = interval(Duration::from_millis(PRESENCE_CHECK_MS));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen: BTreeMap<Process, Instant> = BTreeMap::new();
    let mut flushed = durable.unwrap_or(0);
    loop {
        ticks.tick().await;
        keep_log_short(inner, &mut flushed).await;
        if !inner.group.is_leader() {
            // Who leads next begins to count anew.
            seen.clear();
            continue;
        }
        for identity in inner.watchers.identities() {
            inner.welcome(&identity).await;
        }
        for command in judge(inner, &mut seen) {
            if let Err(error) = inner.propose(&command).await {
                tracing::warn!(%error, ?command, "not done; it is tried again");
            }
        }
    }
}

/// What follows from who is and is not in touch.
fn judge(inner: &Inner, seen: &mut BTreeMap<Process, Instant>) -> Vec<Command> {
    let mut present: BTreeSet<Process> = inner.local.lock().clone();
    present.extend(inner.watchers.identities().iter().filter_map(Process::of));
    let now = Instant::now();
    let patience = Duration::from_millis(inner.absent_ms_max);
    let catalog = inner.shared.catalog.borrow().clone();
    let mut is_gone = |process: Process| {
        if present.contains(&process) {
            seen.insert(process, now);
            return false;
        }
        now.duration_since(*seen.entry(process).or_insert(now)) > patience
    };
    let mut commands = Vec::new();
    for node in catalog.nodes.values() {
        let gone = is_gone(Process::Node(node.id));
        let state = match node.state {
            NodeState::Up if gone => NodeState::Down,
            // Where another is by now it is not, whatever a watch still says.
            NodeState::Down if node.address.is_empty() => continue,
            NodeState::Down if present.contains(&Process::Node(node.id)) => NodeState::Up,
            NodeState::Up | NodeState::Down | NodeState::Draining => continue,
        };
        commands.push(Command::SetNodeState { id: node.id, state });
    }
    for host_id in catalog.frontends.keys().copied() {
        if is_gone(Process::Frontend(host_id)) {
            commands.push(Command::RemoveFrontend { host_id });
        }
    }
    commands
}

/// Writes a snapshot now and then, so that a restart has little to replay.
async fn keep_log_short(inner: &Inner, flushed: &mut u64) {
    let applied = *inner.group.applied().borrow();
    let Some(applied) = applied else { return };
    if applied.saturating_sub(*flushed) < ENTRIES_PER_SNAPSHOT {
        return;
    }
    match inner.group.compact().await {
        Ok(()) => *flushed = applied,
        Err(error) => tracing::warn!(%error, "the metadata log was not shortened"),
    }
}
