//! Cells as they split, told while other things happen.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use cellar_metadata_api::Catalog;

use crate::roles::dev::Dev;

/// Counts cells.
pub(super) struct Splits {
    first: usize,
    now: Arc<AtomicUsize>,
}

impl Splits {
    /// Cells when counting began.
    pub(super) fn at_first(&self) -> usize {
        self.first
    }

    /// Cells now.
    pub(super) fn cells(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }
}

/// Tells of every change until the service stops.
pub(super) fn splits(dev: &Dev) -> Splits {
    let mut catalogs = dev.operator.metadata.catalog();
    let first = cells(&catalogs.borrow());
    let now = Arc::new(AtomicUsize::new(first));
    let shared = Arc::clone(&now);
    dev.process.tasks.spawn("demo.splits", async move {
        while catalogs.changed().await.is_ok() {
            let count = cells(&catalogs.borrow_and_update());
            if shared.swap(count, Ordering::Relaxed) < count {
                tracing::info!(cells = count, "a cell split");
            }
        }
    });
    Splits { first, now }
}

fn cells(catalog: &Catalog) -> usize {
    catalog.placements.values().map(|placement| placement.cells().count()).sum()
}
