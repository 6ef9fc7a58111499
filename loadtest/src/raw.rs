//! Values as wire bytes, past the driver's type mapping: what is sent and compared is exact.

use cellar_workload::value::Value;
use scylla::{
    cluster::metadata::ColumnType,
    deserialize::{
        DeserializationError, TypeCheckError,
        row::{ColumnIterator, DeserializeRow},
    },
    frame::response::result::ColumnSpec,
    serialize::{
        SerializationError,
        value::SerializeValue,
        writers::{CellWriter, WrittenCellProof},
    },
};

/// One value as wire bytes, or null.
#[derive(Clone, Debug)]
pub struct Raw(pub Option<Vec<u8>>);

impl SerializeValue for Raw {
    fn serialize<'b>(
        &self,
        _: &ColumnType<'_>,
        writer: CellWriter<'b>,
    ) -> Result<WrittenCellProof<'b>, SerializationError> {
        match &self.0 {
            Some(bytes) => writer.set_value(bytes).map_err(SerializationError::new),
            None => Ok(writer.set_null()),
        }
    }
}

/// Values of a statement's markers.
#[must_use]
pub fn raw(values: &[Value]) -> Vec<Raw> {
    values.iter().map(|value| Raw(value.wire())).collect()
}

/// A row as wire bytes.
#[derive(Clone, Debug)]
pub struct RawRow(pub Vec<Option<Vec<u8>>>);

impl<'frame, 'metadata> DeserializeRow<'frame, 'metadata> for RawRow {
    fn type_check(_: &[ColumnSpec<'_>]) -> Result<(), TypeCheckError> {
        Ok(())
    }

    fn deserialize(row: ColumnIterator<'frame, 'metadata>) -> Result<Self, DeserializationError> {
        row.map(|column| column.map(|column| column.slice.map(|slice| slice.as_slice().to_vec())))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}
