//! A segment kept ready: its space is reserved before it is needed, so that a vote and what is
//! already decided can be written when the disk is full.
//!
//! Its bytes mean nothing until it gets a header and a segment's name. A segment that is no longer
//! needed becomes the spare, so that a log which does not grow asks the disk for nothing.

use std::{io, path::Path};

use super::segment;
use crate::disk::{Disk, DiskFile};

/// Its file name.
const NAME: &str = "spare";

/// Whether there is one, and of what size.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spare {
    bytes: Option<u64>,
}

impl Spare {
    /// Looks for one that an earlier process left. One of another size is removed: the setting
    /// has changed.
    pub(crate) fn find(disk: &dyn Disk, dir: &Path, segment_bytes: u64) -> Self {
        let path = dir.join(NAME);
        let Ok(file) = disk.open(&path) else { return Self::default() };
        let last = segment_bytes.saturating_sub(1);
        if file.read_at(last, 1).is_ok() && file.read_at(segment_bytes, 1).is_err() {
            return Self { bytes: Some(segment_bytes) };
        }
        if let Err(error) = disk.remove(&path) {
            tracing::warn!(%error, "a spare segment of another size was not removed");
        }
        Self::default()
    }

    /// Whether there is one.
    pub(crate) fn is_there(self) -> bool {
        self.bytes.is_some()
    }

    /// Makes one if there is none. Without space there is none; that shows when it is needed.
    pub(crate) fn reserve(&mut self, disk: &dyn Disk, dir: &Path, segment_bytes: u64) {
        if self.bytes.is_none() && disk.create(&dir.join(NAME), segment_bytes).is_ok() {
            self.bytes = Some(segment_bytes);
        }
    }

    /// Removes a segment's name, keeping the file as the spare if there is none of that size.
    ///
    /// # Errors
    /// What the system said.
    pub(crate) fn recycle(
        &mut self,
        disk: &dyn Disk,
        dir: &Path,
        number: u64,
        bytes: (u64, u64),
    ) -> io::Result<()> {
        let path = dir.join(segment::name(number));
        let (bytes, segment_bytes) = bytes;
        if self.bytes.is_some() || bytes != segment_bytes {
            return disk.remove(&path);
        }
        disk.rename(&path, &dir.join(NAME))?;
        self.bytes = Some(bytes);
        Ok(())
    }

    /// The spare as the file of a segment that is being made, if it is large enough.
    pub(crate) fn take(
        &mut self,
        disk: &dyn Disk,
        dir: &Path,
        bytes: u64,
    ) -> Option<Box<dyn DiskFile>> {
        self.bytes.filter(|spare| *spare >= bytes)?;
        self.bytes = None;
        let unfinished = dir.join(segment::UNFINISHED);
        disk.rename(&dir.join(NAME), &unfinished).ok()?;
        disk.open(&unfinished).ok()
    }
}
