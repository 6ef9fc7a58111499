//! One frame of a push stream, byte-exact:
//! `length u32 | crc32 u32 | kind u8 | payload[length]`, big-endian.
//! The CRC-32 covers length, kind and payload. Kinds are never reused.

use bytes::{Buf, BufMut, Bytes, BytesMut};

const HEADER_BYTES: usize = 9;

/// What a frame means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing to say, still alive; no payload.
    Heartbeat,
    /// A message, CBOR.
    Message,
    /// The handler ended the stream; no payload.
    End,
    /// The handler ended the stream with its error, CBOR.
    Error,
    /// The server is shutting down; no payload.
    GoingAway,
}

impl Kind {
    const BYTES: [(Self, u8); 5] = [
        (Self::Heartbeat, 1),
        (Self::Message, 2),
        (Self::End, 3),
        (Self::Error, 4),
        (Self::GoingAway, 5),
    ];

    fn to_byte(self) -> u8 {
        Self::BYTES.iter().find(|(kind, _)| *kind == self).map_or(0, |(_, byte)| *byte)
    }

    fn of_byte(byte: u8) -> Option<Self> {
        Self::BYTES.iter().find(|(_, known)| *known == byte).map(|(kind, _)| *kind)
    }
}

/// Why bytes are not a frame.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("frame of {0} bytes is too large")]
    TooLarge(usize),
    #[error("frame does not match its checksum")]
    Checksum,
    #[error("unknown frame kind {0}")]
    Kind(u8),
}

fn checksum(length: u32, kind: u8, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length.to_be_bytes());
    hasher.update(&[kind]);
    hasher.update(payload);
    hasher.finalize()
}

/// Encodes a frame; none if the payload is longer than a frame can say.
pub(crate) fn encode(kind: Kind, payload: &[u8]) -> Option<Bytes> {
    let length = u32::try_from(payload.len()).ok()?;
    let kind = kind.to_byte();
    let mut out = BytesMut::with_capacity(HEADER_BYTES.saturating_add(payload.len()));
    out.put_u32(length);
    out.put_u32(checksum(length, kind, payload));
    out.put_u8(kind);
    out.put_slice(payload);
    Some(out.freeze())
}

/// Takes the next whole frame from the front of `buffer`; none if more bytes are needed.
pub(crate) fn take(
    buffer: &mut BytesMut,
    bytes_max: usize,
) -> Result<Option<(Kind, Bytes)>, FrameError> {
    let Some(mut header) = buffer.get(..HEADER_BYTES) else { return Ok(None) };
    let length = header.get_u32();
    let crc = header.get_u32();
    let kind = header.get_u8();
    let bytes = usize::try_from(length).unwrap_or(usize::MAX);
    if bytes > bytes_max {
        return Err(FrameError::TooLarge(bytes));
    }
    if buffer.len() < HEADER_BYTES.saturating_add(bytes) {
        return Ok(None);
    }
    buffer.advance(HEADER_BYTES);
    let payload = buffer.split_to(bytes).freeze();
    if checksum(length, kind, &payload) != crc {
        return Err(FrameError::Checksum);
    }
    let kind = Kind::of_byte(kind).ok_or(FrameError::Kind(kind))?;
    Ok(Some((kind, payload)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn frames_survive_any_split(payload: Vec<u8>, cut in 0_usize..64) {
            let frame = encode(Kind::Message, &payload).unwrap();
            let cut = cut.min(frame.len() - 1);
            let mut buffer = BytesMut::from(&frame[..cut]);
            prop_assert_eq!(take(&mut buffer, 1 << 20), Ok(None));
            buffer.extend_from_slice(&frame[cut..]);
            let taken = take(&mut buffer, 1 << 20).unwrap().unwrap();
            prop_assert_eq!(taken, (Kind::Message, Bytes::from(payload)));
            prop_assert!(buffer.is_empty());
        }

        #[test]
        fn a_flipped_bit_never_gives_a_frame(payload: Vec<u8>, at: usize, bit in 0_u8..8) {
            let mut frame = BytesMut::from(&encode(Kind::Message, &payload).unwrap()[..]);
            let at = at % frame.len();
            frame[at] ^= 1 << bit;
            prop_assert!(!matches!(take(&mut frame, 1 << 20), Ok(Some(_))));
        }
    }
}
