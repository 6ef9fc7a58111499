//! The events that a change of the catalog stands for. Changes that follow each other closely may
//! be seen as one.

use std::{collections::BTreeMap, sync::Arc};

use cellar_metadata_api::{
    Catalog, Cell, CellId, Event, GroupId, Node, NodeId, NodeState, Placement,
};

/// What happened between two catalogs.
pub(super) fn events(before: &Catalog, after: &Catalog, at_ms: i64) -> Vec<Event> {
    let mut events = Vec::new();
    nodes(before, after, &mut events);
    for (group, placement) in &after.placements {
        match before.placements.get(group) {
            Some(same) if Arc::ptr_eq(same, placement) => {}
            Some(old) => cells(old, placement, &mut events),
            None => events.extend(placement.cells().map(|cell| {
                let detail = format!("the first of {group}, on {}", list(&cell.replicas));
                about_cell("cell.created", cell, detail)
            })),
        }
    }
    let gone = before.placements.iter().filter(|(group, _)| !after.placements.contains_key(group));
    events.extend(gone.map(|(group, _)| group_removed(*group)));
    for event in &mut events {
        event.at_ms = at_ms;
    }
    events
}

fn nodes(before: &Catalog, after: &Catalog, events: &mut Vec<Event>) {
    for (id, node) in &after.nodes {
        match before.nodes.get(id) {
            None => events.push(about_node("node.joined", node)),
            Some(old) if old.state != node.state => {
                events.push(about_node(state_event(node.state), node));
            }
            Some(old) if old.address != node.address => {
                events.push(about_node("node.address", node));
            }
            Some(_) => {}
        }
    }
    let gone = before.nodes.values().filter(|node| !after.nodes.contains_key(&node.id));
    events.extend(gone.map(|node| about_node("node.removed", node)));
}

fn state_event(state: NodeState) -> &'static str {
    match state {
        NodeState::Up => "node.up",
        NodeState::Down => "node.down",
        NodeState::Draining => "node.draining",
    }
}

fn cells(before: &Placement, after: &Placement, events: &mut Vec<Event>) {
    let old: BTreeMap<CellId, &Cell> = before.cells().map(|cell| (cell.id, cell)).collect();
    let new: BTreeMap<CellId, &Cell> = after.cells().map(|cell| (cell.id, cell)).collect();
    for (id, cell) in &new {
        match old.get(id) {
            Some(was) => events.extend(moved(was, cell)),
            None => {
                let from = before.lookup(cell.range.start);
                let from = from.map_or_else(String::new, |from| format!("off {}: ", from.id));
                events.push(about_cell("split.commit", cell, format!("{from}{}", cell.range)));
            }
        }
    }
    for (id, cell) in old.iter().filter(|(id, _)| !new.contains_key(id)) {
        if let Some(stays) = after.lookup(cell.range.start) {
            events.push(about_cell("merge.commit", stays, format!("took over {id}")));
        }
    }
}

/// What became of a cell's replicas.
fn moved(was: &Cell, is: &Cell) -> Option<Event> {
    let sorted = |nodes: &[NodeId]| {
        let mut nodes = nodes.to_vec();
        nodes.sort_unstable();
        nodes
    };
    let (from, to) = (list(&was.replicas), list(&is.replicas));
    if sorted(&was.replicas) != sorted(&is.replicas) {
        return Some(about_cell("move.commit", is, format!("{from} → {to}")));
    }
    if was.target != is.target {
        return Some(match &is.target {
            Some(target) => about_cell("move.begin", is, format!("{to} → {}", list(target))),
            None => about_cell("move.cancel", is, format!("it stays on {to}")),
        });
    }
    let preferred = was.replicas != is.replicas;
    preferred.then(|| about_cell("leader.preferred", is, format!("{from} → {to}")))
}

fn list(nodes: &[NodeId]) -> String {
    nodes.iter().map(NodeId::to_string).collect::<Vec<_>>().join(",")
}

fn about_node(kind: &str, node: &Node) -> Event {
    let detail = format!("{} in {}/{}", node.address, node.datacenter, node.rack);
    Event { node: Some(node.id), ..bare(kind, detail) }
}

fn about_cell(kind: &str, cell: &Cell, detail: String) -> Event {
    Event { cell: Some(cell.id), epoch: Some(cell.epoch), ..bare(kind, detail) }
}

fn group_removed(group: GroupId) -> Event {
    bare("group.removed", format!("{group} has no cells any more"))
}

fn bare(kind: &str, detail: String) -> Event {
    Event { at_ms: 0, kind: kind.to_owned(), cell: None, epoch: None, node: None, detail }
}

#[cfg(test)]
mod tests {
    use cellar_metadata_api::{Epoch, Position, SplitPlan, TableId};

    use super::*;

    fn catalog(change: impl FnOnce(&mut Placement)) -> Catalog {
        let nodes = vec![NodeId(1), NodeId(2), NodeId(3)];
        let mut placement = Placement::single(CellId(1), nodes);
        change(&mut placement);
        let mut catalog = Catalog::default();
        catalog.placements.insert(GroupId(1), Arc::new(placement));
        catalog
    }

    fn kinds(before: &Catalog, after: &Catalog) -> Vec<String> {
        events(before, after, 7).into_iter().map(|event| event.kind).collect()
    }

    fn split(placement: &mut Placement) {
        let at = Position::new(TableId(20), 0);
        let plan = SplitPlan { cell: CellId(1), epoch: Epoch(1), at, right: CellId(2) };
        placement.split(plan).unwrap();
    }

    #[test]
    fn splits_and_merges_are_told_by_the_cells_that_come_and_go() {
        let (one, two) = (catalog(|_| ()), catalog(split));
        assert_eq!(kinds(&one, &two), ["split.commit"]);
        let merged = catalog(|placement| {
            split(placement);
            placement.merge((CellId(1), Epoch(2)), (CellId(2), Epoch(2))).unwrap();
        });
        let told = events(&two, &merged, 7);
        assert_eq!(told[0].kind, "merge.commit");
        assert_eq!(
            (told[0].cell, told[0].epoch, told[0].at_ms),
            (Some(CellId(1)), Some(Epoch(3)), 7)
        );
    }

    #[test]
    fn a_move_begins_and_is_done_or_given_up() {
        let to = vec![NodeId(1), NodeId(2), NodeId(4)];
        let one = catalog(|_| ());
        let moving = catalog(|p| p.plan_replicas((CellId(1), Epoch(1)), to.clone()).unwrap());
        let moved = catalog(|p| p.change_replicas((CellId(1), Epoch(1)), to.clone()).unwrap());
        let led = catalog(|p| p.prefer_leader(CellId(1), NodeId(2)).unwrap());
        assert_eq!(kinds(&one, &moving), ["move.begin"]);
        assert_eq!(kinds(&moving, &moved), ["move.commit"]);
        assert_eq!(kinds(&moving, &one), ["move.cancel"]);
        assert_eq!(kinds(&one, &led), ["leader.preferred"]);
        assert!(kinds(&one, &one.clone()).is_empty());
    }
}
