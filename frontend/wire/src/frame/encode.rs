//! Envelopes to bytes. Unframed, each goes out at once; in v5 framing they gather until a frame is
//! full or [`ServerEncoder::flush`] is called. A message that cannot be encoded leaves no trace.

use bytes::{BufMut, BytesMut};

use super::segment::{self, Shape};
use crate::encode::{EncodeError, Writer};
use crate::limits::{
    COMPRESS_FROM_BYTES, HEADER_BYTES, RETAINED_BUFFER_BYTES_MAX, SEGMENT_PAYLOAD_BYTES_MAX,
};
use crate::{
    Compression, Direction, Envelope, Extensions, Flags, Header, Opcode, RequestEnvelope, Response,
    Version,
};

/// Encodes what a server sends. Starts unframed and uncompressed.
#[derive(Debug, Default)]
pub struct ServerEncoder {
    out: FrameWriter,
}

/// Encodes what a client sends. Starts unframed and uncompressed.
#[derive(Debug, Default)]
pub struct ClientEncoder {
    out: FrameWriter,
}

macro_rules! switches {
    ($encoder:ty) => {
        impl $encoder {
            /// An encoder for a new connection.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            /// Compress bodies from here on, v3 and v4 only.
            pub fn set_compression(&mut self, compression: Compression) {
                self.out.compression = compression;
            }

            /// Everything after this goes out in v5 frames, with LZ4 if that was agreed upon and
            /// plain otherwise.
            pub fn switch_to_v5_framing(&mut self, compression: Compression) {
                let lz4 = compression == Compression::Lz4;
                self.out.shape = Some(if lz4 { Shape::Lz4 } else { Shape::Plain });
            }

            /// Messages have these extensions from here on.
            pub fn set_extensions(&mut self, extensions: Extensions) {
                self.out.extensions = extensions;
            }

            /// Writes what has gathered in v5 framing; otherwise nothing is ever left.
            pub fn flush(&mut self, out: &mut BytesMut) {
                self.out.flush(out);
            }
        }
    };
}

switches!(ServerEncoder);
switches!(ClientEncoder);

impl ServerEncoder {
    /// Appends a response with its tracing id, warnings and payload.
    ///
    /// # Errors
    /// Something does not fit its notation; nothing has been written then.
    pub fn encode(
        &mut self,
        version: Version,
        stream: i16,
        envelope: &Envelope,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let header = Outgoing {
            version,
            direction: Direction::Response,
            flags: envelope.flags(version),
            stream,
            opcode: envelope.response.opcode(),
            extensions: self.out.extensions,
        };
        self.out.write(header, out, |writer| envelope.write(writer))
    }

    /// Appends a response that has nothing before it.
    ///
    /// # Errors
    /// Something does not fit its notation; nothing has been written then.
    pub fn encode_response(
        &mut self,
        version: Version,
        stream: i16,
        response: &Response,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let header = Outgoing {
            version,
            direction: Direction::Response,
            flags: Flags::default(),
            stream,
            opcode: response.opcode(),
            extensions: self.out.extensions,
        };
        self.out.write(header, out, |writer| response.write(writer))
    }
}

impl ClientEncoder {
    /// Appends a request.
    ///
    /// # Errors
    /// Something does not fit its notation; nothing has been written then.
    pub fn encode(
        &mut self,
        version: Version,
        stream: i16,
        envelope: &RequestEnvelope,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let header = Outgoing {
            version,
            direction: Direction::Request,
            flags: envelope.flags(version),
            stream,
            opcode: envelope.request.opcode(),
            extensions: self.out.extensions,
        };
        self.out.write(header, out, |writer| envelope.write(writer))
    }
}

/// A header whose length is not known yet.
#[derive(Clone, Copy, Debug)]
struct Outgoing {
    version: Version,
    direction: Direction,
    flags: Flags,
    stream: i16,
    opcode: Opcode,
    extensions: Extensions,
}

/// The part that both ends share.
#[derive(Debug, Default)]
struct FrameWriter {
    compression: Compression,
    extensions: Extensions,
    /// Set once v5 framing has begun.
    shape: Option<Shape>,
    /// Envelopes waiting for a frame; always fewer bytes than one frame holds.
    pending: BytesMut,
    /// Compressed bytes on their way out.
    scratch: BytesMut,
}

impl FrameWriter {
    fn write(
        &mut self,
        header: Outgoing,
        out: &mut BytesMut,
        body: impl FnOnce(&mut Writer<'_>),
    ) -> Result<(), EncodeError> {
        if let Some(shape) = self.shape {
            let start = self.pending.len();
            put_envelope(header, &mut self.pending, body)?;
            self.spill(start, shape, out);
            return Ok(());
        }
        let start = out.len();
        put_envelope(header, out, body)?;
        if self.compression != Compression::None && header.version < Version::V5 {
            self.compress(header, start, out)?;
        }
        Ok(())
    }

    /// Replaces the body of the envelope at `start` by its compressed form, if that is shorter.
    fn compress(
        &mut self,
        header: Outgoing,
        start: usize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let body = out.get(start + HEADER_BYTES..).unwrap_or_default();
        if body.len() < COMPRESS_FROM_BYTES {
            return Ok(());
        }
        self.scratch.clear();
        if !self.compression.compress(body, &mut self.scratch) {
            out.truncate(start);
            return Err(EncodeError::Compress);
        }
        if self.scratch.len() < body.len() {
            out.truncate(start + HEADER_BYTES);
            out.extend_from_slice(&self.scratch);
            let flags = header.flags.with(Flags::COMPRESSION);
            put_header(Outgoing { flags, ..header }, start, out)?;
        }
        shrink(&mut self.scratch);
        Ok(())
    }

    /// Writes full frames once the envelope at `start` has made the pending bytes too many.
    fn spill(&mut self, start: usize, shape: Shape, out: &mut BytesMut) {
        if self.pending.len() <= SEGMENT_PAYLOAD_BYTES_MAX {
            return;
        }
        let last = self.pending.split_off(start);
        self.flush(out);
        if last.len() <= SEGMENT_PAYLOAD_BYTES_MAX {
            self.pending = last;
            return;
        }
        for part in last.chunks(SEGMENT_PAYLOAD_BYTES_MAX) {
            segment::put(part, false, shape, &mut self.scratch, out);
        }
    }

    fn flush(&mut self, out: &mut BytesMut) {
        let Some(shape) = self.shape else { return };
        if !self.pending.is_empty() {
            segment::put(&self.pending, true, shape, &mut self.scratch, out);
            self.pending.clear();
        }
        shrink(&mut self.pending);
    }
}

/// Gives a buffer's memory back if one large message has made it grow.
fn shrink(buffer: &mut BytesMut) {
    if buffer.capacity() > RETAINED_BUFFER_BYTES_MAX {
        *buffer = BytesMut::new();
    }
}

/// Appends header and body, or nothing.
fn put_envelope(
    header: Outgoing,
    out: &mut BytesMut,
    body: impl FnOnce(&mut Writer<'_>),
) -> Result<(), EncodeError> {
    let start = out.len();
    out.put_bytes(0, HEADER_BYTES);
    let mut writer = Writer::new(out, header.version, header.extensions);
    body(&mut writer);
    let written = writer.finish().and_then(|()| put_header(header, start, out));
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// Fills in the header of the envelope that begins at `start` and ends with the buffer.
fn put_header(header: Outgoing, start: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
    let length = out.len().saturating_sub(start + HEADER_BYTES);
    let wire = i32::try_from(length).ok().and_then(|length| u32::try_from(length).ok());
    let length = wire.ok_or(EncodeError::TooLong { what: "body", length })?;
    let Outgoing { version, direction, flags, stream, opcode, .. } = header;
    let header = Header { version, direction, flags, stream, opcode, length };
    if let Some(place) = out.get_mut(start..start + HEADER_BYTES) {
        place.copy_from_slice(&header.to_bytes());
    }
    Ok(())
}
