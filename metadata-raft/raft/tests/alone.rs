//! Groups of one member: at once, durable, replayed from where their machine is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    dead_code,
    reason = "tests fail loudly; the harness has parts that others use"
)]

mod cluster;

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use cellar_raft::{ProposeError, RaftError, disk::SimDisk};
use cluster::{Memory, Node, alone};
use futures::future::join_all;

fn command(n: usize) -> Bytes {
    Bytes::from(format!("command {n}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_proposal_gets_its_own_answer_and_many_share_a_sync() {
    let (node, group, memory) = alone().await;
    let before = node.disk.syncs();
    let proposals =
        (0..1000).map(|n| {
            let group = group.clone();
            async move {
                assert_eq!(group.propose(command(n)).await.unwrap(), format!("done command {n}"))
            }
        });
    join_all(proposals).await;
    let syncs = node.disk.syncs() - before;
    assert!(syncs < 500, "{syncs} syncs for 1000 proposals");
    group.read_barrier().await.unwrap();
    assert_eq!(memory.commands().len(), 1000);
    assert!(group.is_leader());
    assert_eq!(group.leader(), Some(1));
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_a_crash_and_only_what_was_not_flushed_is_replayed() {
    let (node, group, memory) = alone().await;
    for n in 0..100 {
        group.propose(command(n)).await.unwrap();
    }
    group.compact().await.unwrap();
    for n in 100..150 {
        group.propose(command(n)).await.unwrap();
    }
    let (address, memory) = (node.address, memory.crash());
    assert_eq!(memory.commands().len(), 100);
    let disk = node.crash(3).await;

    let node = Node::start(1, disk, Some(address)).await;
    assert_eq!(node.host.groups(), [7]);
    let group = node.host.start(7, memory.machine()).await.unwrap();
    assert!(group.is_leader());
    group.read_barrier().await.unwrap();
    assert_eq!(memory.commands(), (0..150).map(command).collect::<Vec<_>>());
    // The fifty, and the entry of the new term.
    assert_eq!(memory.applies.load(Ordering::SeqCst), 51);
    group.propose(command(150)).await.unwrap();
    assert_eq!(memory.commands().len(), 151);
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crashes_at_any_time_lose_no_answer_and_repeat_no_command() {
    let (mut node, mut group, mut memory) = alone().await;
    let mut answered = 0;
    for life in 0..15_u64 {
        node.disk.fail_after(life * 7 % 40 + 2);
        let mut proposed = answered;
        loop {
            let proposals = (proposed..proposed + 5).map(|n| group.propose(command(n)));
            let answers = join_all(proposals).await;
            let done = answers.iter().take_while(|answer| answer.is_ok()).count();
            answered = proposed + done;
            proposed += 5;
            if done < 5 {
                break;
            }
        }
        if life % 3 == 0 {
            let _ = tokio::time::timeout(Duration::from_millis(20), group.compact()).await;
        }
        memory = memory.crash();
        let address = node.address;
        let disk = node.crash(life).await;
        node = Node::start(1, disk, Some(address)).await;
        group = node.host.start(7, memory.machine()).await.unwrap();
        let found = memory.commands();
        assert!(found.len() >= answered, "life {life}: {answered} answered, {}", found.len());
        assert_eq!(found, (0..found.len()).map(command).collect::<Vec<_>>(), "life {life}");
        answered = found.len();
    }
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_group_writes_and_sends_nothing() {
    let (node, group, _) = alone().await;
    group.propose(command(0)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let before = (node.disk.syncs(), group.changes().borrow().clone());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(before, (node.disk.syncs(), group.changes().borrow().clone()));
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compaction_gives_back_the_log() {
    let (node, group, _) = alone().await;
    for n in 0..50 {
        group.propose(Bytes::from(vec![n; 10_000])).await.unwrap();
    }
    let before = node.host.log_bytes();
    group.compact().await.unwrap();
    group.compact().await.unwrap();
    cluster::eventually("a small log", || node.host.log_bytes() * 3 < before).await;
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_compacts_whoever_holds_a_log_that_is_too_large() {
    let disk = SimDisk::new();
    let tasks = cellar_rpc::tasks::Tasks::new();
    let pool = cellar_rpc::Pool::new(cellar_rpc::ClientConfig::default(), &tasks);
    let options =
        cellar_raft::HostOptions { log_bytes: 256 << 10, ..cluster::options(1, &disk, &tasks) };
    let host = cellar_raft::Host::open(options, std::sync::Arc::new(pool)).unwrap();
    let members = BTreeMap::from([(1, "nowhere:1".to_owned())]);
    let mut groups = Vec::new();
    for id in 0..3 {
        let group = host.start(id, Memory::default().machine()).await.unwrap();
        group.initialize(members.clone()).await.unwrap();
        groups.push(group);
    }
    groups[0].propose(command(0)).await.unwrap();
    for n in 0..100 {
        groups[1].propose(Bytes::from(vec![n; 10_000])).await.unwrap();
    }
    assert!(host.log_bytes() > 900 << 10);
    cluster::eventually("a small log", || host.log_bytes() <= 256 << 10).await;
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_can_be_stopped_started_and_removed() {
    let (node, group, memory) = alone().await;
    group.propose(command(0)).await.unwrap();
    let again = node.host.start(7, memory.machine()).await;
    assert!(matches!(again, Err(RaftError::Running(7))));
    let members = BTreeMap::from([node.member()]);
    let again = group.initialize(members.clone()).await;
    assert!(matches!(again, Err(RaftError::Initialized(7))), "{again:?}");
    node.host.stop(7).await.unwrap();
    assert_eq!(group.propose(command(1)).await, Err(ProposeError::Stopped));
    assert!(group.read_barrier().await.is_err());
    let memory = memory.crash();
    let group = node.host.start(7, memory.machine()).await.unwrap();
    assert_eq!(memory.commands(), [command(0)]);
    group.propose(command(1)).await.unwrap();
    node.host.remove(7).await.unwrap();
    assert_eq!(node.host.groups(), [0_u64; 0]);
    let memory = Memory::default();
    let group = node.host.start(7, memory.machine()).await.unwrap();
    // It has said what others may count on: it does not begin anew, here as little as elsewhere.
    let again = group.initialize(members).await;
    assert!(matches!(again, Err(RaftError::Initialized(7))), "{again:?}");
    assert!(group.propose(command(2)).await.is_err());
    assert!(memory.commands().is_empty());
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_fails_stops_its_group_and_no_other() {
    let (node, group, _) = alone().await;
    let other = node.host.start(8, Memory::default().machine()).await.unwrap();
    other.initialize(BTreeMap::from([node.member()])).await.unwrap();
    assert!(group.propose(Bytes::from_static(b"fail")).await.is_err());
    cluster::eventually("the group's failure", || !group.is_leader()).await;
    let failed = group.propose(command(0)).await;
    assert!(matches!(failed, Err(ProposeError::Fatal(_))), "{failed:?}");
    other.propose(command(0)).await.unwrap();
    node.end().await;
}

#[tokio::test]
async fn a_runtime_of_one_thread_will_do() {
    let (node, group, memory) = alone().await;
    group.propose(command(0)).await.unwrap();
    group.compact().await.unwrap();
    assert_eq!(memory.commands(), [command(0)]);
    node.end().await;
}
