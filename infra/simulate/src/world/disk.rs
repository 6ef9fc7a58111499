//! A machine's disk over the runs of its processes: slow, stalled, and found after a loss of power
//! with whatever was not synced in doubt.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use cellar_raft::disk::{Disk, DiskFile, SimDisk};
use parking_lot::Mutex;

use crate::chance::Chance;

/// A disk as one process has it open. The process that comes next gets another, and this one then
/// refuses everything: a dead process writes no more.
#[derive(Clone, Debug)]
pub(crate) struct HeldDisk {
    disk: SimDisk,
    held: Arc<AtomicBool>,
    slow_ms: Arc<AtomicU64>,
    chance: Arc<Mutex<Chance>>,
}

#[derive(Debug)]
struct HeldFile {
    file: Box<dyn DiskFile>,
    held: Arc<AtomicBool>,
}

impl HeldDisk {
    /// A blank disk.
    pub(crate) fn blank(chance: Chance) -> Self {
        Self::of(SimDisk::new(), Arc::new(Mutex::new(chance)))
    }

    fn of(disk: SimDisk, chance: Arc<Mutex<Chance>>) -> Self {
        Self { disk, held: Arc::new(true.into()), slow_ms: Arc::default(), chance }
    }

    /// What the next process finds after this one was killed: everything it had written.
    pub(crate) fn after_kill(&self) -> Self {
        self.held.store(false, Ordering::SeqCst);
        Self::of(self.disk.clone(), Arc::clone(&self.chance))
    }

    /// What the next process finds after a loss of power: everything synced, and some of the rest.
    pub(crate) fn after_power_loss(&self) -> Self {
        self.held.store(false, Ordering::SeqCst);
        let seed = self.chance.lock().below(u64::MAX);
        Self::of(self.disk.crash(seed), Arc::clone(&self.chance))
    }

    /// From now on every write takes so much longer.
    pub(crate) fn slow_down(&self, by_ms: u64) {
        self.slow_ms.store(by_ms, Ordering::SeqCst);
    }

    /// Lets the disk fail in the middle of one of the next few writes, as when power goes.
    pub(crate) fn fail_soon(&self) {
        let operations = self.chance.lock().below(4);
        self.disk.fail_after(operations);
    }
}

fn check(held: &AtomicBool) -> io::Result<()> {
    if held.load(Ordering::SeqCst) { Ok(()) } else { Err(io::Error::other("the process is dead")) }
}

/// The name of a file for the machine: every process of a node has a folder of its own, and the
/// disk is the same.
fn home(path: &Path) -> PathBuf {
    let mut parts = path.iter().rev();
    let (file, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if path.iter().count() > 3 { Path::new("/").join(folder).join(file) } else { path.to_owned() }
}

fn folder(dir: &Path) -> PathBuf {
    if dir.iter().count() > 2 {
        Path::new("/").join(dir.file_name().unwrap_or_default())
    } else {
        dir.to_owned()
    }
}

impl HeldDisk {
    fn file(&self, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(HeldFile { file, held: Arc::clone(&self.held) })
    }
}

impl Disk for HeldDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        check(&self.held)?;
        self.disk.create_dir(&folder(dir))
    }

    fn lock(&self, dir: &Path) -> io::Result<Box<dyn Send + Sync>> {
        self.disk.lock(&folder(dir))
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
        check(&self.held)?;
        Ok(self.file(self.disk.create(&home(path), bytes)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        check(&self.held)?;
        Ok(self.file(self.disk.open(&home(path))?))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        check(&self.held)?;
        self.disk.read(&home(path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        check(&self.held)?;
        self.disk.list(&folder(dir))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        check(&self.held)?;
        self.disk.rename(&home(from), &home(to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        check(&self.held)?;
        self.disk.remove(&home(path))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        check(&self.held)?;
        self.disk.sync_dir(&folder(dir))
    }

    fn pace(&self) -> Option<Duration> {
        let mut chance = self.chance.lock();
        let usual = if chance.percent(2) { chance.ms(5, 60) } else { chance.ms(1, 2) };
        Some(usual + Duration::from_millis(self.slow_ms.load(Ordering::SeqCst)))
    }
}

impl DiskFile for HeldFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        check(&self.held)?;
        self.file.write_at(offset, bytes)
    }

    fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        check(&self.held)?;
        self.file.read_at(offset, length)
    }

    fn sync_data(&self) -> io::Result<()> {
        check(&self.held)?;
        self.file.sync_data()
    }
}
