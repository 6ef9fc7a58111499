//! How to run a statement:
//! `<consistency><flags>[values][page size int][paging state bytes][serial consistency]
//! [timestamp long][keyspace string][now in seconds int]`; flags are one byte, an int from v5.

use bytes::Bytes;

use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;
use crate::{Consistency, Value, Values, Version};

const VALUES: u32 = 0x01;
const SKIP_METADATA: u32 = 0x02;
const PAGE_SIZE: u32 = 0x04;
const PAGING_STATE: u32 = 0x08;
const SERIAL_CONSISTENCY: u32 = 0x10;
const TIMESTAMP: u32 = 0x20;
const NAMES: u32 = 0x40;
const KEYSPACE: u32 = 0x80;
const NOW_IN_SECONDS: u32 = 0x100;

const FLAGS_V3: u32 = 0x7F;
const FLAGS_V5: u32 = 0x1FF;
/// A batch has no flags about values as a whole, results and pages.
const FLAGS_BATCH: u32 = SERIAL_CONSISTENCY | TIMESTAMP | KEYSPACE | NOW_IN_SECONDS;

/// How to run a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryParams {
    /// How many replicas.
    pub consistency: Consistency,
    /// The level of the serial phase of a conditional write.
    pub serial_consistency: Option<Consistency>,
    /// The values of the markers.
    pub values: Values,
    /// Whether the client knows the result metadata already.
    pub skip_metadata: bool,
    /// Rows per page; not positive means no paging.
    pub page_size: Option<i32>,
    /// Where to continue.
    pub paging_state: Option<Bytes>,
    /// Write time in microseconds, unless the statement has its own.
    pub timestamp: Option<i64>,
    /// The keyspace of names without one, instead of the connection's; from v5.
    pub keyspace: Option<String>,
    /// The time for TTLs, instead of the server's; from v5.
    pub now_in_seconds: Option<i32>,
}

impl QueryParams {
    /// Nothing but a consistency level.
    #[must_use]
    pub fn new(consistency: Consistency) -> Self {
        Self {
            consistency,
            serial_consistency: None,
            values: Values::None,
            skip_metadata: false,
            page_size: None,
            paging_state: None,
            timestamp: None,
            keyspace: None,
            now_in_seconds: None,
        }
    }

    pub(super) fn read(reader: &mut Reader, version: Version) -> Result<Self, DecodeError> {
        let mut params = Self::new(reader.consistency()?);
        let flags = read_flags(reader, version)?;
        let known = if version >= Version::V5 { FLAGS_V5 } else { FLAGS_V3 };
        refuse(flags, !known)?;
        if flags & VALUES != 0 {
            params.values = if flags & NAMES == 0 {
                Values::Positional(Value::read_positional(reader, version)?)
            } else {
                Values::Named(Value::read_named(reader, version)?)
            };
        }
        params.skip_metadata = flags & SKIP_METADATA != 0;
        if flags & PAGE_SIZE != 0 {
            params.page_size = Some(reader.i32()?);
        }
        if flags & PAGING_STATE != 0 {
            params.paging_state = reader.bytes()?;
        }
        let tail = Tail::read_flagged(reader, flags)?;
        params.serial_consistency = tail.serial_consistency;
        params.timestamp = tail.timestamp;
        params.keyspace = tail.keyspace;
        params.now_in_seconds = tail.now_in_seconds;
        Ok(params)
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.consistency(self.consistency);
        let tail = TailRef {
            serial_consistency: self.serial_consistency,
            timestamp: self.timestamp,
            keyspace: self.keyspace.as_deref(),
            now_in_seconds: self.now_in_seconds,
        };
        let mut flags = tail.flags(writer.version());
        flags |= match self.values {
            Values::None => 0,
            Values::Positional(_) => VALUES,
            Values::Named(_) => VALUES | NAMES,
        };
        flags |= if self.skip_metadata { SKIP_METADATA } else { 0 };
        flags |= if self.page_size.is_some() { PAGE_SIZE } else { 0 };
        flags |= if self.paging_state.is_some() { PAGING_STATE } else { 0 };
        write_flags(flags, writer);
        match &self.values {
            Values::None => {}
            Values::Positional(values) => Value::write_positional(values, writer),
            Values::Named(values) => Value::write_named(values, writer),
        }
        if let Some(page_size) = self.page_size {
            writer.i32(page_size);
        }
        if let Some(paging_state) = &self.paging_state {
            writer.bytes(paging_state);
        }
        tail.write(writer);
    }
}

/// The part that a batch has too.
pub(super) struct Tail {
    pub(super) serial_consistency: Option<Consistency>,
    pub(super) timestamp: Option<i64>,
    pub(super) keyspace: Option<String>,
    pub(super) now_in_seconds: Option<i32>,
}

/// The same, borrowed.
pub(super) struct TailRef<'a> {
    pub(super) serial_consistency: Option<Consistency>,
    pub(super) timestamp: Option<i64>,
    pub(super) keyspace: Option<&'a str>,
    pub(super) now_in_seconds: Option<i32>,
}

impl Tail {
    /// The flags and the tail of a batch.
    pub(super) fn read(reader: &mut Reader, version: Version) -> Result<Self, DecodeError> {
        let flags = read_flags(reader, version)?;
        let known = if version >= Version::V5 { FLAGS_V5 } else { FLAGS_V3 };
        refuse(flags, !(known & FLAGS_BATCH))?;
        Self::read_flagged(reader, flags)
    }

    fn read_flagged(reader: &mut Reader, flags: u32) -> Result<Self, DecodeError> {
        let mut tail = Self {
            serial_consistency: None,
            timestamp: None,
            keyspace: None,
            now_in_seconds: None,
        };
        if flags & SERIAL_CONSISTENCY != 0 {
            tail.serial_consistency = Some(reader.consistency()?);
        }
        if flags & TIMESTAMP != 0 {
            let timestamp = reader.i64()?;
            if timestamp == i64::MIN {
                return Err(DecodeError::Unknown { what: "timestamp", value: timestamp });
            }
            tail.timestamp = Some(timestamp);
        }
        if flags & KEYSPACE != 0 {
            tail.keyspace = Some(reader.string()?);
        }
        if flags & NOW_IN_SECONDS != 0 {
            tail.now_in_seconds = Some(reader.i32()?);
        }
        Ok(tail)
    }
}

impl TailRef<'_> {
    fn flags(&self, version: Version) -> u32 {
        let mut flags = if self.serial_consistency.is_some() { SERIAL_CONSISTENCY } else { 0 };
        flags |= if self.timestamp.is_some() { TIMESTAMP } else { 0 };
        if version >= Version::V5 {
            flags |= if self.keyspace.is_some() { KEYSPACE } else { 0 };
            flags |= if self.now_in_seconds.is_some() { NOW_IN_SECONDS } else { 0 };
        }
        flags
    }

    /// The flags and the tail of a batch.
    pub(super) fn write_with_flags(&self, writer: &mut Writer<'_>) {
        write_flags(self.flags(writer.version()), writer);
        self.write(writer);
    }

    fn write(&self, writer: &mut Writer<'_>) {
        if let Some(consistency) = self.serial_consistency {
            writer.consistency(consistency);
        }
        if let Some(timestamp) = self.timestamp {
            writer.i64(timestamp);
        }
        if writer.version() < Version::V5 {
            return;
        }
        if let Some(keyspace) = self.keyspace {
            writer.string(keyspace);
        }
        if let Some(now_in_seconds) = self.now_in_seconds {
            writer.i32(now_in_seconds);
        }
    }
}

/// Unknown flags may stand for fields, so that nothing after them can be read.
fn refuse(flags: u32, unknown: u32) -> Result<(), DecodeError> {
    match flags & unknown {
        0 => Ok(()),
        found => Err(DecodeError::Unknown { what: "query flag", value: i64::from(found) }),
    }
}

fn read_flags(reader: &mut Reader, version: Version) -> Result<u32, DecodeError> {
    if version >= Version::V5 { reader.u32() } else { reader.u8().map(u32::from) }
}

fn write_flags(flags: u32, writer: &mut Writer<'_>) {
    if writer.version() >= Version::V5 {
        writer.u32(flags);
    } else {
        // Only the flags of the low byte exist in these versions.
        let [.., low] = flags.to_be_bytes();
        writer.u8(low);
    }
}
