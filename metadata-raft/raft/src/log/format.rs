//! The bytes of a segment: its header and its records. `FORMAT.md` is the specification.
//!
//! A record that decodes here is whole, of this segment's run of sequence numbers, and not left
//! over from anything older: its checksum covers its number, and numbers never repeat.

use bytes::Bytes;

use crate::limits::PAYLOAD_BYTES_MAX;

/// First bytes of every segment.
const MAGIC: [u8; 8] = *b"CELLARWL";
/// Version of the format.
const VERSION: u32 = 1;
/// Size of a segment's header; records follow it without gaps.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 48;
/// Size of a record's header; its payload follows.
pub(crate) const RECORD_HEADER_BYTES: usize = 52;

/// What a record says about its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An entry of the log.
    Entry,
    /// The vote; the payload is opaque.
    Vote,
    /// The last entry known to be committed.
    Committed,
    /// Entries up to and including this one are gone.
    Purge,
    /// Entries from this index on are gone.
    Truncate,
    /// Nothing that was said about the group holds any more but its vote and what it said to have.
    Remove,
    /// The last entry that the group had before it was removed.
    Said,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Entry,
        Self::Vote,
        Self::Committed,
        Self::Purge,
        Self::Truncate,
        Self::Remove,
        Self::Said,
    ];

    fn code(self) -> u32 {
        match self {
            Self::Entry => 1,
            Self::Vote => 2,
            Self::Committed => 3,
            Self::Purge => 4,
            Self::Truncate => 5,
            Self::Remove => 6,
            Self::Said => 7,
        }
    }
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    pub(crate) group: u64,
    pub(crate) index: u64,
    pub(crate) term: u64,
    /// A note about the payload for the log's user.
    pub(crate) tag: u8,
    pub(crate) payload: Bytes,
}

/// A record's place in the sequence of all records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sequence {
    /// The record's own number.
    pub(crate) lsn: u64,
    /// The number that its batch begins with: every record before that was synced.
    pub(crate) batch: u64,
}

impl Sequence {
    /// The numbers of what might be a record at `offset`, unchecked.
    pub(crate) fn peek(bytes: &[u8], offset: usize) -> Option<Self> {
        let mut reader = Reader(bytes.get(offset + 12..)?);
        Some(Self { lsn: reader.u64()?, batch: reader.u64()? })
    }
}

/// A segment's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// Number of the segment, one more than that of the one before.
    pub(crate) segment: u64,
    /// Number of its first record.
    pub(crate) first_lsn: u64,
    /// Where the records of the segment before end, or zero if there was none.
    pub(crate) previous_end: u64,
    /// Where the records end that were made durable together with this header.
    pub(crate) checkpoint_end: u64,
}

/// Reads little-endian numbers off the front of a slice.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

impl SegmentHeader {
    /// The header's bytes.
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        let numbers = [self.segment, self.first_lsn, self.previous_end, self.checkpoint_end];
        for number in numbers {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes.first_chunk().copied().unwrap_or([0; SEGMENT_HEADER_BYTES])
    }

    /// Reads a header from the start of a segment.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..SEGMENT_HEADER_BYTES)?;
        let (covered, checksum) = header.split_last_chunk::<4>()?;
        if crc32fast::hash(covered) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let mut reader = Reader(covered);
        if reader.array()? != MAGIC || reader.u32()? != VERSION {
            return None;
        }
        Some(Self {
            segment: reader.u64()?,
            first_lsn: reader.u64()?,
            previous_end: reader.u64()?,
            checkpoint_end: reader.u64()?,
        })
    }
}

impl Record {
    /// Size of the encoded record.
    pub(crate) fn encoded_bytes(&self) -> usize {
        RECORD_HEADER_BYTES + self.payload.len()
    }

    /// Appends the record's bytes to `target`.
    pub(crate) fn encode(&self, sequence: Sequence, target: &mut Vec<u8>) {
        let start = target.len();
        let length = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        target.extend_from_slice(&[0; 4]);
        target.extend_from_slice(&length.to_le_bytes());
        let code = self.kind.code() | u32::from(self.tag) << 8;
        target.extend_from_slice(&code.to_le_bytes());
        let numbers = [sequence.lsn, sequence.batch, self.group, self.index, self.term];
        for number in numbers {
            target.extend_from_slice(&number.to_le_bytes());
        }
        target.extend_from_slice(&self.payload);
        let checksum = target.get(start + 4..).map(crc32fast::hash).unwrap_or_default();
        if let Some(field) = target.get_mut(start..start + 4) {
            field.copy_from_slice(&checksum.to_le_bytes());
        }
    }

    /// Reads the record at the start of `bytes`, whatever its number.
    pub(crate) fn decode(bytes: &Bytes) -> Option<(Sequence, Self)> {
        let mut reader = Reader(bytes);
        let checksum = reader.u32()?;
        let length = usize::try_from(reader.u32()?).ok()?;
        if length > PAYLOAD_BYTES_MAX {
            return None;
        }
        let [code, tag, 0, 0] = reader.array()? else { return None };
        let kind = Kind::ALL.into_iter().find(|kind| kind.code() == u32::from(code))?;
        let sequence = Sequence { lsn: reader.u64()?, batch: reader.u64()? };
        let (group, index, term) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let end = RECORD_HEADER_BYTES + length;
        if crc32fast::hash(bytes.get(4..end)?) != checksum {
            return None;
        }
        let payload = bytes.slice(RECORD_HEADER_BYTES..end);
        Some((sequence, Self { kind, group, index, term, tag, payload }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let payload = Bytes::from_static(b"hello");
        Record { kind: Kind::Entry, group: 7, index: 8, term: 9, tag: 3, payload }
    }

    #[test]
    fn a_record_reads_back_and_no_damaged_byte_goes_unnoticed() {
        let mut bytes = Vec::new();
        let sequence = Sequence { lsn: 4, batch: 3 };
        record().encode(sequence, &mut bytes);
        assert_eq!(bytes.len(), record().encoded_bytes());
        assert_eq!(Record::decode(&bytes.clone().into()), Some((sequence, record())));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(Record::decode(&damaged.into()), None, "byte {at}");
            assert_eq!(Record::decode(&bytes[..at].to_vec().into()), None, "cut at {at}");
        }
    }

    #[test]
    fn a_header_reads_back_and_no_damaged_byte_goes_unnoticed() {
        let header =
            SegmentHeader { segment: 3, first_lsn: 99, previous_end: 1234, checkpoint_end: 48 };
        let bytes = header.encode();
        assert_eq!(SegmentHeader::decode(&bytes), Some(header));
        for at in 0..bytes.len() {
            let mut damaged = bytes;
            damaged[at] ^= 1;
            assert_eq!(SegmentHeader::decode(&damaged), None, "byte {at}");
        }
    }
}
