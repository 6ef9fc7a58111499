//! Nodes and frontends: who there is and where.

use cellar_metadata_api::{
    Answer, Frontend, MetadataError, MissingObject, Node, NodeId, NodeRegistration, NodeState,
};
use uuid::Uuid;

use super::draft::{Draft, missing};

impl Draft<'_> {
    /// Takes a node in. The first node also gets the first cells of the groups that have none.
    pub(super) fn register_node(
        &mut self,
        said: &NodeRegistration,
        id: Option<NodeId>,
    ) -> Result<Answer, MetadataError> {
        if said.address.is_empty() {
            return Err(MetadataError::invalid("a node needs an address"));
        }
        // A node that asks a second time because it missed its first answer gets the same id.
        let known = || self.before.nodes.values().find(|node| node.address == said.address);
        let id = match id.or_else(|| known().map(|node| node.id)) {
            Some(id) => id,
            None => NodeId(self.ledger.next_node),
        };
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
        self.place_waiting_groups(&node);
        Ok(Answer::Node(id))
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
