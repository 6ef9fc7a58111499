//! Groups on disks that stand still, are full or fail.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "tests fail loudly; the harness has parts that others use"
)]

mod cluster;

use std::{
    collections::BTreeMap,
    env, io,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use cellar_raft::{
    Applied, Entry, Host, HostOptions, Machine, MachineError, ProposeError,
    disk::{Disk, SimDisk, Space},
};
use cellar_rpc::{ClientConfig, Pool, tasks::Tasks};
use cluster::{
    Memory, Node, alone, propose,
    trio::{GROUP, Trio, three},
};

const STALL_MS: u64 = 300;
/// Says that a test runs as the process that is to end.
const CHILD: &str = "CELLAR_TEST_FAILING_DISK";

async fn patiently(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not in time: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_whose_disk_stands_still_is_replaced_and_loses_nothing() {
    let cluster = Trio::on(three(|id| Node::watchful(id, STALL_MS)).await).await;
    cluster.initialize().await;
    let Trio { nodes, groups, memories } = &cluster;
    for number in 0..10 {
        propose(groups, &format!("before {number}")).await;
    }
    let old = cluster.leader().await;
    // Nobody writes: the node finds out by itself.
    nodes[old].disk.stall(true);
    patiently("another leader", || {
        groups.iter().enumerate().any(|(at, group)| at != old && group.is_leader())
    })
    .await;
    let refused = groups[old].propose(Bytes::from_static(b"lost")).await;
    assert_eq!(refused, Err(ProposeError::NotLeader { leader: None }));
    assert!(groups[old].read_barrier().await.is_err());
    assert!(!groups[old].is_leader());
    for number in 0..10 {
        propose(groups, &format!("meanwhile {number}")).await;
    }
    nodes[old].disk.stall(false);
    patiently("everything on the old leader", || memories[old].commands().len() >= 20).await;
    patiently("the old leader takes part", || groups[old].leader().is_some()).await;
    assert!(memories.iter().all(|memory| memory.commands() == memories[0].commands()));
    propose(groups, "after").await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_tells_when_its_disk_is_full_and_when_there_is_room_again() {
    let (node, group, _memory) = alone().await;
    assert!(node.host.room().check().is_ok());
    node.disk.say_space(Space { free_bytes: 10, total_bytes: 1 << 40 });
    patiently("no room", || node.host.room().check().is_err()).await;
    assert!(node.host.room().check_small().is_err());
    // Only users are refused.
    group.propose(Bytes::from_static(b"a")).await.unwrap();
    node.disk.say_space(Space { free_bytes: 1 << 39, total_bytes: 1 << 40 });
    patiently("room", || node.host.room().check().is_ok()).await;
    node.end().await;
}

/// A machine whose disk may have no space.
struct Cramped(Box<dyn Machine>, Arc<AtomicBool>);

impl Machine for Cramped {
    fn applied(&self) -> Applied {
        self.0.applied()
    }

    fn apply(
        &mut self,
        entries: Vec<Entry>,
        position: Vec<u8>,
    ) -> Result<Vec<Bytes>, MachineError> {
        self.0.apply(entries, position)
    }

    fn flush(&mut self) -> Result<(), MachineError> {
        if self.1.load(Ordering::SeqCst) {
            return Err(MachineError::new(io::Error::from(io::ErrorKind::StorageFull)));
        }
        self.0.flush()
    }

    fn snapshot(&mut self) -> Result<Bytes, MachineError> {
        self.0.snapshot()
    }

    fn install(&mut self, snapshot: Bytes, position: Vec<u8>) -> Result<(), MachineError> {
        self.0.install(snapshot, position)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_cannot_flush_for_want_of_space_goes_on_and_flushes_later() {
    let node = Node::start(1, SimDisk::new(), None).await;
    let (memory, full) = (Memory::default(), Arc::new(AtomicBool::new(true)));
    let machine = Box::new(Cramped(memory.machine(), Arc::clone(&full)));
    let group = node.host.start(GROUP, machine).await.unwrap();
    group.initialize(BTreeMap::from([node.member()])).await.unwrap();
    group.propose(Bytes::from_static(b"a")).await.unwrap();
    // It waits for a flush that reaches far enough.
    let compacting = tokio::time::timeout(Duration::from_millis(300), group.compact()).await;
    assert!(compacting.is_err(), "{compacting:?}");
    group.propose(Bytes::from_static(b"b")).await.unwrap();
    group.read_barrier().await.unwrap();
    full.store(false, Ordering::SeqCst);
    group.compact().await.unwrap();
    assert_eq!(memory.commands(), ["a", "b"]);
    node.end().await;
}

/// Proposes on a disk that fails; never returns.
async fn die() {
    let (disk, tasks) = (SimDisk::new(), Tasks::new());
    let options = HostOptions {
        disk: Arc::new(disk.clone()),
        segment_bytes: 64 << 10,
        ..HostOptions::new(1, PathBuf::from("/log"), &tasks)
    };
    let pool = Pool::new(ClientConfig::default(), &tasks);
    let host = Host::open(options, Arc::new(pool)).unwrap();
    let group = host.start(GROUP, Memory::default().machine()).await.unwrap();
    group.initialize(BTreeMap::from([(1, "127.0.0.1:1".to_owned())])).await.unwrap();
    // The write goes through, the sync does not. Nothing else is written any more.
    let spare = Path::new("/log/spare");
    patiently("a spare segment", || disk.open(spare).is_ok()).await;
    disk.fail_after(1);
    let answer = group.propose(Bytes::from_static(b"a")).await;
    panic!("still there, answered {answer:?}");
}

#[test]
fn a_failed_sync_ends_the_process() {
    const ABORTED: i32 = 6;
    if env::var_os(CHILD).is_some() {
        return tokio::runtime::Runtime::new().unwrap().block_on(die());
    }
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "a_failed_sync_ends_the_process", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stderr);
    assert_eq!(child.status.signal(), Some(ABORTED), "{}: {said}", child.status);
}
