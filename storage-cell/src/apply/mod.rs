//! Applying decided entries: deterministic, from the entry and the stored state alone. No clock,
//! no chance, no catalog. Everything that one call decides goes into one engine batch together
//! with the place in the log. Start at [`Applier::apply`].

mod answers;
mod batches;
mod claims;
mod drop_table;
mod machines;
mod merge;
mod overlay;
mod partition;
mod replicas;
mod segments;
mod split;
mod state;
mod take_over;
mod write;

use std::sync::Arc;

use bytes::Bytes;
use cellar_engine::{Engine, EngineError};
use cellar_metadata_api::{CellId, SplitPlan, TableId};
use cellar_raft::Entry;
use cellar_schema::{FormatError, KeyError};
use thiserror::Error;

pub(crate) use batches::{BatchPlace, Batches};
pub(crate) use claims::Scope;
pub(crate) use machines::{Gate, Machines};
pub(crate) use overlay::Overlay;
pub(crate) use state::{CellState, rows_of};
pub(crate) use take_over::{clear_rows, further, others, take_over};

use crate::{
    cold::Manifest,
    commands::{Command, CommandError},
    records::{self, Kind, Progress, RecordError},
};
use answers::RecentAnswers;

/// Why entries could not be applied. The cell stops: going on without them would lose writes.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// An entry, or an answer to one, cannot be read.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A record of Cellar's own cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A stored row cannot be read.
    #[error("a stored row cannot be read: {0}")]
    Row(#[from] FormatError),
    /// A key is none.
    #[error("a key cannot be read: {0}")]
    Key(#[from] KeyError),
    /// The cell is not in the engine.
    #[error("{0} is not on this disk")]
    NoCell(CellId),
    /// A damaged block may also hold what nobody has given up.
    #[error("stored bytes are damaged, which cannot be mended while {0}")]
    Beside(String),
}

impl ApplyError {
    /// Whether stored bytes are not what was written.
    pub(crate) const fn is_damage(&self) -> bool {
        matches!(self, Self::Engine(EngineError::Corrupt { .. }))
    }
}

/// What the node has to act on after an apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A snapshot has replaced the cell.
    Installed,
    /// Something of the cell that is stored here cannot be read.
    Damaged(CellId),
    /// The cell has split: the right half is in the engine and has to be started.
    Split(SplitPlan),
    /// The cell takes no more writes to the table: its rows can be removed.
    TableDropped(TableId),
    /// The cell is to stand on other nodes: whoever comes to lead it goes on at once.
    Moving,
    /// The cell stands on other nodes now: the metadata service is to know.
    Moved,
    /// The cell is part of another now: what runs of it here has to be stopped.
    TakenOver(CellId),
}

/// One cell's state and what changes it.
pub(crate) struct Applier {
    engine: Engine,
    state: CellState,
    progress: Progress,
    answers: RecentAnswers,
    machines: Arc<Machines>,
}

impl Applier {
    /// Loads a cell from the engine.
    pub(crate) fn load(
        engine: &Engine,
        machines: &Arc<Machines>,
        cell: CellId,
    ) -> Result<Self, ApplyError> {
        let mut state = CellState::load(engine, cell)?;
        let progress = match engine.get(&records::cell_key(Kind::Progress, cell))? {
            Some(bytes) => Progress::decode(&bytes)?,
            None => Progress::default(),
        };
        state.manifest = Arc::new(Manifest::load(engine, cell, progress.manifest)?);
        let (group, range) = (state.descriptor.group, state.descriptor.range);
        state.batches = Arc::new(Batches::load(engine, group, range)?);
        let answers = RecentAnswers::load(engine, group, range)?;
        let (engine, machines) = (engine.clone(), Arc::clone(machines));
        Ok(Self { engine, state, progress, answers, machines })
    }

    /// What the cell is now.
    pub(crate) fn state(&self) -> &CellState {
        &self.state
    }

    /// How far it is.
    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Writes down, durably, that the cell lacks its rows. What is in memory may be ahead of what
    /// is stored.
    pub(crate) fn lose_rows(&mut self) -> Result<(), ApplyError> {
        let stored = CellState::load(&self.engine, self.state.descriptor.cell)?;
        self.state.set_descriptor(stored.lose_rows(&self.engine)?);
        Ok(())
    }

    /// The machines beside it.
    pub(crate) fn machines(&self) -> &Arc<Machines> {
        &self.machines
    }

    /// The engine it is in.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Applies entries in order, in one batch with `position`. `publish` is shown the new state
    /// just before the engine has the batch: see `Shared::state`.
    pub(crate) fn apply(
        &mut self,
        entries: Vec<Entry>,
        position: Vec<u8>,
        publish: impl FnOnce(&CellState),
    ) -> Result<(Vec<Bytes>, Vec<Event>), ApplyError> {
        let engine = self.engine.clone();
        let mut overlay = Overlay::new(&engine);
        let mut answers = Vec::with_capacity(entries.len());
        let mut events = Vec::new();
        for entry in entries {
            answers.push(if entry.command.is_empty() {
                Bytes::new()
            } else {
                let command = Command::decode(entry.command)?;
                self.one(&mut overlay, command, &mut events)?
            });
        }
        self.progress.position = position;
        let cell = self.state.descriptor.cell;
        overlay.put_record(records::cell_key(Kind::Progress, cell), self.progress.encode());
        publish(&self.state);
        engine.apply(&overlay.into_batch(&self.machines.indexes().now())?)?;
        Ok((answers, events))
    }

    fn one(
        &mut self,
        overlay: &mut Overlay<'_>,
        command: Command,
        events: &mut Vec<Event>,
    ) -> Result<Bytes, ApplyError> {
        match command {
            Command::Writes(batch) => self.writes(overlay, batch),
            Command::Split(split) => self.split(overlay, &split, events),
            Command::DropTable(drop) => self.drop_table(overlay, drop, events),
            Command::Segments(change) => self.segments(overlay, change),
            Command::Move(change) => self.begin_move(overlay, change, events),
            Command::Moved(change) => self.end_move(overlay, change, events),
            Command::Freeze(freeze) => self.freeze(overlay, freeze),
            Command::Merge(merge) => self.merge(overlay, &merge, events),
            Command::Touch(touch) => self.touch(overlay, touch, events),
            Command::Unfreeze(unfreeze) => self.unfreeze(overlay, unfreeze),
        }
    }
}
