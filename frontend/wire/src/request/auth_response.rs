//! AUTH_RESPONSE: `<token bytes>`.

use bytes::Bytes;

use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;

/// A round of authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthResponse {
    /// What the mechanism says; for PLAIN `\0user\0password`.
    pub token: Option<Bytes>,
}

impl AuthResponse {
    pub(super) fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self { token: reader.bytes()? })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.nullable_bytes(self.token.as_deref());
    }
}
