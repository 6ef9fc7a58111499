//! What a change of rows changes in the indexes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use cellar_engine::{Batch, Engine};
use cellar_metadata_api::CellId;
use cellar_schema::{Row, RowKind, keys};

use super::{
    Definitions,
    definitions::Space,
    key::{self, SpaceId},
};
use crate::apply::ApplyError;

/// Entries that come and go with rows; one that does both comes.
pub(crate) struct Changes<'d> {
    definitions: &'d Definitions,
    /// Whether each entry comes.
    entries: BTreeMap<Bytes, bool>,
    flawed: BTreeSet<SpaceId>,
}

impl<'d> Changes<'d> {
    pub(crate) fn new(definitions: &'d Definitions) -> Self {
        Self { definitions, entries: BTreeMap::new(), flawed: BTreeSet::new() }
    }

    /// Whether nothing is indexed at all.
    pub(crate) fn is_idle(&self) -> bool {
        self.definitions.is_empty()
    }

    /// The spaces of which a record is, if it is a row.
    fn spaces(&self, key: &Bytes) -> &'d [Arc<Space>] {
        let spaces = keys::table_of(key).map_or(&[][..], |table| self.definitions.of(table));
        let is_row = !spaces.is_empty()
            && keys::split(key).is_ok_and(|(_, suffix)| {
                matches!(keys::kind_of(&suffix), Ok(RowKind::Static | RowKind::Row))
            });
        if is_row { spaces } else { &[] }
    }

    /// Whether a record is a row of an indexed table.
    pub(crate) fn concerns(&self, key: &Bytes) -> bool {
        !self.spaces(key).is_empty()
    }

    /// A row of an indexed table changes from what it was to what it will be.
    pub(crate) fn change(
        &mut self,
        key: &Bytes,
        old: Option<&Row>,
        new: Option<&Row>,
    ) -> Result<(), ApplyError> {
        for space in self.spaces(key) {
            let before = old.map(|row| space.terms(key, row)).transpose()?.unwrap_or_default();
            let after = new.map(|row| space.terms(key, row)).transpose()?.unwrap_or_default();
            for term in before.iter().filter(|term| !after.contains(term)) {
                if let Some(entry) = key::entry_key(space.id, term, key) {
                    self.entries.entry(entry).or_insert(false);
                }
            }
            for term in after.iter().filter(|term| !before.contains(term)) {
                self.put(space, term, key);
            }
        }
        Ok(())
    }

    /// A row is there, whatever entries it has.
    pub(super) fn add(&mut self, space: &Space, key: &Bytes, row: &Row) -> Result<(), ApplyError> {
        for term in space.terms(key, row)? {
            self.put(space, &term, key);
        }
        Ok(())
    }

    fn put(&mut self, space: &Space, term: &[u8], key: &Bytes) {
        match key::entry_key(space.id, term, key) {
            Some(entry) => drop(self.entries.insert(entry, true)),
            None => drop(self.flawed.insert(space.id)),
        }
    }

    /// Every row that the engine has between two keys goes.
    pub(crate) fn clear(
        &mut self,
        engine: &Engine,
        (start, end): &(Bytes, Bytes),
    ) -> Result<(), ApplyError> {
        for (table, _) in self.definitions.tables() {
            let (first, last) = keys::table_range(table);
            let (start, end) = (start.max(&first), end.min(&last));
            if start >= end {
                continue;
            }
            for entry in engine.snapshot().scan(start..end, false) {
                let (key, value) = entry?;
                if self.concerns(&key) {
                    self.change(&key, Some(&Row::decode(value)?), None)?;
                }
            }
        }
        Ok(())
    }

    /// A record is there as the engine would return it, after all there was is gone.
    pub(crate) fn add_stored(&mut self, key: &Bytes, value: &Bytes) -> Result<(), ApplyError> {
        if self.concerns(key) {
            self.change(key, None, Some(&Row::decode(value.clone())?))?;
        }
        Ok(())
    }

    /// Adds the changes to the batch of the rows.
    pub(crate) fn finish(self, batch: &mut Batch) {
        for (entry, comes) in self.entries {
            if comes {
                batch.put(&entry, &[]);
            } else {
                batch.remove(&entry);
            }
        }
        for space in self.flawed {
            batch.put(&key::flawed_key(space), &[1]);
        }
    }
}

impl Definitions {
    /// Notes that all rows of a cell have their entries, in every space there is.
    pub(crate) fn mark_built(&self, cell: CellId, batch: &mut Batch) {
        for space in self.all() {
            batch.put(&key::built_key(space.id, cell), &[1]);
        }
    }

    /// Where it is noted of a cell that its rows have their entries.
    pub(crate) fn notes_of(&self, cell: CellId) -> impl Iterator<Item = Vec<u8>> {
        self.all().map(move |space| key::built_key(space.id, cell))
    }

    /// The same for a cell and for one made of it: where one is noted, the other is to be.
    pub(crate) fn inherited(
        &self,
        from: CellId,
        to: CellId,
    ) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        self.notes_of(from).zip(self.notes_of(to))
    }
}
