//! One cell on this node: its queue of writes, its reads, its place in Raft.

mod machine;
mod queue;
mod read;
mod shared;
mod snapshot;
mod writer;

use std::sync::Arc;

use cellar_cell_api::{CellError, Write, WriteReply, WriteRequest};
use cellar_engine::{Engine, EngineError};
use cellar_metadata_api::CellId;
use cellar_raft::{Group, Host, RaftError};
use cellar_schema::Clock;
use thiserror::Error;
use tokio::sync::oneshot;

use crate::{
    apply::{Applier, ApplyError, CellState},
    commands::encode_write,
    limits::WRITE_BYTES_MAX,
};
use machine::CellMachine;
use queue::{Queue, Waiting};
pub(crate) use shared::{Events, Shared};
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
}

impl Cell {
    /// Starts a cell whose descriptor is in the engine; its log is replayed when this returns.
    pub(crate) async fn start(
        host: &Host,
        engine: &Engine,
        id: CellId,
        clock: Arc<dyn Clock>,
        events: Events,
    ) -> Result<Self, StartError> {
        let applier = Applier::load(engine, id)?;
        let last_us = applier.progress().stamp_us;
        let shared = Arc::new(Shared::new(applier.state().clone(), clock, last_us));
        let machine = CellMachine::new(applier, Arc::clone(&shared), events)?;
        let group = host.start(id.0, Box::new(machine)).await?;
        let engine = engine.clone();
        Ok(Self { id, group, engine, shared, queue: Queue::default() })
    }

    /// Its identity.
    pub(crate) fn id(&self) -> CellId {
        self.id
    }

    /// Its place in Raft.
    pub(crate) fn group(&self) -> &Group {
        &self.group
    }

    /// The engine its rows are in.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// About how many bytes its rows take in the engine.
    pub(crate) fn hot_bytes(&self) -> Result<u64, EngineError> {
        let mut bytes = 0_u64;
        for (start, end) in self.state().spans() {
            bytes = bytes.saturating_add(self.engine.approximate_bytes(&start, &end)?);
        }
        Ok(bytes)
    }

    /// Its state after the last apply.
    pub(crate) fn state(&self) -> Arc<CellState> {
        self.shared.state()
    }

    /// Queues writes and waits for what becomes of them.
    pub(crate) async fn write(&self, request: WriteRequest) -> Result<WriteReply, CellError> {
        let state = self.state();
        if !request.writes.iter().flat_map(keys_of).all(|key| state.owns(key)) {
            return Err(wrong_cell(&state));
        }
        if !self.group.is_leader() {
            let leader = self.group.leader().map(cellar_metadata_api::NodeId);
            return Err(CellError::NotLeader { leader });
        }
        let count = request.writes.len();
        let mut encoded = Vec::new();
        for write in &request.writes {
            encode_write(&mut encoded, write, None)
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
        self.queue.push(Waiting { encoded, count, reply })?;
        answer.await.unwrap_or_else(|_| {
            Err(CellError::Unknown { reason: "the cell stopped before it answered".to_owned() })
        })
    }
}

/// Every key that a write names.
fn keys_of(write: &Write) -> impl Iterator<Item = &[u8]> {
    let mutated = write.mutations.iter().map(|mutation| mutation.partition.as_ref());
    mutated.chain(write.conditions.iter().map(|condition| condition.partition.as_ref()))
}

/// What a cell says to keys it does not own.
fn wrong_cell(state: &CellState) -> CellError {
    let descriptor = &state.descriptor;
    CellError::WrongCell { cell: descriptor.cell, epoch: Some(descriptor.epoch) }
}
