//! The cell's cold segments change, and hot rows that are in one go.

use bytes::{Buf, Bytes};
use cellar_metadata_api::Epoch;
use cellar_tiering::{SegmentMeta, SegmentName, store::Checksum};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CommandError, SEGMENTS, begin, put, put_count, take, take_count};

/// A change of the manifest. Refused as a whole if the cell's range is another by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChangeSegments {
    /// The cell's epoch when the change was prepared.
    pub(crate) epoch: Epoch,
    /// The leader's time, microseconds: from when on objects wait to be removed.
    pub(crate) now_us: i64,
    /// Names under which objects are going to be written.
    pub(crate) intend: Vec<SegmentName>,
    /// Segments that are in the store, whole; each must have been intended.
    pub(crate) add: Vec<SegmentMeta>,
    /// Hot rows that are in `add`: key, and fingerprint of the stored row. Those that are still
    /// the same go.
    pub(crate) rows: Vec<(Bytes, u64)>,
    /// Segments whose rows are all in `add`; their objects become garbage. Each must be there.
    pub(crate) remove: Vec<Uuid>,
    /// Garbage that is gone from the store.
    pub(crate) forget: Vec<Uuid>,
}

/// The part of a change that is few and has structure.
#[derive(Serialize, Deserialize)]
struct Head {
    epoch: Epoch,
    now_us: i64,
    intend: Vec<SegmentName>,
    add: Vec<SegmentMeta>,
    remove: Vec<Uuid>,
    forget: Vec<Uuid>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SegmentsAnswer {
    /// It took place.
    Done {
        /// Hot rows that went.
        removed: u64,
    },
    /// The cell's range or epoch is another by now, or a segment was not intended or is not
    /// there; nothing changed.
    Refused,
}

/// Tells whether a stored row is still the same: 64 bits of SHA-256, so that rows that differ are
/// never taken for equal.
pub(crate) fn fingerprint(stored: &[u8]) -> u64 {
    let Checksum(sum) = Checksum::of(stored);
    sum.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

impl ChangeSegments {
    /// A change of nothing.
    pub(crate) fn of(epoch: Epoch, now_us: i64) -> Self {
        Self {
            epoch,
            now_us,
            intend: Vec::new(),
            add: Vec::new(),
            rows: Vec::new(),
            remove: Vec::new(),
            forget: Vec::new(),
        }
    }

    /// The entry.
    pub(crate) fn encode(&self) -> Result<Bytes, CommandError> {
        let head = Head {
            epoch: self.epoch,
            now_us: self.now_us,
            intend: self.intend.clone(),
            add: self.add.clone(),
            remove: self.remove.clone(),
            forget: self.forget.clone(),
        };
        let head = cbor4ii::serde::to_vec(Vec::new(), &head).map_err(CommandError::new)?;
        let rows: usize = self.rows.iter().map(|(key, _)| key.len() + 12).sum();
        let mut out = begin(SEGMENTS, head.len() + rows + 8);
        put(&mut out, &head)?;
        put_count(&mut out, self.rows.len())?;
        for (key, fingerprint) in &self.rows {
            put(&mut out, key)?;
            out.extend_from_slice(&fingerprint.to_le_bytes());
        }
        Ok(Bytes::from(out))
    }

    pub(super) fn decode(mut bytes: Bytes) -> Result<Self, CommandError> {
        let head: Head =
            cbor4ii::serde::from_slice(&take(&mut bytes)?).map_err(CommandError::new)?;
        let count = take_count(&mut bytes)?;
        let mut rows = Vec::with_capacity(count);
        for _ in 0..count {
            let key = take(&mut bytes)?;
            rows.push((key, bytes.try_get_u64_le()?));
        }
        if !bytes.is_empty() {
            return Err(CommandError::new("bytes after the last row"));
        }
        let Head { epoch, now_us, intend, add, remove, forget } = head;
        Ok(Self { epoch, now_us, intend, add, rows, remove, forget })
    }
}

impl SegmentsAnswer {
    /// The answer as the log returns it.
    pub(crate) fn encode(self) -> Bytes {
        match self {
            Self::Done { removed } => Bytes::copy_from_slice(&removed.to_le_bytes()),
            Self::Refused => Bytes::new(),
        }
    }

    /// Reads the answer.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, CommandError> {
        if bytes.is_empty() {
            return Ok(Self::Refused);
        }
        let removed = bytes.try_into().map_err(|_| CommandError::new("no number of rows"))?;
        Ok(Self::Done { removed: u64::from_le_bytes(removed) })
    }
}

#[cfg(test)]
mod tests {
    use cellar_metadata_api::TableId;

    use super::*;
    use crate::commands::Command;

    #[test]
    fn a_change_reads_back_and_no_cut_entry_is_taken() {
        let name = SegmentName { table: TableId(16), generation: 3, id: Uuid::from_u128(9) };
        let change = ChangeSegments {
            intend: vec![name],
            rows: vec![(Bytes::from_static(b"key"), 7), (Bytes::from_static(b"other"), u64::MAX)],
            remove: vec![Uuid::from_u128(1)],
            forget: vec![Uuid::from_u128(2)],
            ..ChangeSegments::of(Epoch(4), 5)
        };
        let entry = change.encode().unwrap();
        assert_eq!(Command::decode(entry.clone()).unwrap(), Command::Segments(change));
        for length in 0..entry.len() {
            assert!(Command::decode(entry.slice(..length)).is_err(), "{length}");
        }
    }

    #[test]
    fn answers_read_back() {
        for answer in [SegmentsAnswer::Refused, SegmentsAnswer::Done { removed: 0 }] {
            assert_eq!(SegmentsAnswer::decode(&answer.encode()), Ok(answer));
        }
    }
}
