//! Which rows of a virtual table a SELECT can want, so that one table's definition costs the same
//! among ten thousand.

use bytes::Bytes;
use cellar_cql::plan::Reads;
use cellar_schema::{Table, keys};

/// What a SELECT reads of one virtual table. It may say yes to rows that are not read, never no to
/// one that is.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    table: &'a Table,
    reads: &'a Reads,
}

impl<'a> Wanted<'a> {
    pub(crate) fn new(table: &'a Table, reads: &'a Reads) -> Self {
        Self { table, reads }
    }

    /// What is read of the partition whose key is one text, as the name of a keyspace is; none if
    /// nothing is.
    pub(super) fn partition(self, name: &str) -> Option<WantedRows<'a>> {
        let Reads::Partitions(partitions) = self.reads else {
            return Some(WantedRows { table: self.table, ranges: None });
        };
        let key = keys::partition(self.table.id, &keys::routing(&[name.as_bytes()]));
        let read: Vec<_> = partitions.iter().filter(|read| read.partition == key).collect();
        let ranges = read.iter().flat_map(|read| &read.ranges).collect();
        (!read.is_empty()).then_some(WantedRows { table: self.table, ranges: Some(ranges) })
    }

    /// Whether anything is read of the partition with this key of one component.
    pub(super) fn holds(self, key: &[u8]) -> bool {
        let Reads::Partitions(partitions) = self.reads else { return true };
        let key = keys::partition(self.table.id, &keys::routing(&[key]));
        partitions.iter().any(|read| read.partition == key)
    }
}

/// What a SELECT reads of one partition.
pub(super) struct WantedRows<'a> {
    table: &'a Table,
    /// Ranges of suffixes; none means all.
    ranges: Option<Vec<&'a (Bytes, Bytes)>>,
}

impl WantedRows<'_> {
    /// Whether rows are read whose first clustering column is a text, as the name of a table is.
    pub(super) fn row(&self, first: &str) -> bool {
        let Some(ranges) = &self.ranges else { return true };
        let first = Bytes::copy_from_slice(first.as_bytes());
        let Ok((start, end)) = keys::suffix_range(self.table, &[first], None, None) else {
            return true;
        };
        ranges.iter().any(|(from, to)| from[..] < end[..] && start[..] < to[..])
    }
}
