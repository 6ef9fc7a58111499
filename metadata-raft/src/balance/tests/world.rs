//! A cluster that does what it is told: plans are carried out some looks later, as nodes do.

use std::collections::{BTreeMap, BTreeSet};

use cellar_metadata_api::{
    Answer, Cell, CellId, CellLoad, Command, NodeId, NodeRegistration, NodeReport, NodeState,
    Position, SplitPlan, TableId,
};

use super::super::{BalanceOptions, Memory, Plan, Situation, plan};
use crate::state::State;

pub(super) const MIB: u64 = 1 << 20;

pub(super) struct World {
    pub(super) state: State,
    pub(super) options: BalanceOptions,
    pub(super) bytes: BTreeMap<CellId, u64>,
    pub(super) writes: BTreeMap<CellId, u64>,
    /// Free and total bytes of disks that are told of.
    pub(super) disks: BTreeMap<NodeId, (u64, u64)>,
    /// Nodes that say nothing.
    pub(super) mute: BTreeSet<NodeId>,
    pub(super) memory: Memory,
    pub(super) now_ms: u64,
    /// Moves that were begun.
    pub(super) moves: usize,
}

impl World {
    /// Nodes in (data centre, rack).
    pub(super) fn new(nodes: &[(&str, &str)]) -> Self {
        let options = BalanceOptions { cell_split_bytes: 64 * MIB, ..BalanceOptions::default() };
        let mut world = Self {
            state: State::new(),
            options,
            bytes: BTreeMap::new(),
            writes: BTreeMap::new(),
            disks: BTreeMap::new(),
            mute: BTreeSet::new(),
            memory: Memory::default(),
            now_ms: 0,
            moves: 0,
        };
        for (datacenter, rack) in nodes {
            world.join(datacenter, rack);
        }
        world
    }

    pub(super) fn run(&mut self, command: &Command) -> Answer {
        self.state.execute(command).unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    pub(super) fn join(&mut self, datacenter: &str, rack: &str) -> NodeId {
        let number = self.state.catalog().nodes.len() + 1;
        let node = NodeRegistration {
            address: format!("n{number}:1"),
            datacenter: datacenter.to_owned(),
            rack: rack.to_owned(),
            region: "here".to_owned(),
            cql_address: None,
            disk: None,
        };
        match self.run(&Command::RegisterNode { node, id: None }) {
            Answer::Node(id) => id,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn set(&mut self, node: u64, state: NodeState) {
        self.run(&Command::SetNodeState { id: NodeId(node), state });
    }

    /// A keyspace whose placement is split into so many cells of so many bytes.
    pub(super) fn keyspace(&mut self, name: &str, replication: &[(&str, &str)], bytes: &[u64]) {
        let replication =
            replication.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.run(&Command::CreateKeyspace {
            name: name.to_owned(),
            replication,
            durable_writes: true,
            if_not_exists: false,
        });
        for number in 1..bytes.len() {
            let last = self.cells_of(name).last().unwrap().clone();
            let Answer::Cells(right) = self.run(&Command::AllocateCells { count: 1 }) else {
                panic!()
            };
            let at = Position::new(TableId(100 + u32::try_from(number).unwrap()), 0);
            let plan = SplitPlan { cell: last.id, epoch: last.epoch, at, right };
            self.run(&Command::Split(plan));
        }
        let cells = self.cells_of(name);
        self.bytes.extend(cells.iter().map(|cell| cell.id).zip(bytes.iter().copied()));
    }

    pub(super) fn simple(&mut self, copies: &str, bytes: &[u64]) {
        let replication = [("class", "SimpleStrategy"), ("replication_factor", copies)];
        self.keyspace("ks", &replication, bytes);
    }

    pub(super) fn cells_of(&self, keyspace: &str) -> Vec<Cell> {
        let catalog = self.state.catalog();
        catalog.placements[&catalog.groups[keyspace]].cells().cloned().collect()
    }

    pub(super) fn cells(&self) -> Vec<Cell> {
        let placements = self.state.catalog().placements.values();
        placements.flat_map(|placement| placement.cells()).cloned().collect()
    }

    /// Bytes of replicas on each node.
    pub(super) fn loads(&self) -> BTreeMap<NodeId, u64> {
        let mut loads: BTreeMap<NodeId, u64> =
            self.state.catalog().nodes.keys().map(|node| (*node, 0)).collect();
        for cell in self.cells() {
            for node in &cell.replicas {
                *loads.get_mut(node).unwrap() += self.bytes[&cell.id];
            }
        }
        loads
    }

    pub(super) fn led(&self) -> BTreeMap<NodeId, usize> {
        let mut led: BTreeMap<NodeId, usize> =
            self.state.catalog().nodes.keys().map(|node| (*node, 0)).collect();
        for cell in self.cells() {
            *led.get_mut(&cell.replicas[0]).unwrap() += 1;
        }
        led
    }

    pub(super) fn rack(&self, node: NodeId) -> (String, String) {
        let node = &self.state.catalog().nodes[&node];
        (node.datacenter.clone(), node.rack.clone())
    }

    pub(super) fn is_up(&self, node: NodeId) -> bool {
        let node = self.state.catalog().nodes.get(&node);
        node.is_some_and(|node| node.state == NodeState::Up)
    }

    fn reports(&self) -> BTreeMap<NodeId, (NodeReport, u64)> {
        let up = self.state.catalog().nodes.values().filter(|node| node.state != NodeState::Down);
        let cells = self.cells();
        let load = |node: NodeId, cell: &Cell| {
            let leader = cell.replicas.iter().find(|replica| self.is_up(**replica));
            CellLoad {
                cell: cell.id,
                epoch: cell.epoch,
                leads: leader == Some(&node),
                voters: cell.replicas.clone(),
                applied_index: 0,
                hot_bytes: self.bytes[&cell.id],
                cold_bytes: 0,
                reads_per_second: 0,
                writes_per_second: self.writes.get(&cell.id).copied().unwrap_or(0),
            }
        };
        up.filter(|node| !self.mute.contains(&node.id))
            .map(|node| {
                let held = cells.iter().filter(|cell| cell.replicas.contains(&node.id));
                let report = NodeReport {
                    node: node.id,
                    cells: held.map(|cell| load(node.id, cell)).collect(),
                    hot_partitions: Vec::new(),
                    disk_free_bytes: self.disks.get(&node.id).map_or(0, |disk| disk.0),
                    disk_total_bytes: self.disks.get(&node.id).map_or(0, |disk| disk.1),
                    moved_bytes: 0,
                    damaged_cells: Vec::new(),
                    healed_cells: 0,
                    damaged_blocks: cellar_metadata_api::DamagedBlocks::default(),
                };
                (node.id, (report, 0))
            })
            .collect()
    }

    /// One look: what it plans, which is then in the catalog.
    pub(super) fn look(&mut self) -> Vec<Plan> {
        self.now_ms += 1_000;
        let catalog = std::sync::Arc::clone(self.state.catalog());
        let (settings, reports) = (self.state.settings(), self.reports());
        self.memory.observe(&catalog, &reports, self.now_ms);
        let plans = plan(&Situation {
            catalog: &catalog,
            settings: &settings,
            reports: &reports,
            memory: &self.memory,
            now_ms: self.now_ms,
            options: &self.options,
        });
        for plan in plans.clone() {
            self.take(plan);
        }
        plans
    }

    fn take(&mut self, plan: Plan) {
        match plan {
            Plan::Replicas { cell, epoch, target } => {
                self.moves += 1;
                self.run(&Command::PlanReplicas { cell: (cell, epoch), target });
            }
            Plan::Leader { cell, node } => {
                self.run(&Command::PreferLeader { cell, node });
            }
            Plan::Merge { left, right, .. } => {
                self.memory.asked(left, right, self.now_ms);
                let cells = self.cells();
                let of = |id| {
                    let cell = cells.iter().find(|cell| cell.id == id).unwrap();
                    (cell.id, cell.epoch)
                };
                self.run(&Command::MergeCells { left: of(left), right: of(right) });
                let gone = self.bytes.remove(&right).unwrap();
                *self.bytes.get_mut(&left).unwrap() += gone;
            }
        }
    }

    /// Carries out the first moves that are under way; those that need a majority and have none
    /// stay where they are.
    pub(super) fn carry_out(&mut self, most: usize) {
        let cells = self.cells().into_iter();
        let moving: Vec<Cell> =
            cells.filter(|c| c.target.is_some() && self.can_decide(c)).take(most).collect();
        for cell in moving {
            let target = cell.target.clone().unwrap();
            let cell = (cell.id, cell.epoch);
            self.run(&Command::ChangeReplicas { cell, replicas: target });
        }
    }

    pub(super) fn can_decide(&self, cell: &Cell) -> bool {
        let nodes = &self.state.catalog().nodes;
        let there = cell.replicas.iter().filter(|node| nodes[node].state != NodeState::Down);
        there.count() * 2 > cell.replicas.len()
    }

    /// Looks and carries out until nothing is planned for longer than anything waits; answers how
    /// many looks had plans.
    pub(super) fn settle(&mut self) -> usize {
        let (mut busy, mut idle) = (0, 0);
        while idle < 70 {
            let plans = self.look();
            self.check(&plans);
            self.carry_out(3);
            let moving = |cell: &Cell| cell.target.is_some() && self.can_decide(cell);
            if plans.is_empty() && !self.cells().iter().any(moving) {
                idle += 1;
            } else {
                idle = 0;
                busy += 1;
            }
            assert!(busy < 2_000, "it never comes to rest: {plans:?}");
        }
        busy
    }

    /// What holds for every plan.
    pub(super) fn check(&self, plans: &[Plan]) {
        let cells = self.cells();
        for plan in plans {
            let Plan::Replicas { cell, target, .. } = plan else { continue };
            let Some(cell) = cells.iter().find(|known| known.id == *cell) else { continue };
            let distinct: BTreeSet<&NodeId> = target.iter().collect();
            assert_eq!(distinct.len(), target.len(), "twice on a node: {plan:?}");
            for node in target.iter().filter(|node| !cell.replicas.contains(node)) {
                assert!(self.is_up(*node), "onto a node that is not there: {plan:?}");
            }
        }
        let mut taking: BTreeMap<NodeId, usize> = BTreeMap::new();
        for cell in cells.iter().filter(|cell| self.can_decide(cell)) {
            for node in cell.target.iter().flatten().filter(|node| !cell.replicas.contains(node)) {
                *taking.entry(*node).or_default() += 1;
            }
        }
        for (node, count) in taking {
            assert!(count <= self.options.moves_per_node, "{node} takes {count} at once");
        }
    }
}
