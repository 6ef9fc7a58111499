//! QUERY: `<query long string><params>`.

use super::QueryParams;
use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;
use crate::{Text, Version};

/// Run a statement given as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The statement.
    pub query: Text,
    /// How to run it.
    pub params: QueryParams,
}

impl Query {
    pub(super) fn read(reader: &mut Reader, version: Version) -> Result<Self, DecodeError> {
        Ok(Self { query: reader.long_text()?, params: QueryParams::read(reader, version)? })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.long_string(self.query.as_bytes());
        self.params.write(writer);
    }
}
