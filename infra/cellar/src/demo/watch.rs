//! Cells as they split, told while other things happen.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use cellar_metadata_api::Catalog;

use crate::roles::dev::Dev;

/// Counts splits.
pub(super) struct Splits {
    count: Arc<AtomicUsize>,
}

impl Splits {
    /// Splits so far.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

/// Tells of every split until the service stops.
pub(super) fn splits(dev: &Dev) -> Splits {
    let mut catalogs = dev.operator.metadata.catalog();
    let count = Arc::new(AtomicUsize::new(splits_in(&catalogs.borrow())));
    let shared = Arc::clone(&count);
    let tasks = &dev.process.tasks;
    let stop = tasks.token().clone();
    tasks.spawn("demo.splits", async move {
        while let Some(Ok(())) = stop.run_until_cancelled(catalogs.changed()).await {
            let found = splits_in(&catalogs.borrow_and_update());
            if shared.swap(found, Ordering::Relaxed) < found {
                println!("  a cell split, while rows kept coming: split {found}");
            }
        }
    });
    Splits { count }
}

/// Every placement began as one cell, and each split added one.
fn splits_in(catalog: &Catalog) -> usize {
    let cells: usize = catalog.placements.values().map(|placement| placement.cells().count()).sum();
    cells.saturating_sub(catalog.placements.len())
}
