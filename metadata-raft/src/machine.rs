//! The state as the Raft group's machine: applies commands in memory, and is durable as one
//! snapshot file plus the log that follows it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use cellar_metadata_api::{Answer, Catalog, Command, MetadataError};
use cellar_raft::{Applied, Entry, Machine, MachineError, disk::Disk};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{snapshot::SnapshotError, state::State};

/// Name of the snapshot file, and of one being written.
const FILE: &str = "state";
const NEW_FILE: &str = "state.new";

/// Why the state of a disk could not be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk failed.
    #[error("metadata state in {dir}: {source}")]
    Disk {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The snapshot is not one.
    #[error("metadata state in {dir}: {source}")]
    Snapshot {
        /// The folder.
        dir: PathBuf,
        /// What is wrong with it.
        source: SnapshotError,
    },
}

/// What the machine applies to and everybody else reads.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) state: Mutex<State>,
    pub(crate) catalog: watch::Sender<Arc<Catalog>>,
}

/// The state machine of the metadata group.
#[derive(Debug)]
pub(crate) struct MetadataMachine {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    durable: Applied,
    position: Vec<u8>,
}

impl MetadataMachine {
    /// Reads the snapshot in `dir`, or begins with an empty state.
    pub(crate) fn open(disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Disk { dir: dir.to_owned(), source };
        disk.create_dir(dir).map_err(failed)?;
        let exists = disk.list(dir).map_err(failed)?.iter().any(|name| name == FILE);
        let (position, state) = if exists {
            let bytes = disk.read(&dir.join(FILE)).map_err(failed)?;
            State::from_snapshot(&bytes)
                .map_err(|source| OpenError::Snapshot { dir: dir.to_owned(), source })?
        } else {
            (Applied::default().encode(), State::new())
        };
        let durable = Applied::decode(&position).ok_or_else(|| OpenError::Snapshot {
            dir: dir.to_owned(),
            source: SnapshotError::Damaged("its log position does not decode"),
        })?;
        let catalog = watch::Sender::new(Arc::clone(state.catalog()));
        let shared = Arc::new(Shared { state: Mutex::new(state), catalog });
        Ok(Self { shared, disk, dir: dir.to_owned(), durable, position })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn publish(&self, state: &State) {
        self.shared.catalog.send_if_modified(|catalog| {
            let modified = catalog.version != state.catalog().version;
            *catalog = Arc::clone(state.catalog());
            modified
        });
    }

    /// Replaces the snapshot file: the old one stays until the new one is durable.
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let new = self.dir.join(NEW_FILE);
        let length = u64::try_from(bytes.len()).map_err(io::Error::other)?;
        let file = self.disk.create(&new, length)?;
        file.write_at(0, bytes)?;
        file.sync_data()?;
        self.disk.rename(&new, &self.dir.join(FILE))?;
        self.disk.sync_dir(&self.dir)
    }
}

impl Machine for MetadataMachine {
    fn applied(&self) -> Applied {
        self.durable.clone()
    }

    fn apply(
        &mut self,
        entries: Vec<Entry>,
        position: Vec<u8>,
    ) -> Result<Vec<Bytes>, MachineError> {
        let mut state = self.shared.state.lock();
        let mut answers = Vec::with_capacity(entries.len());
        for entry in entries {
            if entry.command.is_empty() {
                answers.push(Bytes::new());
                continue;
            }
            // A command that this build does not know must stop it: skipping it would let the
            // replicas diverge.
            let command: Command = cbor4ii::serde::from_slice(&entry.command).map_err(|error| {
                MachineError::new(format!("metadata entry {}: {error}", entry.index))
            })?;
            answers.push(encode_answer(&state.execute(&command))?);
        }
        self.publish(&state);
        drop(state);
        self.position = position;
        Ok(answers)
    }

    fn flush(&mut self) -> Result<(), MachineError> {
        let bytes = self.snapshot()?;
        Ok(self.write(&bytes)?)
    }

    fn snapshot(&mut self) -> Result<Bytes, MachineError> {
        let state = self.shared.state.lock().clone();
        Ok(state.to_snapshot(&self.position).map_err(MachineError::new)?.into())
    }

    fn install(&mut self, snapshot: Bytes, position: Vec<u8>) -> Result<(), MachineError> {
        let (_, state) = State::from_snapshot(&snapshot).map_err(MachineError::new)?;
        self.publish(&state);
        *self.shared.state.lock() = state;
        self.position = position;
        self.flush()
    }
}

fn encode_answer(answer: &Result<Answer, MetadataError>) -> Result<Bytes, MachineError> {
    cbor4ii::serde::to_vec(Vec::new(), answer).map(Bytes::from).map_err(MachineError::new)
}
