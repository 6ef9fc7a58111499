//! Groups that rest: without heartbeats while nothing is asked, and awake when they are needed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "tests fail loudly; the harness has parts that others use"
)]

mod cluster;

use std::time::Duration;

use cellar_raft::{Group, disk::SimDisk};
use cluster::{
    Memory, Node, eventually, propose,
    trio::{self, members, three},
};

const GROUPS: std::ops::Range<u64> = 5..15;
const WITHIN: Duration = Duration::from_secs(1);

/// Three nodes with some groups on all of them; `groups[group][node]`.
struct Groups {
    nodes: Vec<Node>,
    memories: Vec<Vec<Memory>>,
    groups: Vec<Vec<Group>>,
}

impl Groups {
    /// All groups have decided something, and rest.
    async fn resting() -> Self {
        let nodes = three(|id| Node::restful(id, SimDisk::new(), None)).await;
        let (mut groups, mut memories) = (Vec::new(), Vec::new());
        for id in GROUPS {
            let (mut of_group, mut kept) = (Vec::new(), Vec::new());
            for node in &nodes {
                let memory = Memory::default();
                of_group.push(node.host.start(id, memory.machine()).await.unwrap());
                kept.push(memory);
            }
            of_group[0].initialize(members(&nodes)).await.unwrap();
            groups.push(of_group);
            memories.push(kept);
        }
        for group in &groups {
            propose(group, "first").await;
        }
        let trio = Self { nodes, memories, groups };
        trio.rest().await;
        trio
    }

    async fn rest(&self) {
        let all = || self.groups.iter().flatten().all(Group::is_resting);
        eventually("every group rests on every node", all).await;
    }

    async fn end(self) {
        trio::end(self.nodes).await;
    }
}

fn leader(group: &[Group]) -> usize {
    group.iter().position(Group::is_leader).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_rest_on_all_members_are_read_and_written_and_rest_again() {
    let trio = Groups::resting().await;
    let leaders: Vec<usize> = trio.groups.iter().map(|group| leader(group)).collect();
    for (group, leader) in trio.groups.iter().zip(&leaders) {
        group[*leader].read_barrier().await.unwrap();
        let follower = &group[(leader + 1) % 3];
        let current = || follower.is_current(WITHIN);
        eventually("a follower hears its leader again", current).await;
    }
    trio.rest().await;
    for (at, group) in trio.groups.iter().enumerate() {
        propose(group, "second").await;
        for memory in &trio.memories[at] {
            eventually("it is applied everywhere", || memory.commands().len() == 2).await;
        }
    }
    trio.rest().await;
    let now: Vec<usize> = trio.groups.iter().map(|group| leader(group)).collect();
    assert_eq!(now, leaders, "no rest has changed who leads");
    trio.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_first_after_a_rest_is_done_at_once() {
    let trio = Groups::resting().await;
    // Longer than any lease.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let leader_of = |at: usize| trio.groups[at][leader(&trio.groups[at])].clone();
    let first = leader_of(0);
    let many = (0..10).map(|command| first.propose(format!("second {command}").into()));
    for proposed in futures::future::join_all(many).await {
        proposed.unwrap();
    }
    leader_of(1).add_learner(9, "127.0.0.1:1".to_owned()).await.unwrap();
    leader_of(2).change_members([1, 2, 3].into()).await.unwrap();
    leader_of(3).read_barrier().await.unwrap();
    trio.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resting_follower_does_not_answer_for_its_leader() {
    let trio = Groups::resting().await;
    for group in &trio.groups {
        let follower = &group[(leader(group) + 1) % 3];
        let stale = || !follower.is_current(WITHIN);
        eventually("what was heard is too old", stale).await;
        assert!(follower.propose("x".into()).await.is_err());
        assert!(follower.is_resting(), "nobody but its leader wakes it");
    }
    trio.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_whose_leader_is_gone_while_they_rest_have_another_unasked() {
    let mut trio = Groups::resting().await;
    let gone = leader(&trio.groups[0]);
    let lost: Vec<usize> =
        (0..trio.groups.len()).filter(|at| leader(&trio.groups[*at]) == gone).collect();
    for group in &mut trio.groups {
        group.remove(gone);
    }
    let node = trio.nodes.remove(gone);
    let (id, address) = (node.id, node.address);
    let disk = node.crash(1).await;
    for at in lost {
        let led = || trio.groups[at].iter().any(Group::is_leader);
        eventually("a survivor leads", led).await;
        propose(&trio.groups[at], "second").await;
    }
    // It comes back to groups of which some rest, and hears of everything.
    let node = Node::restful(id, disk, Some(address)).await;
    for (at, id) in GROUPS.enumerate() {
        let memory = trio.memories[at].remove(gone).crash();
        trio.groups[at].push(node.host.start(id, memory.machine()).await.unwrap());
        trio.memories[at].push(memory);
    }
    trio.nodes.push(node);
    for (group, kept) in trio.groups.iter().zip(&trio.memories) {
        propose(group, "third").await;
        for memory in kept {
            let has_it = || memory.commands().last().is_some_and(|last| last == "third");
            eventually("it is applied everywhere", has_it).await;
        }
    }
    trio.rest().await;
    trio.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_stops_one_group_only_is_missed_too() {
    let trio = Groups::resting().await;
    let group = &trio.groups[0];
    let stopping = leader(group);
    trio.nodes[stopping].host.stop(group[0].id()).await.unwrap();
    let others: Vec<Group> = group
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != stopping)
        .map(|(_, g)| g.clone())
        .collect();
    eventually("another leads", || others.iter().any(Group::is_leader)).await;
    propose(&others, "second").await;
    trio.end().await;
}
