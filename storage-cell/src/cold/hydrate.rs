//! Cold rows for writes whose outcome depends on them: the leader finds them and puts them into
//! the log entry, with the version of the manifest it found them by. If rows became cold between
//! that and the apply, the write is refused as stale and the leader looks again.

use std::collections::BTreeSet;

use bytes::Bytes;
use cellar_cell_api::{CellError, Write};
use cellar_schema::{ChangeKind, Row, RowKind, keys};

use super::{Cold, Manifest, failed, needs_rows};
use crate::{
    commands::{ColdRows, Equal, Found},
    limits::RETRY_AFTER_MS,
};

/// Why a stale write is refused; never leaves the node unless rows move without end.
const STALE: &str = "rows were moved to the cold tier meanwhile";

/// The refusal of a write that was prepared by another manifest.
pub(crate) fn stale() -> CellError {
    CellError::Overloaded { reason: STALE.to_owned(), retry_after_ms: RETRY_AFTER_MS }
}

/// Whether an error is [`stale`].
pub(crate) fn is_stale(error: &CellError) -> bool {
    matches!(error, CellError::Overloaded { reason, .. } if reason == STALE)
}

impl Cold {
    /// What the log entry says of a write beside itself.
    pub(crate) async fn found_for(
        &self,
        manifest: &Manifest,
        write: &Write,
    ) -> Result<Found, CellError> {
        Ok(Found { cold: self.rows_for(manifest, write).await?, equals: self.equals(write) })
    }

    /// The rows of a write that may have been written by another key. A table that is not known
    /// here yet was made a moment ago and has no rows.
    fn equals(&self, write: &Write) -> Vec<Equal> {
        let may_equal = |partition: &Bytes| {
            let table = keys::table_of(partition).ok()?;
            self.table(table).ok().filter(|table| keys::has_equal_rows(table))
        };
        if !write.partitions().any(|partition| may_equal(partition).is_some()) {
            return Vec::new();
        }
        let equal = |key: Bytes| {
            let (partition, suffix) = keys::split(&key).ok()?;
            let suffix_bytes = keys::value_bytes(&*may_equal(&key)?, &suffix).ok()?;
            let value_bytes = u32::try_from(partition.len().checked_add(suffix_bytes)?).ok()?;
            Some(Equal { key, value_bytes })
        };
        keys_of(write).into_iter().filter_map(equal).collect()
    }

    /// The cold rows that a write's outcome depends on; nothing if it depends on none or if the
    /// cell never had a segment.
    async fn rows_for(
        &self,
        manifest: &Manifest,
        write: &Write,
    ) -> Result<Option<ColdRows>, CellError> {
        if manifest.version == 0
            || !needs_rows(&write.mutations, &write.conditions, write.batch.as_ref())
        {
            return Ok(None);
        }
        let mut found = ColdRows { manifest: manifest.version, rows: Vec::new() };
        for key in keys_of(write) {
            if let Some(row) = self.row(manifest, &key).await? {
                found.rows.push((key, row));
            }
        }
        Ok(Some(found))
    }

    /// The cold row of a key, merged from all segments.
    async fn row(&self, manifest: &Manifest, key: &Bytes) -> Result<Option<Row>, CellError> {
        let end = keys::after(key);
        let mut merged: Option<Row> = None;
        for segment in manifest.overlapping(key, &end) {
            let table = self.table(segment.table)?;
            let found = self.store.get(&table, segment, key).await;
            if let Some(row) = found.map_err(|error| failed(&error))? {
                merged.get_or_insert_default().merge(row);
            }
        }
        Ok(merged)
    }
}

/// Keys of the rows that a write names.
fn keys_of(write: &Write) -> BTreeSet<Bytes> {
    let key = |partition: &Bytes, suffix: &Bytes| match keys::kind_of(suffix) {
        Ok(RowKind::Row) => Some(Bytes::from([partition.as_ref(), suffix].concat())),
        _ => None,
    };
    let tested = write.conditions.iter().filter_map(|test| key(&test.partition, &test.suffix));
    let changed = write.mutations.iter().flat_map(|mutation| {
        let suffixes = mutation.changes.iter().filter_map(|change| match &change.kind {
            ChangeKind::Upsert(change) => Some(&change.suffix),
            ChangeKind::DeleteRow { suffix } => Some(suffix),
            ChangeKind::DeletePartition | ChangeKind::DeleteRange { .. } => None,
        });
        suffixes.filter_map(|suffix| key(&mutation.partition, suffix))
    });
    tested.chain(changed).collect()
}
