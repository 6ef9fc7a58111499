//! A log on a disk without space: it opens, keeps what it has, and goes on when there is space.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use bytes::Bytes;
use cellar_raft::{
    disk::{Disk, DiskFile, SimDisk},
    log::{Log, LogEntry, LogError, LogOptions, Position},
};

const SEGMENT_BYTES: u64 = 8 << 10;

/// A disk that has no space for new files while it is told so.
#[derive(Clone, Debug, Default)]
struct Small {
    disk: SimDisk,
    full: Arc<AtomicBool>,
    refused: Arc<AtomicUsize>,
    /// The next write of bytes finds no space after so many of them.
    torn_at: Arc<Mutex<Option<usize>>>,
}

#[derive(Debug)]
struct SmallFile {
    file: Box<dyn DiskFile>,
    torn_at: Arc<Mutex<Option<usize>>>,
}

impl Small {
    fn fill(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    fn file(&self, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(SmallFile { file, torn_at: Arc::clone(&self.torn_at) })
    }
}

impl DiskFile for SmallFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        match self.torn_at.lock().unwrap().take().and_then(|torn| bytes.get(..torn)) {
            Some(part) => {
                self.file.write_at(offset, part)?;
                Err(io::ErrorKind::StorageFull.into())
            }
            None => self.file.write_at(offset, bytes),
        }
    }

    fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        self.file.read_at(offset, length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

impl Disk for Small {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir(dir)
    }

    fn lock(&self, dir: &Path) -> io::Result<Box<dyn Send + Sync>> {
        self.disk.lock(dir)
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
        if self.full.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(self.file(self.disk.create(path, bytes)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.file(self.disk.open(path)?))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.disk.read(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }
}

fn open(disk: &Small) -> Log {
    Log::open(LogOptions {
        disk: Arc::new(disk.clone()),
        dir: PathBuf::from("/log"),
        segment_bytes: SEGMENT_BYTES,
        cache_bytes: 0,
        on_fatal: Arc::new(|error| panic!("{error}")),
    })
    .unwrap()
}

type Told = mpsc::Receiver<Result<(), LogError>>;

/// Appends one entry of 1 KiB; what is received says whether it is durable.
fn append(log: &Log, index: u64) -> Told {
    let (tell, told) = mpsc::channel();
    let payload = Bytes::from(vec![u8::try_from(index % 251).unwrap() + 1; 1 << 10]);
    let entry = LogEntry { index, term: 1, tag: 0, payload };
    log.append(1, vec![entry], Box::new(move |done| drop(tell.send(done))));
    told
}

fn purge(log: &Log, index: u64) {
    let (tell, told) = mpsc::channel();
    let done = Box::new(move |done| drop(tell.send(done)));
    log.purge(1, Position { index, term: 1 }, done);
    told.recv().unwrap().unwrap();
}

fn check(log: &Log, indexes: std::ops::Range<u64>) {
    let entries = log.read(1, indexes.clone(), usize::MAX).unwrap();
    assert_eq!(
        entries.iter().map(|entry| entry.index).collect::<Vec<_>>(),
        Vec::from_iter(indexes)
    );
    for entry in entries {
        let byte = u8::try_from(entry.index % 251).unwrap() + 1;
        assert!(entry.payload.iter().all(|found| *found == byte), "entry {}", entry.index);
    }
}

#[test]
fn a_log_opens_on_a_full_disk_however_often_and_has_room_for_more() {
    let disk = Small::default();
    let log = open(&disk);
    for index in 0..20 {
        append(&log, index).recv().unwrap().unwrap();
    }
    log.close();
    disk.fill(true);
    for start in 0..50 {
        let log = open(&disk);
        check(&log, 0..20 + start / 10);
        // The spare segment has room for what an election writes, and more.
        if start % 10 == 0 {
            append(&log, 20 + start / 10).recv().unwrap().unwrap();
        }
        log.close();
    }
    // A crash is no different.
    let after = Small { disk: disk.disk.crash(7), ..Small::default() };
    after.fill(true);
    check(&open(&after), 0..25);
}

#[test]
fn a_log_that_does_not_grow_needs_no_space() {
    let disk = Small::default();
    let log = open(&disk);
    for index in 0..20 {
        append(&log, index).recv().unwrap().unwrap();
    }
    disk.fill(true);
    for index in 20..200 {
        purge(&log, index - 2);
        append(&log, index).recv().unwrap().unwrap();
    }
    check(&log, 199..200);
    log.close();
    check(&open(&disk), 199..200);
}

#[test]
fn on_a_full_disk_appends_wait_and_reads_go_on_until_there_is_space() {
    let disk = Small::default();
    let log = open(&disk);
    disk.fill(true);
    let waiting: Vec<Told> = (0..40).map(|index| append(&log, index)).collect();
    while disk.refused() < 3 {
        std::thread::sleep(Duration::from_millis(1));
    }
    check(&log, 0..40);
    let durable = waiting.iter().filter(|told| told.try_recv().is_ok()).count();
    assert!(durable < 40, "everything was durable without space");
    disk.fill(false);
    for told in waiting.iter().skip(durable) {
        told.recv().unwrap().unwrap();
    }
    log.close();
    check(&open(&disk), 0..40);
}

#[test]
fn a_log_that_waits_for_space_can_be_closed() {
    let disk = Small::default();
    let log = Log::open(LogOptions {
        disk: Arc::new(disk.clone()),
        dir: PathBuf::from("/log"),
        segment_bytes: SEGMENT_BYTES,
        cache_bytes: 0,
        on_fatal: Arc::new(|_| ()),
    })
    .unwrap();
    disk.fill(true);
    let waiting: Vec<Told> = (0..40).map(|index| append(&log, index)).collect();
    while disk.refused() < 3 {
        std::thread::sleep(Duration::from_millis(1));
    }
    log.close();
    let told = waiting.into_iter().map(|told| told.recv().unwrap());
    let durable = told.take_while(Result::is_ok).count();
    assert!(durable < 40, "everything was durable without space");
    // What was told to be durable is there; of the rest, a prefix may be.
    let found = open(&disk).state(1).last.unwrap().index + 1;
    assert!(found >= u64::try_from(durable).unwrap(), "{durable} durable, {found} found");
}

#[test]
fn a_record_half_written_for_want_of_space_is_written_again_in_its_place() {
    let disk = Small::default();
    let log = open(&disk);
    append(&log, 0).recv().unwrap().unwrap();
    *disk.torn_at.lock().unwrap() = Some(600);
    append(&log, 1).recv().unwrap().unwrap();
    append(&log, 2).recv().unwrap().unwrap();
    log.close();
    check(&open(&disk), 0..3);
}
