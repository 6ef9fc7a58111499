//! Which cell owns which range on which nodes: first cells, splits, merges, moves, and the data
//! of dropped tables.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use cellar_metadata_api::{
    Answer, Cell, CellId, Epoch, GroupId, KeyRange, MetadataError, MissingObject, Node, NodeId,
    NodeState, Placement, PlacementError, Position, SplitPlan, TableId,
};

use super::{
    draft::{Draft, missing},
    keyspaces::Replication,
};
use crate::limits::CELL_IDS_PER_COMMAND_MAX;

impl<'a> Draft<'a> {
    /// The group of a replication setting. A new one gets a cell over everything as soon as there
    /// is a node for it.
    pub(super) fn group_for(&mut self, replication: &Replication) -> GroupId {
        let setting = replication.normalised();
        let group = match self.ledger.settings.get(&setting) {
            Some(group) => *group,
            None => GroupId(self.ledger.next_group),
        };
        self.ledger.next_group = self.ledger.next_group.max(group.0.saturating_add(1));
        self.ledger.settings.insert(setting, group);
        if !self.before.placements.contains_key(&group) {
            let nodes: Vec<&Node> = self.before.nodes.values().collect();
            self.place_first_cell(group, replication, &nodes);
        }
        group
    }

    /// Gives the groups without a cell their first one, now that a node came.
    pub(super) fn place_waiting_groups(&mut self, newcomer: &Node) {
        let others = self.before.nodes.values().filter(|node| node.id != newcomer.id);
        let nodes: Vec<&Node> = others.chain([newcomer]).collect();
        let mut waiting = BTreeMap::new();
        for (name, keyspace) in &self.before.keyspaces {
            let group = self.before.groups.get(name);
            if let Some(group) = group.filter(|id| !self.before.placements.contains_key(id)) {
                waiting.entry(*group).or_insert(keyspace);
            }
        }
        for (group, keyspace) in waiting {
            if let Ok(replication) = Replication::parse(&keyspace.name, &keyspace.replication) {
                self.place_first_cell(group, &replication, &nodes);
            }
        }
    }

    /// Lets a keyspace's group follow a new setting, if nobody else has that group and the setting
    /// has none: the cells then move to where the setting wants them. Answers whether it does.
    pub(super) fn resettle(&mut self, name: &str, replication: &Replication) -> bool {
        let Some(group) = self.before.groups.get(name).copied() else { return false };
        let alone = self.before.groups.iter().all(|(other, of)| other == name || *of != group);
        let setting = replication.normalised();
        match self.ledger.settings.get(&setting) {
            Some(of) => return *of == group,
            None if !alone => return false,
            None => {}
        }
        self.ledger.settings.retain(|_, of| *of != group);
        self.ledger.settings.insert(setting, group);
        true
    }

    fn place_first_cell(&mut self, group: GroupId, replication: &Replication, nodes: &[&Node]) {
        let replicas = self.choose_nodes(replication, nodes);
        if replicas.is_empty() {
            return;
        }
        let id = CellId(self.ledger.next_cell);
        self.ledger.next_cell = id.0.saturating_add(1);
        self.put_placement(group, Placement::single(id, replicas));
    }

    /// The nodes for a new cell: those in touch first, then those with the fewest cells, no rack
    /// twice while there are others. If no data centre of the setting has a node yet, any will do,
    /// because a keyspace that cannot be written to helps nobody; but data that must stay in one
    /// region waits for a node there.
    fn choose_nodes(&self, replication: &Replication, nodes: &[&Node]) -> Vec<NodeId> {
        let mut load: BTreeMap<NodeId, usize> = BTreeMap::new();
        for cell in self.before.placements.values().flat_map(|placement| placement.cells()) {
            for node in &cell.replicas {
                let cells = load.entry(*node).or_default();
                *cells = cells.saturating_add(1);
            }
        }
        let mut chosen = Vec::new();
        let replication = replication.clone().at_home(self.ledger.home());
        for (copies, candidates) in replication.shares(nodes) {
            chosen.extend(spread(copies, candidates, &load));
        }
        if chosen.is_empty() && !matches!(replication, Replication::Region(..)) {
            chosen = spread(1, nodes.to_vec(), &load);
        }
        chosen
    }

    pub(super) fn allocate_cells(&mut self, count: u32) -> Result<Answer, MetadataError> {
        if count == 0 || count > CELL_IDS_PER_COMMAND_MAX {
            return Err(MetadataError::invalid(format!(
                "cell ids are handed out 1 to {CELL_IDS_PER_COMMAND_MAX} at a time, not {count}"
            )));
        }
        let first = self.ledger.next_cell;
        self.ledger.next_cell = first.saturating_add(u64::from(count));
        Ok(Answer::Cells(CellId(first)))
    }

    pub(super) fn split(&mut self, plan: SplitPlan) -> Result<Answer, MetadataError> {
        let (group, placement) = self.placement_with(plan.cell)?;
        let again = |cell: &Cell| cell.id == plan.right && cell.range.start == plan.at;
        if placement.cells().any(again) {
            return Ok(self.done());
        }
        if plan.right.0 >= self.ledger.next_cell {
            return Err(MetadataError::invalid(format!("{} was not handed out", plan.right)));
        }
        let mut placement = Placement::clone(placement);
        placement.split(plan).map_err(refused)?;
        self.put_placement(group, placement);
        Ok(self.done())
    }

    pub(super) fn merge_cells(
        &mut self,
        left: (CellId, Epoch),
        right: (CellId, Epoch),
    ) -> Result<Answer, MetadataError> {
        let (group, placement) = self.placement_with(left.0)?;
        let gone = !placement.cells().any(|cell| cell.id == right.0);
        let merged = left.1.max(right.1).next();
        if gone && placement.cells().any(|cell| cell.id == left.0 && cell.epoch == merged) {
            return Ok(self.done());
        }
        let mut placement = Placement::clone(placement);
        placement.merge(left, right).map_err(refused)?;
        self.put_placement(group, placement);
        Ok(self.done())
    }

    pub(super) fn change_replicas(
        &mut self,
        (id, planned): (CellId, Epoch),
        replicas: &[NodeId],
    ) -> Result<Answer, MetadataError> {
        self.check_nodes(id, replicas)?;
        let (group, placement) = self.placement_with(id)?;
        let done = |cell: &Cell| {
            cell.id == id && cell.epoch == planned.next() && cell.replicas == replicas
        };
        if placement.cells().any(done) {
            return Ok(self.done());
        }
        let mut placement = Placement::clone(placement);
        placement.change_replicas((id, planned), replicas.to_vec()).map_err(refused)?;
        self.put_placement(group, placement);
        Ok(self.done())
    }

    pub(super) fn plan_replicas(
        &mut self,
        (id, planned): (CellId, Epoch),
        target: &[NodeId],
    ) -> Result<Answer, MetadataError> {
        self.check_nodes(id, target)?;
        let (group, placement) = self.placement_with(id)?;
        self.check_residency(group, placement, id, target)?;
        let mut planned_for = Placement::clone(placement);
        planned_for.plan_replicas((id, planned), target.to_vec()).map_err(refused)?;
        if planned_for != **placement {
            self.put_placement(group, planned_for);
        }
        Ok(self.done())
    }

    pub(super) fn prefer_leader(
        &mut self,
        id: CellId,
        node: NodeId,
    ) -> Result<Answer, MetadataError> {
        let (group, placement) = self.placement_with(id)?;
        let mut preferred = Placement::clone(placement);
        preferred.prefer_leader(id, node).map_err(refused)?;
        if preferred != **placement {
            self.put_placement(group, preferred);
        }
        Ok(self.done())
    }

    /// Refuses to bring a cell to a node where the setting of its keyspaces does not want it.
    fn check_residency(
        &self,
        group: GroupId,
        placement: &Placement,
        id: CellId,
        target: &[NodeId],
    ) -> Result<(), MetadataError> {
        let setting = self.ledger.settings.iter().find(|(_, of)| **of == group);
        let setting = setting.and_then(|(text, _)| Replication::from_normalised(text));
        let Some(setting) = setting.map(|it| it.at_home(self.ledger.home())) else { return Ok(()) };
        let nodes: Vec<&Node> = self.before.nodes.values().collect();
        let allowed: BTreeSet<NodeId> =
            setting.shares(&nodes).into_iter().flat_map(|(_, of)| of).map(|node| node.id).collect();
        let desk = allowed.is_empty() && !matches!(setting, Replication::Region(..));
        let here = placement.cells().find(|cell| cell.id == id);
        let stays = |node: &NodeId| here.is_some_and(|cell| cell.replicas.contains(node));
        let stray = target.iter().find(|node| !allowed.contains(node) && !stays(node));
        stray.filter(|_| !desk).map_or(Ok(()), |node| {
            Err(MetadataError::invalid(format!(
                "{id} must not stand on {node}: the replication of its keyspaces is {}",
                setting.normalised()
            )))
        })
    }

    /// Refuses replicas that are none, twice on one node, or on nodes that nobody knows.
    fn check_nodes(&self, id: CellId, replicas: &[NodeId]) -> Result<(), MetadataError> {
        if replicas.is_empty() {
            return Err(MetadataError::invalid(format!("{id} would be left without a replica")));
        }
        let distinct: BTreeSet<&NodeId> = replicas.iter().collect();
        if distinct.len() < replicas.len() {
            return Err(MetadataError::invalid(format!("{id} would stand on a node twice")));
        }
        let unknown = replicas.iter().find(|node| !self.before.nodes.contains_key(node));
        unknown.map_or(Ok(()), |node| Err(missing(MissingObject::Node, node.to_string())))
    }

    /// Notes that a node holds nothing of a dropped table any more. When none does, it is done.
    pub(super) fn forget_table(&mut self, table: TableId, node: NodeId) -> Answer {
        let Some(group) = self.before.dropped.get(&table).copied() else { return self.done() };
        let forgotten = self.ledger.forgotten.entry(table).or_default();
        forgotten.insert(node);
        let whole = KeyRange {
            start: Position::new(table, i64::MIN),
            end: table.0.checked_add(1).map(|next| Position::new(TableId(next), i64::MIN)),
        };
        let all = self.before.placements.get(&group).is_none_or(|placement| {
            let mut holders = placement.overlapping(whole).flat_map(|cell| &cell.replicas);
            holders.all(|holder| forgotten.contains(holder))
        });
        if all {
            self.ledger.forgotten.remove(&table);
            self.update().dropped.push((table, None));
        }
        self.done()
    }

    /// The placement that has this cell.
    fn placement_with(&self, id: CellId) -> Result<(GroupId, &'a Arc<Placement>), MetadataError> {
        self.before
            .placements
            .iter()
            .find(|(_, placement)| placement.cells().any(|cell| cell.id == id))
            .map(|(group, placement)| (*group, placement))
            .ok_or(MetadataError::Conflict { current: Epoch(0) })
    }
}

/// Up to `copies` nodes of the candidates, spread over racks.
fn spread(copies: u32, mut left: Vec<&Node>, load: &BTreeMap<NodeId, usize>) -> Vec<NodeId> {
    let mut chosen: Vec<NodeId> = Vec::new();
    let mut racks: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..copies {
        let cost = |node: &&Node| {
            let in_rack = racks.get(node.rack.as_str()).copied().unwrap_or(0);
            let cells = load.get(&node.id).copied().unwrap_or(0);
            (node.state != NodeState::Up, in_rack, cells, node.id)
        };
        let Some(best) = left.iter().copied().min_by_key(|node| cost(node)) else { break };
        left.retain(|node| node.id != best.id);
        let in_rack = racks.entry(best.rack.as_str()).or_default();
        *in_rack = in_rack.saturating_add(1);
        chosen.push(best.id);
    }
    chosen
}

fn refused(error: PlacementError) -> MetadataError {
    match error {
        PlacementError::UnknownCell(_) => MetadataError::Conflict { current: Epoch(0) },
        PlacementError::StaleEpoch { found, .. } => MetadataError::Conflict { current: found },
        other => MetadataError::invalid(other.to_string()),
    }
}
