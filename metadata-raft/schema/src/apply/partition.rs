//! Applying a whole mutation to a partition, wherever that is stored.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bytes::Bytes;
use thiserror::Error;

use super::{ApplyError, Stamp, Write, delete_row, upsert_at};
use crate::limits::{RANGE_MARKS_MAX, ROW_BYTES_MAX};
use crate::{Change, ChangeKind, Mutation, Operation, PartitionMarks, Row, RowChange};

/// One stored partition: rows by suffix, and marks. Whoever applies log entries implements this on
/// the engine and on the writes of the entry so far.
pub trait PartitionStore {
    /// Why the store failed.
    type Error;

    /// The marks, empty if there are none.
    ///
    /// # Errors
    /// When the store fails.
    fn marks(&mut self) -> Result<PartitionMarks, Self::Error>;

    /// The row stored at this suffix (the static suffix for static columns).
    ///
    /// # Errors
    /// When the store fails.
    fn row(&mut self, suffix: &[u8]) -> Result<Option<Row>, Self::Error>;

    /// Stores the marks.
    ///
    /// # Errors
    /// When the store fails.
    fn set_marks(&mut self, marks: PartitionMarks) -> Result<(), Self::Error>;

    /// Stores a row.
    ///
    /// # Errors
    /// When the store fails.
    fn set_row(&mut self, suffix: Bytes, row: Row) -> Result<(), Self::Error>;

    /// Removes a stored row of which nothing is left.
    ///
    /// # Errors
    /// When the store fails.
    fn remove_row(&mut self, suffix: &[u8]) -> Result<(), Self::Error>;
}

/// Why a mutation was not applied.
#[derive(Debug, Error)]
pub enum MutateError<E> {
    /// The request is invalid; nothing was stored.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The store failed.
    #[error("the store failed")]
    Store(E),
}

/// The outcome of a mutation, before it is stored: so that a request of several mutations is
/// stored as a whole or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staged {
    /// The marks, when they were needed and changed.
    pub marks: Option<PartitionMarks>,
    /// The rows as they are to be stored.
    pub rows: BTreeMap<Bytes, StagedRow>,
}

/// A row as it is to be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StagedRow {
    /// Its content; empty if it is to be removed.
    pub row: Row,
    /// Whether the store already holds a row there.
    pub stored: bool,
}

impl Staged {
    /// Stores the outcome.
    ///
    /// # Errors
    /// When the store fails.
    pub fn commit<S: PartitionStore>(self, store: &mut S) -> Result<(), S::Error> {
        if let Some(marks) = self.marks {
            store.set_marks(marks)?;
        }
        for (suffix, StagedRow { row, stored }) in self.rows {
            if !row.is_empty() {
                store.set_row(suffix, row)?;
            } else if stored {
                store.remove_row(&suffix)?;
            }
        }
        Ok(())
    }
}

/// Applies a mutation. Rows that a new mark hides stay stored; readers shadow them with
/// [`PartitionMarks::covering`].
///
/// # Errors
/// When the mutation is invalid for what is stored (then nothing is changed), or the store fails.
pub fn mutate<S: PartitionStore>(
    store: &mut S,
    mutation: &Mutation,
    stamp: Stamp,
) -> Result<(), MutateError<S::Error>> {
    stage(store, mutation, stamp)?.commit(store).map_err(MutateError::Store)
}

/// Works out what [`mutate`] would store, without storing it.
///
/// # Errors
/// As [`mutate`].
pub fn stage<S: PartitionStore>(
    store: &mut S,
    mutation: &Mutation,
    stamp: Stamp,
) -> Result<Staged, MutateError<S::Error>> {
    let mut staging = Staging::new(store, mutation, stamp)?;
    for change in &mutation.changes {
        staging.change(change)?;
    }
    staging.finish()
}

struct Staging<'s, S> {
    store: &'s mut S,
    stamp: Stamp,
    marks: Option<PartitionMarks>,
    marks_changed: bool,
    rows: BTreeMap<Bytes, StagedRow>,
}

impl<'s, S: PartitionStore> Staging<'s, S> {
    /// Loads the marks only if the outcome depends on them, because plain writes are many and
    /// merge with them at read.
    fn new(
        store: &'s mut S,
        mutation: &Mutation,
        stamp: Stamp,
    ) -> Result<Self, MutateError<S::Error>> {
        let marks = if mutation.changes.iter().any(needs_marks) {
            Some(store.marks().map_err(MutateError::Store)?)
        } else {
            None
        };
        Ok(Self { store, stamp, marks, marks_changed: false, rows: BTreeMap::new() })
    }

    fn change(&mut self, change: &Change) -> Result<(), MutateError<S::Error>> {
        let timestamp_us = change.timestamp_us.unwrap_or(self.stamp.timestamp_us);
        match &change.kind {
            ChangeKind::DeletePartition => {
                self.marks.get_or_insert_default().delete_partition(timestamp_us);
                self.marks_changed = true;
            }
            ChangeKind::DeleteRange { start, end } => {
                let marks = self.marks.get_or_insert_default();
                marks.delete_range(start.clone(), end.clone(), timestamp_us);
                self.marks_changed = true;
            }
            ChangeKind::DeleteRow { suffix } => delete_row(self.row(suffix)?, timestamp_us),
            ChangeKind::Upsert(change) => self.upsert(change, timestamp_us)?,
        }
        Ok(())
    }

    fn upsert(
        &mut self,
        change: &RowChange,
        timestamp_us: i64,
    ) -> Result<(), MutateError<S::Error>> {
        let hidden_to_us = self.covering(&change.suffix);
        let write = Write::new(timestamp_us, hidden_to_us, self.stamp, change.ttl_seconds);
        let row = self.row(&change.suffix)?;
        if let Some(hidden_to_us) = hidden_to_us {
            row.shadow(hidden_to_us);
        }
        upsert_at(row, change, write)?;
        let used = u32::try_from(change.operations.len()).unwrap_or(u32::MAX);
        self.stamp.sequence = self.stamp.sequence.wrapping_add(used);
        Ok(())
    }

    fn covering(&self, suffix: &[u8]) -> Option<i64> {
        self.marks.as_ref().and_then(|marks| marks.covering(suffix))
    }

    fn row(&mut self, suffix: &Bytes) -> Result<&mut Row, MutateError<S::Error>> {
        match self.rows.entry(suffix.clone()) {
            Entry::Occupied(entry) => Ok(&mut entry.into_mut().row),
            Entry::Vacant(entry) => {
                let stored = self.store.row(suffix).map_err(MutateError::Store)?;
                let staged =
                    StagedRow { stored: stored.is_some(), row: stored.unwrap_or_default() };
                Ok(&mut entry.insert(staged).row)
            }
        }
    }

    /// The marks have the last word, wherever in the mutation they were set.
    fn finish(mut self) -> Result<Staged, MutateError<S::Error>> {
        let marks = self.marks.as_ref();
        let ranges = marks.map_or(0, |marks| marks.ranges.len());
        if self.marks_changed && ranges > RANGE_MARKS_MAX {
            let limit = ApplyError::TooManyRanges { count: ranges, max: RANGE_MARKS_MAX };
            return Err(limit.into());
        }
        for (suffix, staged) in &mut self.rows {
            if let Some(covering) = marks.and_then(|marks| marks.covering(suffix)) {
                staged.row.shadow(covering);
            }
            let bytes = staged.row.estimated_bytes();
            if bytes > ROW_BYTES_MAX {
                return Err(ApplyError::RowTooLarge { bytes, max: ROW_BYTES_MAX }.into());
            }
        }
        Ok(Staged { marks: self.marks.filter(|_| self.marks_changed), rows: self.rows })
    }
}

/// Whether the outcome of a change depends on what was deleted before.
fn needs_marks(change: &Change) -> bool {
    match &change.kind {
        ChangeKind::DeletePartition | ChangeKind::DeleteRange { .. } => true,
        ChangeKind::DeleteRow { .. } => false,
        ChangeKind::Upsert(change) => change.operations.iter().any(|(_, operation)| {
            matches!(
                operation,
                Operation::ListSet(..)
                    | Operation::ListDiscard(_)
                    | Operation::Add(_)
                    | Operation::Plus(..)
            )
        }),
    }
}
