//! Compression of one body. In v3 and v4 an LZ4 body starts with its uncompressed length as
//! `u32`, big-endian; in v5 that length stands in the frame header. Snappy is raw. No announced
//! length is believed before it is checked against the limit and the largest possible ratio.

use bytes::{BufMut, Bytes, BytesMut};

use crate::limits::LZ4_RATIO_MAX;

/// What client and server agreed on in STARTUP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Bodies go as they are.
    #[default]
    None,
    /// LZ4 block format.
    Lz4,
    /// Snappy raw format; not in v5.
    Snappy,
}

/// Why a body could not be expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// No compression was agreed upon.
    #[error("the body is compressed but no compression was agreed upon")]
    NotAgreed,
    /// It is not in the agreed format.
    #[error("the body is not in the agreed compression format")]
    Malformed,
    /// It would expand beyond the limit.
    #[error("the body would expand to {bytes} bytes, at most {max} are accepted")]
    TooLarge {
        /// Bytes it would have.
        bytes: usize,
        /// Bytes accepted.
        max: usize,
    },
}

impl Compression {
    /// The algorithm STARTUP and SUPPORTED name so, in any case of letters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Lz4, Self::Snappy].into_iter().find(|known| name.eq_ignore_ascii_case(known.name()))
    }

    /// The name in STARTUP and SUPPORTED; empty for none.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Lz4 => "lz4",
            Self::Snappy => "snappy",
        }
    }

    /// Appends the compressed body; false when there is nothing to compress with.
    pub(crate) fn compress(self, body: &[u8], out: &mut BytesMut) -> bool {
        match self {
            Self::None => false,
            Self::Lz4 => {
                let Ok(length) = u32::try_from(body.len()) else { return false };
                out.put_u32(length);
                compress_lz4_block(body, out)
            }
            Self::Snappy => {
                let start = out.len();
                out.resize(start + snap::raw::max_compress_len(body.len()), 0);
                let room = out.get_mut(start..).unwrap_or_default();
                let written = snap::raw::Encoder::new().compress(body, room);
                out.truncate(start + written.as_ref().copied().unwrap_or(0));
                written.is_ok()
            }
        }
    }

    pub(crate) fn expand(self, body: &[u8], max: usize) -> Result<Bytes, ExpandError> {
        match self {
            Self::None => Err(ExpandError::NotAgreed),
            Self::Lz4 => {
                let (length, block) = body.split_first_chunk().ok_or(ExpandError::Malformed)?;
                let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
                expand_lz4_block(block, length, max)
            }
            Self::Snappy => {
                let bytes = snap::raw::decompress_len(body).map_err(|_| ExpandError::Malformed)?;
                if bytes > max {
                    return Err(ExpandError::TooLarge { bytes, max });
                }
                // Snappy copies at most 64 bytes per three bytes of input.
                if bytes > body.len().saturating_mul(32) {
                    return Err(ExpandError::Malformed);
                }
                let expanded = snap::raw::Decoder::new().decompress_vec(body);
                expanded.map(Bytes::from).map_err(|_| ExpandError::Malformed)
            }
        }
    }
}

/// Appends an LZ4 block without a length before it.
pub(crate) fn compress_lz4_block(body: &[u8], out: &mut BytesMut) -> bool {
    let start = out.len();
    out.resize(start + lz4_flex::block::get_maximum_output_size(body.len()), 0);
    let room = out.get_mut(start..).unwrap_or_default();
    let written = lz4_flex::block::compress_into(body, room);
    out.truncate(start + written.as_ref().copied().unwrap_or(0));
    written.is_ok()
}

/// Expands an LZ4 block that must have exactly `length` bytes inside.
pub(crate) fn expand_lz4_block(
    block: &[u8],
    length: usize,
    max: usize,
) -> Result<Bytes, ExpandError> {
    if length > max {
        return Err(ExpandError::TooLarge { bytes: length, max });
    }
    if length == 0 {
        return Ok(Bytes::new());
    }
    if length > block.len().saturating_mul(LZ4_RATIO_MAX) {
        return Err(ExpandError::Malformed);
    }
    let mut expanded = vec![0; length];
    match lz4_flex::block::decompress_into(block, &mut expanded) {
        Ok(written) if written == length => Ok(Bytes::from(expanded)),
        _ => Err(ExpandError::Malformed),
    }
}
