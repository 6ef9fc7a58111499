//! A partition in memory, as the cell would keep it in the engine: encoded.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bytes::Bytes;
use cellar_schema::apply::{PartitionStore, Stamp, mutate};
use cellar_schema::{
    ApplyError, Change, ChangeKind, ColumnId, Mutation, Operation, PartitionMarks, Row, RowChange,
};

#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) marks: Bytes,
    pub(crate) rows: BTreeMap<Bytes, Bytes>,
}

impl PartitionStore for Memory {
    type Error = Infallible;

    fn marks(&mut self) -> Result<PartitionMarks, Infallible> {
        let none = self.marks.is_empty();
        Ok(if none { PartitionMarks::default() } else { self.decoded_marks() })
    }

    fn row(&mut self, suffix: &[u8]) -> Result<Option<Row>, Infallible> {
        Ok(self.rows.get(suffix).map(|bytes| Row::decode(bytes.clone()).unwrap()))
    }

    fn set_marks(&mut self, marks: PartitionMarks) -> Result<(), Infallible> {
        self.marks = marks.encode().into();
        Ok(())
    }

    fn set_row(&mut self, suffix: Bytes, row: Row) -> Result<(), Infallible> {
        self.rows.insert(suffix, row.encode().into());
        Ok(())
    }

    fn remove_row(&mut self, suffix: &[u8]) -> Result<(), Infallible> {
        self.rows.remove(suffix).map(drop).ok_or(()).expect("only stored rows are removed");
        Ok(())
    }
}

impl Memory {
    fn decoded_marks(&self) -> PartitionMarks {
        PartitionMarks::decode(self.marks.clone()).unwrap()
    }

    pub(crate) fn apply(&mut self, changes: &[Change], stamp: Stamp) -> Result<(), ApplyError> {
        let mutation = Mutation { partition: Bytes::new(), changes: changes.to_vec() };
        mutate(self, &mutation, stamp).map_err(|error| match error {
            cellar_schema::apply::MutateError::Apply(error) => error,
            cellar_schema::apply::MutateError::Store(never) => match never {},
        })
    }

    /// Everything a reader could ever see: rows under the marks.
    pub(crate) fn visible(&mut self) -> BTreeMap<Bytes, Row> {
        let marks = self.marks().unwrap();
        let rows = self.rows.iter().map(|(suffix, bytes)| {
            let mut row = Row::decode(bytes.clone()).unwrap();
            if let Some(covering) = marks.covering(suffix) {
                row.shadow(covering);
            }
            (suffix.clone(), row)
        });
        rows.filter(|(_, row)| !row.is_empty()).collect()
    }
}

pub(crate) const SUFFIX: &[u8] = b"\x02r";
pub(crate) const COLUMN: ColumnId = ColumnId(7);

pub(crate) fn stamp(timestamp_us: i64) -> Stamp {
    Stamp { timestamp_us, now_seconds: 1_000, sequence: 0, repeats_from_us: None }
}

/// One operation on the column of the row, at the leader's time.
pub(crate) fn upsert(operation: Operation) -> Change {
    upsert_at(None, operation)
}

pub(crate) fn upsert_at(timestamp_us: Option<i64>, operation: Operation) -> Change {
    let operations = vec![(COLUMN, operation)];
    let suffix = Bytes::from_static(SUFFIX);
    let change = RowChange { suffix, marker: false, ttl_seconds: 0, operations };
    Change { timestamp_us, kind: ChangeKind::Upsert(change) }
}
