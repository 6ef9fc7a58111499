//! Who leads: each node as many cells as any other within one, counting what they are asked.

use std::collections::BTreeMap;

use cellar_metadata_api::{Cell, CellId, NodeId, NodeState};

use super::{Plan, Situation, pool::Pool};

/// What leading a cell that nobody asks anything counts.
const IDLE: u64 = 1_000;
/// What leading a cell counts at most, as a multiple of an idle one.
const BUSIEST: u64 = 8;

/// Evens out who leads.
pub(super) fn plan(situation: &Situation<'_>, pool: &mut Pool<'_>) -> Vec<Plan> {
    let mut plans = away(situation, pool);
    let weights = weights(situation);
    let weight = |cell: &Cell| weights.get(&cell.id).copied().unwrap_or(IDLE);
    let mut loads = loads(situation, weight);
    while plans.len() < situation.options.leaders_at_once {
        let mut best: Option<(u64, &Cell, NodeId)> = None;
        for cell in settled(situation, pool) {
            let Some(leader) = cell.replicas.first() else { continue };
            let much = loads.get(leader).copied().unwrap_or(0);
            let others = cell.replicas.iter().skip(1).filter(|node| leads_well(pool, **node));
            let next = others.min_by_key(|node| (loads.get(node).copied().unwrap_or(0), **node));
            let Some(next) = next else { continue };
            let little = loads.get(next).copied().unwrap_or(0);
            // Half a cell more than needed, so that loads that differ a little settle nothing.
            let needed = weight(cell).saturating_add(IDLE / 2);
            let gain = much.saturating_sub(little).saturating_sub(needed);
            if gain > 0 && best.is_none_or(|(most, ..)| gain > most) {
                best = Some((gain, cell, *next));
            }
        }
        let Some((_, cell, next)) = best else { break };
        let moved = weight(cell);
        if let Some(leader) = cell.replicas.first() {
            let load = loads.entry(*leader).or_default();
            *load = load.saturating_sub(moved);
        }
        let load = loads.entry(next).or_default();
        *load = load.saturating_add(moved);
        pool.reserve(cell.id);
        plans.push(Plan::Leader { cell: cell.id, node: next });
    }
    plans
}

/// Takes the lead from nodes that cannot keep it: those out of touch or being drained.
pub(super) fn away(situation: &Situation<'_>, pool: &mut Pool<'_>) -> Vec<Plan> {
    let mut loads = loads(situation, |_| IDLE);
    let mut plans = Vec::new();
    let placements = situation.catalog.placements.values();
    for cell in placements.flat_map(|placement| placement.cells()) {
        if plans.len() >= situation.options.leaders_at_once {
            break;
        }
        let led = cell.replicas.first().is_some_and(|leader| leads_well(pool, *leader));
        if led || !pool.is_free(cell) {
            continue;
        }
        let others = cell.replicas.iter().copied().filter(|node| leads_well(pool, *node));
        let next = others.min_by_key(|node| (loads.get(node).copied().unwrap_or(0), *node));
        if let Some(next) = next {
            let load = loads.entry(next).or_default();
            *load = load.saturating_add(IDLE);
            pool.reserve(cell.id);
            plans.push(Plan::Leader { cell: cell.id, node: next });
        }
    }
    plans
}

/// The cells that may get another leader: nothing else is planned for them and they have had
/// theirs for a while.
fn settled<'a>(situation: &Situation<'a>, pool: &Pool<'_>) -> Vec<&'a Cell> {
    let placements = situation.catalog.placements.values();
    let cells = placements.flat_map(|placement| placement.cells()).filter(|cell| {
        let led_ms = situation.memory.led_ms(cell.id, situation.now_ms);
        pool.is_free(cell) && led_ms >= situation.options.quiet_ms
    });
    cells.collect()
}

fn leads_well(pool: &Pool<'_>, node: NodeId) -> bool {
    pool.node(node).is_some_and(|node| node.state == NodeState::Up)
}

/// What each node leads, once what is under way is done.
fn loads(situation: &Situation<'_>, weight: impl Fn(&Cell) -> u64) -> BTreeMap<NodeId, u64> {
    let mut loads: BTreeMap<NodeId, u64> = BTreeMap::new();
    let placements = situation.catalog.placements.values();
    for cell in placements.flat_map(|placement| placement.cells()) {
        if let Some(leader) = cell.target.as_ref().unwrap_or(&cell.replicas).first() {
            let load = loads.entry(*leader).or_default();
            *load = load.saturating_add(weight(cell));
        }
    }
    loads
}

/// What leading each cell counts: one for itself, and its part of all requests.
fn weights(situation: &Situation<'_>) -> BTreeMap<CellId, u64> {
    let mut requests: BTreeMap<CellId, u64> = BTreeMap::new();
    for (report, _) in situation.reports.values() {
        for load in report.cells.iter().filter(|load| load.leads) {
            let asked = load.reads_per_second.saturating_add(load.writes_per_second);
            requests.insert(load.cell, asked);
        }
    }
    let all = requests.values().fold(0_u64, |sum, asked| sum.saturating_add(*asked));
    let cells = u64::try_from(requests.len()).unwrap_or(u64::MAX);
    let weight = |asked: u64| {
        let part = asked.saturating_mul(IDLE).saturating_mul(cells).checked_div(all).unwrap_or(0);
        IDLE.saturating_add(part).min(IDLE.saturating_mul(BUSIEST))
    };
    requests.into_iter().map(|(cell, asked)| (cell, weight(asked))).collect()
}
