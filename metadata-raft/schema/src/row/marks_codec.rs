//! [`PartitionMarks`] as bytes, version 1, described in `FORMAT.md`.

use bytes::Bytes;

use super::{PartitionMarks, RangeMark};
use crate::codec::{FormatError, Reader, Writer};

const DELETION: u8 = 0x01;

impl PartitionMarks {
    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let ranges = self.ranges.iter().map(|r| r.start.len() + r.end.len() + 16);
        let mut to = Writer::new(ranges.fold(24, usize::saturating_add));
        to.u8(if self.deletion.is_some() { DELETION } else { 0 });
        if let Some(deletion) = self.deletion {
            to.signed(deletion);
        }
        to.count(self.ranges.len());
        for range in &self.ranges {
            to.bytes(&range.start);
            to.bytes(&range.end);
            to.signed(range.timestamp_us);
        }
        to.finish()
    }

    /// Reads the stored form; suffixes are slices of `bytes`.
    ///
    /// # Errors
    /// When `bytes` is not such a record, or one of a later version.
    pub fn decode(bytes: Bytes) -> Result<Self, FormatError> {
        let mut from = Reader::new("partition marks", bytes)?;
        let flags = from.u8()?;
        if flags & !DELETION != 0 {
            return Err(from.invalid("flags"));
        }
        let deletion = if flags & DELETION != 0 { Some(from.signed()?) } else { None };
        let mut covered_to = Bytes::new();
        let ranges = from.many(|from| {
            let (start, end) = (from.bytes()?, from.bytes()?);
            if start < covered_to || start >= end {
                return Err(from.invalid("range"));
            }
            covered_to = end.clone();
            Ok(RangeMark { start, end, timestamp_us: from.signed()? })
        })?;
        from.finish()?;
        Ok(Self { deletion, ranges })
    }
}
