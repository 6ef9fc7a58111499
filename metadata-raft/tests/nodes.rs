//! Draining and removing nodes, and keyspaces whose replication changes while they have data.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

mod harness;

use cellar_metadata_api::{Answer, CellId, Command, Epoch, NodeId, NodeState};
use cellar_metadata_raft::State;
use harness::*;
use uuid::Uuid;

fn set(id: u64, state: NodeState) -> Command {
    Command::SetNodeState { id: NodeId(id), state }
}

fn state_of(state: &State, id: u64) -> NodeState {
    state.catalog().nodes[&NodeId(id)].state
}

#[test]
fn a_node_that_is_drained_stays_so_in_touch_or_not_until_it_is_taken_back() {
    let mut state = state();
    run(&mut state, &set(1, NodeState::Draining));
    run(&mut state, &set(1, NodeState::Down));
    assert_eq!(state_of(&state, 1), NodeState::Draining);
    run(&mut state, &node("a:1", "dc1", "r1"));
    assert_eq!(state_of(&state, 1), NodeState::Draining, "a restart does not take it back");
    run(&mut state, &set(1, NodeState::Up));
    assert_eq!(state_of(&state, 1), NodeState::Up);
}

#[test]
fn a_node_is_removed_once_nothing_stands_on_it_or_is_to() {
    let mut state = state();
    run(&mut state, &node("b:1", "dc1", "r1"));
    let remove = |id| Command::RemoveNode { id: NodeId(id) };
    assert!(words(&mut state, &remove(1)).contains("cell-1 stands on node-1"));
    let cell = (CellId(1), Epoch(1));
    run(&mut state, &Command::PlanReplicas { cell, target: vec![NodeId(2)] });
    refusal(&mut state, &remove(2));
    run(&mut state, &Command::ChangeReplicas { cell, replicas: vec![NodeId(2)] });
    run(&mut state, &remove(1));
    assert_eq!(state.catalog().nodes.len(), 1);
    run(&mut state, &remove(1));
    let Answer::Node(next) = run(&mut state, &node("c:1", "dc1", "r1")) else { panic!() };
    assert_eq!(next, NodeId(3), "its id is never given again");
}

fn alter(name: &str, copies: &str) -> Command {
    Command::AlterKeyspace {
        name: name.to_owned(),
        replication: Some(simple(copies)),
        durable_writes: None,
        if_exists: false,
    }
}

fn warnings(answer: Answer) -> Vec<String> {
    match answer {
        Answer::Schema { warnings, .. } => warnings,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_keyspace_with_tables_takes_its_cells_along_to_a_new_setting_if_nobody_shares_them() {
    let mut state = state();
    run(&mut state, &node("b:1", "dc1", "r1"));
    let group = state.catalog().groups["ks"];
    assert!(warnings(run(&mut state, &alter("ks", "2"))).is_empty());
    assert_eq!(state.catalog().groups["ks"], group);
    run(&mut state, &create_keyspace("same", simple("2")));
    assert_eq!(state.catalog().groups["same"], group, "the group is that of the new setting");
    run(&mut state, &create_keyspace("old", simple("1")));
    assert_ne!(state.catalog().groups["old"], group);
    let told = warnings(run(&mut state, &alter("ks", "1")));
    assert!(told[0].contains("stays on the nodes"), "{told:?}");
    assert!(warnings(run(&mut state, &alter("ks", "2"))).is_empty(), "back to its own group");
}

#[test]
fn a_keyspace_is_not_made_where_no_node_is_unless_there_is_but_one() {
    let mut state = state();
    let far = || options(&[("class", "NetworkTopologyStrategy"), ("eu", "3")]);
    run(&mut state, &create_keyspace("desk", far()));
    run(&mut state, &node("b:1", "us", "r1"));
    let said = words(&mut state, &create_keyspace("far", far()));
    assert!(said.contains("{eu}") && said.contains("dc1, us"), "{said}");
    let both = options(&[("class", "NetworkTopologyStrategy"), ("dc1", "3"), ("us", "1")]);
    assert_eq!(warnings(run(&mut state, &create_keyspace("both", both))).len(), 1);
    let moved = Command::AlterKeyspace {
        name: "both".to_owned(),
        replication: Some(far()),
        durable_writes: None,
        if_exists: false,
    };
    refusal(&mut state, &moved);
    run(&mut state, &node("c:1", "eu", "r1"));
    run(&mut state, &create_keyspace("far", far()));
    let group = state.catalog().groups["far"];
    let cells: Vec<_> = state.catalog().placements[&group].cells().collect();
    // The group is that of the keyspace made on the desk, whose cell the balancer takes there.
    assert_eq!(cells.len(), 1);
}

/// A node as it registers, with its id and its disk.
fn comes(state: &mut State, address: &str, id: Option<u64>, disk: Option<u128>) -> NodeId {
    let Command::RegisterNode { mut node, .. } = node(address, "dc1", "r1") else { panic!() };
    node.disk = disk.map(Uuid::from_u128);
    match run(state, &Command::RegisterNode { node, id: id.map(NodeId) }) {
        Answer::Node(id) => id,
        other => panic!("{other:?}"),
    }
}

fn address_of(state: &State, id: NodeId) -> &str {
    &state.catalog().nodes[&id].address
}

#[test]
fn a_node_is_known_again_by_its_disk_and_never_by_its_address() {
    let mut state = State::new();
    let (first, wiped) = (comes(&mut state, "a:1", None, Some(1)), Some(2));
    assert_eq!(comes(&mut state, "a:1", None, Some(1)), first, "its answer was lost");
    assert_eq!(comes(&mut state, "b:1", None, Some(1)), first, "and it has moved");
    run(&mut state, &create_keyspace("ks", simple("1")));
    let second = comes(&mut state, "b:1", None, wiped);
    assert_ne!(second, first);
    assert_eq!(state_of(&state, first.0), NodeState::Down);
    assert_eq!((address_of(&state, first), address_of(&state, second)), ("", "b:1"));
    let placed = state.catalog().placements.values().next().unwrap();
    assert_eq!(placed.cells().next().unwrap().replicas, [first], "it is not taken for another");
    run(&mut state, &set(first.0, NodeState::Up));
    assert_eq!(state_of(&state, first.0), NodeState::Down, "nobody is there to be up");
    assert_ne!(comes(&mut state, "c:1", None, None), second);
    assert_ne!(comes(&mut state, "c:1", None, None), comes(&mut state, "c:1", None, None));
}

#[test]
fn a_displaced_node_is_back_as_itself_when_its_disk_is() {
    let mut state = State::new();
    let first = comes(&mut state, "a:1", None, None);
    assert_eq!(comes(&mut state, "a:1", Some(1), Some(1)), first, "it gets a disk id by and by");
    run(&mut state, &set(1, NodeState::Draining));
    let second = comes(&mut state, "a:1", None, Some(2));
    assert_eq!(state_of(&state, 1), NodeState::Draining);
    assert_eq!(comes(&mut state, "d:1", None, Some(1)), first, "also if it lost its id alone");
    assert_eq!((address_of(&state, first), address_of(&state, second)), ("d:1", "a:1"));
    assert_eq!(state_of(&state, second.0), NodeState::Up);
    let snapshot = state.to_snapshot(&[]).unwrap();
    let (_, mut state) = State::from_snapshot(&snapshot).unwrap();
    assert_eq!(comes(&mut state, "a:1", None, Some(2)), second);
    run(&mut state, &Command::RemoveNode { id: second });
    assert_ne!(comes(&mut state, "a:1", None, Some(2)), second, "its id is never given again");
}
