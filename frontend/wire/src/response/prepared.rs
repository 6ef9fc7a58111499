//! RESULT of a PREPARE: `<id short bytes>`, from v5 `<result metadata id short bytes>`, then the
//! markers and the columns of the result.

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
    /// Changes when the columns of the result do; from v5, zeros are sent where there is none.
    pub result_metadata_id: Option<[u8; 16]>,
    /// The markers in order.
    pub variables: Arc<[ColumnSpec]>,
    /// For each column of the partition key, which marker it is; empty unless all of them are
    /// markers. From v4.
    pub pk_indexes: Vec<u16>,
    /// The columns of the result; none unless it is a SELECT.
    pub result: ResultMetadata,
}

impl PreparedResult {
    pub(super) fn read(reader: &mut Reader, version: Version) -> Result<Self, DecodeError> {
        let id = reader.short_bytes()?;
        let mut result_metadata_id = None;
        if version >= Version::V5 {
            result_metadata_id = Some(reader.metadata_id()?);
        }
        let (variables, pk_indexes) = metadata::read_markers(reader, version)?;
        let (result, _) = ResultMetadata::read(reader, version)?;
        Ok(Self { id, result_metadata_id, variables, pk_indexes, result })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.short_bytes(&self.id);
        if writer.version() >= Version::V5 {
            writer.short_bytes(&self.result_metadata_id.unwrap_or_default());
        }
        metadata::write_markers(&self.variables, &self.pk_indexes, writer);
        if self.result.columns.is_empty() {
            // Cassandra says "no metadata" here rather than "no columns"; drivers rely on it.
            let none = ResultMetadata { no_metadata: true, ..self.result.clone() };
            none.write(0, writer);
        } else {
            self.result.write(self.result.columns.len(), writer);
        }
    }
}
