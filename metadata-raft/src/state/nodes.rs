//! Nodes and frontends: who there is and where.

use cellar_metadata_api::{
    Answer, Frontend, MetadataError, MissingObject, Node, NodeId, NodeRegistration, NodeState,
};
use uuid::Uuid;

use super::draft::{Draft, missing};

impl Draft<'_> {
    /// Takes a node in. The first node also gets the first cells of the groups that have none.
    ///
    /// A node without an id is known again by its disk alone. Its address says nothing: a process
    /// with an empty disk that got the id of the one before it would not know how that one voted,
    /// and would begin cells without their rows.
    pub(super) fn register_node(
        &mut self,
        said: &NodeRegistration,
        id: Option<NodeId>,
    ) -> Result<Answer, MetadataError> {
        if said.address.is_empty() {
            return Err(MetadataError::invalid("a node needs an address"));
        }
        // A node that asks a second time because it missed its first answer gets the same id.
        let known = || said.disk.and_then(|disk| self.ledger.disks.get(&disk).copied());
        let id = id.or_else(known).unwrap_or(NodeId(self.ledger.next_node));
        if let Some(disk) = said.disk {
            self.ledger.disks.insert(disk, id);
        }
        let before = self.before.nodes.get(&id).map(|node| node.state);
        let draining = before == Some(NodeState::Draining);
        self.ledger.next_node = self.ledger.next_node.max(id.0.saturating_add(1));
        let node = Node {
            id,
            address: said.address.clone(),
            datacenter: said.datacenter.clone(),
            rack: said.rack.clone(),
            region: said.region.clone(),
            cql_address: said.cql_address,
            state: if draining { NodeState::Draining } else { NodeState::Up },
        };
        if self.before.nodes.get(&id) != Some(&node) {
            self.update().nodes.push((id, Some(node.clone())));
        }
        if self.ledger.home_region.is_empty() {
            // Older snapshots do not say it.
            let first = self.before.nodes.values().next().unwrap_or(&node);
            self.ledger.home_region.clone_from(&first.region);
        }
        self.displace(&node);
        self.place_waiting_groups(&node);
        Ok(Answer::Node(id))
    }

    /// Whoever was at a node's address before is not there any more.
    fn displace(&mut self, newcomer: &Node) {
        let others = self.before.nodes.values().filter(|node| node.id != newcomer.id);
        for gone in others.filter(|node| node.address == newcomer.address) {
            let draining = gone.state == NodeState::Draining;
            let state = if draining { NodeState::Draining } else { NodeState::Down };
            let gone = Node { address: String::new(), state, ..gone.clone() };
            self.update().nodes.push((gone.id, Some(gone)));
        }
    }

    pub(super) fn set_node_state(
        &mut self,
        id: NodeId,
        state: NodeState,
    ) -> Result<Answer, MetadataError> {
        let node = self
            .before
            .nodes
            .get(&id)
            .ok_or_else(|| missing(MissingObject::Node, id.to_string()))?;
        let drained = node.state == NodeState::Draining && state == NodeState::Down;
        // A watch that has not ended yet does not bring it back from where another is by now.
        let displaced = node.address.is_empty() && state == NodeState::Up;
        let state = if displaced { NodeState::Down } else { state };
        if node.state != state && !drained {
            let node = Node { state, ..node.clone() };
            self.update().nodes.push((id, Some(node)));
        }
        Ok(self.done())
    }

    pub(super) fn remove_node(&mut self, id: NodeId) -> Result<Answer, MetadataError> {
        let cells = self.before.placements.values().flat_map(|placement| placement.cells());
        let mut held = cells.filter(|cell| {
            cell.replicas.contains(&id) || cell.target.iter().flatten().any(|node| *node == id)
        });
        if let Some(cell) = held.next() {
            return Err(MetadataError::invalid(format!(
                "{} stands on {id}, and {} more cells: drain it first",
                cell.id,
                held.count()
            )));
        }
        if self.before.nodes.contains_key(&id) {
            self.update().nodes.push((id, None));
            self.ledger.disks.retain(|_, node| *node != id);
        }
        Ok(self.done())
    }

    pub(super) fn register_frontend(&mut self, frontend: &Frontend) -> Answer {
        if self.before.frontends.get(&frontend.host_id) != Some(frontend) {
            self.update().frontends.push((frontend.host_id, Some(frontend.clone())));
        }
        self.done()
    }

    pub(super) fn remove_frontend(&mut self, host_id: Uuid) -> Answer {
        if self.before.frontends.contains_key(&host_id) {
            self.update().frontends.push((host_id, None));
        }
        self.done()
    }
}
