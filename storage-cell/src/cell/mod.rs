//! One cell on this node: its queue of writes, its reads, its place in Raft.

mod install;
mod load;
mod machine;
mod measured;
mod queue;
mod read;
mod shared;
mod snapshot;
mod writer;

use std::sync::Arc;

use bytes::Bytes;
use cellar_cell_api::{CellError, Write, WriteReply, WriteRequest};
use cellar_engine::{Engine, EngineError};
use cellar_metadata_api::{CellId, TableId};
use cellar_raft::{Group, Host, RaftError, Room};
use cellar_schema::{Clock, keys};
use thiserror::Error;
use tokio::{
    sync::{Mutex, oneshot},
    time::Instant,
};

use crate::{
    apply::{Applier, ApplyError, CellState, Machines},
    cold::{Cold, is_stale},
    commands::{Decided, encode_write},
    limits::{FULL_RETRY_AFTER_MS, STALE_RETRIES_MAX, WRITE_BYTES_MAX},
};
use load::Load;
use machine::CellMachine;
use measured::Measured;
use queue::{Queue, Waiting};
pub(crate) use shared::{Events, Shared};
pub(crate) use snapshot::Content;
#[cfg(test)]
pub(crate) use snapshot::take as content_of;
use writer::Writer;
pub(crate) use writer::refused;

/// Why a cell could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// What is stored of it cannot be read.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// Its Raft group did not start.
    #[error(transparent)]
    Raft(#[from] RaftError),
}

/// A cell that runs on this node.
pub(crate) struct Cell {
    id: CellId,
    group: Group,
    engine: Engine,
    shared: Arc<Shared>,
    queue: Queue,
    cold: Arc<Cold>,
    /// Rows move to the cold tier once at a time.
    tiering: Mutex<()>,
    writer: Writer,
    load: Load,
    measured: Measured,
    room: Room,
    machines: Arc<Machines>,
    /// The node hears what goes wrong.
    events: Events,
}

impl Cell {
    /// Starts a cell whose descriptor is in the engine; its log is replayed when this returns.
    pub(crate) async fn start(
        host: &Host,
        engine: &Engine,
        machines: &Arc<Machines>,
        id: CellId,
        clock: Arc<dyn Clock>,
        events: Events,
        cold: Arc<Cold>,
    ) -> Result<Self, StartError> {
        // Before anything of it is read: it may be taken over at any moment.
        let gate = machines.enter(id);
        let (applier, shared) = {
            let mut open = gate.lock();
            if open.is_gone() {
                return Err(ApplyError::NoCell(id).into());
            }
            let applier = Applier::load(engine, machines, id)?;
            let last_us = applier.progress().stamp_us;
            let shared = Arc::new(Shared::new(applier.state().clone(), clock, last_us));
            let told = Arc::clone(&shared);
            open.on_gone(move || told.publish(&told.state().gone()));
            (applier, shared)
        };
        let machine = CellMachine::new(applier, gate, Arc::clone(&shared), events.clone())?;
        let group = host.start(id.0, Box::new(machine)).await?;
        let engine = engine.clone();
        let (queue, tiering, writer) = (Queue::default(), Mutex::default(), Writer::default());
        let (load, machines) = (Load::default(), Arc::clone(machines));
        let (room, measured) = (host.room(), Measured::default());
        Ok(Self {
            id,
            group,
            engine,
            shared,
            queue,
            cold,
            tiering,
            writer,
            load,
            measured,
            room,
            machines,
            events,
        })
    }

    /// The whole cell as it is now, for whoever takes it over.
    pub(crate) fn content(&self) -> Result<Bytes, ApplyError> {
        snapshot::take(&self.engine, &self.state())
    }

    /// Its identity.
    pub(crate) fn id(&self) -> CellId {
        self.id
    }

    /// How much it is asked.
    pub(crate) fn load(&self) -> &Load {
        &self.load
    }

    /// Its place in Raft.
    pub(crate) fn group(&self) -> &Group {
        &self.group
    }

    /// The engine its rows are in.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The way to the cold tier.
    pub(crate) fn cold(&self) -> &Cold {
        &self.cold
    }

    /// Held while rows move to the cold tier.
    pub(crate) fn tiering(&self) -> &Mutex<()> {
        &self.tiering
    }

    /// The time by which rows expire and become cold.
    pub(crate) fn now_seconds(&self) -> i64 {
        self.shared.clock.clock().now_seconds()
    }

    /// About how many bytes its rows take in the engine.
    pub(crate) fn hot_bytes(&self) -> Result<u64, EngineError> {
        let mut bytes = 0_u64;
        for (start, end) in self.state().spans() {
            bytes = bytes.saturating_add(self.engine.approximate_bytes(&start, &end)?);
        }
        Ok(bytes)
    }

    /// The same, for whoever looks again and again: idle cells are not measured anew each time.
    pub(crate) fn hot_bytes_lately(&self) -> Result<u64, EngineError> {
        let at = (self.state().descriptor.epoch, *self.group.applied().borrow());
        self.measured.get(at, Instant::now(), || self.hot_bytes())
    }

    /// Its state after the last apply.
    pub(crate) fn state(&self) -> Arc<CellState> {
        self.shared.state()
    }

    /// From here on it owns nothing: its rows are about to go.
    pub(crate) fn forsake(&self) {
        self.shared.publish(&self.state().gone());
    }

    /// Queues writes and waits for what becomes of them. Those that depend on rows which became
    /// cold meanwhile are prepared again.
    pub(crate) async fn write(&self, request: WriteRequest) -> Result<WriteReply, CellError> {
        let mut reply = self.write_once(&request.writes).await?;
        self.load.wrote(&request.writes);
        for _ in 0..STALE_RETRIES_MAX {
            let outcomes = reply.outcomes.iter_mut().zip(&request.writes);
            let is_again = |outcome: &Decided| outcome.as_ref().is_err_and(is_stale);
            let (slots, again): (Vec<&mut Decided>, Vec<Write>) = outcomes
                .filter(|(outcome, _)| is_again(outcome))
                .map(|(outcome, write)| (outcome, write.clone()))
                .unzip();
            if again.is_empty() {
                break;
            }
            match self.write_once(&again).await {
                Ok(redone) => {
                    slots.into_iter().zip(redone.outcomes).for_each(|(slot, new)| *slot = new);
                }
                Err(error) => slots.into_iter().for_each(|slot| *slot = Err(error.clone())),
            }
        }
        Ok(reply)
    }

    async fn write_once(&self, writes: &[Write]) -> Result<WriteReply, CellError> {
        let state = self.state();
        if !state.serves() || !writes.iter().flat_map(Write::partitions).all(|key| state.owns(key))
        {
            return Err(wrong_cell(&state));
        }
        if !self.group.is_leader() {
            let leader = self.group.leader().map(cellar_metadata_api::NodeId);
            return Err(CellError::NotLeader { leader });
        }
        self.has_room()?;
        let count = writes.len();
        let mut encoded = Vec::new();
        for write in writes {
            let found = self.cold.found_for(&state.manifest, write).await?;
            encode_write(&mut encoded, write, &found)
                .map_err(|error| CellError::Invalid { message: error.to_string() })?;
        }
        if encoded.len() > WRITE_BYTES_MAX {
            let message = format!(
                "a request of {} bytes for one cell; at most {WRITE_BYTES_MAX} are possible",
                encoded.len()
            );
            return Err(CellError::Invalid { message });
        }
        let (reply, answer) = oneshot::channel();
        let first = writes.iter().flat_map(Write::partitions).next();
        let table = first.and_then(|key| keys::table_of(key).ok()).unwrap_or(TableId(0));
        self.queue.push(Waiting { table, encoded, count, reply })?;
        #[cfg(feature = "sabotage")]
        if let Some(early) = answered_early(writes) {
            return Ok(early);
        }
        answer.await.unwrap_or_else(|_| {
            Err(CellError::Unknown { reason: "the cell stopped before it answered".to_owned() })
        })
    }
}

impl Cell {
    /// Refuses writes while what is kept in reserve of the disk is needed for what was accepted
    /// before. Reads go on.
    fn has_room(&self) -> Result<(), CellError> {
        self.room.check().map_err(|full| CellError::Overloaded {
            reason: format!("{full}; {} takes no writes", self.id),
            retry_after_ms: FULL_RETRY_AFTER_MS,
        })
    }
}

/// What a cell says that does not wait until a write is decided.
#[cfg(feature = "sabotage")]
fn answered_early(writes: &[Write]) -> Option<WriteReply> {
    use cellar_raft::sabotage::{Sabotage, is};
    let plain = writes.iter().all(|write| write.conditions.is_empty());
    let outcome =
        |_| Ok(cellar_cell_api::Outcome::Applied { written_bytes: 0, previous: Vec::new() });
    (plain && is(Sabotage::AnswerEarly))
        .then(|| WriteReply { outcomes: writes.iter().map(outcome).collect() })
}

/// What a cell says to keys it does not own.
fn wrong_cell(state: &CellState) -> CellError {
    let descriptor = &state.descriptor;
    CellError::WrongCell { cell: descriptor.cell, epoch: Some(descriptor.epoch) }
}
