//! A response and what stands before it: `[tracing id][warnings][custom payload]message`. The
//! flags follow from what is there, and only those the version has are set: v3 knows neither
//! warnings nor payloads, so they are left out.

use bytes::Bytes;
use uuid::Uuid;

use super::Response;
use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;
use crate::{Extensions, Flags, Frame, Version};

/// A response and what stands before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The message.
    pub response: Response,
    /// Under which id the request was traced.
    pub tracing_id: Option<Uuid>,
    /// What the client should know.
    pub warnings: Vec<String>,
    /// Custom payload.
    pub payload: Vec<(String, Bytes)>,
}

/// The name that goes with [`RequestEnvelope`](crate::RequestEnvelope).
pub type ResponseEnvelope = Envelope;

impl Envelope {
    /// A response with nothing before it.
    #[must_use]
    pub const fn new(response: Response) -> Self {
        Self { response, tracing_id: None, warnings: Vec::new(), payload: Vec::new() }
    }

    /// Reads a received frame.
    ///
    /// # Errors
    /// The body is not what the header says.
    pub fn decode(frame: Frame) -> Result<Self, DecodeError> {
        Self::decode_with(frame, Extensions::default())
    }

    /// Reads a frame received on a connection with extensions.
    ///
    /// # Errors
    /// The body is not what the header says.
    pub fn decode_with(frame: Frame, extensions: Extensions) -> Result<Self, DecodeError> {
        let Frame { header, body } = frame;
        let mut reader = Reader::with(body, extensions);
        let mut tracing_id = None;
        if header.flags.contains(Flags::TRACING) {
            tracing_id = Some(reader.uuid()?);
        }
        let mut warnings = Vec::new();
        if header.flags.contains(Flags::WARNING) {
            warnings = reader.string_list()?;
        }
        let mut payload = Vec::new();
        if header.flags.contains(Flags::CUSTOM_PAYLOAD) {
            payload = reader.bytes_map()?;
        }
        let response = Response::read(header.version, header.opcode, reader)?;
        Ok(Self { response, tracing_id, warnings, payload })
    }

    /// The header flags this needs in a version.
    #[must_use]
    pub fn flags(&self, version: Version) -> Flags {
        let mut flags = Flags::default();
        if self.tracing_id.is_some() {
            flags = flags.with(Flags::TRACING);
        }
        if version >= Version::V4 && !self.warnings.is_empty() {
            flags = flags.with(Flags::WARNING);
        }
        if version >= Version::V4 && !self.payload.is_empty() {
            flags = flags.with(Flags::CUSTOM_PAYLOAD);
        }
        flags
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        let flags = self.flags(writer.version());
        if let Some(tracing_id) = self.tracing_id {
            writer.raw(tracing_id.as_bytes());
        }
        if flags.contains(Flags::WARNING) {
            writer.messages(&self.warnings);
        }
        if flags.contains(Flags::CUSTOM_PAYLOAD) {
            writer.bytes_map(&self.payload);
        }
        self.response.write(writer);
    }
}

impl From<Response> for Envelope {
    fn from(response: Response) -> Self {
        Self::new(response)
    }
}
