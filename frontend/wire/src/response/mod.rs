//! What servers answer. [`Envelope`] is a response with its tracing id, warnings and payload.

mod envelope;
mod error;
mod error_decode;
mod event;
mod metadata;
mod prepared;
mod rows;
mod schema_change;
mod type_decode;
mod type_spec;

use bytes::Bytes;

use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;
use crate::{Opcode, Version};

pub use envelope::{Envelope, ResponseEnvelope};
pub use error::{ErrorBody, FailureReasons, WriteType};
pub use event::{Event, EventKind, StatusChange, TopologyChange};
pub use metadata::{ColumnSpec, ResultMetadata};
pub use prepared::PreparedResult;
pub use rows::{RowCells, RowIter, RowsBuilder, RowsContent, RowsResult};
pub use schema_change::{SchemaChange, SchemaChangeKind, SchemaTarget};
pub use type_spec::TypeSpec;

const VOID: i32 = 1;
const ROWS: i32 = 2;
const SET_KEYSPACE: i32 = 3;
const PREPARED: i32 = 4;
const SCHEMA_CHANGE: i32 = 5;

/// An answer, or an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// The request failed.
    Error(ErrorBody),
    /// The connection, or the registration, is ready.
    Ready,
    /// Credentials are wanted; the class names the mechanism.
    Authenticate(String),
    /// STARTUP options and their values.
    Supported(Vec<(String, Vec<String>)>),
    /// Done, nothing to say.
    ResultVoid,
    /// Rows.
    Rows(RowsResult),
    /// `USE` has taken effect.
    SetKeyspace(String),
    /// A statement has been prepared.
    Prepared(PreparedResult),
    /// The schema has been changed.
    SchemaChange(SchemaChange),
    /// Something happened.
    Event(Event),
    /// Authenticated.
    AuthSuccess(Option<Bytes>),
    /// Another round of authentication.
    AuthChallenge(Option<Bytes>),
}

impl Response {
    /// The opcode of its header.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        match self {
            Self::Error(_) => Opcode::Error,
            Self::Ready => Opcode::Ready,
            Self::Authenticate(_) => Opcode::Authenticate,
            Self::Supported(_) => Opcode::Supported,
            Self::ResultVoid
            | Self::Rows(_)
            | Self::SetKeyspace(_)
            | Self::Prepared(_)
            | Self::SchemaChange(_) => Opcode::Result,
            Self::Event(_) => Opcode::Event,
            Self::AuthSuccess(_) => Opcode::AuthSuccess,
            Self::AuthChallenge(_) => Opcode::AuthChallenge,
        }
    }

    /// Reads the message. What follows it in the body is ignored, as the protocol asks.
    ///
    /// # Errors
    /// The body is not what the opcode says, or the opcode is not a response's.
    pub fn decode(version: Version, opcode: Opcode, body: Bytes) -> Result<Self, DecodeError> {
        Self::read(version, opcode, Reader::new(body))
    }

    fn read(version: Version, opcode: Opcode, mut body: Reader) -> Result<Self, DecodeError> {
        let reader = &mut body;
        Ok(match opcode {
            Opcode::Error => Self::Error(ErrorBody::read(reader, version)?),
            Opcode::Ready => Self::Ready,
            Opcode::Authenticate => Self::Authenticate(reader.string()?),
            Opcode::Supported => Self::Supported(reader.string_multimap()?),
            Opcode::Result => return Self::read_result(version, body),
            Opcode::Event => Self::Event(Event::read(reader)?),
            Opcode::AuthSuccess => Self::AuthSuccess(reader.bytes()?),
            Opcode::AuthChallenge => Self::AuthChallenge(reader.bytes()?),
            opcode => return Err(DecodeError::Direction { opcode }),
        })
    }

    fn read_result(version: Version, mut reader: Reader) -> Result<Self, DecodeError> {
        let kind = reader.i32()?;
        Ok(match kind {
            VOID => Self::ResultVoid,
            ROWS => Self::Rows(RowsResult::read(reader, version)?),
            SET_KEYSPACE => Self::SetKeyspace(reader.string()?),
            PREPARED => Self::Prepared(PreparedResult::read(&mut reader, version)?),
            SCHEMA_CHANGE => Self::SchemaChange(SchemaChange::read(&mut reader)?),
            kind => {
                let value = i64::from(kind);
                return Err(DecodeError::Unknown { what: "kind of result", value });
            }
        })
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Error(error) => error.write(writer),
            Self::Ready => {}
            Self::Authenticate(class) => writer.string(class),
            Self::Supported(options) => writer.string_multimap(options),
            Self::ResultVoid => writer.i32(VOID),
            Self::Rows(rows) => {
                writer.i32(ROWS);
                rows.write(writer);
            }
            Self::SetKeyspace(keyspace) => {
                writer.i32(SET_KEYSPACE);
                writer.string(keyspace);
            }
            Self::Prepared(prepared) => {
                writer.i32(PREPARED);
                prepared.write(writer);
            }
            Self::SchemaChange(change) => {
                writer.i32(SCHEMA_CHANGE);
                change.write(writer);
            }
            Self::Event(event) => event.write(writer),
            Self::AuthSuccess(token) | Self::AuthChallenge(token) => {
                writer.nullable_bytes(token.as_deref());
            }
        }
    }
}
