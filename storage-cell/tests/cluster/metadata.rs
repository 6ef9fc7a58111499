//! The metadata service's own state machine, in memory, with failures on demand.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use cellar_metadata_api::{Answer, Catalog, Command, Metadata, MetadataError, NodeReport};
use cellar_metadata_raft::State;
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use tokio::sync::watch;

/// Outlives the nodes of a test.
#[derive(Debug)]
pub struct FakeMetadata {
    state: Mutex<State>,
    catalog: watch::Sender<Arc<Catalog>>,
    /// Refuses everything.
    pub down: AtomicBool,
    /// Does not take splits.
    pub forget_splits: AtomicBool,
    /// Does not take merges.
    pub forget_merges: AtomicBool,
    /// Does not take moves that have ended.
    pub forget_moves: AtomicBool,
    /// What nodes told of their load, the latest last.
    pub reports: Mutex<Vec<NodeReport>>,
    /// Takes one split and says that the outcome is unknown.
    pub mute_splits: AtomicBool,
}

impl FakeMetadata {
    pub fn new() -> Arc<Self> {
        let state = State::new();
        let catalog = watch::Sender::new(Arc::clone(state.catalog()));
        let state = Mutex::new(state);
        Arc::new(Self {
            state,
            catalog,
            down: false.into(),
            forget_splits: false.into(),
            forget_merges: false.into(),
            reports: Mutex::default(),
            forget_moves: false.into(),
            mute_splits: false.into(),
        })
    }

    pub fn run(&self, command: &Command) -> Result<Answer, MetadataError> {
        let mut state = self.state.lock();
        let answer = state.execute(command);
        self.catalog.send_replace(Arc::clone(state.catalog()));
        answer
    }

    pub fn now(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.borrow())
    }
}

impl Metadata for FakeMetadata {
    fn submit(&self, command: Command) -> BoxFuture<'_, Result<Answer, MetadataError>> {
        async move {
            let split = matches!(command, Command::Split(_));
            let merge = matches!(command, Command::MergeCells { .. });
            let moved = matches!(command, Command::ChangeReplicas { .. });
            let forgets = moved && self.forget_moves.load(Ordering::SeqCst)
                || split && self.forget_splits.load(Ordering::SeqCst)
                || merge && self.forget_merges.load(Ordering::SeqCst);
            if forgets || self.down.load(Ordering::SeqCst) {
                return Err(MetadataError::Unavailable { reason: "down".to_owned() });
            }
            let answer = self.run(&command);
            if split && self.mute_splits.swap(false, Ordering::SeqCst) {
                return Err(MetadataError::Unknown { reason: "mute".to_owned() });
            }
            answer
        }
        .boxed()
    }

    fn report(&self, report: NodeReport) -> BoxFuture<'_, Result<(), MetadataError>> {
        self.reports.lock().push(report);
        async { Ok(()) }.boxed()
    }

    fn catalog(&self) -> watch::Receiver<Arc<Catalog>> {
        self.catalog.subscribe()
    }
}
