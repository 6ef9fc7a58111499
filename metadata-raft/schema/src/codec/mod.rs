//! The primitives that every stored form of this crate is written with: unsigned and zigzag
//! varints, and byte strings with their length. Reading never panics, never allocates more than
//! it was given, and returns slices of the input without copying. See `FORMAT.md`.

mod byte_string;

use bytes::Bytes;
use thiserror::Error;

/// Version byte of every record this crate writes.
pub(crate) const VERSION: u8 = 1;

/// Why bytes are not a record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FormatError {
    /// The record ends too early.
    #[error("the {record} ends early, at byte {at}")]
    Truncated {
        /// What was read.
        record: &'static str,
        /// Where it ended.
        at: usize,
    },
    /// Bytes after the end of the record.
    #[error("{count} bytes after the end of the {record}")]
    Trailing {
        /// What was read.
        record: &'static str,
        /// How many.
        count: usize,
    },
    /// Written by a later version of Cellar.
    #[error("the {record} has version {version}; this program reads up to {VERSION}")]
    Version {
        /// What was read.
        record: &'static str,
        /// The version found.
        version: u8,
    },
    /// A tag, flag or order that no writer produces.
    #[error("the {record} has a wrong {field} at byte {at}")]
    Invalid {
        /// What was read.
        record: &'static str,
        /// The field.
        field: &'static str,
        /// Where.
        at: usize,
    },
}

/// Appends to a record. Begins with the version byte.
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(capacity_bytes: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity_bytes);
        bytes.push(VERSION);
        Self { bytes }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Little endian groups of seven bits, the lowest first.
    pub(crate) fn unsigned(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.bytes.push(value.to_le_bytes()[0]);
    }

    /// Zigzag: small magnitudes of either sign are short.
    pub(crate) fn signed(&mut self, value: i64) {
        self.unsigned((value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned());
    }

    pub(crate) fn count(&mut self, value: usize) {
        self.unsigned(value as u64);
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.count(value.len());
        self.bytes.extend_from_slice(value);
    }
}

/// Reads a record from its start.
pub(crate) struct Reader {
    record: &'static str,
    bytes: Bytes,
    at: usize,
}

impl Reader {
    /// Checks the version.
    pub(crate) fn new(record: &'static str, bytes: Bytes) -> Result<Self, FormatError> {
        let mut reader = Self { record, bytes, at: 0 };
        match reader.u8()? {
            VERSION => Ok(reader),
            version => Err(FormatError::Version { record, version }),
        }
    }

    /// Checks that everything was read.
    pub(crate) fn finish(self) -> Result<(), FormatError> {
        match self.remaining() {
            0 => Ok(()),
            count => Err(FormatError::Trailing { record: self.record, count }),
        }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    pub(crate) fn invalid(&self, field: &'static str) -> FormatError {
        FormatError::Invalid { record: self.record, field, at: self.at }
    }

    fn truncated(&self) -> FormatError {
        FormatError::Truncated { record: self.record, at: self.bytes.len() }
    }

    pub(crate) fn u8(&mut self) -> Result<u8, FormatError> {
        let byte = *self.bytes.get(self.at).ok_or_else(|| self.truncated())?;
        self.at += 1;
        Ok(byte)
    }

    pub(crate) fn unsigned(&mut self) -> Result<u64, FormatError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let group = u64::from(byte & 0x7f);
            if shift == 63 && group > 1 {
                break;
            }
            value |= group << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.invalid("varint"))
    }

    pub(crate) fn signed(&mut self) -> Result<i64, FormatError> {
        let value = self.unsigned()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, FormatError> {
        let value = self.unsigned()?;
        u32::try_from(value).map_err(|_| self.invalid(field))
    }

    /// How many things follow. Each takes at least a byte, so that a wrong count cannot make the
    /// reader reserve memory it was not given.
    pub(crate) fn count(&mut self) -> Result<usize, FormatError> {
        let value = self.unsigned()?;
        match usize::try_from(value) {
            Ok(count) if count <= self.remaining() => Ok(count),
            _ => Err(self.truncated()),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<Bytes, FormatError> {
        let length = self.count()?;
        let end = self.at + length;
        let value = self.bytes.slice(self.at..end);
        self.at = end;
        Ok(value)
    }

    /// Reads `count` things; reserves for what can truly follow.
    pub(crate) fn many<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, FormatError>,
    ) -> Result<Vec<T>, FormatError> {
        let count = self.count()?;
        let mut all = Vec::with_capacity(count.min(1024));
        for _ in 0..count {
            all.push(read(self)?);
        }
        Ok(all)
    }
}
