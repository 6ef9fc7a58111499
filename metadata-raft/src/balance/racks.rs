//! Replicas of one cell that share a rack although another rack has room.

use std::collections::BTreeMap;

use cellar_metadata_api::{Cell, NodeId, Placement};

use super::{
    Plan, Share, cells,
    pool::{Pool, Standing},
};

/// Spreads replicas over racks.
pub(super) fn plan(groups: &[(&Placement, Vec<Share>)], pool: &mut Pool<'_>) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (cell, shares) in cells(groups) {
        if !pool.is_free(cell) || !pool.sends(cell) {
            continue;
        }
        let found = shares.iter().find_map(|share| better(cell, share, pool));
        if let Some((from, to)) = found {
            plans.push(pool.plan_move(cell, exchanged(cell, from, to)));
        }
    }
    plans
}

/// The replica to exchange and the node for it, if that makes the spread better.
fn better(cell: &Cell, share: &Share, pool: &Pool<'_>) -> Option<(NodeId, NodeId)> {
    let mut racks: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let here = || cell.replicas.iter().copied().filter(|node| share.nodes.contains(node));
    for node in here() {
        let count = racks.entry(pool.rack(node)).or_default();
        *count = count.saturating_add(1);
    }
    let count = |node: NodeId| racks.get(&pool.rack(node)).copied().unwrap_or(0);
    let leads = |node: NodeId| cell.replicas.first() == Some(&node);
    let from = here().max_by_key(|node| (count(*node), !leads(*node), pool.load(*node), *node))?;
    let bytes = pool.bytes(cell);
    let to = share
        .nodes
        .iter()
        .copied()
        .filter(|node| pool.standing(*node) == Standing::Good && !cell.replicas.contains(node))
        .filter(|node| count(*node).saturating_add(1) < count(from) && pool.takes(*node, bytes))
        .min_by_key(|node| (count(*node), pool.load(*node), *node))?;
    Some((from, to))
}

/// A cell's replicas with one exchanged. If the leader goes, the next one leads.
pub(super) fn exchanged(cell: &Cell, from: NodeId, to: NodeId) -> Vec<NodeId> {
    let stayed = cell.replicas.iter().copied().filter(|node| *node != from);
    stayed.chain([to]).collect()
}
