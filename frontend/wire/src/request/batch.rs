//! BATCH: `<kind byte><n short><statement>…<consistency><flags>[serial consistency][timestamp]
//! [keyspace][now in seconds]`, each statement `0<text long string>` or `1<id short bytes>`, then
//! its values. Values have no names: the flag for that follows them, so nobody can read it.

use bytes::Bytes;

use super::params::{Tail, TailRef};
use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;
use crate::{Consistency, Text, Value, Version};

/// What kind of batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum BatchKind {
    /// All or nothing, eventually.
    Logged = 0,
    /// Only sent together.
    Unlogged = 1,
    /// Counter updates.
    Counter = 2,
}

/// A statement of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchQuery {
    /// Given as text.
    Text(Text),
    /// Prepared before.
    Prepared(Bytes),
}

/// A statement of a batch with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchStatement {
    /// The statement.
    pub query: BatchQuery,
    /// Its values in the order of its markers.
    pub values: Vec<Value>,
}

/// Several statements at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What kind.
    pub kind: BatchKind,
    /// The statements in order.
    pub statements: Vec<BatchStatement>,
    /// How many replicas.
    pub consistency: Consistency,
    /// The level of the serial phase of a conditional batch.
    pub serial_consistency: Option<Consistency>,
    /// Write time in microseconds, unless a statement has its own.
    pub timestamp: Option<i64>,
    /// The keyspace of names without one, instead of the connection's; from v5.
    pub keyspace: Option<String>,
    /// The time for TTLs, instead of the server's; from v5.
    pub now_in_seconds: Option<i32>,
}

impl BatchStatement {
    /// Bytes the shortest takes: kind, length of an id, number of values.
    const BYTES_MIN: usize = 5;

    fn read(reader: &mut Reader, version: Version) -> Result<Self, DecodeError> {
        let query = match reader.u8()? {
            0 => BatchQuery::Text(reader.long_text()?),
            1 => BatchQuery::Prepared(reader.short_bytes()?),
            kind => {
                let value = i64::from(kind);
                return Err(DecodeError::Unknown { what: "kind of batch statement", value });
            }
        };
        Ok(Self { query, values: Value::read_positional(reader, version)? })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        match &self.query {
            BatchQuery::Text(text) => {
                writer.u8(0);
                writer.long_string(text.as_bytes());
            }
            BatchQuery::Prepared(id) => {
                writer.u8(1);
                writer.short_bytes(id);
            }
        }
        Value::write_positional(&self.values, writer);
    }
}

impl Batch {
    pub(super) fn read(reader: &mut Reader, version: Version) -> Result<Self, DecodeError> {
        let kind = match reader.u8()? {
            0 => BatchKind::Logged,
            1 => BatchKind::Unlogged,
            2 => BatchKind::Counter,
            kind => {
                let value = i64::from(kind);
                return Err(DecodeError::Unknown { what: "kind of batch", value });
            }
        };
        let count = reader.short_count("statements", BatchStatement::BYTES_MIN)?;
        let mut statements = Vec::with_capacity(count);
        for _ in 0..count {
            statements.push(BatchStatement::read(reader, version)?);
        }
        let consistency = reader.consistency()?;
        let tail = Tail::read(reader, version)?;
        Ok(Self {
            kind,
            statements,
            consistency,
            serial_consistency: tail.serial_consistency,
            timestamp: tail.timestamp,
            keyspace: tail.keyspace,
            now_in_seconds: tail.now_in_seconds,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u8(self.kind as u8);
        writer.short_count("statements", self.statements.len());
        for statement in &self.statements {
            statement.write(writer);
        }
        writer.consistency(self.consistency);
        TailRef {
            serial_consistency: self.serial_consistency,
            timestamp: self.timestamp,
            keyspace: self.keyspace.as_deref(),
            now_in_seconds: self.now_in_seconds,
        }
        .write_with_flags(writer);
    }
}
