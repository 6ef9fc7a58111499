//! The few operations on files that the log is built from, so that tests can pull the plug.
//!
//! The contract is that of a POSIX file system at its most careless: bytes written are durable
//! only after [`DiskFile::sync_data`], names only after [`Disk::sync_dir`], and what was not
//! synced may survive in whole, in part or not at all, in any order.

mod real;
mod sim;

use std::{fmt, io, path::Path, time::Duration};

pub use real::RealDisk;
pub use sim::SimDisk;

/// Room on a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// What a process without privileges may still use.
    pub free_bytes: u64,
    /// All there is.
    pub total_bytes: u64,
}

/// Whether an error says that there is no space.
#[must_use]
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// A file system.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Makes the directory and its parents, if they do not exist.
    ///
    /// # Errors
    /// What the system said.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Keeps other processes from the directory until what is returned is dropped.
    ///
    /// # Errors
    /// Another process has it, or what the system said.
    fn lock(&self, dir: &Path) -> io::Result<Box<dyn Send + Sync>>;

    /// Makes a file of `bytes` zero bytes whose space is reserved, replacing one of that name.
    ///
    /// # Errors
    /// What the system said; in particular that there is no space.
    fn create(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn DiskFile>>;

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// What the system said.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// The whole content of a file.
    ///
    /// # Errors
    /// What the system said.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The names of the files in a directory, sorted.
    ///
    /// # Errors
    /// What the system said.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Gives a file another name in the same directory, replacing a file of that name.
    ///
    /// # Errors
    /// What the system said.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file's name.
    ///
    /// # Errors
    /// What the system said.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names of a directory durable: those added, changed and removed.
    ///
    /// # Errors
    /// What the system said; the names are then in doubt.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Room on the file system that the directory is on; a disk that does not say is endless.
    ///
    /// # Errors
    /// What the system said.
    fn space(&self, _dir: &Path) -> io::Result<Space> {
        Ok(Space { free_bytes: u64::MAX, total_bytes: u64::MAX })
    }

    /// How long the next write of the log is to take in the runtime's own time. Only a simulated
    /// disk says so; its log is then written by a task of the runtime and not by a thread.
    fn pace(&self) -> Option<Duration> {
        None
    }
}

/// An open file.
pub trait DiskFile: fmt::Debug + Send + Sync + 'static {
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// What the system said; any part may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Reads `length` bytes at `offset`.
    ///
    /// # Errors
    /// What the system said, or that the file is shorter.
    fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>>;

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// What the system said. What was written is then lost or not, and syncing again proves
    /// nothing, so the caller must treat this as the end.
    fn sync_data(&self) -> io::Result<()>;
}
