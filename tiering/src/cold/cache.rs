//! What was read of segments, so that it is not read again: their indexes, and the bytes of their
//! row groups, checked.

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use super::{ColdError, ColdStore};
use crate::segment::{Group, Index, SegmentError, SegmentMeta};

/// A part of a segment: its index, or a row group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Index,
    Group(usize),
}

#[derive(Clone, Debug)]
enum Cached {
    Index(Arc<Index>),
    Group(Bytes),
}

/// Bounded by the memory it takes; segments never change, so nothing in it is ever wrong.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    parts: moka::sync::Cache<(Uuid, Part), Cached>,
}

impl Cache {
    pub(super) fn new(bytes: u64) -> Self {
        let weight = |_: &(Uuid, Part), cached: &Cached| {
            let bytes = match cached {
                Cached::Index(index) => index.memory_bytes(),
                Cached::Group(bytes) => bytes.len(),
            };
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self { parts: moka::sync::Cache::builder().max_capacity(bytes).weigher(weight).build() }
    }
}

impl ColdStore {
    /// The index of a segment.
    pub(super) async fn index(&self, meta: &SegmentMeta) -> Result<Arc<Index>, ColdError> {
        let part = (meta.id, Part::Index);
        if let Some(Cached::Index(index)) = self.cache.parts.get(&part) {
            return Ok(index);
        }
        let end = self.store.get_range(&meta.key, meta.index_offset..meta.bytes).await?;
        let index = Arc::new(Index::read(meta, end).map_err(ColdError::segment(&meta.key))?);
        self.cache.parts.insert(part, Cached::Index(Arc::clone(&index)));
        Ok(index)
    }

    /// The bytes of a row group.
    pub(super) async fn group(
        &self,
        meta: &SegmentMeta,
        group: &Group,
    ) -> Result<Bytes, ColdError> {
        let part = (meta.id, Part::Group(group.number));
        if let Some(Cached::Group(bytes)) = self.cache.parts.get(&part) {
            return Ok(bytes);
        }
        let range = group.offset..group.offset.saturating_add(group.bytes);
        let bytes = self.store.get_range(&meta.key, range).await?;
        if crc32fast::hash(&bytes) != group.crc32 {
            let source = SegmentError::Corrupt { reason: "checksum of a row group" };
            return Err(ColdError::Segment { key: meta.key.clone(), source });
        }
        self.cache.parts.insert(part, Cached::Group(bytes.clone()));
        Ok(bytes)
    }
}
