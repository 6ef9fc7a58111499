//! Tests of what a busy node does to requests of several keyspaces, through the whole route.

use std::sync::Arc;

use cellar_cell_api::{
    AdminAnswer, AdminRequest, CellError, CellService, Cells, Read, ReadLevel, ReadReply,
    ReadRequest, WriteReply, WriteRequest,
};
use cellar_metadata_api::{
    Catalog, CellId, GroupId, KeyspaceChange, Node, NodeId, NodeState, Placement, Update,
};
use cellar_rpc::{ClientConfig, Pool, tasks::Tasks};
use cellar_schema::{ColumnId, Keyspace, Table, TableId, TableOptions, keys};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use tokio::{
    sync::watch,
    task::unconstrained,
    time::{Duration, advance},
};
use uuid::Uuid;

use super::super::{Answer, Cursor, ReadSpan, Route};
use crate::error::RequestError;

const NODE: NodeId = NodeId(1);
const GREEDY: TableId = TableId(1);
const SMALL: TableId = TableId(2);

/// A node that does not answer anybody, and remembers what it was asked for.
struct Busy(Arc<Mutex<Vec<TableId>>>);

impl CellService for Busy {
    fn write(&self, _: WriteRequest) -> BoxFuture<'static, Result<WriteReply, CellError>> {
        std::future::pending().boxed()
    }

    fn read(&self, request: ReadRequest) -> BoxFuture<'static, Result<ReadReply, CellError>> {
        let table = |read: &Read| keys::table_of(&read.start).unwrap();
        self.0.lock().extend(request.reads.iter().map(table));
        std::future::pending().boxed()
    }

    fn admin(&self, _: AdminRequest) -> BoxFuture<'static, Result<AdminAnswer, CellError>> {
        std::future::pending().boxed()
    }
}

/// A catalog with one node and a keyspace for each table.
fn catalog() -> Catalog {
    let keyspace = |id: TableId| {
        let name = format!("ks{}", id.0);
        let table = Table {
            id,
            uuid: Uuid::nil(),
            keyspace: name.clone(),
            name: "t".to_owned(),
            version: 1,
            columns: Vec::new(),
            next_column: ColumnId(0),
            dropped: Vec::new(),
            options: TableOptions::default(),
        };
        let tables = std::iter::once(("t".to_owned(), Arc::new(table))).collect();
        let (replication, types) = (Default::default(), Default::default());
        let whole =
            Keyspace { name: name.clone(), replication, durable_writes: true, tables, types };
        (name, KeyspaceChange::Whole(Arc::new(whole)))
    };
    let node = Node {
        id: NODE,
        address: "nowhere:1".to_owned(),
        datacenter: "dc1".to_owned(),
        rack: "r1".to_owned(),
        region: "here".to_owned(),
        cql_address: None,
        state: NodeState::Up,
    };
    let placement = Placement::single(CellId(1), vec![NODE]);
    Catalog::default().apply(Update {
        version: 1,
        full: true,
        keyspaces: [GREEDY, SMALL].map(keyspace).to_vec(),
        groups: ["ks1", "ks2"].map(|name| (name.to_owned(), Some(GroupId(1)))).to_vec(),
        nodes: vec![(NODE, Some(node))],
        placements: vec![(GroupId(1), Some(Arc::new(placement)))],
        ..Update::default()
    })
}

/// A read of a row, which gets nowhere.
fn read(route: &Route, table: TableId) -> BoxFuture<'static, Result<Answer, RequestError>> {
    let start = keys::partition(table, b"k");
    let span = ReadSpan {
        end: keys::after(&start),
        start,
        reverse: false,
        columns: None,
        level: ReadLevel::Leader,
        probe: None,
        now_seconds: None,
    };
    let route = route.clone();
    async move {
        let mut cursor = Cursor::new(span);
        route.read(&mut cursor, 1, 1, Duration::from_secs(10)).await
    }
    .boxed()
}

/// Goes on with reads, none of which ends; however much the runtime thinks this task has done.
fn wait(reads: &mut [BoxFuture<'static, Result<Answer, RequestError>>]) {
    for read in reads {
        assert!(unconstrained(read).now_or_never().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_node_is_not_given_all_that_one_keyspace_asks_for_and_another_comes_at_once() {
    let (asked, tasks) = (Arc::<Mutex<Vec<TableId>>>::default(), Tasks::new());
    let pool = Pool::new(ClientConfig::default(), &tasks);
    let cells = Cells::with_local(pool, NODE, Arc::new(Busy(Arc::clone(&asked))));
    let (_catalogs, catalog) = watch::channel(Arc::new(catalog()));
    let route = Route::new(catalog, cells, &tasks);
    let mut greedy: Vec<_> = (0..1_000).map(|_| read(&route, GREEDY)).collect();
    wait(&mut greedy);
    let given = asked.lock().len();
    assert!(given < 500, "{given} of 1,000 were given to a node that answers none");
    let mut small: Vec<_> = (0..10).map(|_| read(&route, SMALL)).collect();
    wait(&mut small);
    assert_eq!(asked.lock().len(), given + 10);
    assert_eq!(asked.lock().iter().filter(|table| **table == SMALL).count(), 10);
    // Once it is plain that it does not answer, nobody waits for his turn to find that out.
    advance(Duration::from_millis(2_500)).await;
    wait(&mut greedy);
    advance(Duration::from_millis(2_500)).await;
    wait(&mut greedy);
    assert!(asked.lock().len() >= 1_000, "{}", asked.lock().len());
}
