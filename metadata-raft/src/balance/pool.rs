//! The nodes as the balancer fills them: what each will carry once everything under way is done.

use std::collections::{BTreeMap, BTreeSet};

use cellar_metadata_api::{Cell, CellId, Node, NodeId, NodeState};

use super::{Plan, Situation};

/// A cell counts at least this part of the bytes at which it splits, so that many small ones are
/// spread as well.
const FLOOR_PART: u64 = 16;
/// Room that stays on a disk: one part in this many, and no more than so many bytes.
const SPARE_PART: u64 = 10;
const SPARE_BYTES_MAX: u64 = 256 << 20;

/// What is known of each node and cell, and what has been planned.
pub(super) struct Pool<'a> {
    nodes: BTreeMap<NodeId, Slot<'a>>,
    bytes: BTreeMap<CellId, u64>,
    floor: u64,
    /// Cells that this look has planned something for.
    planned: BTreeSet<CellId>,
    moves_per_node: usize,
}

struct Slot<'a> {
    node: &'a Node,
    standing: Standing,
    /// Bytes of the replicas that will be there.
    load: u64,
    /// Moves that it takes part in.
    moves: usize,
    /// Bytes that still fit, if it has said so.
    room: Option<u64>,
}

/// What a node is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It takes replicas.
    Good,
    /// Out of touch for a short time: it keeps what it has and gets nothing.
    Waited,
    /// Its replicas go elsewhere.
    Lost,
}

impl<'a> Pool<'a> {
    pub(super) fn new(situation: &Situation<'a>) -> Self {
        let floor = (situation.options.cell_split_bytes / FLOOR_PART).max(1);
        let mut bytes: BTreeMap<CellId, u64> = BTreeMap::new();
        for (report, _) in situation.reports.values() {
            for load in report.cells.iter() {
                let most = bytes.entry(load.cell).or_default();
                *most = load.hot_bytes.max(*most);
            }
        }
        let slot = |node: &'a Node| {
            let report = situation.reports.get(&node.id);
            let room = report.filter(|(report, _)| report.disk_total_bytes > 0);
            let room = room.map(|(report, _)| {
                let spare = (report.disk_total_bytes / SPARE_PART).min(SPARE_BYTES_MAX);
                report.disk_free_bytes.saturating_sub(spare)
            });
            Slot { node, standing: standing(situation, node), load: 0, moves: 0, room }
        };
        let nodes = situation.catalog.nodes.values().map(|node| (node.id, slot(node))).collect();
        let moves_per_node = situation.options.moves_per_node;
        let mut pool = Self { nodes, bytes, floor, planned: BTreeSet::new(), moves_per_node };
        let placements = situation.catalog.placements.values();
        for cell in placements.flat_map(|placement| placement.cells()) {
            let weight = pool.weight(cell);
            for node in cell.target.as_ref().unwrap_or(&cell.replicas) {
                if let Some(slot) = pool.nodes.get_mut(node) {
                    slot.load = slot.load.saturating_add(weight);
                }
            }
            // One that cannot go on keeps nobody busy.
            if let Some(target) = cell.target.as_ref().filter(|_| pool.can_decide(cell)) {
                pool.count_move(cell, target);
            }
        }
        pool
    }

    /// Whether every node in touch has told of its cells of late. Until then weights are guesses.
    pub(super) fn is_measured(&self, situation: &Situation<'_>) -> bool {
        let mut up = self.nodes.values().filter(|slot| slot.node.state == NodeState::Up);
        up.all(|slot| situation.reports.contains_key(&slot.node.id))
    }

    pub(super) fn standing(&self, node: NodeId) -> Standing {
        self.nodes.get(&node).map_or(Standing::Lost, |slot| slot.standing)
    }

    pub(super) fn node(&self, node: NodeId) -> Option<&'a Node> {
        self.nodes.get(&node).map(|slot| slot.node)
    }

    /// Its rack with its data centre: racks of two may have one name.
    pub(super) fn rack(&self, node: NodeId) -> (&'a str, &'a str) {
        let node = self.node(node);
        node.map_or(("", ""), |node| (node.datacenter.as_str(), node.rack.as_str()))
    }

    /// Bytes of a replica of the cell, as far as anybody has told.
    pub(super) fn bytes(&self, cell: &Cell) -> u64 {
        self.bytes.get(&cell.id).copied().unwrap_or(0)
    }

    /// What a replica of the cell counts.
    pub(super) fn weight(&self, cell: &Cell) -> u64 {
        self.bytes(cell).max(self.floor)
    }

    pub(super) fn load(&self, node: NodeId) -> u64 {
        self.nodes.get(&node).map_or(0, |slot| slot.load)
    }

    /// Whether a node can take one more replica of so many bytes now.
    pub(super) fn takes(&self, node: NodeId, bytes: u64) -> bool {
        self.nodes.get(&node).is_some_and(|slot| {
            slot.standing == Standing::Good
                && slot.moves < self.moves_per_node
                && slot.room.is_none_or(|room| room >= bytes)
        })
    }

    /// Whether a cell is free for a plan: no move is under way and it has a majority to decide it.
    pub(super) fn is_free(&self, cell: &Cell) -> bool {
        cell.target.is_none() && !self.planned.contains(&cell.id) && self.can_decide(cell)
    }

    /// Whether a majority of a cell's replicas is in touch, so that it can change its members.
    pub(super) fn can_decide(&self, cell: &Cell) -> bool {
        let there =
            |node: &&NodeId| self.node(**node).is_some_and(|node| node.state != NodeState::Down);
        cell.replicas.iter().filter(there).count() > cell.replicas.len() / 2
    }

    /// Plans that a cell is to stand elsewhere.
    pub(super) fn plan_move(&mut self, cell: &Cell, target: Vec<NodeId>) -> Plan {
        let weight = self.weight(cell);
        for node in cell.target.as_ref().unwrap_or(&cell.replicas) {
            if let Some(slot) = self.nodes.get_mut(node) {
                slot.load = slot.load.saturating_sub(weight);
            }
        }
        for node in &target {
            if let Some(slot) = self.nodes.get_mut(node) {
                slot.load = slot.load.saturating_add(weight);
            }
        }
        self.count_move(cell, &target);
        self.planned.insert(cell.id);
        Plan::Replicas { cell: cell.id, epoch: cell.epoch, target }
    }

    /// Keeps a cell from being planned for again in this look.
    pub(super) fn reserve(&mut self, cell: CellId) {
        self.planned.insert(cell);
    }

    /// Counts a move for those that take a replica and for the one that sends it.
    fn count_move(&mut self, cell: &Cell, target: &[NodeId]) {
        let bytes = self.bytes(cell);
        let newcomers = target.iter().filter(|node| !cell.replicas.contains(node));
        for node in newcomers.clone() {
            if let Some(slot) = self.nodes.get_mut(node) {
                slot.moves = slot.moves.saturating_add(1);
                slot.room = slot.room.map(|room| room.saturating_sub(bytes));
            }
        }
        let sender = cell.replicas.first().filter(|_| newcomers.count() > 0);
        if let Some(slot) = sender.and_then(|node| self.nodes.get_mut(node)) {
            slot.moves = slot.moves.saturating_add(1);
        }
    }

    /// Whether a cell's leader can send one more replica.
    pub(super) fn sends(&self, cell: &Cell) -> bool {
        let slot = cell.replicas.first().and_then(|node| self.nodes.get(node));
        slot.is_none_or(|slot| slot.moves < self.moves_per_node || slot.standing != Standing::Good)
    }
}

fn standing(situation: &Situation<'_>, node: &Node) -> Standing {
    let down_ms = situation.memory.down_ms(node.id, situation.now_ms);
    match node.state {
        NodeState::Up => Standing::Good,
        // Another node is where it was: nobody waits for it.
        NodeState::Down if node.address.is_empty() => Standing::Lost,
        NodeState::Down if down_ms < situation.options.replace_after_ms => Standing::Waited,
        NodeState::Down | NodeState::Draining => Standing::Lost,
    }
}
