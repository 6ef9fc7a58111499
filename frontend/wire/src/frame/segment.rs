//! One v5 frame, byte-exact. All numbers little-endian:
//!
//! uncompressed: `payload length u17 | self-contained u1 | 0 u6 | crc24 u24`, payload, `crc32 u32`
//! compressed: `compressed length u17 | uncompressed length u17 | self-contained u1 | 0 u5 |
//! crc24 u24`, LZ4 block, `crc32 u32`; uncompressed length 0 means the payload is not compressed.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::FrameError;
use super::checksum::{crc24, crc32};
use crate::compression::{compress_lz4_block, expand_lz4_block};
use crate::limits::SEGMENT_PAYLOAD_BYTES_MAX;

const LENGTH_BITS: u32 = 17;
const LENGTH_MASK: u64 = (1 << LENGTH_BITS) - 1;
const CHECKSUM_BYTES: usize = 3;
const TRAILER_BYTES: usize = 4;

/// Whether frames carry LZ4 blocks; decides the shape of their headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Plain,
    Lz4,
}

/// A frame that has been checked.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) payload: Bytes,
    pub(super) self_contained: bool,
}

impl Shape {
    const fn field_bytes(self) -> usize {
        match self {
            Self::Plain => 3,
            Self::Lz4 => 5,
        }
    }
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn length(fields: u64) -> usize {
    usize::try_from(fields & LENGTH_MASK).unwrap_or(0)
}

/// The next frame, once it is complete.
pub(super) fn take(input: &mut BytesMut, shape: Shape) -> Result<Option<Segment>, FrameError> {
    let Some((fields, rest)) = input.split_at_checked(shape.field_bytes()) else {
        return Ok(None);
    };
    let Some((checksum, _)) = rest.split_at_checked(CHECKSUM_BYTES) else { return Ok(None) };
    if u64::from(crc24(fields)) != little_endian(checksum) {
        return Err(FrameError::HeaderChecksum);
    }
    let fields = little_endian(fields);
    let (payload_bytes, expanded_bytes, self_contained) = match shape {
        Shape::Plain => (length(fields), 0, fields >> LENGTH_BITS & 1 == 1),
        Shape::Lz4 => {
            let expanded = length(fields >> LENGTH_BITS);
            (length(fields), expanded, fields >> (2 * LENGTH_BITS) & 1 == 1)
        }
    };
    let header_bytes = shape.field_bytes() + CHECKSUM_BYTES;
    if input.len() < header_bytes + payload_bytes + TRAILER_BYTES {
        return Ok(None);
    }
    input.advance(header_bytes);
    let payload = input.split_to(payload_bytes).freeze();
    if crc32(&payload) != input.get_u32_le() {
        return Err(FrameError::PayloadChecksum);
    }
    let payload = if expanded_bytes == 0 {
        payload
    } else {
        expand_lz4_block(&payload, expanded_bytes, SEGMENT_PAYLOAD_BYTES_MAX)
            .map_err(FrameError::Payload)?
    };
    Ok(Some(Segment { payload, self_contained }))
}

/// Appends one frame. The payload holds at most [`SEGMENT_PAYLOAD_BYTES_MAX`] bytes.
pub(super) fn put(
    payload: &[u8],
    self_contained: bool,
    shape: Shape,
    scratch: &mut BytesMut,
    out: &mut BytesMut,
) {
    debug_assert!(payload.len() <= SEGMENT_PAYLOAD_BYTES_MAX, "callers split larger payloads");
    scratch.clear();
    let compressed = shape == Shape::Lz4
        && compress_lz4_block(payload, scratch)
        && scratch.len() < payload.len();
    let body: &[u8] = if compressed { scratch } else { payload };
    let flag = u64::from(self_contained);
    let body_length = u64::try_from(body.len()).unwrap_or(0);
    let fields = match shape {
        Shape::Plain => body_length | flag << LENGTH_BITS,
        Shape::Lz4 => {
            let expanded = if compressed { u64::try_from(payload.len()).unwrap_or(0) } else { 0 };
            body_length | expanded << LENGTH_BITS | flag << (2 * LENGTH_BITS)
        }
    };
    let fields = fields.to_le_bytes();
    let fields = fields.get(..shape.field_bytes()).unwrap_or_default();
    out.reserve(fields.len() + CHECKSUM_BYTES + body.len() + TRAILER_BYTES);
    out.put_slice(fields);
    out.put_uint_le(u64::from(crc24(fields)), CHECKSUM_BYTES);
    out.put_slice(body);
    out.put_u32_le(crc32(body));
}
