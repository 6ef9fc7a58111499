//! Why bytes are not an envelope, and what that means for the connection.

use crate::compression::ExpandError;
use crate::{ErrorBody, Version};

/// A breach of the framing. [`FrameError::is_fatal`] says whether the connection can go on;
/// [`FrameError::stream`] and [`FrameError::reply_version`] where to send the ERROR.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A version this server does not speak. Drivers read this sentence and try a lower one.
    #[error(
        "Invalid or unsupported protocol version ({version}); supported versions are ({})",
        newest.descriptions_up_to().join(", ")
    )]
    UnsupportedVersion {
        /// The version asked for.
        version: u8,
        /// The newest version spoken.
        newest: Version,
        /// The request's stream.
        stream: i16,
    },
    /// A response where a request belongs, or the reverse.
    #[error("the direction bit is wrong for this side")]
    Direction {
        /// The envelope's version.
        version: Version,
        /// The envelope's stream.
        stream: i16,
    },
    /// An opcode that does not exist.
    #[error("unknown opcode {opcode}")]
    Opcode {
        /// The opcode.
        opcode: u8,
        /// The envelope's version.
        version: Version,
        /// The envelope's stream.
        stream: i16,
    },
    /// The length in the header is negative.
    #[error("negative body length")]
    NegativeLength {
        /// The envelope's version.
        version: Version,
        /// The envelope's stream.
        stream: i16,
    },
    /// The body is over the limit; it is skipped as it arrives.
    #[error("Request is too big: length {bytes} exceeds maximum allowed length {max}.")]
    TooLarge {
        /// Bytes the body has.
        bytes: u32,
        /// Bytes accepted.
        max: u32,
        /// The envelope's version.
        version: Version,
        /// The envelope's stream.
        stream: i16,
    },
    /// The body cannot be expanded.
    #[error("cannot expand the body: {reason}")]
    Expand {
        /// What is wrong with it.
        reason: ExpandError,
        /// The envelope's version.
        version: Version,
        /// The envelope's stream.
        stream: i16,
    },
    /// The header of a v5 frame does not match its CRC-24.
    #[error("unrecoverable CRC mismatch detected in frame header")]
    HeaderChecksum,
    /// The payload of a v5 frame does not match its CRC-32.
    #[error("unrecoverable CRC mismatch detected in frame body")]
    PayloadChecksum,
    /// The payload of a v5 frame cannot be expanded.
    #[error("cannot expand a frame: {0}")]
    Payload(ExpandError),
    /// A v5 frame that says it is self-contained ends inside an envelope.
    #[error("a self-contained frame ends inside an envelope")]
    NotSelfContained,
    /// The v5 frames of one large envelope are interrupted or hold too much.
    #[error("the frames of a large envelope do not add up")]
    Reassembly,
}

impl FrameError {
    /// Whether the position in the stream is lost, so that the connection must close.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        !matches!(self, Self::Opcode { .. } | Self::TooLarge { .. } | Self::Expand { .. })
    }

    /// The stream to answer on, where it is known.
    #[must_use]
    pub const fn stream(&self) -> Option<i16> {
        match self {
            Self::UnsupportedVersion { stream, .. }
            | Self::Direction { stream, .. }
            | Self::Opcode { stream, .. }
            | Self::NegativeLength { stream, .. }
            | Self::TooLarge { stream, .. }
            | Self::Expand { stream, .. } => Some(*stream),
            _ => None,
        }
    }

    /// The version to answer in: the envelope's, or the newest spoken where that is unknown.
    /// Only v5 has frames, so their errors are answered in v5.
    #[must_use]
    pub const fn reply_version(&self) -> Version {
        match self {
            Self::UnsupportedVersion { newest, .. } => *newest,
            Self::Direction { version, .. }
            | Self::Opcode { version, .. }
            | Self::NegativeLength { version, .. }
            | Self::TooLarge { version, .. }
            | Self::Expand { version, .. } => *version,
            _ => Version::V5,
        }
    }

    /// The ERROR to answer with.
    #[must_use]
    pub fn to_error_body(&self) -> ErrorBody {
        match self {
            Self::TooLarge { .. } => ErrorBody::Invalid(self.to_string()),
            _ => ErrorBody::ProtocolError(self.to_string()),
        }
    }
}
