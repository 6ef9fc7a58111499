//! Bytes that are collected in a file and read again, and of which nothing is kept: neither their
//! order on the disk nor that they survive a crash matters to anybody.

use std::{fmt, io, path::PathBuf, sync::Arc};

use bytes::Bytes;

use crate::{
    disk::{Disk, DiskFile},
    limits::SNAPSHOT_PIECE_BYTES,
    machine::{MachineError, Pieces},
};

/// A file of its own; it is removed with this.
pub(crate) struct Spool {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    bytes: u64,
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes in {}", self.bytes, self.path.display())
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if let Err(error) = self.disk.remove(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "cannot be removed");
        }
    }
}

impl Spool {
    /// Begins an empty file.
    pub(crate) fn create(disk: Arc<dyn Disk>, path: PathBuf) -> io::Result<Self> {
        // File systems reserve no less than one byte.
        let file = disk.create(&path, 1)?;
        Ok(Self { disk, path, file, bytes: 0 })
    }

    /// How much was collected.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Collects more.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(self.bytes, bytes)?;
        self.bytes += u64::try_from(bytes.len()).map_err(io::Error::other)?;
        Ok(())
    }

    /// Everything, from the beginning.
    pub(crate) fn pieces(self: Arc<Self>) -> Pieces {
        let mut offset = 0;
        Box::new(std::iter::from_fn(move || {
            let left = usize::try_from(self.bytes - offset).unwrap_or(usize::MAX);
            let length = left.min(SNAPSHOT_PIECE_BYTES);
            if length == 0 {
                return None;
            }
            let read = self.file.read_at(offset, length);
            offset += u64::try_from(length).unwrap_or(u64::MAX);
            Some(read.map(Bytes::from).map_err(MachineError::from))
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{disk::SimDisk, machine::Received};

    #[test]
    fn what_is_collected_is_read_as_often_as_need_be_and_then_removed() {
        let disk = Arc::new(SimDisk::new());
        let dir = Path::new("/log");
        disk.create_dir(dir).unwrap();
        let path = dir.join("spool");
        let mut spool = Spool::create(Arc::clone(&disk) as Arc<dyn Disk>, path).unwrap();
        let mut expected = Vec::new();
        for byte in 0..3 {
            let bytes = vec![byte; SNAPSHOT_PIECE_BYTES - 1];
            spool.append(&bytes).unwrap();
            expected.extend(bytes);
        }
        let received = Received::from(spool);
        for _ in 0..2 {
            let pieces: Vec<Bytes> = received.pieces().map(Result::unwrap).collect();
            assert_eq!(pieces.len(), 3);
            assert!(pieces.concat() == expected);
        }
        assert!(received.whole().unwrap() == expected);
        assert_eq!(disk.list(dir).unwrap(), ["spool"]);
        drop(received);
        assert!(disk.list(dir).unwrap().is_empty());
    }
}
