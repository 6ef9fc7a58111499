//! PREPARE: `<query long string>`, from v5 `<flags int>[<keyspace string>]`.

use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;
use crate::{Text, Version};

const KEYSPACE: u32 = 0x01;

/// Prepare a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepare {
    /// The statement.
    pub query: Text,
    /// The keyspace of names without one, instead of the connection's; from v5.
    pub keyspace: Option<String>,
}

impl Prepare {
    pub(super) fn read(reader: &mut Reader, version: Version) -> Result<Self, DecodeError> {
        let query = reader.long_text()?;
        let flags = if version >= Version::V5 { reader.u32()? } else { 0 };
        if flags & !KEYSPACE != 0 {
            return Err(DecodeError::Unknown { what: "prepare flag", value: i64::from(flags) });
        }
        let keyspace = if flags & KEYSPACE == 0 { None } else { Some(reader.string()?) };
        Ok(Self { query, keyspace })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.long_string(self.query.as_bytes());
        if writer.version() < Version::V5 {
            return;
        }
        writer.u32(if self.keyspace.is_some() { KEYSPACE } else { 0 });
        if let Some(keyspace) = &self.keyspace {
            writer.string(keyspace);
        }
    }
}
