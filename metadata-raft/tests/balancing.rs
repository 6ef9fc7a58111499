//! The balancer of a running service: what it plans is in the catalog, and nodes are asked for
//! merges.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

mod harness;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use cellar_metadata_api::{
    Answer, Catalog, Cell, CellId, CellLoad, Command, Metadata, Node, NodeId, NodeReport, Position,
    SplitPlan, TableId, protocol::Identity,
};
use cellar_metadata_raft::Merger;
use futures::future::BoxFuture;
use harness::{
    service::{Member, User, user},
    *,
};
use tokio::{sync::mpsc, time::timeout};

const LONG: Duration = Duration::from_secs(60);

/// Passes on what it is asked.
#[derive(Debug)]
struct Asked(mpsc::UnboundedSender<(NodeId, CellId, CellId)>);

impl Merger for Asked {
    fn merge(&self, node: Node, left: CellId, right: CellId) -> BoxFuture<'_, Result<(), String>> {
        let _ = self.0.send((node.id, left, right));
        Box::pin(std::future::ready(Ok(())))
    }
}

fn cells(catalog: &Catalog) -> Vec<Cell> {
    catalog.placements.values().flat_map(|placement| placement.cells().cloned()).collect()
}

async fn until(user: &User, is: impl Fn(&[Cell]) -> bool) -> Vec<Cell> {
    let mut catalog = user.client.catalog();
    let seen = catalog.wait_for(|catalog| is(&cells(catalog)));
    let seen = Arc::clone(&timeout(LONG, seen).await.expect("in time").unwrap());
    cells(&seen)
}

/// Reports of quiet cells led by the first replica.
async fn report(user: &User) {
    let catalog = Arc::clone(&user.client.catalog().borrow());
    for node in catalog.nodes.keys() {
        let held = cells(&catalog).into_iter().filter(|cell| cell.replicas.contains(node));
        let load = |cell: Cell| CellLoad {
            cell: cell.id,
            epoch: cell.epoch,
            leads: cell.replicas[0] == *node,
            voters: cell.replicas,
            applied_index: 1,
            hot_bytes: 1,
            cold_bytes: 0,
            reads_per_second: 0,
            writes_per_second: 0,
        };
        let report = NodeReport {
            node: *node,
            cells: held.map(load).collect(),
            hot_partitions: Vec::new(),
            disk_free_bytes: 0,
            disk_total_bytes: 0,
            moved_bytes: 0,
            damaged_cells: Vec::new(),
            healed_cells: 0,
            damaged_blocks: cellar_metadata_api::DamagedBlocks::default(),
        };
        user.client.report(report).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_grows_when_nodes_come_and_quiet_halves_are_asked_to_merge() {
    let dir = tempfile::tempdir().unwrap();
    let (ask, mut asked) = mpsc::unbounded_channel();
    let member = Member::start_with(dir.path(), None, |options| {
        options.balance.on = true;
        options.balance.every_ms = 20;
        options.balance.quiet_ms = 200;
        options.merger = Some(Arc::new(Asked(ask)));
    })
    .await;
    let one = user(member.address, Identity::Observer("test".to_owned())).await;
    one.client.submit(node("a:1", "dc1", "r1")).await.unwrap();
    one.client.submit(create_keyspace("ks", simple("3"))).await.unwrap();
    one.client.submit(node("b:1", "dc1", "r2")).await.unwrap();
    one.client.submit(node("c:1", "dc1", "r3")).await.unwrap();
    // One step or two, as the nodes come; the test is the node that moves the cell.
    let grown = loop {
        let seen = until(&one, |c| c[0].target.is_some() || c[0].replicas.len() == 3).await;
        let cell = seen[0].clone();
        let Some(replicas) = cell.target else { break cell };
        let _ = one
            .client
            .submit(Command::ChangeReplicas { cell: (cell.id, cell.epoch), replicas })
            .await;
    };
    let nodes: BTreeSet<NodeId> = grown.replicas.iter().copied().collect();
    assert_eq!(nodes.len(), 3);
    let Answer::Cells(right) =
        one.client.submit(Command::AllocateCells { count: 1 }).await.unwrap()
    else {
        panic!()
    };
    let at = Position::new(TableId(20), 0);
    let split = SplitPlan { cell: grown.id, epoch: grown.epoch, at, right };
    one.client.submit(Command::Split(split)).await.unwrap();
    until(&one, |cells| cells.len() == 2).await;
    let merged = async {
        loop {
            report(&one).await;
            if let Ok(asked) = asked.try_recv() {
                return asked;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (leader, left, gone) = timeout(LONG, merged).await.expect("in time");
    assert_eq!((left, gone), (grown.id, right));
    assert!(nodes.contains(&leader));
}
