//! Segments as files: their names, how one comes to be, how it is scanned.
//!
//! A segment gets its name only after its header is durable, so a named segment without a valid
//! header is damage. Its header says where the records of the one before end, so a torn tail
//! that was once cut off stays cut off.

use std::{path::Path, sync::Arc};

use bytes::Bytes;

use super::{
    LogError,
    format::{RECORD_HEADER_BYTES, Record, SEGMENT_HEADER_BYTES, SegmentHeader, Sequence},
    index::Segment,
};
use crate::disk::{Disk, DiskFile};

const EXTENSION: &str = ".log";
/// Name of a segment that is being made.
pub(crate) const UNFINISHED: &str = "next.tmp";

/// The file name of a segment.
pub(crate) fn name(number: u64) -> String {
    format!("{number:020}{EXTENSION}")
}

/// The number of the segment that has this file name.
pub(crate) fn number(name: &str) -> Option<u64> {
    name.strip_suffix(EXTENSION)?.parse().ok()
}

/// Makes a segment that begins with `records`, durable with its name when it returns. `file`, of
/// `bytes`, has the unfinished segment's name.
pub(crate) fn finish(
    disk: &dyn Disk,
    dir: &Path,
    header: SegmentHeader,
    records: &[u8],
    (file, bytes): (Box<dyn DiskFile>, u64),
) -> Result<Segment, LogError> {
    let unfinished = dir.join(UNFINISHED);
    let path = dir.join(name(header.segment));
    let mut start = Vec::with_capacity(SEGMENT_HEADER_BYTES + records.len());
    start.extend_from_slice(&header.encode());
    start.extend_from_slice(records);
    let made = || {
        file.write_at(0, &start)?;
        file.sync_data()?;
        disk.rename(&unfinished, &path)?;
        disk.sync_dir(dir)?;
        Ok(())
    };
    made().map_err(|error| LogError::io("create segment", &path, error))?;
    Ok(Segment { number: header.segment, bytes, file: Arc::from(file) })
}

/// Walks over the records of a segment in order.
pub(crate) struct Scan {
    bytes: Bytes,
    offset: usize,
    next_lsn: u64,
}

impl Scan {
    /// Starts behind the header.
    pub(crate) fn new(bytes: Bytes, header: &SegmentHeader) -> Self {
        Self { bytes, offset: SEGMENT_HEADER_BYTES, next_lsn: header.first_lsn }
    }

    /// Where the next record would begin.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// The number that the next record would have.
    pub(crate) fn next_lsn(&self) -> u64 {
        self.next_lsn
    }

    /// Whether a record further on proves that the record expected here had been synced: then it
    /// is not torn but damaged.
    pub(crate) fn was_synced(&self) -> bool {
        let last = self.bytes.len().saturating_sub(RECORD_HEADER_BYTES);
        (self.offset..=last).any(|at| {
            // Numbers first, checksums only where those make sense: this looks at every byte.
            Sequence::peek(&self.bytes, at).is_some_and(|sequence| {
                sequence.batch > self.next_lsn
                    && sequence.lsn >= sequence.batch
                    && Record::decode(&self.bytes.slice(at..)).is_some()
            })
        })
    }
}

impl Iterator for Scan {
    type Item = (usize, Record);

    /// The next record with the offset of its payload, or none at the end or at damage.
    fn next(&mut self) -> Option<Self::Item> {
        if self.offset >= self.bytes.len() {
            return None;
        }
        let (sequence, record) = Record::decode(&self.bytes.slice(self.offset..))?;
        if sequence.lsn != self.next_lsn {
            return None;
        }
        let payload = self.offset + RECORD_HEADER_BYTES;
        self.offset += record.encoded_bytes();
        self.next_lsn += 1;
        Some((payload, record))
    }
}
