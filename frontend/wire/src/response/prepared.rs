//! RESULT of a PREPARE: `<id short bytes>`, then `<result metadata id short bytes>` from v5 or with
//! the extension, then the markers and the columns of the result.

use std::sync::Arc;

use bytes::Bytes;

use super::metadata::{self, ColumnSpec, ResultMetadata};
use crate::Version;
use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;

/// A statement has been prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedResult {
    /// What to execute it by.
    pub id: Bytes,
    /// Changes when the columns of the result do; from v5 or with the extension, zeros are sent
    /// where there is none.
    pub result_metadata_id: Option<[u8; 16]>,
    /// The markers in order.
    pub variables: Arc<[ColumnSpec]>,
    /// For each column of the partition key, which marker it is; empty unless all of them are
    /// markers. From v4.
    pub pk_indexes: Vec<u16>,
    /// The mark of `SCYLLA_LWT_ADD_METADATA_MARK`: the statement is conditional. Only for clients
    /// that asked for it.
    pub conditional: bool,
    /// The columns of the result; none unless it is a SELECT.
    pub result: ResultMetadata,
}

impl PreparedResult {
    /// The bit of the flags that marks conditional statements, as `SCYLLA_LWT_ADD_METADATA_MARK`
    /// tells it to clients.
    pub const CONDITIONAL_MASK: u32 = metadata::CONDITIONAL;

    pub(super) fn read(reader: &mut Reader, version: Version) -> Result<Self, DecodeError> {
        let id = reader.short_bytes()?;
        let mut result_metadata_id = None;
        if reader.has_metadata_ids(version) {
            result_metadata_id = Some(reader.metadata_id()?);
        }
        let (variables, pk_indexes, conditional) = metadata::read_markers(reader, version)?;
        let (result, _) = ResultMetadata::read(reader, version)?;
        Ok(Self { id, result_metadata_id, variables, pk_indexes, conditional, result })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.short_bytes(&self.id);
        if writer.has_metadata_ids() {
            writer.short_bytes(&self.result_metadata_id.unwrap_or_default());
        }
        metadata::write_markers(&self.variables, &self.pk_indexes, self.conditional, writer);
        if self.result.columns.is_empty() {
            // Cassandra says "no metadata" here rather than "no columns"; drivers rely on it.
            let none = ResultMetadata { no_metadata: true, ..self.result.clone() };
            none.write(0, writer);
        } else {
            self.result.write(self.result.columns.len(), writer);
        }
    }
}
