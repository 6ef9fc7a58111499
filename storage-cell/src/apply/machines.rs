//! The machines of one node, so that the one that takes a cell over can end the other first.
//!
//! A cell is only ever taken over by one that begins before it in the key space: those who wait
//! for each other's applies wait in one direction.

use std::{collections::HashMap, sync::Arc};

use cellar_metadata_api::CellId;
use parking_lot::{Mutex, MutexGuard};

use super::claims::Claims;
use crate::index::Indexes;

/// Every machine that was started here since the node began.
#[derive(Default)]
pub(crate) struct Machines {
    gates: Mutex<HashMap<CellId, Arc<Gate>>>,
    indexes: Indexes,
    claims: Claims,
}

/// What a machine holds while it writes to the engine.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<GateState>,
}

/// Whether a machine may write, and whom to tell when it may not any more.
#[derive(Default)]
pub(crate) struct GateState {
    gone: bool,
    on_gone: Option<Box<dyn Fn() + Send>>,
}

impl GateState {
    /// Whether another cell has taken the machine's over: it changes nothing any more.
    pub(crate) const fn is_gone(&self) -> bool {
        self.gone
    }

    /// Has this called when the cell is taken over, before anybody can see that.
    pub(crate) fn on_gone(&mut self, tell: impl Fn() + Send + 'static) {
        self.on_gone = Some(Box::new(tell));
    }
}

impl Gate {
    /// Keeps the machine from being ended.
    pub(crate) fn lock(&self) -> MutexGuard<'_, GateState> {
        self.state.lock()
    }
}

impl Machines {
    /// The indexes that all of them keep.
    pub(crate) fn indexes(&self) -> &Indexes {
        &self.indexes
    }

    /// Who is about to change which cell owns what.
    pub(crate) fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The gate of a machine that was started.
    pub(crate) fn gate(&self, cell: CellId) -> Option<Arc<Gate>> {
        self.gates.lock().get(&cell).map(Arc::clone)
    }

    /// The gate of a machine that is being started. One of a cell that was taken over is gone from
    /// the beginning.
    pub(crate) fn enter(&self, cell: CellId) -> Arc<Gate> {
        let mut gates = self.gates.lock();
        let known = gates.get(&cell).filter(|gate| gate.lock().gone);
        let gate = known.map_or_else(Arc::default, Arc::clone);
        gates.insert(cell, Arc::clone(&gate));
        gate
    }

    /// Ends a machine, running or not: when this returns it has written its last.
    pub(crate) fn end(&self, cell: CellId) {
        let gate = Arc::clone(self.gates.lock().entry(cell).or_default());
        let mut state = gate.lock();
        state.gone = true;
        if let Some(tell) = state.on_gone.take() {
            tell();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_cell_that_was_taken_over_stays_so_and_one_that_stopped_may_come_back() {
        let (machines, cell) = (Machines::default(), CellId(1));
        assert!(!machines.enter(cell).lock().is_gone());
        let (gate, told) = (machines.enter(cell), Arc::new(AtomicBool::new(false)));
        let tell = Arc::clone(&told);
        gate.lock().on_gone(move || tell.store(true, Ordering::SeqCst));
        machines.end(cell);
        assert!(gate.lock().is_gone() && told.load(Ordering::SeqCst));
        assert!(machines.enter(cell).lock().is_gone());
        machines.end(CellId(2));
        assert!(machines.enter(CellId(2)).lock().is_gone(), "even if it never ran");
    }
}
