//! Received bytes to envelopes, without waiting and without input or output of its own. Any
//! division of the stream into pushes gives the same envelopes.

use std::marker::PhantomData;

use bytes::{Buf, Bytes, BytesMut};

use super::segment::{self, Shape};
use super::{Frame, FrameError};
use crate::compression::ExpandError;
use crate::limits::{FrameLimits, HEADER_BYTES};
use crate::{Compression, Direction, Flags, Header, Opcode, Version};

/// An end of a connection.
pub trait Side {
    /// What it receives.
    const RECEIVES: Direction;
}

/// The end that answers.
#[derive(Debug)]
pub enum ServerSide {}

/// The end that asks.
#[derive(Debug)]
pub enum ClientSide {}

impl Side for ServerSide {
    const RECEIVES: Direction = Direction::Request;
}

impl Side for ClientSide {
    const RECEIVES: Direction = Direction::Response;
}

/// Decodes what a server receives.
pub type ServerDecoder = Decoder<ServerSide>;
/// Decodes what a client receives.
pub type ClientDecoder = Decoder<ClientSide>;

/// Received bytes on their way to envelopes. Starts unframed and uncompressed.
#[derive(Debug)]
pub struct Decoder<S> {
    input: BytesMut,
    limits: FrameLimits,
    compression: Compression,
    framing: Framing,
    /// Body bytes of a refused envelope still to be dropped.
    skip_bytes: usize,
    /// A fatal error has been reported; whatever arrives now has no meaning.
    lost: bool,
    side: PhantomData<S>,
}

#[derive(Debug)]
enum Framing {
    /// Envelopes follow each other.
    Legacy,
    /// Envelopes are inside frames.
    Segments {
        shape: Shape,
        /// What is left of the last self-contained payload.
        ready: Bytes,
        /// Beginning of an envelope that spans frames.
        large: BytesMut,
    },
}

/// What the first bytes of an envelope say.
enum Head {
    Incomplete,
    Header(Header),
    /// Refused, but the end of its body is known.
    Refused {
        error: FrameError,
        length: u32,
    },
}

impl<S: Side> Decoder<S> {
    /// A decoder for a new connection.
    #[must_use]
    pub fn new(limits: FrameLimits) -> Self {
        Self {
            input: BytesMut::new(),
            limits,
            compression: Compression::None,
            framing: Framing::Legacy,
            skip_bytes: 0,
            lost: false,
            side: PhantomData,
        }
    }

    /// Bodies may be compressed from here on; for v3 and v4, after STARTUP.
    pub fn set_compression(&mut self, compression: Compression) {
        self.compression = compression;
    }

    /// Everything after the bytes already decoded is v5 frames, with LZ4 if that was agreed upon
    /// and plain otherwise. Frames that have already been pushed are kept.
    pub fn switch_to_v5_framing(&mut self, compression: Compression) {
        let shape = if compression == Compression::Lz4 { Shape::Lz4 } else { Shape::Plain };
        self.framing = Framing::Segments { shape, ready: Bytes::new(), large: BytesMut::new() };
    }

    /// Takes received bytes, copying them.
    pub fn push(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// Takes received bytes; without a copy when nothing was left over.
    pub fn push_buffer(&mut self, bytes: BytesMut) {
        if self.input.is_empty() {
            self.input = bytes;
        } else {
            self.input.unsplit(bytes);
        }
    }

    /// The buffer to read into directly: append only.
    pub fn buffer_mut(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// The next envelope; `None` until more bytes come, and after a fatal error for ever.
    ///
    /// # Errors
    /// A breach of the framing. If it is not fatal, the call after it continues behind it.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        if self.lost {
            self.input.clear();
            return Ok(None);
        }
        let next = match self.framing {
            Framing::Legacy => self.next_legacy(),
            Framing::Segments { .. } => self.next_segmented(),
        };
        self.lost = next.as_ref().is_err_and(FrameError::is_fatal);
        next
    }

    fn next_legacy(&mut self) -> Result<Option<Frame>, FrameError> {
        let skipped = self.skip_bytes.min(self.input.len());
        self.input.advance(skipped);
        self.skip_bytes -= skipped;
        let header = match head::<S>(&self.input, self.limits)? {
            Head::Incomplete => return Ok(None),
            Head::Refused { error, length } => {
                self.input.advance(HEADER_BYTES);
                self.skip_bytes = size(length);
                return Err(error);
            }
            Head::Header(header) => header,
        };
        let length = size(header.length);
        if self.input.len() < HEADER_BYTES + length {
            return Ok(None);
        }
        self.input.advance(HEADER_BYTES);
        let body = self.input.split_to(length).freeze();
        if !header.flags.contains(Flags::COMPRESSION) {
            return Ok(Some(Frame { header, body }));
        }
        let expanded = self.compression.expand(&body, size(self.limits.max_frame_bytes));
        let Header { version, stream, .. } = header;
        match expanded {
            Ok(body) => Ok(Some(Frame { header, body })),
            Err(ExpandError::TooLarge { bytes, .. }) => Err(FrameError::TooLarge {
                bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
                max: self.limits.max_frame_bytes,
                version,
                stream,
            }),
            Err(reason) => Err(FrameError::Expand { reason, version, stream }),
        }
    }

    fn next_segmented(&mut self) -> Result<Option<Frame>, FrameError> {
        let Framing::Segments { shape, ready, large } = &mut self.framing else {
            return Ok(None);
        };
        loop {
            if !ready.is_empty() {
                return from_ready::<S>(ready, self.limits).map(Some);
            }
            let Some(segment) = segment::take(&mut self.input, *shape)? else { return Ok(None) };
            if segment.self_contained {
                if !large.is_empty() || self.skip_bytes > 0 {
                    return Err(FrameError::Reassembly);
                }
                *ready = segment.payload;
                continue;
            }
            if self.skip_bytes > 0 {
                let left = self.skip_bytes.checked_sub(segment.payload.len());
                self.skip_bytes = left.ok_or(FrameError::Reassembly)?;
                continue;
            }
            large.extend_from_slice(&segment.payload);
            let header = match head::<S>(large, self.limits)? {
                Head::Incomplete => continue,
                Head::Refused { error, length } => {
                    let left = (HEADER_BYTES + size(length)).checked_sub(large.len());
                    self.skip_bytes = left.ok_or(FrameError::Reassembly)?;
                    large.clear();
                    return Err(error);
                }
                Head::Header(header) => header,
            };
            match large.len().cmp(&(HEADER_BYTES + size(header.length))) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Greater => return Err(FrameError::Reassembly),
                std::cmp::Ordering::Equal => {
                    let mut body = std::mem::take(large).freeze();
                    body.advance(HEADER_BYTES);
                    return Ok(Some(Frame { header, body }));
                }
            }
        }
    }
}

/// The next of the envelopes in a self-contained payload.
fn from_ready<S: Side>(ready: &mut Bytes, limits: FrameLimits) -> Result<Frame, FrameError> {
    let header = match head::<S>(ready, limits)? {
        Head::Incomplete => return Err(FrameError::NotSelfContained),
        Head::Refused { error, length } => {
            let end = HEADER_BYTES.saturating_add(size(length));
            if end > ready.len() {
                return Err(FrameError::NotSelfContained);
            }
            ready.advance(end);
            return Err(error);
        }
        Head::Header(header) => header,
    };
    let length = size(header.length);
    if ready.len() < HEADER_BYTES + length {
        return Err(FrameError::NotSelfContained);
    }
    ready.advance(HEADER_BYTES);
    Ok(Frame { header, body: ready.split_to(length) })
}

/// Reads the header. The version is judged before the rest has to be there, because versions 1 and
/// 2 have a shorter header.
fn head<S: Side>(bytes: &[u8], limits: FrameLimits) -> Result<Head, FrameError> {
    let Some(first) = bytes.first() else { return Ok(Head::Incomplete) };
    let number = first & !Direction::BIT;
    let version = Version::from_u8(number).filter(|version| *version <= limits.max_version);
    let Some(version) = version else {
        let stream = match bytes {
            [_, _, stream, ..] if number < 3 => i16::from(stream.cast_signed()),
            [_, _, high, low, ..] => i16::from_be_bytes([*high, *low]),
            _ => return Ok(Head::Incomplete),
        };
        let newest = limits.max_version;
        return Err(FrameError::UnsupportedVersion { version: number, newest, stream });
    };
    let Some([_, flags, high, low, opcode, length @ ..]) = bytes.first_chunk::<HEADER_BYTES>()
    else {
        return Ok(Head::Incomplete);
    };
    let stream = i16::from_be_bytes([*high, *low]);
    let length = u32::from_be_bytes(*length);
    let direction =
        if first & Direction::BIT == 0 { Direction::Request } else { Direction::Response };
    if direction != S::RECEIVES {
        return Err(FrameError::Direction { version, stream });
    }
    if i32::try_from(length).is_err() {
        return Err(FrameError::NegativeLength { version, stream });
    }
    let Some(opcode) = Opcode::from_u8(*opcode) else {
        let error = FrameError::Opcode { opcode: *opcode, version, stream };
        return Ok(Head::Refused { error, length });
    };
    let max = limits.max_frame_bytes;
    if length > max {
        let error = FrameError::TooLarge { bytes: length, max, version, stream };
        return Ok(Head::Refused { error, length });
    }
    Ok(Head::Header(Header { version, direction, flags: Flags(*flags), stream, opcode, length }))
}

fn size(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
