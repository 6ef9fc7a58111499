//! Bytes to envelopes and back, for both ends of a connection.
//!
//! v3 and v4, and v5 until STARTUP is answered: envelopes follow each other in the stream. v5 after
//! that: envelopes travel inside checksummed frames of at most 131071 payload bytes, several in
//! one or one across several.

mod checksum;
mod decode;
mod encode;
mod error;
mod segment;

use bytes::Bytes;

use crate::Header;

pub use decode::{ClientDecoder, ClientSide, Decoder, ServerDecoder, ServerSide, Side};
pub use encode::{ClientEncoder, ServerEncoder};
pub use error::FrameError;

/// One envelope: its header and its body, already expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The nine bytes before the body; `length` is that of the wire.
    pub header: Header,
    /// The body, a slice of what was received unless it was compressed.
    pub body: Bytes,
}
