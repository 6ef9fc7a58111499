//! Neighbours that are quiet and small become one.
//!
//! Two that stand on different nodes are brought together first; from then on they are left alone
//! by evening out until they are one or not quiet any more.

use std::collections::BTreeMap;

use cellar_metadata_api::{Cell, CellId, CellLoad, NodeId};

use super::{Plan, Situation, pool::Pool};

/// A quiet pair needs less than this part of the bytes at which a cell splits.
const SMALL_PART: u64 = 8;

/// Merges, and moves that bring pairs together.
pub(super) fn plan(situation: &Situation<'_>, pool: &mut Pool<'_>) -> Vec<Plan> {
    let loads = loads(situation);
    let mut plans = Vec::new();
    for placement in situation.catalog.placements.values() {
        let mut cells = placement.cells().peekable();
        while let Some(left) = cells.next() {
            let Some(right) = cells.peek().copied() else { break };
            if !is_pair(situation, &loads, left, right) {
                continue;
            }
            // A cell is in one pair at a time.
            cells.next();
            if pool.is_free(left) && pool.is_free(right) {
                plans.extend(join(situation, pool, &loads, left, right));
            }
            pool.reserve(left.id);
            pool.reserve(right.id);
        }
    }
    let mut merges = situation.options.merges_at_once;
    plans.retain(|plan| match plan {
        Plan::Merge { .. } if merges == 0 => false,
        Plan::Merge { .. } => {
            merges = merges.saturating_sub(1);
            true
        }
        _ => true,
    });
    plans
}

/// What each cell's leader said of it.
fn loads<'a>(situation: &Situation<'a>) -> BTreeMap<CellId, (NodeId, &'a CellLoad)> {
    let said = situation.reports.values().flat_map(|(report, _)| {
        report.cells.iter().filter(|load| load.leads).map(|load| (report.node, load))
    });
    said.map(|(node, load)| (load.cell, (node, load))).collect()
}

fn is_pair(
    situation: &Situation<'_>,
    loads: &BTreeMap<CellId, (NodeId, &CellLoad)>,
    left: &Cell,
    right: &Cell,
) -> bool {
    let (Some((_, one)), Some((_, other))) = (loads.get(&left.id), loads.get(&right.id)) else {
        return false;
    };
    let quiet = |cell: &Cell, load: &CellLoad| {
        load.writes_per_second == 0
            && situation.memory.quiet_ms(cell.id, situation.now_ms) >= situation.options.quiet_ms
    };
    let bytes = one.hot_bytes.saturating_add(other.hot_bytes);
    let reads = one.reads_per_second.saturating_add(other.reads_per_second);
    quiet(left, one)
        && quiet(right, other)
        && bytes < situation.options.cell_split_bytes / SMALL_PART
        && reads < situation.options.quiet_reads_per_s
}

/// The next step of a pair; none while it has to wait.
fn join(
    situation: &Situation<'_>,
    pool: &mut Pool<'_>,
    loads: &BTreeMap<CellId, (NodeId, &CellLoad)>,
    left: &Cell,
    right: &Cell,
) -> Option<Plan> {
    let missing: Vec<NodeId> =
        left.replicas.iter().copied().filter(|node| !right.replicas.contains(node)).collect();
    if !missing.is_empty() || left.replicas.len() != right.replicas.len() {
        let bytes = pool.bytes(right);
        let fits = missing.iter().all(|node| pool.takes(*node, bytes)) && pool.sends(right);
        return fits.then(|| pool.plan_move(right, left.replicas.clone()));
    }
    // Asked again only after a while: what was refused is refused for a reason.
    let asked_ms = situation.memory.asked_ms(left.id, right.id, situation.now_ms);
    if asked_ms.is_some_and(|asked_ms| asked_ms < situation.options.quiet_ms) {
        return None;
    }
    let ((leader, one), (_, other)) = (loads.get(&left.id)?, loads.get(&right.id)?);
    if one.epoch != left.epoch || other.epoch != right.epoch {
        return None;
    }
    Some(Plan::Merge { left: left.id, right: right.id, leader: *leader })
}
