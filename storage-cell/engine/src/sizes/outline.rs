//! Where the bytes of a table lie: a coarse copy of its block index.
//!
//! Read once per table, which never changes, and kept while the table lives. Guarantees: the
//! intervals cover the table's keys without gaps and their bytes add up to its stored rows.

use std::{collections::HashMap, fs::File, sync::Arc};

use lsm_tree::{
    AbstractTree, Slice, Table, TableId,
    table::{Block, IndexBlock},
};

use crate::{core::Core, error::EngineError, limits::OUTLINE_INTERVALS_MAX};

/// The keys after the previous interval's end up to and including `end`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interval {
    /// Last key of the interval.
    pub(crate) end: Slice,
    /// Stored bytes of its rows.
    pub(crate) bytes: u64,
}

/// The intervals of one table, ascending.
#[derive(Debug)]
pub(crate) struct Outline {
    first: Slice,
    intervals: Vec<Interval>,
}

impl Outline {
    /// Reads the block index of a table.
    fn read(table: &Table) -> Result<Self, lsm_tree::Error> {
        let file = File::open(&*table.path)?;
        let compression = table.metadata.index_block_compression;
        let index = IndexBlock::new(Block::from_file(&file, table.regions.tli, compression)?);
        let entries = index.len().max(1);
        // The upper level of a large table's index points to parts of the index, which stand for
        // about the same number of rows each.
        let part_bytes = table.metadata.file_size / u64::try_from(entries).unwrap_or(u64::MAX);
        let is_dense = table.regions.index.is_none();
        let keys = index.as_slice();
        let blocks = index.iter().map(|entry| {
            let prefix = entry.prefix.as_ref().and_then(|part| keys.get(part.0..part.1));
            let rest = keys.get(entry.end_key.0..entry.end_key.1).unwrap_or_default();
            let end = [prefix.unwrap_or_default(), rest].concat();
            let bytes = if is_dense { u64::from(entry.size) } else { part_bytes };
            Interval { end: Slice::from(end), bytes }
        });
        let first = table.metadata.key_range.min().clone();
        Ok(Self { first, intervals: thin_out(blocks, entries) })
    }

    /// The parts of the intervals that lie in `start..end`. An interval that is cut counts half,
    /// and ends at `end` at the latest.
    pub(crate) fn in_range(&self, start: &[u8], end: &[u8]) -> Vec<Interval> {
        let mut after: &[u8] = &self.first;
        let mut found = Vec::new();
        for interval in &self.intervals {
            let begin = std::mem::replace(&mut after, &*interval.end);
            if begin >= end {
                break;
            }
            if &*interval.end < start {
                continue;
            }
            let is_whole = begin >= start && &*interval.end < end;
            found.push(Interval {
                end: Slice::from(end.min(&interval.end)),
                bytes: if is_whole { interval.bytes } else { interval.bytes / 2 },
            });
        }
        found
    }
}

/// Joins neighbours until few enough are left.
fn thin_out(blocks: impl Iterator<Item = Interval>, count: usize) -> Vec<Interval> {
    let joined = count.div_ceil(OUTLINE_INTERVALS_MAX).max(1);
    let mut intervals: Vec<Interval> = Vec::new();
    for (number, block) in blocks.enumerate() {
        match intervals.last_mut() {
            Some(last) if number % joined != 0 => {
                last.end = block.end;
                last.bytes += block.bytes;
            }
            _ => intervals.push(block),
        }
    }
    intervals
}

/// The outlines read so far.
#[derive(Debug, Default)]
pub(crate) struct Outlines(HashMap<TableId, Arc<Outline>>);

impl Core {
    /// The outline of a table, read if this is the first time.
    pub(crate) fn outline(&self, table: &Table) -> Result<Arc<Outline>, EngineError> {
        if let Some(known) = self.outlines.lock().0.get(&table.id()) {
            return Ok(Arc::clone(known));
        }
        let outline =
            Arc::new(Outline::read(table).map_err(EngineError::tree("read block index"))?);
        let version = self.tree.current_version();
        let mut outlines = self.outlines.lock();
        if outlines.0.len() > 2 * version.table_count() {
            let live: Vec<TableId> = version.iter_tables().map(Table::id).collect();
            outlines.0.retain(|id, _| live.contains(id));
        }
        outlines.0.insert(table.id(), Arc::clone(&outline));
        Ok(outline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(ends: &[(&str, u64)]) -> Outline {
        let intervals = ends
            .iter()
            .map(|(end, bytes)| Interval { end: Slice::from(end.as_bytes()), bytes: *bytes });
        Outline { first: Slice::from(b"b".as_slice()), intervals: intervals.collect() }
    }

    fn bytes(outline: &Outline, start: &str, end: &str) -> u64 {
        outline.in_range(start.as_bytes(), end.as_bytes()).iter().map(|part| part.bytes).sum()
    }

    #[test]
    fn whole_intervals_count_fully_and_cut_ones_half() {
        let outline = outline(&[("d", 100), ("h", 200), ("m", 400)]);
        assert_eq!(bytes(&outline, "a", "z"), 700);
        assert_eq!(bytes(&outline, "d", "i"), 50 + 200 + 200);
        assert_eq!(bytes(&outline, "e", "f"), 100);
        assert_eq!(bytes(&outline, "n", "z"), 0);
        assert_eq!(bytes(&outline, "a", "b"), 0);
    }

    #[test]
    fn thinning_keeps_the_sum_and_the_last_key() {
        let block = |number: u16| Interval {
            end: Slice::from(number.to_be_bytes().as_slice()),
            bytes: u64::from(number),
        };
        let thin = thin_out((0..1_000).map(block), 1_000);
        assert!(thin.len() <= OUTLINE_INTERVALS_MAX);
        assert_eq!(thin.iter().map(|part| part.bytes).sum::<u64>(), 999 * 500);
        assert_eq!(thin.last().unwrap().end, block(999).end);
    }
}
