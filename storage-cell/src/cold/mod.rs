//! Rows in the cold tier: which segments a cell has, reading them together with its hot rows,
//! finding them for writes whose outcome depends on them, and moving rows there.
//!
//! Which segments there are is decided by the cell's log ([`Manifest`]); what is in them never
//! changes. A hot row and a cold one of the same key are one row: both are merged.

mod fold;
mod garbage;
mod hot;
mod hydrate;
mod manifest;
mod merged;
mod page;
mod pick;
mod tier;

use std::sync::Arc;

use cellar_cell_api::{BatchStep, CellError};
use cellar_metadata_api::{Catalog, Metadata, TableId};
use cellar_schema::{ChangeKind, Condition, Operation};
use cellar_schema::{Mutation, Table};
use cellar_tiering::store::ObjectStore;
use cellar_tiering::{ColdError, ColdStore};

use crate::limits::COLD_CACHE_BYTES;

pub(crate) use hydrate::is_stale;
pub(crate) use hydrate::stale;
pub(crate) use manifest::Manifest;
pub(crate) use tier::Tiered;

/// What all cells of a node share to reach the cold tier.
pub(crate) struct Cold {
    store: ColdStore,
    metadata: Arc<dyn Metadata>,
    /// What the process before this one knew, until the metadata service is heard.
    kept: Option<Arc<Catalog>>,
}

impl Cold {
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        metadata: Arc<dyn Metadata>,
        kept: Option<Arc<Catalog>>,
    ) -> Self {
        Self { store: ColdStore::new(store, COLD_CACHE_BYTES), metadata, kept }
    }

    /// A table as the catalog of this node has it; segments are read by its column ids.
    fn table(&self, id: TableId) -> Result<Arc<Table>, CellError> {
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        let catalog = match &self.kept {
            Some(kept) if catalog.version == 0 => kept,
            _ => &catalog,
        };
        catalog.table_by_id(id).cloned().ok_or_else(|| CellError::Unavailable {
            reason: format!("table {} is not known here yet, or not any more", id.0),
        })
    }
}

/// Whether the outcome of a write depends on what the rows hold, so that the cold ones are needed.
/// All other writes merge with whatever is there, whenever it is read.
pub(crate) fn needs_rows(
    mutations: &[Mutation],
    conditions: &[Condition],
    batch: Option<&BatchStep>,
) -> bool {
    let may_repeat = matches!(batch, Some(BatchStep::Part { .. }));
    let changes = mutations.iter().flat_map(|mutation| &mutation.changes);
    !conditions.is_empty()
        || changes.into_iter().any(|change| match &change.kind {
            ChangeKind::Upsert(change) => {
                change.operations.iter().any(|(_, operation)| match operation {
                    Operation::ListSet(..)
                    | Operation::ListDiscard(_)
                    | Operation::Add(_)
                    | Operation::Plus(..) => true,
                    // The list tells whether it has them already.
                    Operation::ListAppend(_) | Operation::ListPrepend(_) => may_repeat,
                    _ => false,
                })
            }
            _ => false,
        })
}

/// What a failure of the cold tier says of a request: it changes nothing.
fn failed(error: &ColdError) -> CellError {
    let reason = error.to_string();
    if error.is_damage() {
        CellError::Damaged { reason }
    } else {
        CellError::Unavailable { reason }
    }
}
