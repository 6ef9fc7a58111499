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

    /// Whether a partition is read whose key is one text, as the name of a keyspace is.
    pub(super) fn partition(self, name: &str) -> bool {
        match self.reads {
            Reads::Scan { .. } => true,
            Reads::Partitions(partitions) => {
                let partition = self.key(name);
                partitions.iter().any(|read| read.partition == partition)
            }
        }
    }

    /// Whether rows are read whose first clustering column is a text, as the name of a table is.
    pub(super) fn row(self, partition: &str, first: &str) -> bool {
        let Reads::Partitions(partitions) = self.reads else { return true };
        let first = Bytes::copy_from_slice(first.as_bytes());
        let Ok((start, end)) = keys::suffix_range(self.table, &[first], None, None) else {
            return true;
        };
        let partition = self.key(partition);
        let read = partitions.iter().filter(|read| read.partition == partition);
        let mut ranges = read.flat_map(|read| &read.ranges);
        ranges.any(|(from, to)| from[..] < end[..] && start[..] < to[..])
    }

    fn key(self, name: &str) -> Bytes {
        keys::partition(self.table.id, &keys::routing(&[name.as_bytes()]))
    }
}
