//! A node whose disk was emptied comes back as another: nothing begins without its rows, and what
//! is meant for the one before it is refused.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail loudly"
)]

mod cluster;

use std::{fs, time::Duration};

use cellar_cell_api::{AdminAnswer, AdminRequest, CellError, Cells, Target};
use cellar_metadata_api::{NodeId, NodeState};
use cellar_rpc::{ClientConfig, Pool, tasks::Tasks};
use cluster::{
    fleet::{Fleet, soon},
    tables::table,
};

/// Stops a node, empties its disk and starts it again where it was; says its new id.
async fn wipe(fleet: &mut Fleet, number: usize) -> NodeId {
    fleet.stop(number).await;
    fs::remove_dir_all(fleet.disk(number)).unwrap();
    fleet.open(number).await;
    fleet.member(number).node.id()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_wiped_node_is_another_and_gets_its_replicas_from_those_that_are_left() {
    let mut fleet = Fleet::start(3, 3).await;
    let wide = table(&fleet.metadata, "wide");
    for k in 0..50 {
        fleet.put(wide.insert(k, 0, "before")).await;
    }
    let cell = fleet.placed()[0].id;
    let wiped = fleet.leader(cell).await;
    assert_eq!(wipe(&mut fleet, wiped).await, NodeId(4));
    let gone = fleet.metadata.now().nodes[&NodeId(wiped as u64)].clone();
    assert_eq!((gone.address.as_str(), gone.state), ("", NodeState::Down));
    assert!(fleet.member(wiped).cells().await.is_empty(), "nothing was placed on it yet");
    for k in 50..70 {
        fleet.put(wide.insert(k, 0, "without it")).await;
    }
    let mut target: Vec<u64> = (1..=3).filter(|node| *node != wiped as u64).collect();
    target.push(4);
    fleet.plan(cell, &target);
    fleet.stands(cell, &target).await;
    soon("the newcomer tells what came to it, and who votes", async || {
        let reports = fleet.metadata.reports.lock();
        let last = reports.iter().rev().find(|report| report.node == NodeId(4));
        let mut voters: Vec<NodeId> = target.iter().copied().map(NodeId).collect();
        voters.sort_unstable();
        last.is_some_and(|report| {
            report.moved_bytes > 0 && report.cells.iter().all(|cell| cell.voters == voters)
        })
    })
    .await;
    // Another is lost: the newcomer's rows and vote count.
    let other = (1..=3).find(|node| *node != wiped).unwrap();
    fleet.stop(other).await;
    for k in 0..70 {
        assert_eq!(fleet.rows(&wide, k).await, 1, "{k}");
    }
    fleet.put(wide.insert(70, 0, "by two of three")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_only_replica_is_not_begun_again_without_its_rows() {
    let mut fleet = Fleet::start(1, 1).await;
    let wide = table(&fleet.metadata, "wide");
    fleet.put(wide.insert(1, 0, "lost")).await;
    assert_eq!(wipe(&mut fleet, 1).await, NodeId(2));
    assert_eq!(fleet.placed()[0].replicas, [NodeId(1)]);
    assert!(fleet.member(1).cells().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_meant_for_another_node_is_refused_for_certain() {
    let mut fleet = Fleet::start(1, 1).await;
    wipe(&mut fleet, 1).await;
    let cells = Cells::remote(Pool::new(ClientConfig::default(), &Tasks::new()));
    let address = fleet.address(1);
    let ask = async |node| {
        let target = Target { node: NodeId(node), address: &address };
        cells.admin(target, AdminRequest::Cells, Duration::from_secs(30)).await
    };
    match ask(1).await {
        Err(error @ CellError::Unavailable { .. }) => {
            assert!(error.is_definite());
            assert!(error.to_string().contains("node-2 is where node-1 was"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(ask(2).await.unwrap(), AdminAnswer::Cells(Vec::new()));
}
