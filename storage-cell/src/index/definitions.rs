//! Which indexes a node keeps: a space for each target of each table, known from the catalog and
//! noted in the engine, so that the replay of logs keeps them although no catalog has come yet.

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;
use bytes::Bytes;
use cellar_engine::{Batch, Engine, EngineError};
use cellar_metadata_api::{Catalog, TableId};
use cellar_schema::{IndexTarget, Row, Table};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::key::{self, SpaceId};
use crate::{
    apply::ApplyError,
    records::{from_record, to_record},
};

/// What a space is of. The table as it was then: neither its key nor the column's type changes.
#[derive(Debug, Serialize, Deserialize)]
struct SpaceRecord {
    table: Table,
    target: IndexTarget,
}

/// The entries of one target of a table.
#[derive(Debug)]
pub(crate) struct Space {
    pub(super) id: SpaceId,
    pub(super) table: Table,
    pub(super) target: IndexTarget,
}

impl Space {
    /// The terms of a stored row.
    pub(super) fn terms(&self, key: &Bytes, row: &Row) -> Result<Vec<Bytes>, ApplyError> {
        Ok(self.table.terms(self.target, key, row)?)
    }
}

/// The spaces of a node at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Definitions {
    tables: BTreeMap<TableId, Vec<Arc<Space>>>,
}

impl Definitions {
    /// The spaces of a table.
    pub(super) fn of(&self, table: TableId) -> &[Arc<Space>] {
        self.tables.get(&table).map_or(&[], Vec::as_slice)
    }

    /// Every space, by table.
    pub(super) fn tables(&self) -> impl Iterator<Item = (TableId, &[Arc<Space>])> {
        self.tables.iter().map(|(table, spaces)| (*table, spaces.as_slice()))
    }

    /// Every space.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Space>> {
        self.tables.values().flatten()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    fn has(&self, table: TableId, target: IndexTarget) -> bool {
        self.of(table).iter().any(|space| space.target == target)
    }

    fn add(&mut self, space: Space) {
        self.tables.entry(space.table.id).or_default().push(Arc::new(space));
    }
}

/// The indexes of a node. Whoever changes rows loads them under the gate of its cell, so that all
/// that is written after the gate was held once is written by what was set before.
#[derive(Debug, Default)]
pub(crate) struct Indexes {
    definitions: ArcSwap<Definitions>,
    /// There may be something to build or to remove.
    pub(crate) woken: Notify,
}

impl Indexes {
    /// The spaces now.
    pub(crate) fn now(&self) -> Arc<Definitions> {
        self.definitions.load_full()
    }

    /// Takes up what the engine has.
    pub(crate) fn load(&self, engine: &Engine) -> Result<(), ApplyError> {
        let mut definitions = Definitions::default();
        let (start, end) = key::all_spaces();
        for entry in engine.snapshot().scan(start..end, false) {
            let (key, record) = entry?;
            let SpaceRecord { table, target } = from_record("index space", &record)?;
            if let Some(id) = key::space_in(&key) {
                definitions.add(Space { id, table, target });
            }
        }
        self.definitions.store(Arc::new(definitions));
        Ok(())
    }

    /// Takes up what the catalog says. Only one task calls this.
    pub(crate) fn follow(&self, engine: &Engine, catalog: &Catalog) -> Result<(), ApplyError> {
        if catalog.version == 0 {
            // None has come yet.
            return Ok(());
        }
        let before = self.now();
        let mut next = Definitions::default();
        let mut batch = Batch::new();
        for space in before.all() {
            let table = catalog.table_by_id(space.table.id);
            if table.is_some_and(|table| table.index_targets().contains(&space.target)) {
                next.tables.entry(space.table.id).or_default().push(Arc::clone(space));
            } else {
                batch.remove(&key::space_key(space.id));
            }
        }
        let tables = catalog.keyspaces.values().flat_map(|keyspace| keyspace.tables.values());
        let mut number = next_number(engine)?;
        for table in tables.filter(|table| !table.options.indexes.is_empty()) {
            for target in table.index_targets() {
                if next.has(table.id, target) {
                    continue;
                }
                let (id, table) = (SpaceId(number), Table::clone(table));
                number = number.saturating_add(1);
                let record = SpaceRecord { table, target };
                batch.put(&key::space_key(id), &to_record("index space", &record)?);
                next.add(Space { id, table: record.table, target });
            }
        }
        if batch.is_empty() {
            return Ok(());
        }
        batch.put(&key::next_key(), &number.to_be_bytes());
        // First the note: no row is written without entries while the engine says that all have
        // them.
        engine.apply(&batch)?;
        self.definitions.store(Arc::new(next));
        Ok(())
    }
}

fn next_number(engine: &Engine) -> Result<u64, EngineError> {
    let stored = engine.get(&key::next_key())?;
    let number = stored.and_then(|bytes| bytes.first_chunk().copied());
    Ok(number.map_or(1, u64::from_be_bytes))
}
