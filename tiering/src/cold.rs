//! Reading and writing segments.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{Row, Table};

use crate::segment::{SegmentMeta, SegmentName};
use crate::store::{ObjectStore, StoreError};

/// Why a segment could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ColdError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Segments in a store, with a cache. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ColdStore {
    store: Arc<dyn ObjectStore>,
}

impl ColdStore {
    /// Uses a store, and at most `cache_bytes` of memory for what was read.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, cache_bytes: u64) -> Self {
        let _ = cache_bytes;
        Self { store }
    }

    /// Writes rows, sorted by engine key, as a segment of a new name.
    ///
    /// # Errors
    /// See [`ColdError`].
    pub async fn put_segment(
        &self,
        table: &Arc<Table>,
        rows: Vec<(Bytes, Row)>,
    ) -> Result<SegmentMeta, ColdError> {
        self.put_named(table, rows, &SegmentName::random(table.id, 0)).await
    }

    /// Writes rows, sorted by engine key, as the segment of this name. The same call may be made
    /// again with the same rows.
    ///
    /// # Errors
    /// See [`ColdError`].
    pub async fn put_named(
        &self,
        table: &Arc<Table>,
        rows: Vec<(Bytes, Row)>,
        name: &SegmentName,
    ) -> Result<SegmentMeta, ColdError> {
        let _ = (table, rows);
        Err(StoreError::NotThere { key: name.key() }.into())
    }

    /// Rows of a segment in `start..end`.
    #[must_use]
    pub fn cursor(
        &self,
        table: Arc<Table>,
        meta: &SegmentMeta,
        start: Bytes,
        end: Bytes,
        reverse: bool,
    ) -> Cursor {
        let _ = (table, start, end, reverse);
        Cursor { cold: self.clone(), meta: meta.clone() }
    }

    /// The row with this engine key.
    ///
    /// # Errors
    /// See [`ColdError`].
    pub async fn get(
        &self,
        table: &Arc<Table>,
        meta: &SegmentMeta,
        key: &Bytes,
    ) -> Result<Option<Row>, ColdError> {
        let _ = (table, key);
        Err(StoreError::NotThere { key: meta.key.clone() }.into())
    }

    /// Removes a segment. Fine if it is not there.
    ///
    /// # Errors
    /// See [`ColdError`].
    pub async fn delete(&self, meta: &SegmentMeta) -> Result<(), ColdError> {
        Ok(self.store.delete(&meta.key).await?)
    }

    /// Reads the whole object and compares it with its checksum.
    ///
    /// # Errors
    /// See [`ColdError`].
    pub async fn verify(&self, meta: &SegmentMeta) -> Result<(), ColdError> {
        Err(StoreError::NotThere { key: meta.key.clone() }.into())
    }
}

/// A position in a segment. Dropping it ends the read.
#[derive(Debug)]
pub struct Cursor {
    cold: ColdStore,
    meta: SegmentMeta,
}

impl Cursor {
    /// The next row with its engine key; `None` at the end.
    ///
    /// # Errors
    /// See [`ColdError`].
    pub async fn next(&mut self) -> Result<Option<(Bytes, Row)>, ColdError> {
        let _ = &self.cold;
        Err(StoreError::NotThere { key: self.meta.key.clone() }.into())
    }
}
