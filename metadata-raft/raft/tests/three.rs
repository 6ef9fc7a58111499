//! Groups of three members over the internal transport on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    dead_code,
    reason = "tests fail loudly; the harness has parts that others use"
)]

mod cluster;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use cellar_raft::{Applied, Entry, Machine, MachineError, ProposeError, disk::SimDisk};
use cluster::{
    Memory, Node, eventually, propose,
    trio::{GROUP, Trio, members, three},
};

fn names(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("command {n}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_members_elect_replicate_and_go_on_without_their_leader() {
    let mut cluster = Trio::initialized().await;
    let commands = names(0..100);
    for command in &commands[..50] {
        assert_eq!(propose(&cluster.groups, command).await, format!("done {command}"));
    }
    cluster.agree(&commands[..50]).await;
    let leader = cluster.leader().await;
    cluster.groups[leader].read_barrier().await.unwrap();
    let other = &cluster.groups[(leader + 1) % 3];
    let refused = other.propose("x".into()).await;
    let expected = Some(cluster.nodes[leader].id);
    assert_eq!(refused, Err(ProposeError::NotLeader { leader: expected }));
    assert!(other.read_barrier().await.is_err());

    let (node, memory) = cluster.take(leader);
    let (id, address, memory) = (node.id, node.address, memory.crash());
    let disk = node.crash(1).await;
    for command in &commands[50..] {
        propose(&cluster.groups, command).await;
    }
    cluster.agree(&commands).await;
    let node = Node::start(id, disk, Some(address)).await;
    cluster.put(node, memory).await;
    cluster.agree(&commands).await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_other_members_start_late_has_its_first_leader_without_a_timeout() {
    let nodes = three(Node::patient).await;
    let memories = [(); 3].map(|()| Memory::default()).to_vec();
    let mut groups = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        groups.push(node.host.start(GROUP, memories[at].machine()).await.unwrap());
        if at == 0 {
            groups[0].initialize(members(&nodes)).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        }
    }
    let cluster = Trio { nodes, groups, memories };
    assert_eq!(propose(&cluster.groups, "x").await, "done x");
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leadership_goes_to_the_voter_named_and_away_from_a_node_that_is_to_stop() {
    let cluster = Trio::initialized().await;
    propose(&cluster.groups, "before").await;
    let leader = cluster.leader().await;
    let named = cluster.nodes[(leader + 1) % 3].id;
    let group = &cluster.groups[leader];
    assert!(group.transfer_leader(Some(9)).await.is_err());
    assert_eq!(group.transfer_leader(Some(named)).await.unwrap(), named);
    // Each of them learns it a moment later or earlier.
    let next = &cluster.groups[(leader + 1) % 3];
    eventually("only the named one leads", || next.is_leader() && !group.is_leader()).await;
    assert!(group.transfer_leader(None).await.is_err());
    propose(&cluster.groups, "between").await;
    let stopping = cluster.leader().await;
    cluster.nodes[stopping].host.hand_over().await;
    let handed = &cluster.groups[stopping];
    eventually("another leads", || !handed.is_leader()).await;
    propose(&cluster.groups, "after").await;
    cluster.agree(&["before", "between", "after"].map(str::to_owned)).await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_majority_that_crashed_comes_back_with_everything_that_was_answered() {
    let mut cluster = Trio::initialized().await;
    let commands = names(0..60);
    for command in &commands[..40] {
        propose(&cluster.groups, command).await;
    }
    let mut found = Vec::new();
    while !cluster.nodes.is_empty() {
        let (node, memory) = cluster.take(0);
        let (id, address) = (node.id, node.address);
        found.push((id, address, node.crash(id).await, memory.crash()));
    }
    for (id, address, disk, memory) in found {
        let node = Node::start(id, disk, Some(address)).await;
        cluster.put(node, memory).await;
    }
    for command in &commands[40..] {
        propose(&cluster.groups, command).await;
    }
    cluster.agree(&commands).await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_one_grows_to_three_by_snapshot_and_works_without_the_first() {
    let mut cluster = Trio::start().await;
    let first = BTreeMap::from([cluster.nodes[0].member()]);
    cluster.groups[0].initialize(first).await.unwrap();
    let commands = names(0..120);
    for command in &commands[..100] {
        propose(&cluster.groups[..1], command).await;
    }
    cluster.groups[0].compact().await.unwrap();
    for node in &cluster.nodes[1..] {
        let (id, address) = node.member();
        cluster.groups[0].add_learner(id, address).await.unwrap();
        cluster.groups[0].caught_up(id).await.unwrap();
    }
    cluster.groups[0].change_members(BTreeSet::from([1, 2, 3])).await.unwrap();
    cluster.agree(&commands[..100]).await;
    assert_eq!(cluster.groups[0].changes().borrow().members.len(), 3);
    let (node, _) = cluster.take(0);
    node.end().await;
    for command in &commands[100..] {
        propose(&cluster.groups, command).await;
    }
    cluster.agree(&commands).await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_cut_off_neither_decides_nor_confirms_reads() {
    let mut cluster = Trio::initialized().await;
    propose(&cluster.groups, "before").await;
    let leader = cluster.leader().await;
    let group = cluster.groups[leader].clone();
    let (cut_off, _) = cluster.take(leader);
    for at in 0..2 {
        cluster.nodes[at].host.stop(GROUP).await.unwrap();
    }
    // The lease runs out, and then nobody confirms.
    let mut refused = false;
    for _ in 0..100 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let patience = std::time::Duration::from_millis(200);
        let read = tokio::time::timeout(patience, group.read_barrier()).await;
        refused = !matches!(read, Ok(Ok(())));
        if refused {
            break;
        }
    }
    assert!(refused);
    let patience = std::time::Duration::from_millis(300);
    let proposed = tokio::time::timeout(patience, group.propose("x".into())).await;
    assert!(!matches!(proposed, Ok(Ok(_))), "{proposed:?}");
    cut_off.end().await;
    cluster.end().await;
}

/// A machine without what the others had before the log began.
struct Late(Box<dyn Machine>);

impl Machine for Late {
    fn applied(&self) -> Applied {
        self.0.applied()
    }

    fn lacks_beginning(&self) -> bool {
        true
    }

    fn apply(&mut self, entries: Vec<Entry>, at: Vec<u8>) -> Result<Vec<Bytes>, MachineError> {
        self.0.apply(entries, at)
    }

    fn flush(&mut self) -> Result<(), MachineError> {
        self.0.flush()
    }

    fn snapshot(&mut self) -> Result<Bytes, MachineError> {
        self.0.snapshot()
    }

    fn install(&mut self, snapshot: Bytes, at: Vec<u8>) -> Result<(), MachineError> {
        self.0.install(snapshot, at)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_lacks_the_beginning_gets_a_snapshot_although_the_log_is_whole() {
    let nodes = three(|id| Node::start(id, SimDisk::new(), None)).await;
    let memories = [(); 3].map(|()| Memory::default()).to_vec();
    let mut groups = Vec::new();
    for memory in &memories[..2] {
        memory.live.lock().commands.push("before the log".into());
    }
    for at in 0..2 {
        groups.push(nodes[at].host.start(GROUP, memories[at].machine()).await.unwrap());
    }
    groups[0].initialize(members(&nodes)).await.unwrap();
    propose(&groups, "after").await;
    let late = Box::new(Late(memories[2].machine()));
    groups.push(nodes[2].host.start(GROUP, late).await.unwrap());
    let cluster = Trio { nodes, groups, memories };
    cluster.agree(&["before the log", "after"].map(str::to_owned)).await;
    assert_eq!(propose(&cluster.groups, "more").await, "done more");
    cluster.agree(&["before the log", "after", "more"].map(str::to_owned)).await;
    cluster.end().await;
}

/// Three members whose machines hold something that their log does not have, and one entry.
async fn with_something_before_the_log() -> Trio {
    let nodes = three(|id| Node::start(id, SimDisk::new(), None)).await;
    let cluster = Trio::with(nodes, |_, memory| {
        memory.live.lock().commands.push("before the log".into());
        memory.machine()
    })
    .await;
    cluster.initialize().await;
    propose(&cluster.groups, "acknowledged").await;
    cluster.agree(&["before the log", "acknowledged"].map(str::to_owned)).await;
    cluster
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_lost_what_was_before_its_log_keeps_it_and_leads_only_after_a_snapshot() {
    let mut cluster = with_something_before_the_log().await;
    for (node, memory) in cluster.nodes.iter().zip(&cluster.memories) {
        node.host.stop(GROUP).await.unwrap();
        memory.machine().flush().unwrap();
    }
    // The third has its log, and what was before it is gone.
    cluster.memories[2] = Memory::default();
    let late = Box::new(Late(cluster.memories[2].machine()));
    cluster.groups[2] = cluster.nodes[2].host.start(GROUP, late).await.unwrap();
    // With the log that it acknowledged it helps another to lead, and never leads itself.
    let first = cluster.memories[0].machine();
    cluster.groups[0] = cluster.nodes[0].host.start(GROUP, first).await.unwrap();
    let groups = [cluster.groups[0].clone(), cluster.groups[2].clone()];
    assert_eq!(propose(&groups, "more").await, "done more");
    assert!(groups[0].is_leader());
    let all = ["before the log", "acknowledged", "more"].map(str::to_owned);
    let expected: Vec<Bytes> = all.iter().map(|one| Bytes::from(one.clone())).collect();
    eventually("the third has everything", || cluster.memories[2].commands() == expected).await;
    // Now it may lead.
    assert_eq!(groups[0].transfer_leader(Some(3)).await.unwrap(), 3);
    let second = cluster.memories[1].machine();
    cluster.groups[1] = cluster.nodes[1].host.start(GROUP, second).await.unwrap();
    cluster.agree(&all).await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_lost_what_was_before_their_logs_give_their_entries_to_the_one_that_is_whole()
{
    let mut cluster = with_something_before_the_log().await;
    // The first is away while the others decide more, so none of them can do without the other.
    cluster.nodes[0].host.stop(GROUP).await.unwrap();
    cluster.memories[0].machine().flush().unwrap();
    assert_eq!(propose(&cluster.groups[1..], "more").await, "done more");
    for at in [1, 2] {
        cluster.nodes[at].host.stop(GROUP).await.unwrap();
        cluster.memories[at] = Memory::default();
        let late = Box::new(Late(cluster.memories[at].machine()));
        cluster.groups[at] = cluster.nodes[at].host.start(GROUP, late).await.unwrap();
    }
    let first = cluster.memories[0].machine();
    cluster.groups[0] = cluster.nodes[0].host.start(GROUP, first).await.unwrap();
    // Only the first is whole, and only the others have the last entry.
    assert_eq!(propose(&cluster.groups, "again").await, "done again");
    cluster.agree(&["before the log", "acknowledged", "more", "again"].map(str::to_owned)).await;
    cluster.end().await;
}
