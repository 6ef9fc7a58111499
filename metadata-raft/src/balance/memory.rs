//! What the balancer must have seen for a while: since when nodes are silent and cells quiet.

use std::collections::BTreeMap;

use cellar_metadata_api::{Catalog, CellId, KeyRange, NodeId, NodeReport, NodeState};

/// What was seen until now. Times are milliseconds on any clock that never goes back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    down_since: BTreeMap<NodeId, u64>,
    cells: BTreeMap<CellId, CellMemory>,
    /// Merges that were asked for, and when.
    asked: BTreeMap<(CellId, CellId), u64>,
}

#[derive(Clone, Copy, Debug)]
struct CellMemory {
    range: KeyRange,
    /// Since when nobody wrote to it and it has this range.
    quiet_since: u64,
    leader: Option<NodeId>,
    /// Since when that is its preferred leader.
    leader_since: u64,
}

impl Memory {
    /// Takes in what is now.
    pub(crate) fn observe(
        &mut self,
        catalog: &Catalog,
        reports: &BTreeMap<NodeId, (NodeReport, u64)>,
        now_ms: u64,
    ) {
        let down =
            |id: &NodeId| catalog.nodes.get(id).is_some_and(|node| node.state == NodeState::Down);
        self.down_since.retain(|id, _| down(id));
        for id in catalog.nodes.keys().filter(|id| down(id)) {
            self.down_since.entry(*id).or_insert(now_ms);
        }
        let known = std::mem::take(&mut self.cells);
        for cell in catalog.placements.values().flat_map(|placement| placement.cells()) {
            let leader = cell.replicas.first().copied();
            let new =
                CellMemory { range: cell.range, quiet_since: now_ms, leader, leader_since: now_ms };
            let mut memory = known.get(&cell.id).copied().unwrap_or(new);
            if memory.range != cell.range {
                (memory.range, memory.quiet_since) = (cell.range, now_ms);
            }
            if memory.leader != leader {
                (memory.leader, memory.leader_since) = (leader, now_ms);
            }
            self.cells.insert(cell.id, memory);
        }
        for (report, _) in reports.values() {
            for load in report.cells.iter().filter(|load| load.writes_per_second > 0) {
                if let Some(memory) = self.cells.get_mut(&load.cell) {
                    memory.quiet_since = now_ms;
                }
            }
        }
        let cells = &self.cells;
        self.asked.retain(|(left, right), _| cells.contains_key(left) && cells.contains_key(right));
    }

    /// Notes that a merge was asked for.
    pub(crate) fn asked(&mut self, left: CellId, right: CellId, now_ms: u64) {
        self.asked.insert((left, right), now_ms);
    }

    /// How long a node has been down.
    pub(super) fn down_ms(&self, node: NodeId, now_ms: u64) -> u64 {
        self.down_since.get(&node).map_or(0, |since| now_ms.saturating_sub(*since))
    }

    /// How long a cell has been without writes, splits and merges.
    pub(super) fn quiet_ms(&self, cell: CellId, now_ms: u64) -> u64 {
        self.cells.get(&cell).map_or(0, |cell| now_ms.saturating_sub(cell.quiet_since))
    }

    /// How long a cell has had its preferred leader.
    pub(super) fn led_ms(&self, cell: CellId, now_ms: u64) -> u64 {
        self.cells.get(&cell).map_or(0, |cell| now_ms.saturating_sub(cell.leader_since))
    }

    /// How long ago a merge was asked for, if it was.
    pub(super) fn asked_ms(&self, left: CellId, right: CellId, now_ms: u64) -> Option<u64> {
        self.asked.get(&(left, right)).map(|at| now_ms.saturating_sub(*at))
    }
}
