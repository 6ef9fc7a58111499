//! Clients that route as frontends do, and remember what they asked and were told.

pub(crate) mod asking;
pub(crate) mod batches;
pub(crate) mod tables;
pub(crate) mod workload;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use cellar_loadtest::history::{Action, Operation, Outcome};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::trace::Trace;
use batches::Batch;

/// What all clients have seen; clones are the same.
#[derive(Clone)]
pub(crate) struct Book {
    operations: Arc<Mutex<Vec<Operation>>>,
    batches: Arc<Mutex<Vec<Batch>>>,
    began: Instant,
    /// Orders what happens at one moment of the clock.
    sequence: Arc<AtomicU64>,
    trace: Trace,
}

impl Book {
    pub(crate) fn new(began: Instant, trace: Trace) -> Self {
        Self {
            operations: Arc::default(),
            batches: Arc::default(),
            began,
            sequence: Arc::default(),
            trace,
        }
    }

    /// A time after all that this gave before.
    pub(crate) fn now_ns(&self) -> u64 {
        let elapsed = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        elapsed.saturating_add(self.sequence.fetch_add(1, Ordering::SeqCst))
    }

    /// Writes down what became of a request.
    pub(crate) fn enter(
        &self,
        (client, key): (u32, u32),
        action: Action,
        outcome: Outcome,
        start_ns: u64,
    ) {
        let end_ns = self.now_ns();
        self.trace.note(format_args!("client {client} key {key} {action:?} {outcome:?}"));
        let operation = Operation { key, client, action, outcome, start_ns, end_ns };
        self.operations.lock().push(operation);
    }

    /// Writes down a batch and what became of it.
    pub(crate) fn enter_batch(&self, client: u32, batch: Batch) {
        self.trace.note(format_args!("client {client} {batch:?}"));
        self.batches.lock().push(batch);
    }

    /// Every batch, so far.
    pub(crate) fn batches(&self) -> Vec<Batch> {
        self.batches.lock().clone()
    }

    /// Everything else, so far.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        self.operations.lock().clone()
    }
}
