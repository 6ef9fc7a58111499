//! Writing and reading segments.

mod cache;
mod cursor;

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{Row, Table};

use crate::segment::{Encoded, SegmentError, SegmentMeta, SegmentName, encode_segment};
use crate::store::{Checksum, ObjectStore, StoreError, put_settled};

use cache::Cache;
pub use cursor::Cursor;

/// Why a segment could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ColdError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rows are no segment, or the object is not what was written.
    #[error("cold segment {key}: {source}")]
    Segment {
        /// The object.
        key: String,
        /// What is wrong.
        source: SegmentError,
    },
    /// The work was given up because the process is ending.
    #[error("cold segment {key}: stopped")]
    Stopped {
        /// The object.
        key: String,
    },
}

impl ColdError {
    /// Whether trying again may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }

    /// Whether what is stored is not what was written.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Store(error) => matches!(error, StoreError::Damaged { .. }),
            Self::Segment { .. } => true,
            Self::Stopped { .. } => false,
        }
    }

    fn segment(key: &str) -> impl FnOnce(SegmentError) -> Self + '_ {
        |source| Self::Segment { key: key.to_owned(), source }
    }
}

/// Segments in a store, with a cache. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ColdStore {
    store: Arc<dyn ObjectStore>,
    cache: Cache,
}

impl ColdStore {
    /// Uses a store, and at most `cache_bytes` of memory for what was read.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, cache_bytes: u64) -> Self {
        Self { store, cache: Cache::new(cache_bytes) }
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
        self.put_named(table, rows, SegmentName::random(table.id, 0)).await
    }

    /// Writes rows, sorted by engine key, as the segment of this name, and asks the store whether
    /// it is there, whole. The same call may be made again with the same rows.
    ///
    /// # Errors
    /// See [`ColdError`]. The object may then be there nevertheless.
    pub async fn put_named(
        &self,
        table: &Arc<Table>,
        rows: Vec<(Bytes, Row)>,
        name: SegmentName,
    ) -> Result<SegmentMeta, ColdError> {
        let of = Arc::clone(table);
        let encoded = tokio::task::spawn_blocking(move || encode_segment(&of, &rows, &name)).await;
        let encoded = encoded.map_err(|_| ColdError::Stopped { key: name.key() })?;
        let Encoded { body, meta } = encoded.map_err(ColdError::segment(&name.key()))?;
        put_settled(self.store.as_ref(), &meta.key, body, meta.id).await?;
        Ok(meta)
    }

    /// Rows of a segment in `start..end`, with `reverse` from the last to the first. Nothing is
    /// read yet.
    #[must_use]
    pub fn cursor(
        &self,
        table: Arc<Table>,
        meta: &SegmentMeta,
        start: Bytes,
        end: Bytes,
        reverse: bool,
    ) -> Cursor {
        Cursor::new(self.clone(), table, meta.clone(), (start, end), reverse)
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
        let end = Bytes::from([key.as_ref(), &[0]].concat());
        let mut cursor = self.cursor(Arc::clone(table), meta, key.clone(), end, false);
        Ok(cursor.next().await?.map(|(_, row)| row))
    }

    /// Removes a segment. Fine if it is not there.
    ///
    /// # Errors
    /// See [`ColdError`].
    pub async fn delete(&self, meta: &SegmentMeta) -> Result<(), ColdError> {
        Ok(self.store.delete(&meta.key).await?)
    }

    /// Removes what a write of this name may have left, whose meta nobody has.
    ///
    /// # Errors
    /// See [`ColdError`].
    pub async fn delete_named(&self, name: &SegmentName) -> Result<(), ColdError> {
        Ok(self.store.delete(&name.key()).await?)
    }

    /// Reads the whole object and compares it with its checksum.
    ///
    /// # Errors
    /// See [`ColdError`].
    pub async fn verify(&self, meta: &SegmentMeta) -> Result<(), ColdError> {
        let body = self.store.get(&meta.key).await?;
        if Checksum::of(&body) == meta.checksum {
            return Ok(());
        }
        let reason = "the checksum of its content is another".to_owned();
        Err(StoreError::Damaged { key: meta.key.clone(), reason }.into())
    }
}
