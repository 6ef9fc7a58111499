//! The nine bytes before every body: `version|direction u8, flags u8, stream i16, opcode u8,
//! length u32`, big-endian, the same in every version spoken.

use crate::limits::HEADER_BYTES;
use crate::{Opcode, Version};

/// The stream of messages nobody asked for: events.
pub const EVENT_STREAM: i16 = -1;

/// Which side sent an envelope: the top bit of its version byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From client to server.
    Request,
    /// From server to client.
    Response,
}

impl Direction {
    pub(crate) const BIT: u8 = 0x80;

    const fn bits(self) -> u8 {
        match self {
            Self::Request => 0,
            Self::Response => Self::BIT,
        }
    }
}

/// The header's flag byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// The body is compressed; ignored inside v5 framing.
    pub const COMPRESSION: Self = Self(0x01);
    /// Request: trace it. Response: the body starts with a tracing id.
    pub const TRACING: Self = Self(0x02);
    /// A custom payload precedes the message; from v4.
    pub const CUSTOM_PAYLOAD: Self = Self(0x04);
    /// Warnings precede the message; responses from v4.
    pub const WARNING: Self = Self(0x08);
    /// The client accepts a version still in beta.
    pub const BETA: Self = Self(0x10);

    /// Whether every flag of `other` is set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags and those of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What stands before a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Protocol version of this envelope.
    pub version: Version,
    /// Which side sent it.
    pub direction: Direction,
    /// Flag byte.
    pub flags: Flags,
    /// The request this belongs to, chosen by the client; negative for events.
    pub stream: i16,
    /// What the body is.
    pub opcode: Opcode,
    /// Body length in bytes as it stood on the wire.
    pub length: u32,
}

impl Header {
    /// The header as it goes out.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let [stream_high, stream_low] = self.stream.to_be_bytes();
        let [a, b, c, d] = self.length.to_be_bytes();
        let version = self.version.as_u8() | self.direction.bits();
        [version, self.flags.0, stream_high, stream_low, self.opcode.as_u8(), a, b, c, d]
    }
}
