//! What clients ask. [`RequestEnvelope::decode`] reads a received frame; [`Request::decode`] a
//! body without anything before the message.

mod auth_response;
mod batch;
mod execute;
mod options;
mod params;
mod prepare;
mod query;
mod register;
mod startup;

use bytes::Bytes;

use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;
use crate::{Extensions, Flags, Frame, Opcode, Version};

pub use auth_response::AuthResponse;
pub use batch::{Batch, BatchKind, BatchQuery, BatchStatement};
pub use execute::Execute;
pub use options::Options;
pub use params::QueryParams;
pub use prepare::Prepare;
pub use query::Query;
pub use register::Register;
pub use startup::Startup;

/// A request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// First message of a connection.
    Startup(Startup),
    /// Which STARTUP options exist.
    Options(Options),
    /// Run a statement given as text.
    Query(Query),
    /// Prepare a statement.
    Prepare(Prepare),
    /// Run a prepared statement.
    Execute(Execute),
    /// Several statements at once.
    Batch(Batch),
    /// Send events of these kinds.
    Register(Register),
    /// A round of authentication.
    AuthResponse(AuthResponse),
}

impl Request {
    /// Reads the message. What follows it in the body is ignored, as Cassandra does.
    ///
    /// # Errors
    /// The body is not what the opcode says, or the opcode is not a request's.
    pub fn decode(version: Version, opcode: Opcode, body: Bytes) -> Result<Self, DecodeError> {
        Self::read(version, opcode, Reader::new(body))
    }

    fn read(version: Version, opcode: Opcode, mut reader: Reader) -> Result<Self, DecodeError> {
        let reader = &mut reader;
        Ok(match opcode {
            Opcode::Startup => Self::Startup(Startup::read(reader)?),
            Opcode::Options => Self::Options(Options),
            Opcode::Query => Self::Query(Query::read(reader, version)?),
            Opcode::Prepare => Self::Prepare(Prepare::read(reader, version)?),
            Opcode::Execute => Self::Execute(Execute::read(reader, version)?),
            Opcode::Batch => Self::Batch(Batch::read(reader, version)?),
            Opcode::Register => Self::Register(Register::read(reader)?),
            Opcode::AuthResponse => Self::AuthResponse(AuthResponse::read(reader)?),
            opcode => return Err(DecodeError::Direction { opcode }),
        })
    }

    /// The opcode of its header.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        match self {
            Self::Startup(_) => Opcode::Startup,
            Self::Options(_) => Opcode::Options,
            Self::Query(_) => Opcode::Query,
            Self::Prepare(_) => Opcode::Prepare,
            Self::Execute(_) => Opcode::Execute,
            Self::Batch(_) => Opcode::Batch,
            Self::Register(_) => Opcode::Register,
            Self::AuthResponse(_) => Opcode::AuthResponse,
        }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Startup(startup) => startup.write(writer),
            Self::Options(Options) => {}
            Self::Query(query) => query.write(writer),
            Self::Prepare(prepare) => prepare.write(writer),
            Self::Execute(execute) => execute.write(writer),
            Self::Batch(batch) => batch.write(writer),
            Self::Register(register) => register.write(writer),
            Self::AuthResponse(response) => response.write(writer),
        }
    }
}

/// A request and what came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestEnvelope {
    /// The message.
    pub request: Request,
    /// Whether the client wants it traced.
    pub tracing: bool,
    /// The custom payload; empty when there is none, and always in v3.
    pub payload: Vec<(String, Bytes)>,
}

impl RequestEnvelope {
    /// Reads a received frame.
    ///
    /// # Errors
    /// The body is not what the header says.
    pub fn decode(frame: Frame) -> Result<Self, DecodeError> {
        Self::decode_with(frame, Extensions::default())
    }

    /// Reads a frame received on a connection with extensions.
    ///
    /// # Errors
    /// The body is not what the header says.
    pub fn decode_with(frame: Frame, extensions: Extensions) -> Result<Self, DecodeError> {
        let Frame { header, body } = frame;
        let mut reader = Reader::with(body, extensions);
        let payload = match header.flags.contains(Flags::CUSTOM_PAYLOAD) {
            false => Vec::new(),
            true if header.version < Version::V4 => {
                return Err(DecodeError::Version { what: "a custom payload" });
            }
            true => reader.bytes_map()?,
        };
        let tracing = header.flags.contains(Flags::TRACING);
        let request = Request::read(header.version, header.opcode, reader)?;
        Ok(Self { request, tracing, payload })
    }

    pub(crate) fn flags(&self, version: Version) -> Flags {
        let mut flags = Flags::default();
        if self.tracing {
            flags = flags.with(Flags::TRACING);
        }
        if self.has_payload(version) {
            flags = flags.with(Flags::CUSTOM_PAYLOAD);
        }
        flags
    }

    fn has_payload(&self, version: Version) -> bool {
        version >= Version::V4 && !self.payload.is_empty()
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        if self.has_payload(writer.version()) {
            writer.bytes_map(&self.payload);
        }
        self.request.write(writer);
    }
}

impl From<Request> for RequestEnvelope {
    fn from(request: Request) -> Self {
        Self { request, tracing: false, payload: Vec::new() }
    }
}
