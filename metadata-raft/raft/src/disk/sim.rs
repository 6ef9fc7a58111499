//! A disk in memory that loses power on request.
//!
//! It keeps apart what a reader sees and what is durable. [`SimDisk::crash`] makes the disk that
//! the next boot finds: everything synced, plus an arbitrary part of the rest, with single writes
//! torn at sector boundaries. The old disk stays usable by the "process" that has died.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use parking_lot::Mutex;

use super::{Disk, DiskFile, Space};

/// The unit that a disk writes whole.
const SECTOR_BYTES: usize = 512;
/// Pause between looks at whether the disk still stands still.
const STALL_LOOK: Duration = Duration::from_millis(1);

/// A simulated disk; clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<u64, Content>,
    next: u64,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    /// Changes of names since the last sync, in order, as a journalling file system keeps them.
    renames: Vec<NameChange>,
    lying_sync: bool,
    syncs: u64,
    /// Syncs wait while it is so.
    stalled: bool,
    /// Room, if it is not endless.
    space: Option<Space>,
    /// Changing operations until the power fails.
    operations_left: Option<u64>,
}

#[derive(Clone, Debug, Default)]
struct Content {
    seen: Vec<u8>,
    durable: Vec<u8>,
    /// Writes since the last sync.
    pending: Vec<(usize, Vec<u8>)>,
}

#[derive(Clone, Debug)]
enum NameChange {
    Add(PathBuf, u64),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

#[derive(Debug)]
struct SimFile {
    state: Arc<Mutex<State>>,
    id: u64,
}

/// A small deterministic generator (splitmix64), so that a seed is a whole crash.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)).checked_rem(sides).unwrap_or(0)
    }
}

impl SimDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on syncing a file says it worked and does nothing: a disk that must make every
    /// test of power loss fail.
    pub fn lie_about_syncs(&self) {
        self.state.lock().lying_sync = true;
    }

    /// Fails every operation after the next `operations` changing ones, as when power is lost.
    pub fn fail_after(&self, operations: u64) {
        self.state.lock().operations_left = Some(operations);
    }

    /// From now on every sync of a file waits, or goes on.
    pub fn stall(&self, stalled: bool) {
        self.state.lock().stalled = stalled;
    }

    /// Says from now on that there is so much room; everything works all the same.
    pub fn say_space(&self, space: Space) {
        self.state.lock().space = Some(space);
    }

    /// Syncs of files so far.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.state.lock().syncs
    }

    /// Damages a byte of a file, durably.
    ///
    /// # Errors
    /// There is no such file or byte.
    pub fn flip(&self, path: &Path, offset: usize) -> io::Result<()> {
        let mut state = self.state.lock();
        let content = state.named(path)?;
        for bytes in [&mut content.seen, &mut content.durable] {
            let byte = bytes.get_mut(offset).ok_or(io::ErrorKind::UnexpectedEof)?;
            *byte ^= 0x55;
        }
        Ok(())
    }

    /// The disk that is found after a loss of power now. The same seed decides the same.
    #[must_use]
    pub fn crash(&self, seed: u64) -> Self {
        let dice = &mut Dice(seed);
        let state = self.state.lock();
        let mut names = state.durable_names.clone();
        let kept = dice.roll(u64::try_from(state.renames.len()).unwrap_or(0) + 1);
        for change in state.renames.iter().take(usize::try_from(kept).unwrap_or(0)) {
            change.apply(&mut names);
        }
        let mut files = BTreeMap::new();
        for (id, content) in &state.files {
            let mut bytes = content.durable.clone();
            for (offset, written) in &content.pending {
                survive(&mut bytes, *offset, written, dice);
            }
            files.insert(*id, Content { seen: bytes.clone(), durable: bytes, pending: vec![] });
        }
        let after = State {
            files,
            next: state.next,
            names: names.clone(),
            durable_names: names,
            ..State::default()
        };
        Self { state: Arc::new(Mutex::new(after)) }
    }
}

/// Lets an arbitrary part of a write that was not synced reach the disk.
fn survive(bytes: &mut Vec<u8>, offset: usize, written: &[u8], dice: &mut Dice) {
    let fate = dice.roll(3);
    let mut at = offset;
    for sector in written.chunks(SECTOR_BYTES) {
        if fate == 0 || (fate == 1 && dice.roll(2) == 0) {
            overwrite(bytes, at, sector);
        }
        at += sector.len();
    }
}

fn overwrite(bytes: &mut Vec<u8>, offset: usize, written: &[u8]) {
    let end = offset + written.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    if let Some(target) = bytes.get_mut(offset..end) {
        target.copy_from_slice(written);
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            Self::Add(path, id) => {
                names.insert(path.clone(), *id);
            }
            Self::Rename(from, to) => {
                if let Some(id) = names.remove(from) {
                    names.insert(to.clone(), id);
                }
            }
            Self::Remove(path) => {
                names.remove(path);
            }
        }
    }
}

impl State {
    fn change(&mut self) -> io::Result<()> {
        match &mut self.operations_left {
            Some(0) => Err(io::Error::other("the power is off")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn named(&mut self, path: &Path) -> io::Result<&mut Content> {
        let id = self.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        self.files.get_mut(id).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.renames.push(change);
    }
}

impl Disk for SimDisk {
    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _dir: &Path) -> io::Result<Box<dyn Send + Sync>> {
        Ok(Box::new(()))
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state.lock();
        state.change()?;
        let length = usize::try_from(bytes).map_err(io::Error::other)?;
        let id = state.next;
        state.next += 1;
        state.files.insert(id, Content { seen: vec![0; length], ..Content::default() });
        state.rename(NameChange::Add(path.to_owned(), id));
        Ok(Box::new(SimFile { state: Arc::clone(&self.state), id }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let state = self.state.lock();
        let id = *state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(SimFile { state: Arc::clone(&self.state), id }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Ok(self.state.lock().named(path)?.seen.clone())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state.lock();
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        let names = inside.filter_map(|path| path.file_name()?.to_str().map(str::to_owned));
        Ok(names.collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.change()?;
        state.named(from)?;
        state.rename(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.change()?;
        state.named(path)?;
        state.rename(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn space(&self, _dir: &Path) -> io::Result<Space> {
        let endless = Space { free_bytes: u64::MAX, total_bytes: u64::MAX };
        Ok(self.state.lock().space.unwrap_or(endless))
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.change()?;
        state.renames.clear();
        state.durable_names = state.names.clone();
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock();
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let powered = state.change();
        let content = state.files.get_mut(&self.id).ok_or(io::ErrorKind::NotFound)?;
        // A write that the loss of power interrupts may reach the disk in part.
        content.pending.push((offset, bytes.to_vec()));
        powered?;
        overwrite(&mut content.seen, offset, bytes);
        Ok(())
    }

    fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let state = self.state.lock();
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let content = state.files.get(&self.id).ok_or(io::ErrorKind::NotFound)?;
        let bytes = content.seen.get(offset..).and_then(|rest| rest.get(..length));
        bytes.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        while state.stalled {
            drop(state);
            thread::sleep(STALL_LOOK);
            state = self.state.lock();
        }
        state.change()?;
        state.syncs += 1;
        if state.lying_sync {
            return Ok(());
        }
        let content = state.files.get_mut(&self.id).ok_or(io::ErrorKind::NotFound)?;
        content.durable.resize(content.seen.len(), 0);
        for (offset, written) in std::mem::take(&mut content.pending) {
            overwrite(&mut content.durable, offset, &written);
        }
        Ok(())
    }
}
