//! What a cell's machine and its handle share: the state as of the last apply, and the time.

use std::sync::Arc;

use arc_swap::ArcSwap;
use cellar_metadata_api::CellId;
use cellar_schema::{Clock, HybridClock};
use tokio::sync::mpsc;

use crate::apply::{CellState, Event};

/// Tells the node what an apply asks of it.
pub(crate) type Events = mpsc::UnboundedSender<(CellId, Event)>;

/// One cell's published state.
pub(crate) struct Shared {
    /// The state after the last apply, set just before the engine has what was applied. A reader
    /// takes its snapshot of the engine first and loads this after: if the cell still owns the
    /// keys then, it did when the snapshot was taken, and every row that the snapshot lacks
    /// because it became cold is in a segment of this manifest.
    state: ArcSwap<CellState>,
    /// Gives out timestamps larger than all that were applied.
    pub(crate) clock: HybridClock<Arc<dyn Clock>>,
}

impl Shared {
    pub(crate) fn new(state: CellState, clock: Arc<dyn Clock>, last_us: i64) -> Self {
        let clock = HybridClock::after_us(clock, last_us);
        Self { state: ArcSwap::from_pointee(state), clock }
    }

    /// Replaces the state, if it changed.
    pub(crate) fn publish(&self, state: &CellState) {
        if !self.state.load().is_same(state) {
            self.state.store(Arc::new(state.clone()));
        }
    }

    /// The state now.
    pub(crate) fn state(&self) -> Arc<CellState> {
        self.state.load_full()
    }
}
