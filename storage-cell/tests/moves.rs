//! Cells move between nodes: nothing is lost, the old places forget them, and every step goes on
//! after a crash.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail loudly"
)]

mod cluster;

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use cellar_cell_api::CellError;
use cellar_engine::{Engine, Options};
use cellar_metadata_api::{CellId, Command, NodeId, Position};
use cluster::{
    fleet::{Fleet, soon},
    tables::{Known, table},
};

/// Writes rows one after the other until told to stop; says how many were acknowledged.
async fn write_until(fleet: &Fleet, wide: &Known, stop: &AtomicBool, next: &AtomicI32) {
    while !stop.load(Ordering::SeqCst) {
        let k = next.fetch_add(1, Ordering::SeqCst);
        fleet.put(wide.insert(k, 0, "during")).await;
    }
}

/// Every partition up to `count` has its row.
async fn assert_all(fleet: &Fleet, wide: &Known, count: i32) {
    for k in 0..count {
        assert_eq!(fleet.rows(wide, k).await, 1, "{k} of {count}");
    }
}

async fn fill(fleet: &Fleet, wide: &Known, count: i32) {
    for k in 0..count {
        fleet.put(wide.insert(k, 0, "before")).await;
    }
}

fn first(fleet: &Fleet) -> CellId {
    fleet.placed()[0].id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_only_replica_moves_to_and_fro_under_writes_and_no_acknowledged_one_is_lost() {
    let fleet = Fleet::start(2, 1).await;
    let wide = table(&fleet.metadata, "wide");
    fill(&fleet, &wide, 50).await;
    let (stop, next) = (AtomicBool::new(false), AtomicI32::new(50));
    let cell = first(&fleet);
    let moving = async {
        for to in [2, 1, 2] {
            fleet.plan(cell, &[to]);
            fleet.stands(cell, &[to]).await;
        }
        stop.store(true, Ordering::SeqCst);
    };
    let writing = || write_until(&fleet, &wide, &stop, &next);
    tokio::join!(moving, writing(), writing(), writing());
    assert_all(&fleet, &wide, next.into_inner()).await;
    assert_eq!(fleet.cell(cell).epoch.0, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_three_is_replaced_and_it_may_be_the_leader() {
    let fleet = Fleet::start(4, 3).await;
    let wide = table(&fleet.metadata, "wide");
    fill(&fleet, &wide, 50).await;
    let cell = first(&fleet);
    let (stop, next) = (AtomicBool::new(false), AtomicI32::new(50));
    let moving = async {
        let mut stands: Vec<u64> = vec![1, 2, 3];
        for leads in [false, true, true] {
            let leader = fleet.leader(cell).await as u64;
            let leaves = |node: &u64| (*node == leader) == leads;
            let newcomer = (1..=4).find(|node| !stands.contains(node)).unwrap();
            let place = stands.iter().position(leaves).unwrap();
            stands[place] = newcomer;
            fleet.plan(cell, &stands);
            fleet.stands(cell, &stands).await;
        }
        stop.store(true, Ordering::SeqCst);
    };
    let writing = || write_until(&fleet, &wide, &stop, &next);
    tokio::join!(moving, writing(), writing());
    assert_all(&fleet, &wide, next.into_inner()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_dead_replica_is_replaced_and_forgets_the_cell_when_it_comes_back() {
    let mut fleet = Fleet::start(4, 3).await;
    let wide = table(&fleet.metadata, "wide");
    fill(&fleet, &wide, 30).await;
    let cell = first(&fleet);
    fleet.stop(3).await;
    fleet.plan(cell, &[1, 2, 4]);
    fleet.stands(cell, &[1, 2, 4]).await;
    fleet.open(3).await;
    fleet.stands(cell, &[1, 2, 4]).await;
    // The two that are left of the three could not decide alone without the newcomer.
    fleet.stop(1).await;
    fleet.put(wide.insert(30, 0, "after")).await;
    assert_all(&fleet, &wide, 31).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_move_that_is_taken_back_leaves_the_cell_where_it_was() {
    let mut fleet = Fleet::start(4, 3).await;
    let wide = table(&fleet.metadata, "wide");
    fill(&fleet, &wide, 30).await;
    let cell = first(&fleet);
    // It cannot end: the newcomer does not answer.
    fleet.stop(4).await;
    fleet.plan(cell, &[1, 2, 4]);
    let leader = fleet.leader(cell).await;
    soon("the newcomer is a member", async || {
        let cells = fleet.member(leader).cells().await;
        cells[0].replicas.contains(&NodeId(4))
    })
    .await;
    let refused = fleet.split(cell, Some(Position::new(wide.0.id, 0))).await;
    assert!(matches!(refused, Err(CellError::Invalid { .. })), "{refused:?}");
    fleet.put(wide.insert(30, 0, "meanwhile")).await;
    fleet.plan(cell, &[1, 2, 3]);
    fleet.stands(cell, &[1, 2, 3]).await;
    fleet.open(4).await;
    fleet.stands(cell, &[1, 2, 3]).await;
    soon("it splits again", async || {
        fleet.split(cell, Some(Position::new(wide.0.id, 0))).await.is_ok()
    })
    .await;
    assert_all(&fleet, &wide, 31).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cells_split_while_they_move_and_no_row_is_lost_or_doubled() {
    let fleet = Fleet::start(4, 3).await;
    let wide = table(&fleet.metadata, "wide");
    fill(&fleet, &wide, 50).await;
    let (stop, next) = (AtomicBool::new(false), AtomicI32::new(50));
    let working = async {
        let sets: [[u64; 3]; 4] = [[1, 2, 4], [4, 2, 3], [1, 4, 3], [3, 2, 1]];
        for round in 0..6 {
            let cells = fleet.placed();
            for (at, cell) in cells.iter().enumerate() {
                fleet.plan(cell.id, &sets[(round + at) % 4]);
            }
            let token = 1_i64 << (56 + round % 6);
            let at = Position::new(wide.0.id, if round % 2 == 0 { token } else { -token });
            let cell = fleet.metadata.now().cell_of(wide.0.id, at.token).unwrap().id;
            soon("it splits", async || match fleet.split(cell, Some(at)).await {
                Ok(_) => true,
                Err(error) => error.to_string().contains("does not lie inside"),
            })
            .await;
        }
        for cell in fleet.placed() {
            fleet.plan(cell.id, &[2, 3, 4]);
        }
        for cell in fleet.placed() {
            fleet.stands(cell.id, &[2, 3, 4]).await;
        }
        stop.store(true, Ordering::SeqCst);
    };
    let writing = || write_until(&fleet, &wide, &stop, &next);
    tokio::join!(working, writing(), writing());
    assert!(fleet.placed().len() >= 4, "{:?}", fleet.placed());
    assert!(fleet.member(1).cells().await.is_empty());
    assert_all(&fleet, &wide, next.into_inner()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_move_goes_on_when_nodes_stop_and_start_in_the_middle_of_it() {
    let mut fleet = Fleet::start(4, 3).await;
    let wide = table(&fleet.metadata, "wide");
    fill(&fleet, &wide, 50).await;
    let cell = first(&fleet);
    let mut next = 50;
    let mut stands = [1_u64, 2, 3];
    for round in 0..6 {
        let newcomer = (1..=4).find(|node| !stands.contains(node)).unwrap();
        stands[round % 3] = newcomer;
        fleet.plan(cell, &stands);
        // Somewhere between the first and the last step.
        tokio::time::sleep(std::time::Duration::from_millis(30 * round as u64)).await;
        let stopped = if round % 2 == 0 { fleet.leader(cell).await } else { newcomer as usize };
        fleet.stop(stopped).await;
        for _ in 0..5 {
            fleet.put(wide.insert(next, 0, "meanwhile")).await;
            next += 1;
        }
        fleet.open(stopped).await;
        fleet.stands(cell, &stands).await;
    }
    assert_all(&fleet, &wide, next).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_a_cell_left_keeps_neither_its_rows_nor_its_log() {
    let mut fleet = Fleet::start(2, 1).await;
    let wide = table(&fleet.metadata, "wide");
    fill(&fleet, &wide, 50).await;
    let cell = first(&fleet);
    let right = fleet.split(cell, Some(Position::new(wide.0.id, 0))).await.unwrap();
    fleet.plan(right, &[2]);
    fleet.stands(right, &[2]).await;
    assert_all(&fleet, &wide, 50).await;
    fleet.plan(cell, &[2]);
    fleet.stands(cell, &[2]).await;
    assert_all(&fleet, &wide, 50).await;
    // What it was still removing when it stopped is removed by the next start.
    fleet.stop(1).await;
    fleet.open(1).await;
    fleet.stop(1).await;
    let engine = Engine::open(&fleet.disk(1).join("rows"), Options::default()).unwrap();
    let left: Vec<_> =
        engine.snapshot().scan(&[][..]..&[0xff; 17][..], false).map(Result::unwrap).collect();
    assert!(left.is_empty(), "{left:?}");
    engine.close().unwrap();
    drop(engine);
    let tasks = cellar_rpc::tasks::Tasks::new();
    let pool = cellar_rpc::Pool::new(cellar_rpc::ClientConfig::default(), &tasks);
    let options = cellar_raft::HostOptions::new(1, fleet.disk(1).join("log"), &tasks);
    let host = cellar_raft::Host::open(options, std::sync::Arc::new(pool)).unwrap();
    assert!(host.groups().is_empty(), "{:?}", host.groups());
    host.shutdown().await;
    // And it can come back.
    fleet.open(1).await;
    fleet.plan(cell, &[1]);
    fleet.stands(cell, &[1]).await;
    assert_all(&fleet, &wide, 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_move_that_the_metadata_service_missed_is_told_later_even_after_a_restart() {
    let mut fleet = Fleet::start(4, 3).await;
    let wide = table(&fleet.metadata, "wide");
    fill(&fleet, &wide, 30).await;
    let cell = first(&fleet);
    fleet.metadata.forget_moves.store(true, Ordering::SeqCst);
    fleet.plan(cell, &[4, 2, 3]);
    soon("the log says that it has moved", async || {
        let cells = fleet.member(4).cells().await;
        cells.first().is_some_and(|cell| cell.epoch.0 == 2)
    })
    .await;
    assert_eq!(fleet.cell(cell).epoch.0, 1);
    for number in 1..=4 {
        fleet.stop(number).await;
        fleet.open(number).await;
    }
    fleet.put(wide.insert(30, 0, "after")).await;
    assert_eq!(fleet.cell(cell).epoch.0, 1);
    fleet.metadata.forget_moves.store(false, Ordering::SeqCst);
    fleet.stands(cell, &[4, 2, 3]).await;
    assert_all(&fleet, &wide, 31).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_preferred_replica_takes_over() {
    let fleet = Fleet::start(3, 3).await;
    let wide = table(&fleet.metadata, "wide");
    fill(&fleet, &wide, 10).await;
    let cell = first(&fleet);
    let leader = fleet.leader(cell).await as u64;
    let node = NodeId(leader % 3 + 1);
    fleet.metadata.run(&Command::PreferLeader { cell, node }).unwrap();
    soon("it leads", async || fleet.leader(cell).await as u64 == node.0).await;
    assert_all(&fleet, &wide, 10).await;
    assert_eq!(fleet.cell(cell).epoch.0, 1);
}
