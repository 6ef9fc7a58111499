//! Keyspaces that must stay in one region.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

mod harness;

use cellar_metadata_api::{
    Answer, CellId, Command, Epoch, Metadata, NodeId, TableChange, TieringChange,
};
use cellar_metadata_raft::State;
use cellar_schema::{AgeOf, CqlType, TieringPolicy};
use harness::{service::Member, *};

/// A node in a region, in a data centre of the same name with `-a`.
fn joins(state: &mut State, address: &str, region: &str) -> NodeId {
    match run(state, &node_in(address, region)) {
        Answer::Node(id) => id,
        other => panic!("{other:?}"),
    }
}

fn node_in(address: &str, region: &str) -> Command {
    let Command::RegisterNode { mut node, id } = node(address, &format!("{region}-a"), "r1") else {
        panic!()
    };
    node.region = region.to_owned();
    Command::RegisterNode { node, id }
}

/// Two nodes at home in `us` and two in `eu`.
fn two_regions() -> State {
    let mut state = State::new();
    for (address, region) in [("a:1", "us"), ("b:1", "eu"), ("c:1", "eu"), ("d:1", "us")] {
        joins(&mut state, address, region);
    }
    state
}

fn single(region: &str) -> std::collections::BTreeMap<String, String> {
    options(&[("class", "SingleRegionStrategy"), ("region", region)])
}

fn replicas(state: &State, keyspace: &str) -> Vec<u64> {
    let placement = &state.catalog().placements[&state.catalog().groups[keyspace]];
    let mut nodes: Vec<u64> =
        placement.cells().next().unwrap().replicas.iter().map(|n| n.0).collect();
    nodes.sort_unstable();
    nodes
}

#[test]
fn a_keyspace_of_one_region_has_its_replicas_there_and_nowhere_else() {
    let mut state = two_regions();
    run(&mut state, &create_keyspace("home", options(&[("class", "SingleRegionStrategy")])));
    assert_eq!(replicas(&state, "home"), [1, 4], "the region of the first node");
    let answer = run(&mut state, &create_keyspace("far", single("eu")));
    assert_eq!(replicas(&state, "far"), [2, 3]);
    let Answer::Schema { warnings, .. } = answer else { panic!() };
    assert!(warnings[0].contains("3 for keyspace far is higher than the number of nodes 2"));
    let named = options(&[("class", "NetworkTopologyStrategy"), ("eu", "1"), ("us-a", "2")]);
    run(&mut state, &create_keyspace("both", named));
    assert_eq!(replicas(&state, "both").len(), 3, "a region or a data centre");
    let (_, mut state) = State::from_snapshot(&state.to_snapshot(&[]).unwrap()).unwrap();
    run(
        &mut state,
        &Command::SetNodeState { id: NodeId(1), state: cellar_metadata_api::NodeState::Down },
    );
    run(&mut state, &create_keyspace("more", options(&[("class", "SingleRegionStrategy")])));
    assert_eq!(replicas(&state, "more"), [1, 4]);
}

#[test]
fn a_region_that_does_not_exist_is_refused_with_the_reason() {
    let mut state = two_regions();
    let said = words(&mut state, &create_keyspace("ks", single("mars")));
    assert!(said.contains("must stay in region mars") && said.contains("eu, us"), "{said}");
    let named = options(&[("class", "NetworkTopologyStrategy"), ("eu", "1"), ("mars", "2")]);
    let said = words(&mut state, &create_keyspace("ks", named));
    assert!(said.contains("{mars}") && said.contains("the regions eu, us"), "{said}");
    words(&mut state, &create_keyspace("ks", single("")));
    run(&mut state, &create_keyspace("ks", single("eu")));
    let replication = Some(single("mars"));
    let (name, durable_writes, if_exists) = ("ks".to_owned(), None, false);
    refusal(&mut state, &Command::AlterKeyspace { name, replication, durable_writes, if_exists });
    // Not on a desk either: nothing else is meant by it.
    let mut desk = State::new();
    joins(&mut desk, "a:1", "us");
    words(&mut desk, &create_keyspace("ks", single("mars")));
}

#[test]
fn a_keyspace_made_before_any_node_waits_for_one_in_its_region() {
    let mut state = State::new();
    run(&mut state, &create_keyspace("far", single("eu")));
    run(&mut state, &create_keyspace("home", options(&[("class", "SingleRegionStrategy")])));
    joins(&mut state, "a:1", "us");
    assert_eq!(state.catalog().placements.len(), 1, "that of the cluster's own region");
    joins(&mut state, "b:1", "eu");
    assert_eq!(replicas(&state, "far"), [2]);
    assert_eq!(replicas(&state, "home"), [1]);
}

#[test]
fn no_cell_is_brought_out_of_its_region() {
    let mut state = two_regions();
    run(&mut state, &create_keyspace("far", single("eu")));
    let cell = (CellId(1), Epoch(1));
    let plan = |target: &[u64]| {
        let target = target.iter().copied().map(NodeId).collect();
        Command::PlanReplicas { cell, target }
    };
    let said = words(&mut state, &plan(&[2, 4]));
    assert!(said.contains("must not stand on node-4"), "{said}");
    run(&mut state, &plan(&[3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_not_tiered_into_another_region() {
    let dir = tempfile::tempdir().unwrap();
    let us = Some("us".to_owned());
    let member = Member::start_with(dir.path(), None, |options| options.store_region = us).await;
    let service = &member.service;
    let submit = async |command| service.submit(command).await;
    for command in [node_in("a:1", "us"), node_in("b:1", "eu")] {
        submit(command).await.unwrap();
    }
    let policy = TieringPolicy { age_of: AgeOf::WriteTime, hot_seconds: 60 };
    let tiered = |keyspace: &str| {
        let columns = [("k", CqlType::Int, KEY)];
        let Command::CreateTable { mut definition, .. } = create_table("t", &columns) else {
            panic!()
        };
        definition.keyspace = keyspace.to_owned();
        definition.options.tiering = Some(policy.clone());
        Command::CreateTable { definition, if_not_exists: false }
    };
    for (name, region) in [("here", "us"), ("there", "eu")] {
        submit(create_keyspace(name, single(region))).await.unwrap();
    }
    submit(create_keyspace("anywhere", simple("1"))).await.unwrap();
    for name in ["here", "anywhere"] {
        submit(tiered(name)).await.unwrap();
    }
    let said = submit(tiered("there")).await.unwrap_err().to_string();
    assert!(said.contains("must stay in region eu") && said.contains("in region us"), "{said}");
    let Command::CreateTable { mut definition, .. } = tiered("there") else { panic!() };
    definition.options.tiering = None;
    submit(Command::CreateTable { definition, if_not_exists: false }).await.unwrap();
    let changes = vec![TableChange::Options(cellar_metadata_api::OptionChanges {
        tiering: Some(TieringChange::Set { policy, column: None }),
        ..Default::default()
    })];
    let (keyspace, name) = ("there".to_owned(), "t".to_owned());
    submit(Command::AlterTable { keyspace, name, if_exists: false, changes }).await.unwrap_err();
    let (replication, durable_writes, if_exists) = (Some(single("eu")), None, false);
    let name = "here".to_owned();
    submit(Command::AlterKeyspace { name, replication, durable_writes, if_exists })
        .await
        .unwrap_err();
    member.stop().await;
}
