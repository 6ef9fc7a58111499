//! A process with a real metadata service and a node, killed in the middle of its work, again and
//! again: whatever it had acknowledged is there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests fail loudly; the child tells its parent what was acknowledged"
)]

mod cluster;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Command as Process, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
    time::Duration,
};

use cellar_cell_api::{AdminRequest, CellError, CellService, Outcome, Write, WriteRequest};
use cellar_metadata_api::{Catalog, CellId, Epoch, Metadata, Position};
use cellar_metadata_raft::{Service, ServiceOptions};
use cellar_raft::{Host, HostOptions};
use cellar_rpc::{ClientConfig, Pool, tasks::Tasks};
use cellar_schema::{ColumnData, Mutation, RequestId, keys};
use cellar_storage_cell::{Node, NodeOptions};
use cellar_tiering::store::FileStore;
use cluster::{
    read,
    tables::{self, Known},
    within,
};

const FOLDER: &str = "CELLAR_KILL_TEST_FOLDER";
const WORKERS: i32 = 4;

/// Everything in one process, on one folder.
struct Server {
    node: Arc<Node>,
    service: Service,
    _tasks: Tasks,
}

impl Server {
    async fn start(dir: &Path) -> Self {
        let tasks = Tasks::new();
        let pool = Pool::new(ClientConfig::default(), &tasks);
        let log = HostOptions::new(1, dir.join("metadata-log"), &tasks);
        let host = Host::open(log, Arc::new(pool.clone())).unwrap();
        let members = [(1, "here:1".to_owned())].into();
        let options = ServiceOptions::new(dir.join("metadata"), members, &tasks);
        let service = Service::start(&host, options).await.unwrap();
        let store = Arc::new(FileStore::open(dir.join("cold")).unwrap());
        let mut options = NodeOptions::new(dir.join("node"), "here:2".to_owned(), store);
        // Small, so that flushes, compactions and the end of old log segments are among the work.
        options.log_segment_bytes = 128 << 10;
        options.log_bytes = 512 << 10;
        options.engine.memtable_bytes = 64 << 10;
        options.engine.table_bytes = 64 << 10;
        let metadata: Arc<dyn Metadata> = Arc::new(service.clone());
        let node = Node::start(options, metadata, pool, &tasks).await.unwrap();
        for command in tables::commands() {
            // They exist from the second start on.
            let _ = service.submit(command).await;
        }
        Self { node, service, _tasks: tasks }
    }

    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.service.catalog().borrow())
    }

    fn table(&self, name: &str) -> Known {
        Known(Arc::clone(self.catalog().table("ks", name).unwrap()))
    }

    fn owner(&self, key: &[u8]) -> (CellId, Epoch) {
        let (table, token) = (keys::table_of(key).unwrap(), keys::token_of(key).unwrap());
        let catalog = self.catalog();
        let cell = catalog.cell_of(table, token).unwrap();
        (cell.id, cell.epoch)
    }

    async fn write(&self, id: Option<RequestId>, mutation: Mutation) {
        let write = Write { id, mutations: vec![mutation], ..Write::default() };
        loop {
            let (cell, epoch) = self.owner(&write.mutations[0].partition);
            let request = WriteRequest { cell, epoch, writes: vec![write.clone()] };
            let outcome = match self.node.write(request).await {
                Ok(mut reply) => reply.outcomes.remove(0),
                Err(error) => Err(error),
            };
            match outcome {
                Ok(Outcome::Applied { .. }) => return,
                Err(CellError::WrongCell { .. }) => {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Everything of a table, as cell by cell gives it.
    async fn rows(&self, table: &Known) -> Vec<(bytes::Bytes, cellar_schema::Row)> {
        let (_, end) = keys::table_range(table.0.id);
        let mut read = read(keys::position_key(table.0.id, i64::MIN), end.clone());
        let mut rows = Vec::new();
        loop {
            let (cell, epoch) = self.owner(&read.start);
            let catalog = self.catalog();
            let placed = catalog.placement_of(table.0.id).unwrap();
            let range = placed.cells().find(|placed| placed.id == cell).unwrap().range;
            let of_cell = range.end.map(|end| keys::position_key(end.table, end.token));
            read.end = of_cell.map_or(end.clone(), |of_cell| of_cell.min(end.clone()));
            let request = cellar_cell_api::ReadRequest {
                cell,
                epoch,
                level: cellar_cell_api::ReadLevel::Leader,
                reads: vec![read.clone()],
                now_seconds: None,
            };
            let page = match self.node.read(request).await.map(|mut reply| reply.pages.remove(0)) {
                Ok(Ok(page)) => page,
                // The metadata service has still to be told of a split before the kill.
                Ok(Err(CellError::WrongCell { .. })) | Err(CellError::WrongCell { .. }) => {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    continue;
                }
                other => panic!("{other:?}"),
            };
            rows.extend(page.rows);
            match page.resume {
                Some(resume) => read.start = resume,
                None if read.end < end => read.start = read.end.clone(),
                None => return rows,
            }
        }
    }
}

/// The process that is killed: writes as fast as it can and tells what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
#[ignore = "a child of the test below"]
async fn the_child() {
    let dir = std::env::var(FOLDER).unwrap();
    let server = Server::start(Path::new(&dir)).await;
    let (wide, counters) = (server.table("wide"), server.table("counters"));
    let text = "some text ".repeat(20);
    let next = AtomicI32::new(i32::try_from(server.rows(&wide).await.len()).unwrap() + 1_000);
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").unwrap();
        out.flush().unwrap();
    };
    let writing = async |worker: i32| loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        say(format!("try {worker}"));
        let id =
            Some(RequestId(u128::from(n.unsigned_abs()) << 64 | u128::from(std::process::id())));
        server.write(id, counters.add(worker, 1)).await;
        server.write(None, wide.insert(n, worker, &text)).await;
        say(format!("ack {worker} {n}"));
    };
    let splitting = async {
        for round in 0_i64.. {
            tokio::time::sleep(Duration::from_millis(60)).await;
            let token = round.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed());
            let (cell, _) = server.owner(&keys::position_key(wide.0.id, token));
            if server.catalog().placements.values().map(|p| p.cells().count()).sum::<usize>() < 40 {
                let at = Some(Position::new(wide.0.id, token));
                let _ = server.node.admin(AdminRequest::Split { cell, at }).await;
            }
        }
    };
    tokio::join!(writing(1), writing(2), writing(3), writing(4), splitting);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_process_had_acknowledged_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    let (mut tried, mut done) = (BTreeMap::<i32, i64>::new(), BTreeMap::<i32, i64>::new());
    for round in 0..3_usize {
        let mut child = Process::new(std::env::current_exe().unwrap())
            .args(["the_child", "--exact", "--ignored", "--nocapture"])
            .env(FOLDER, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let enough = acknowledged.len() + 150 + 400 * (round % 3);
        for line in lines.map_while(Result::ok) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["try", worker] => *tried.entry(worker.parse().unwrap()).or_insert(0) += 1,
                ["ack", worker, n] => {
                    let worker: i32 = worker.parse().unwrap();
                    *done.entry(worker).or_insert(0) += 1;
                    acknowledged.push((n.parse::<i32>().unwrap(), worker));
                }
                _ => {}
            }
            if acknowledged.len() == enough {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(acknowledged.len() >= enough, "round {round}: the child ended by itself");
    }
    let server = Server::start(dir.path()).await;
    let (wide, counters) = (server.table("wide"), server.table("counters"));
    let catalog = server.catalog();
    let cells: usize = catalog.placements.values().map(|placement| placement.cells().count()).sum();
    assert!(cells > 1, "there was no split");
    within("every cell runs", async || {
        match server.node.admin(AdminRequest::Cells).await.unwrap() {
            cellar_cell_api::AdminAnswer::Cells(running) => running.len() >= cells,
            _ => false,
        }
    })
    .await;
    let found: Vec<_> = server.rows(&wide).await.into_iter().map(|(key, _)| key).collect();
    assert!(found.is_sorted() && found.windows(2).all(|pair| pair[0] != pair[1]));
    for (n, worker) in &acknowledged {
        assert!(found.binary_search(&wide.key(*n, *worker)).is_ok(), "{n} of {worker} is lost");
    }
    let totals: BTreeMap<_, i64> = server
        .rows(&counters)
        .await
        .into_iter()
        .map(|(key, row)| match &row.columns[0].1 {
            ColumnData::Counter(counter) => (key, counter.total),
            other => panic!("{other:?}"),
        })
        .collect();
    for worker in 1..=WORKERS {
        let partition = counters.partition(worker);
        let total = totals.iter().find(|(key, _)| key.starts_with(&partition)).unwrap().1;
        let (least, most) = (done[&worker], tried[&worker]);
        assert!((least..=most).contains(total), "{least} <= {total} <= {most}");
    }
    server.node.shutdown().await.unwrap();
}
