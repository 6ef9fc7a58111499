//! Choosing hot rows for the next segment.

use bytes::Bytes;
use cellar_engine::Snapshot;
use cellar_schema::{PartitionMarks, Row, RowKind, Table, keys};
use cellar_tiering::policy;

use crate::{
    apply::ApplyError,
    commands::fingerprint,
    limits::{SEGMENT_BYTES, SEGMENT_ROWS},
};

/// Rows that are to become cold.
#[derive(Default)]
pub(super) struct Picked {
    /// By key.
    pub(super) rows: Vec<(Bytes, Row)>,
    /// Keys with fingerprints of the rows as they are stored.
    pub(super) stored: Vec<(Bytes, u64)>,
    /// Where to go on; nothing at the end.
    pub(super) rest: Option<Bytes>,
}

/// Picks what belongs into one segment from `start..end` of a table's rows.
pub(super) fn pick(
    snapshot: &Snapshot,
    table: &Table,
    (start, end): (Bytes, Bytes),
    now_seconds: i64,
) -> Result<Picked, ApplyError> {
    let mut picked = Picked::default();
    let mut bytes = 0_usize;
    let mut marks = PartitionMarks::default();
    let mut partition: Option<Bytes> = None;
    for entry in snapshot.scan(start..end, false) {
        let (key, value) = entry?;
        if picked.rows.len() >= SEGMENT_ROWS || bytes >= SEGMENT_BYTES {
            picked.rest = Some(key);
            break;
        }
        let decoded = keys::decode(table, &key)?;
        if !partition.as_ref().is_some_and(|partition| key.starts_with(partition)) {
            let (prefix, _) = keys::split(&key)?;
            // A segment may begin in the middle of a partition.
            let stored = snapshot.get(&[&*prefix, &*keys::marks_suffix()].concat())?;
            marks = stored.map(PartitionMarks::decode).transpose()?.unwrap_or_default();
            partition = Some(prefix);
        }
        if decoded.kind != RowKind::Row {
            continue;
        }
        let row = Row::decode(value.clone())?;
        let (_, suffix) = keys::split(&key)?;
        // What a deletion of the partition or of a range hides is never worth a segment.
        let hidden = marks.covering(&suffix).is_some_and(|at| row.newest_us() <= Some(at));
        if !hidden && policy::is_cold(table, &decoded, &row, now_seconds) {
            bytes = bytes.saturating_add(key.len()).saturating_add(value.len());
            picked.stored.push((key.clone(), fingerprint(&value)));
            picked.rows.push((key, row));
        }
    }
    Ok(picked)
}
