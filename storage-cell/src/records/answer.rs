//! The answer that was given to a request with an id, kept for its retries.

use super::{RecordError, VERSION};

/// A remembered answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RememberedAnswer {
    /// The timestamp of the write, microseconds: its age.
    pub(crate) stamp_us: i64,
    /// The answer as in the answer to a log entry.
    pub(crate) answer: Vec<u8>,
}

impl RememberedAnswer {
    /// The stored form.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(9 + self.answer.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.stamp_us.to_le_bytes());
        bytes.extend_from_slice(&self.answer);
        bytes
    }

    /// Reads the stored form.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let wrong = || RecordError::new("answer", "not of version 1");
        let body = bytes.strip_prefix(&[VERSION]).ok_or_else(wrong)?;
        let (stamp, answer) = body.split_first_chunk().ok_or_else(wrong)?;
        Ok(Self { stamp_us: i64::from_le_bytes(*stamp), answer: answer.to_vec() })
    }
}
