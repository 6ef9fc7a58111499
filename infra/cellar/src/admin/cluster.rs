//! The cluster over admin HTTP: `GET /events`, `GET /overview`, `GET /members`,
//! `POST /members/ID/add?address=`, `POST /members/ID/remove`, `POST /nodes/ID/drain`,
//! `/nodes/ID/keep` and `/nodes/ID/remove`, and `POST /cells/ID/move?to=1,2,3`. Everything of it is
//! a request to the metadata service.

use std::collections::BTreeMap;

use cellar_metadata_api::{
    Answer, Cell, CellId, Command, Member, MembersRequest, MetadataError, MissingObject, NodeId,
    NodeReport, NodeState,
};
use serde_json::{Value, json};

use super::cells::{Operator, field};

impl Operator {
    /// What happened, the newest last.
    pub(super) async fn events(&self) -> Result<Value, MetadataError> {
        to_json(&self.metadata.overview().await?.events)
    }

    /// Everything that the leader of the metadata service knows.
    pub(super) async fn overview(&self) -> Result<Value, MetadataError> {
        to_json(&self.metadata.overview().await?)
    }

    /// What each node said last; nothing if the service is away.
    pub(super) async fn reported(&self) -> BTreeMap<NodeId, (NodeReport, u64)> {
        let overview = self.metadata.overview().await.unwrap_or_default();
        let nodes = overview.nodes.into_iter();
        nodes.filter_map(|(node, report)| Some((node.id, report?))).collect()
    }

    pub(super) async fn members(&self) -> Result<Value, MetadataError> {
        self.ask_members(MembersRequest::Show).await
    }

    /// Adds or removes a member.
    pub(super) async fn change_member(
        &self,
        id: &str,
        verb: &str,
        query: Option<&str>,
    ) -> Result<Value, MetadataError> {
        let id = number(id, "member")?;
        match (verb, field(query, "address")) {
            ("add", Some(address)) => {
                let address = address.to_owned();
                self.ask_members(MembersRequest::Add { id, address }).await
            }
            ("add", None) => Err(MetadataError::invalid("give `address`, as HOST:PORT")),
            ("remove", _) => self.ask_members(MembersRequest::Remove { id }).await,
            (other, _) => Err(unknown(other, "member")),
        }
    }

    async fn ask_members(&self, request: MembersRequest) -> Result<Value, MetadataError> {
        let said = self.metadata.members(request).await?;
        let member = |member: Member| {
            json!({
                "member": member.id,
                "address": member.address,
                "votes": member.votes,
                "leads": said.leader == Some(member.id),
            })
        };
        Ok(said.members.into_iter().map(member).collect())
    }

    /// Drains a node, takes it back or removes it.
    pub(super) async fn change_node(&self, id: &str, verb: &str) -> Result<Value, MetadataError> {
        let id = NodeId(number(id, "node")?);
        let command = match verb {
            "drain" => Command::SetNodeState { id, state: NodeState::Draining },
            "keep" => Command::SetNodeState { id, state: NodeState::Up },
            "remove" => Command::RemoveNode { id },
            other => return Err(unknown(other, "node")),
        };
        let answer = self.metadata.submit(command).await?;
        Ok(json!({ "node": id.0, "version": answer.version() }))
    }

    /// Plans that a cell is to stand on other nodes; its leader then moves it.
    pub(super) async fn move_cell(
        &self,
        id: CellId,
        query: Option<&str>,
    ) -> Result<Value, MetadataError> {
        let to = field(query, "to").ok_or_else(|| MetadataError::invalid("give `to`, as 1,2,3"))?;
        let nodes = to.split(',').map(|node| number(node, "node").map(NodeId));
        let target = nodes.collect::<Result<Vec<NodeId>, MetadataError>>()?;
        let cell = self.cell(id)?;
        let planned = json!({
            "cell": id.0,
            "from": cell.replicas.iter().map(|node| node.0).collect::<Vec<_>>(),
            "to": target.iter().map(|node| node.0).collect::<Vec<_>>(),
        });
        let command = Command::PlanReplicas { cell: (id, cell.epoch), target };
        match self.metadata.submit(command).await? {
            Answer::Done { .. } => Ok(planned),
            other => Err(MetadataError::Unknown { reason: format!("it answers {other:?}") }),
        }
    }

    /// A cell as the catalog has it.
    fn cell(&self, id: CellId) -> Result<Cell, MetadataError> {
        let catalog = self.metadata.catalog().borrow().clone();
        let mut cells = catalog.placements.values().flat_map(|placement| placement.cells());
        let found = cells.find(|cell| cell.id == id).cloned();
        found.ok_or_else(|| MetadataError::invalid(format!("there is no {id}")))
    }

    /// The neighbour on the right of a cell.
    pub(super) fn right_of(&self, id: CellId) -> Result<CellId, MetadataError> {
        let end = self.cell(id)?.range.end;
        let catalog = self.metadata.catalog().borrow().clone();
        let here = |cell: &&Cell| cell.id == id;
        let placement = catalog.placements.values().find(|p| p.cells().any(|cell| here(&cell)));
        let right = placement.zip(end).and_then(|(placement, end)| placement.lookup(end));
        let none = || MetadataError::invalid(format!("{id} has no right neighbour"));
        right.map(|cell| cell.id).ok_or_else(none)
    }
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<Value, MetadataError> {
    let failed = |error: serde_json::Error| MetadataError::Unknown { reason: error.to_string() };
    serde_json::to_value(value).map_err(failed)
}

fn number(text: &str, what: &str) -> Result<u64, MetadataError> {
    let number = text.trim().parse();
    number.map_err(|_| MetadataError::invalid(format!("{text} is not the number of a {what}")))
}

fn unknown(verb: &str, what: &str) -> MetadataError {
    MetadataError::invalid(format!("nothing is known about `{verb}` of a {what}"))
}

/// Whether nothing was done because of what was asked.
pub(super) fn is_refusal(error: &MetadataError) -> bool {
    match error {
        MetadataError::Unavailable { .. } | MetadataError::Unknown { .. } => false,
        MetadataError::Missing { what, .. } => *what == MissingObject::Node,
        _ => true,
    }
}
