//! One partition of the engine as the schema's apply functions see it.

use bytes::Bytes;
use cellar_schema::{PartitionMarks, PartitionStore, Row, keys};

use super::{
    ApplyError,
    overlay::{Layer, Value},
};

/// A partition under a write.
pub(crate) struct Partition<'l, 'o, 'e> {
    layer: &'l mut Layer<'o, 'e>,
    prefix: &'l [u8],
    /// Bytes of the rows stored so far.
    pub(crate) written_bytes: u64,
}

impl<'l, 'o, 'e> Partition<'l, 'o, 'e> {
    pub(crate) fn new(layer: &'l mut Layer<'o, 'e>, prefix: &'l [u8]) -> Self {
        Self { layer, prefix, written_bytes: 0 }
    }

    fn key(&self, suffix: &[u8]) -> Bytes {
        Bytes::from([self.prefix, suffix].concat())
    }

    fn written(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.written_bytes = self.written_bytes.saturating_add(bytes);
    }
}

impl PartitionStore for Partition<'_, '_, '_> {
    type Error = ApplyError;

    fn marks(&mut self) -> Result<PartitionMarks, ApplyError> {
        self.layer.marks(&self.key(&keys::marks_suffix()))
    }

    fn row(&mut self, suffix: &[u8]) -> Result<Option<Row>, ApplyError> {
        self.layer.row(&self.key(suffix))
    }

    fn set_marks(&mut self, marks: PartitionMarks) -> Result<(), ApplyError> {
        let key = self.key(&keys::marks_suffix());
        self.written(key.len());
        let empty = marks.is_empty();
        self.layer.set(key, if empty { Value::Gone } else { Value::Marks(marks) });
        Ok(())
    }

    fn set_row(&mut self, suffix: Bytes, row: Row) -> Result<(), ApplyError> {
        let key = self.key(&suffix);
        self.written(key.len() + row.estimated_bytes());
        self.layer.set(key, Value::Row(row));
        Ok(())
    }

    fn remove_row(&mut self, suffix: &[u8]) -> Result<(), ApplyError> {
        let key = self.key(suffix);
        self.written(key.len());
        self.layer.set(key, Value::Gone);
        Ok(())
    }
}
