//! EXECUTE: `<id short bytes>`, from v5, or with the
//! extension, `<result metadata id short bytes>`, `<params>`.

use bytes::Bytes;

use super::QueryParams;
use crate::Version;
use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;

/// Run a prepared statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execute {
    /// The id PREPARE was answered with.
    pub id: Bytes,
    /// The id of the result metadata the client knows; from v5, or with the extension.
    pub result_metadata_id: Option<Bytes>,
    /// How to run it.
    pub params: QueryParams,
}

impl Execute {
    pub(super) fn read(reader: &mut Reader, version: Version) -> Result<Self, DecodeError> {
        let id = reader.short_bytes()?;
        let result_metadata_id =
            if reader.has_metadata_ids(version) { Some(reader.short_bytes()?) } else { None };
        Ok(Self { id, result_metadata_id, params: QueryParams::read(reader, version)? })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.short_bytes(&self.id);
        if writer.has_metadata_ids() {
            writer.short_bytes(self.result_metadata_id.as_deref().unwrap_or_default());
        }
        self.params.write(writer);
    }
}
