//! Disks without room, damaged rows, and clocks that jump.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

mod cluster;

use std::{
    fs, io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use cellar_cell_api::{CellError, CellService, Outcome, Page, ReadLevel, ReadRequest, Write};
use cellar_raft::disk::{Disk, DiskFile, RealDisk, Space};
use cellar_schema::{ColumnData, keys, value};
use cluster::{
    Cluster, START_US, read,
    tables::{Known, table},
    within,
};

const HOUR_US: i64 = 3_600 * 1_000_000;
const TIB: u64 = 1 << 40;
/// Tables with rows are larger.
const ROWS_BYTES_MIN: usize = 64 << 10;

/// The real disk, which says that it has so much room.
#[derive(Debug)]
struct Told(Arc<AtomicU64>);

impl Disk for Told {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.create_dir(dir)
    }

    fn lock(&self, dir: &Path) -> io::Result<Box<dyn Send + Sync>> {
        RealDisk.lock(dir)
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
        RealDisk.create(path, bytes)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        RealDisk.open(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        RealDisk.read(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.sync_dir(dir)
    }

    fn space(&self, _dir: &Path) -> io::Result<Space> {
        Ok(Space { free_bytes: self.0.load(Ordering::SeqCst), total_bytes: TIB })
    }
}

fn insert(table: &Known, k: i32, v: &str) -> Write {
    Write { id: None, mutations: vec![table.insert(k, 1, v)], ..Write::default() }
}

async fn page(cluster: &Cluster, table: &Known, k: i32) -> Result<Page, CellError> {
    let partition = table.partition(k);
    let cell = cluster.cell_of(&partition);
    let reads = vec![read(partition.clone(), keys::after(&partition))];
    let level = ReadLevel::Leader;
    let request = ReadRequest { cell: cell.id, epoch: cell.epoch, level, reads, now_seconds: None };
    cluster.node().read(request).await?.pages.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_room_writes_are_refused_for_certain_and_reads_go_on() {
    let mut cluster = Cluster::start().await;
    let free = Arc::new(AtomicU64::new(TIB));
    cluster.log_disk = Arc::new(Told(Arc::clone(&free)));
    cluster.restart().await;
    let wide = table(&cluster.metadata, "wide");
    cluster.write(insert(&wide, 1, "before")).await.unwrap();
    free.store(1 << 20, Ordering::SeqCst);
    within("writes are refused", async || cluster.write(insert(&wide, 2, "x")).await.is_err())
        .await;
    for _ in 0..20 {
        let refused = cluster.write(insert(&wide, 3, "never")).await.unwrap_err();
        assert!(refused.is_definite(), "{refused}");
        assert!(refused.to_string().contains("the disk is full"), "{refused}");
        assert_eq!(page(&cluster, &wide, 1).await.unwrap().rows.len(), 1);
    }
    free.store(TIB, Ordering::SeqCst);
    within("writes are taken", async || cluster.write(insert(&wide, 4, "x")).await.is_ok()).await;
    assert_eq!(page(&cluster, &wide, 3).await.unwrap().rows.len(), 0, "a refused write is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_rows_are_an_error_that_names_the_cell_and_others_are_read() {
    let mut cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    for k in 0..2_000 {
        cluster.write(insert(&wide, k, "some text that makes the tables larger")).await.unwrap();
    }
    cluster.stop().await;
    let mut damaged = 0;
    for entry in fs::read_dir(cluster.disk.join("rows/tree/tables")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        if bytes.len() < ROWS_BYTES_MIN {
            // The records of cells, without which the node does not start.
            continue;
        }
        let middle = bytes.len() / 3;
        bytes[middle] ^= 0x10;
        fs::write(&path, bytes).unwrap();
        damaged += 1;
    }
    assert!(damaged > 0);
    cluster.open().await;
    cluster.settle().await;
    let (mut right, mut refused) = (0, 0);
    for k in 0..2_000 {
        match page(&cluster, &wide, k).await {
            Ok(page) => {
                assert_eq!(page.rows.len(), 1, "{k} is lost");
                right += 1;
            }
            Err(CellError::Damaged { reason }) => {
                assert!(reason.contains("cell"), "{reason}");
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 0, "no damage was noticed");
    assert!(right > refused, "{right} rows are right, {refused} are not");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_write_wins_however_the_clock_jumps() {
    let mut cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    let jumps = [0, HOUR_US, -HOUR_US, -24 * HOUR_US, 2 * HOUR_US, -2 * HOUR_US];
    for (number, jump) in jumps.into_iter().enumerate() {
        cluster.clock.set_us(START_US + jump);
        if number % 2 == 1 {
            // The next leader knows what was stamped before, too.
            cluster.crash().await;
        }
        let v = format!("write {number}");
        let outcome = cluster.write(insert(&wide, 1, &v)).await.unwrap();
        assert!(matches!(outcome, Outcome::Applied { .. }));
        let rows = cluster.table(wide.0.id).await;
        match &rows[0].1.columns[0].1 {
            ColumnData::Simple(simple) => assert_eq!(simple.value, Some(value::text(&v))),
            other => panic!("{other:?}"),
        }
    }
}
