//! Tables by id, in parts that versions of the catalog share: one more table among ten thousand
//! copies the part that it is in, and pointers to the others.

use std::{collections::HashMap, sync::Arc};

use cellar_schema::{Table, TableId};

/// Parts of the index: about as many as there are tables in each when there are very many.
const PARTS: u32 = 128;

type Part = HashMap<TableId, Arc<Table>>;

/// Tables by id. Cloning it copies nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// None before the first table, else as many as [`PARTS`].
    parts: Arc<Vec<Arc<Part>>>,
}

impl Index {
    pub(super) fn get(&self, id: TableId) -> Option<&Arc<Table>> {
        self.parts.get(place(id))?.get(&id)
    }

    pub(super) fn insert(&mut self, table: Arc<Table>) {
        let parts = Arc::make_mut(&mut self.parts);
        if parts.is_empty() {
            parts.extend((0..PARTS).map(|_| Arc::default()));
        }
        if let Some(part) = parts.get_mut(place(table.id)) {
            Arc::make_mut(part).insert(table.id, table);
        }
    }

    pub(super) fn remove(&mut self, id: TableId) {
        if self.get(id).is_none() {
            return;
        }
        if let Some(part) = Arc::make_mut(&mut self.parts).get_mut(place(id)) {
            Arc::make_mut(part).remove(&id);
        }
    }
}

/// Ids are given out one after the other: the last digits spread them evenly.
fn place(id: TableId) -> usize {
    usize::try_from(id.0 % PARTS).unwrap_or_default()
}
