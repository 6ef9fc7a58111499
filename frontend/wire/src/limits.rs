//! Every bound of the codec, with its unit and its reason.

/// Bytes of an envelope header: version, flags, stream, opcode, length.
pub const HEADER_BYTES: usize = 9;

/// Bytes of a request body unless configured otherwise; the protocol names this bound itself.
pub const MAX_FRAME_BYTES_DEFAULT: u32 = 256 << 20;

/// Payload bytes of one v5 frame: its header has 17 bits for them.
pub const SEGMENT_PAYLOAD_BYTES_MAX: usize = 131_071;

/// Body bytes below which compression costs more than it saves on any network.
pub const COMPRESS_FROM_BYTES: usize = 256;

/// Bytes one LZ4 byte can stand for at most; a larger announced size is a lie.
pub const LZ4_RATIO_MAX: usize = 255;

/// How deep collections, tuples and user types may nest in a type description from the wire.
pub const TYPE_NESTING_MAX: usize = 64;

/// Bytes of encode buffer kept for reuse after a large response has gone out.
pub const RETAINED_BUFFER_BYTES_MAX: usize = 1 << 20;

/// Bytes a `[string]` holds, its length being a `[short]`.
pub const STRING_BYTES_MAX: usize = 65_535;

/// What a decoder accepts from the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimits {
    /// Largest body in bytes, compressed or not.
    pub max_frame_bytes: u32,
    /// Newest protocol version spoken; lower it to keep clients away from v5 framing.
    pub max_version: crate::Version,
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self { max_frame_bytes: MAX_FRAME_BYTES_DEFAULT, max_version: crate::Version::V5 }
    }
}
