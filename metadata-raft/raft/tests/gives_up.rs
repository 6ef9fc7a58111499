//! Members whose machines meet stored bytes that cannot be read.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    dead_code,
    reason = "tests fail loudly; the harness has parts that others use"
)]

mod cluster;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use cellar_raft::{Applied, Entry, Group, Machine, MachineError, disk::SimDisk};
use cluster::{
    Memory, Node, eventually, propose,
    trio::{GROUP, Trio, three},
};

/// A machine that meets damage while the switch is on.
struct Torn(Box<dyn Machine>, Arc<AtomicBool>);

impl Machine for Torn {
    fn applied(&self) -> Applied {
        self.0.applied()
    }

    fn give_up_beginning(&mut self) -> Result<(), MachineError> {
        Ok(())
    }

    fn apply(&mut self, entries: Vec<Entry>, at: Vec<u8>) -> Result<Vec<Bytes>, MachineError> {
        if self.1.load(Ordering::SeqCst) {
            return Err(MachineError::damaged("a block cannot be read"));
        }
        self.0.apply(entries, at)
    }

    fn flush(&mut self) -> Result<(), MachineError> {
        self.0.flush()
    }

    fn snapshot(&mut self) -> Result<Bytes, MachineError> {
        self.0.snapshot()
    }

    fn install(&mut self, snapshot: Bytes, at: Vec<u8>) -> Result<(), MachineError> {
        self.1.store(false, Ordering::SeqCst);
        self.0.install(snapshot, at)
    }
}

async fn torn_trio() -> (Trio, Vec<Arc<AtomicBool>>) {
    let torn = [(); 3].map(|()| Arc::new(AtomicBool::new(false))).to_vec();
    let nodes = three(|id| Node::start(id, SimDisk::new(), None)).await;
    let machine = |at: usize, memory: &Memory| -> Box<dyn Machine> {
        Box::new(Torn(memory.machine(), Arc::clone(&torn[at])))
    };
    let cluster = Trio::with(nodes, machine).await;
    cluster.initialize().await;
    propose(&cluster.groups, "first").await;
    cluster.agree_up_to("first").await;
    (cluster, torn)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_meets_damage_stands_still_and_goes_on_with_what_another_sends() {
    let (cluster, torn) = torn_trio().await;
    let leader = cluster.leader().await;
    for hurt in [leader, (leader + 1) % 3] {
        torn[hurt].store(true, Ordering::SeqCst);
        let group = &cluster.groups[hurt];
        let name = format!("while {hurt} is damaged");
        let healing = async {
            eventually("it stands still", || !group.is_whole()).await;
            assert!(!group.is_leader());
            eventually_given_up(group).await;
            eventually("it has everything", || group.is_whole()).await;
        };
        tokio::join!(propose(&cluster.groups, &name), healing);
        cluster.agree_up_to(&name).await;
    }
    propose(&cluster.groups, "last").await;
    cluster.agree_up_to("last").await;
    cluster.end().await;
}

async fn eventually_given_up(group: &Group) {
    for _ in 0..600 {
        match group.give_up().await {
            Ok(()) => return,
            Err(error) => tracing::info!(%error, "again"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("it is not given up");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_given_up_while_no_other_member_or_too_few_have_it_for_certain() {
    let (cluster, torn) = torn_trio().await;
    for at in [1, 2] {
        torn[at].store(true, Ordering::SeqCst);
    }
    propose(&cluster.groups[..1], "more").await;
    for at in [1, 2] {
        eventually("it stands still", || !cluster.groups[at].is_whole()).await;
    }
    // The only whole one is away.
    cluster.nodes[0].host.stop(GROUP).await.unwrap();
    for at in [1, 2] {
        assert!(cluster.groups[at].give_up().await.is_err());
        assert_eq!(cluster.memories[at].commands(), [Bytes::from("first")], "what it had stays");
    }
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leadership_is_not_handed_to_a_member_that_asks_for_what_it_lacks() {
    let (cluster, torn) = torn_trio().await;
    let leader = cluster.leader().await;
    let (lacks, other) = ((leader + 1) % 3, (leader + 2) % 3);
    torn[lacks].store(true, Ordering::SeqCst);
    propose(&cluster.groups[leader..=leader], "more").await;
    eventually("it stands still", || !cluster.groups[lacks].is_whole()).await;
    // Handed to it all the same, the leader takes it back, or the third one leads.
    let to = cluster.nodes[lacks].id;
    let leads = cluster.groups[leader].transfer_leader(Some(to)).await;
    assert!(leads.is_err() || leads.is_ok_and(|leads| leads != to));
    propose(&cluster.groups, "again").await;
    assert!(!cluster.groups[lacks].is_leader());
    let whole = [cluster.nodes[leader].id, cluster.nodes[other].id];
    eventually("one that is whole leads", || {
        cluster.groups[leader].leader().is_some_and(|leader| whole.contains(&leader))
    })
    .await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_was_given_up_makes_its_log_smaller_again_however_it_came_by_a_snapshot() {
    let (cluster, torn) = torn_trio().await;
    let leader = cluster.leader().await;
    let (hurt, other) = ((leader + 1) % 3, (leader + 2) % 3);
    torn[hurt].store(true, Ordering::SeqCst);
    propose(&cluster.groups, "more").await;
    let (node, group) = (&cluster.nodes[hurt], &cluster.groups[hurt]);
    eventually("it stands still", || !group.is_whole()).await;
    eventually_given_up(group).await;
    // Before it has asked for a snapshot the others go on where their logs no longer reach back.
    cluster.cut_off(hurt, true);
    let whole = [leader, other].map(|at| cluster.groups[at].clone());
    for n in 0..20 {
        propose(&whole, &format!("without it {n}")).await;
    }
    for group in &whole {
        group.compact().await.unwrap();
    }
    cluster.cut_off(hurt, false);
    eventually("it has everything", || group.is_whole()).await;
    for n in 0..50 {
        propose(&cluster.groups, &format!("{n} {}", "x".repeat(10_000))).await;
    }
    propose(&cluster.groups, "last").await;
    cluster.agree_up_to("last").await;
    group.compact().await.unwrap();
    group.compact().await.unwrap();
    eventually("a small log", || node.host.log_bytes() <= 128 << 10).await;
    cluster.end().await;
}
