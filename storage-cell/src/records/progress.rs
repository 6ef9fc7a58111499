//! How far a cell has applied its log, written with the effects of every batch.

use cellar_raft::Applied;

use super::{RecordError, VERSION};

/// A cell's place in its log and in its time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The largest timestamp the cell gave to a write, microseconds.
    pub(crate) stamp_us: i64,
    /// Grows by one with every change of the cell's cold segments.
    pub(crate) manifest: u64,
    /// Raft's own note; empty before the first entry.
    pub(crate) position: Vec<u8>,
}

impl Progress {
    /// The stored form.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(17 + self.position.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.stamp_us.to_le_bytes());
        bytes.extend_from_slice(&self.manifest.to_le_bytes());
        bytes.extend_from_slice(&self.position);
        bytes
    }

    /// Reads the stored form.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let wrong = || RecordError::new("cell progress", "not of version 1");
        let body = bytes.strip_prefix(&[VERSION]).ok_or_else(wrong)?;
        let (stamp, rest) = body.split_first_chunk().ok_or_else(wrong)?;
        let (manifest, position) = rest.split_first_chunk().ok_or_else(wrong)?;
        Ok(Self {
            stamp_us: i64::from_le_bytes(*stamp),
            manifest: u64::from_le_bytes(*manifest),
            position: position.to_vec(),
        })
    }

    /// The place in the log.
    pub(crate) fn applied(&self) -> Result<Applied, RecordError> {
        if self.position.is_empty() {
            return Ok(Applied::default());
        }
        Applied::decode(&self.position)
            .ok_or_else(|| RecordError::new("cell progress", "no log position"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_reads_back_and_short_bytes_are_an_error() {
        let progress = Progress { stamp_us: -3, manifest: 9, position: vec![1, 2, 3] };
        assert_eq!(Progress::decode(&progress.encode()), Ok(progress));
        assert_eq!(Progress::default().applied(), Ok(Applied::default()));
        for bytes in [&[][..], &[1, 0, 0], &[2; 17]] {
            assert!(Progress::decode(bytes).is_err());
        }
    }
}
