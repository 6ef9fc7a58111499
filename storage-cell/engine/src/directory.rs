//! The engine's directory: one owner at a time, one known format. FORMAT.md describes the bytes.
//!
//! The version file is written last when a directory is made, so where it exists the tree must
//! exist too: rows that are missing are noticed instead of starting over with an empty tree.

use std::{
    fs::{self, File, TryLockError},
    io::Write,
    path::{Path, PathBuf},
};

use crate::error::EngineError;

/// The version file.
const VERSION_FILE: &str = "ENGINE";
/// The version file while it is being written.
const VERSION_FILE_NEW: &str = "ENGINE.new";
/// The file whose lock says that the directory is in use.
const LOCK_FILE: &str = "LOCK";
/// The folder that belongs to lsm-tree.
const TREE_FOLDER: &str = "tree";
/// First bytes of the version file.
const MAGIC: &[u8; 8] = b"CELLARSE";
/// The format this code reads and writes.
const FORMAT: u32 = 1;
/// Length of magic and format, which the checksum covers.
const COVERED_BYTES: usize = 12;

/// An engine directory that this process owns until the value is dropped.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Takes the directory, making it if it does not exist, and checks its format.
    pub(crate) fn open(path: &Path) -> Result<Self, EngineError> {
        fs::create_dir_all(path).map_err(EngineError::io("create directory"))?;
        let directory = Self { path: path.to_owned(), _lock: lock(&path.join(LOCK_FILE))? };
        if directory.has_version()? {
            directory.check_tree()?;
        } else {
            directory.check_blank()?;
        }
        Ok(directory)
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that belongs to lsm-tree.
    pub(crate) fn tree(&self) -> PathBuf {
        self.path.join(TREE_FOLDER)
    }

    /// Declares a new directory complete: from now on its tree must be there.
    pub(crate) fn seal(&self) -> Result<(), EngineError> {
        if self.has_version()? {
            return Ok(());
        }
        let new = self.path.join(VERSION_FILE_NEW);
        let mut file = File::create(&new).map_err(EngineError::io("create version file"))?;
        file.write_all(&encode_version(FORMAT))
            .and_then(|()| file.sync_all())
            // The tree's entry first: it must not be missing where the version file exists.
            .and_then(|()| File::open(&self.path)?.sync_all())
            .and_then(|()| fs::rename(&new, self.path.join(VERSION_FILE)))
            .and_then(|()| File::open(&self.path)?.sync_all())
            // The directory's own entry may be new too.
            .and_then(|()| File::open(self.path.join(".."))?.sync_all())
            .map_err(EngineError::io("write version file"))
    }

    fn has_version(&self) -> Result<bool, EngineError> {
        let path = self.path.join(VERSION_FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(EngineError::io("read version file")(error)),
        };
        match decode_version(&bytes) {
            Some(FORMAT) => Ok(true),
            Some(found) => Err(EngineError::Format { path, found, supported: FORMAT }),
            None => Err(corrupt(format!("{} bytes of {path:?} are no version", bytes.len()))),
        }
    }

    /// A sealed directory has a tree. Files that a crash left half-written are removed.
    fn check_tree(&self) -> Result<(), EngineError> {
        let tree = self.tree();
        let current = tree.join("current");
        if !current.try_exists().map_err(EngineError::io("look for the tree"))? {
            return Err(corrupt(format!("{current:?} is missing")));
        }
        for entry in fs::read_dir(&tree).map_err(EngineError::io("list the tree"))? {
            let entry = entry.map_err(EngineError::io("list the tree"))?;
            if entry.file_name().to_string_lossy().starts_with(".tmp") {
                fs::remove_file(entry.path()).map_err(EngineError::io("remove left-over file"))?;
            }
        }
        Ok(())
    }

    /// A directory that was never sealed cannot hold rows.
    fn check_blank(&self) -> Result<(), EngineError> {
        let tables = self.tree().join("tables");
        let Ok(mut entries) = fs::read_dir(&tables) else { return Ok(()) };
        if entries.next().is_some() {
            return Err(corrupt(format!("{tables:?} has tables, but {VERSION_FILE} is missing")));
        }
        Ok(())
    }
}

fn corrupt(detail: String) -> EngineError {
    EngineError::Corrupt { operation: "open", detail }
}

fn lock(path: &Path) -> Result<File, EngineError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(EngineError::io("open lock file"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(EngineError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(EngineError::io("lock directory")(error)),
    }
}

/// Magic, format, and the CRC-32 of both.
fn encode_version(format: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(COVERED_BYTES + 4);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&format.to_le_bytes());
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// The format, if magic, length and checksum are right.
fn decode_version(bytes: &[u8]) -> Option<u32> {
    let (covered, checksum) = bytes.split_at_checked(COVERED_BYTES)?;
    if u32::from_le_bytes(checksum.try_into().ok()?) != crc32fast::hash(covered) {
        return None;
    }
    let format = covered.strip_prefix(MAGIC)?;
    Some(u32::from_le_bytes(format.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_survives_encoding_and_every_flipped_bit_is_noticed() {
        let bytes = encode_version(7);
        assert_eq!(decode_version(&bytes), Some(7));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_version(&damaged), None, "bit {bit}");
        }
        assert_eq!(decode_version(&bytes[..15]), None);
        assert_eq!(decode_version(&[]), None);
    }

    #[test]
    fn a_directory_has_one_owner() {
        let scratch = tempfile::tempdir().unwrap();
        let owner = Directory::open(scratch.path()).unwrap();
        assert!(matches!(Directory::open(scratch.path()), Err(EngineError::Locked { .. })));
        drop(owner);
        Directory::open(scratch.path()).unwrap();
    }

    #[test]
    fn a_later_format_is_refused_by_name() {
        let scratch = tempfile::tempdir().unwrap();
        fs::write(scratch.path().join(VERSION_FILE), encode_version(2)).unwrap();
        let refused = Directory::open(scratch.path());
        assert!(matches!(refused, Err(EngineError::Format { found: 2, supported: 1, .. })));
    }

    #[test]
    fn a_sealed_directory_without_its_tree_is_corrupt_and_not_empty() {
        let scratch = tempfile::tempdir().unwrap();
        fs::write(scratch.path().join(VERSION_FILE), encode_version(FORMAT)).unwrap();
        let refused = Directory::open(scratch.path());
        assert!(matches!(refused, Err(EngineError::Corrupt { .. })));
    }

    #[test]
    fn tables_without_a_version_file_are_corrupt() {
        let scratch = tempfile::tempdir().unwrap();
        let tables = scratch.path().join(TREE_FOLDER).join("tables");
        fs::create_dir_all(&tables).unwrap();
        Directory::open(scratch.path()).unwrap();
        fs::write(tables.join("0"), b"rows").unwrap();
        let refused = Directory::open(scratch.path());
        assert!(matches!(refused, Err(EngineError::Corrupt { .. })));
    }
}
