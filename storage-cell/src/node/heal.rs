//! Cells with damaged rows get them from other replicas, by themselves.
//!
//! Whoever meets damage tells the node. A cell whose rows another replica has for certain gives up
//! its own ([`cellar_raft::Group::give_up`]), with every other cell that may have had rows in the
//! same blocks; it serves again when a snapshot has replaced them. Where no other replica has them,
//! nothing is given up: what is whole is served, and the rest is an error.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cellar_engine::Damage;
use cellar_metadata_api::{CellId, DamagedBlocks};
use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use super::Inner;
use crate::{
    apply::ApplyError,
    cell::Cell,
    limits::{HEAL_AGAIN_MS, HEAL_RETRY_MS},
    mend,
};

/// What is known of damage on this node.
#[derive(Default)]
pub(super) struct Damages {
    state: Mutex<Known>,
    wake: Notify,
    healed: AtomicU64,
}

#[derive(Default)]
struct Known {
    /// Cells with damage that are to give up their rows.
    met: BTreeMap<CellId, Met>,
    /// Those that have given them up, with the blocks found in them.
    waiting: BTreeMap<CellId, u64>,
    /// Blocks, since the node began.
    found: u64,
    healed: u64,
}

/// A cell with damage.
#[derive(Clone, Copy)]
struct Met {
    /// When it is tried next.
    at: Instant,
    /// The blocks found in it; one that reaches into several cells is counted with the one that
    /// was looked at.
    blocks: u64,
}

impl Known {
    /// So many blocks of a cell cannot be read; those known already are among them.
    fn find(&mut self, cell: CellId, blocks: u64) {
        let met = self.met.entry(cell).or_insert_with(|| Met { at: Instant::now(), blocks: 0 });
        self.found = self.found.saturating_add(blocks.saturating_sub(met.blocks));
        met.blocks = met.blocks.max(blocks);
    }

    /// A cell has given up its rows.
    fn wait(&mut self, cell: CellId) {
        let blocks = self.met.remove(&cell).map_or(0, |met| met.blocks);
        self.waiting.insert(cell, blocks);
    }

    /// The damage of a cell is there no more.
    fn end(&mut self, cell: CellId) {
        let met = self.met.remove(&cell).map_or(0, |met| met.blocks);
        let blocks = self.waiting.remove(&cell).unwrap_or(0).saturating_add(met);
        self.healed = self.healed.saturating_add(blocks);
    }

    fn blocks(&self) -> DamagedBlocks {
        let Self { found, healed, .. } = *self;
        DamagedBlocks { found, healed, waiting: found.saturating_sub(healed) }
    }
}

impl Damages {
    /// Something of a cell cannot be read.
    pub(super) fn meet(&self, cell: CellId) {
        let mut state = self.state.lock();
        if !state.waiting.contains_key(&cell) {
            state.find(cell, 0);
            self.wake.notify_one();
        }
    }

    /// The cells with damage, and how many were healed since the node began; the same of blocks.
    pub(super) fn told(&self) -> (Vec<CellId>, u64, DamagedBlocks) {
        let state = self.state.lock();
        let cells: BTreeSet<CellId> =
            state.met.keys().chain(state.waiting.keys()).copied().collect();
        let healed = self.healed.load(Ordering::Relaxed);
        (cells.into_iter().collect(), healed, state.blocks())
    }

    fn due(&self) -> Vec<CellId> {
        let (state, now) = (self.state.lock(), Instant::now());
        state.met.iter().filter(|(_, met)| met.at <= now).map(|(cell, _)| *cell).collect()
    }

    fn again(&self, cell: CellId, after_ms: u64) {
        let at = Instant::now() + Duration::from_millis(after_ms);
        let mut state = self.state.lock();
        state.find(cell, 0);
        if let Some(met) = state.met.get_mut(&cell) {
            met.at = at;
        }
    }
}

impl Inner {
    /// Looks after damage until the node stops.
    pub(super) async fn heal_cells(self: Arc<Self>) {
        let mut looked = false;
        loop {
            tokio::select! {
                biased;
                () = self.damages.wake.notified() => {}
                () = sleep(Duration::from_millis(HEAL_RETRY_MS)) => {}
            }
            let met = self.engine.has_met_damage();
            if met && !looked {
                self.look_everywhere().await;
            }
            looked = met;
            for cell in self.damages.due() {
                self.heal(cell).await;
            }
            self.note_healed();
        }
    }

    /// Finds the cells whose damage a compaction has met.
    async fn look_everywhere(self: &Arc<Self>) {
        let found = self.blocking(|inner| {
            let damage = mend::find_all(&inner.engine)?;
            mend::concerned(&inner.engine, &damage)
        });
        match found.await {
            Ok(Ok(cells)) => mend::ids(&cells).into_iter().for_each(|id| self.damages.meet(id)),
            Ok(Err(error)) => tracing::error!(%error, "what compaction has met is not mended"),
            Err(error) => tracing::error!(%error, "damage was not looked for"),
        }
    }

    /// Has a cell with damage give up its rows, if others have them.
    async fn heal(self: &Arc<Self>, id: CellId) {
        let Some(cell) = self.cell(id) else {
            self.damages.state.lock().end(id);
            return;
        };
        let descriptor = Arc::clone(&cell.state().descriptor);
        let looked = self.blocking(move |inner| {
            let damage = mend::find(&inner.engine, &descriptor)?;
            let concerned = mend::concerned(&inner.engine, &damage)?;
            Ok::<(Vec<Damage>, BTreeSet<CellId>), ApplyError>((damage, mend::ids(&concerned)))
        });
        let (damage, mut cells) = match looked.await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                tracing::error!(cell = %id, %error, "damage is not mended");
                return self.damages.again(id, HEAL_AGAIN_MS);
            }
            Err(error) => {
                tracing::error!(cell = %id, %error, "damage was not looked for");
                return self.damages.again(id, HEAL_RETRY_MS);
            }
        };
        if damage.is_empty() && cell.group().is_whole() {
            // It was in an index, or was mended with another cell.
            self.damages.state.lock().end(id);
            return;
        }
        cells.insert(id);
        let blocks = damage.len();
        tracing::error!(cell = %id, blocks, ?cells, "stored rows are damaged");
        self.damages.state.lock().find(id, u64::try_from(blocks).unwrap_or(0));
        let alone = |id: &CellId| self.cell(*id).is_none_or(|cell| is_alone(&cell));
        if let Some(only) = cells.iter().find(|id| alone(id)) {
            tracing::error!(
                cell = %id, %only,
                "no other replica has the rows: what is damaged stays, and is refused"
            );
            return self.damages.again(id, HEAL_AGAIN_MS);
        }
        for other in cells {
            self.damages.meet(other);
            self.give_up(other).await;
        }
    }

    async fn give_up(&self, id: CellId) {
        let Some(cell) = self.cell(id) else { return };
        match cell.group().give_up().await {
            Ok(()) => {
                self.damages.state.lock().wait(id);
            }
            Err(error) => {
                tracing::warn!(cell = %id, %error, "damaged rows cannot be given up yet");
                self.damages.again(id, HEAL_RETRY_MS);
            }
        }
    }

    /// Takes note of cells that have their rows again.
    fn note_healed(&self) {
        let mut state = self.damages.state.lock();
        let lacks = |id: &CellId| self.cell(*id).is_some_and(|cell| !cell.group().is_whole());
        let whole: Vec<CellId> = state.waiting.keys().copied().filter(|id| !lacks(id)).collect();
        for id in whole {
            tracing::info!(cell = %id, "damaged rows were replaced by another replica's");
            state.end(id);
            self.damages.healed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn is_alone(cell: &Cell) -> bool {
    cell.group().changes().borrow().voters.len() < 2
}
