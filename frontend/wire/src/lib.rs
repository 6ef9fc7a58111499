//! The CQL native protocol, versions 3, 4 and 5, for both ends of a connection: bytes to messages
//! and back, without any input or output of its own.
//!
//! A server pushes what it receives into a [`ServerDecoder`], reads each [`Frame`] it yields with
//! [`RequestEnvelope::decode`] and writes [`Envelope`]s with a [`ServerEncoder`]. After STARTUP it
//! tells both which [`Compression`] was agreed upon, and for [`Version::V5`] that framing begins.
//! [`ClientDecoder`] and [`ClientEncoder`] are the other end.
//!
//! No input can make it panic, recurse without bound or allocate more than it has received.
//! Values, statements and ids are slices of what was received: copy what is to be kept for long.
//!
//! ```
//! use bytes::BytesMut;
//! use cellar_wire::*;
//!
//! let mut wire = BytesMut::new();
//! let startup = Startup { options: vec![("CQL_VERSION".into(), "3.0.0".into())] };
//! ClientEncoder::new().encode(Version::V4, 7, &Request::Startup(startup).into(), &mut wire)?;
//!
//! let mut decoder = ServerDecoder::new(FrameLimits::default());
//! decoder.push(&wire);
//! let frame = decoder.next_frame()?.expect("all of it has arrived");
//! assert_eq!((frame.header.version, frame.header.stream), (Version::V4, 7));
//! let request = RequestEnvelope::decode(frame)?.request;
//! assert!(matches!(request, Request::Startup(startup) if startup.get("COMPRESSION").is_none()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod compression;
mod consistency;
mod decode;
mod encode;
mod extensions;
mod frame;
mod header;
pub mod limits;
mod opcode;
mod request;
mod response;
mod text;
mod value;
mod version;

pub use compression::{Compression, ExpandError};
pub use consistency::Consistency;
pub use decode::DecodeError;
pub use encode::EncodeError;
pub use extensions::Extensions;
pub use frame::{
    ClientDecoder, ClientEncoder, ClientSide, Decoder, Frame, FrameError, ServerDecoder,
    ServerEncoder, ServerSide, Side,
};
pub use header::{Direction, EVENT_STREAM, Flags, Header};
pub use limits::FrameLimits;
pub use opcode::Opcode;
pub use request::{
    AuthResponse, Batch, BatchKind, BatchQuery, BatchStatement, Execute, Options, Prepare, Query,
    QueryParams, Register, Request, RequestEnvelope, Startup,
};
pub use response::{
    ColumnSpec, Envelope, ErrorBody, Event, EventKind, FailureReasons, PreparedResult, Response,
    ResponseEnvelope, ResultMetadata, RowCells, RowIter, RowsBuilder, RowsContent, RowsResult,
    SchemaChange, SchemaChangeKind, SchemaTarget, StatusChange, TopologyChange, TypeSpec,
    WriteType,
};
pub use text::Text;
pub use value::{Value, Values};
pub use version::Version;
