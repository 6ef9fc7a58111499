//! Taking over a snapshot that the leader sends because the log here does not reach its own.
//!
//! Openraft lets the log go on where the snapshot ends before it has purged what lies between: the
//! log would have a hole. So nobody's entries are taken until the purge was asked for.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use openraft::raft::SnapshotResponse;
use tokio::sync::oneshot;

use super::{Group, Refused, refused};
use crate::types::{RaftVote, Snapshot, Types};

/// Counts one snapshot that is being taken over, until it is dropped.
struct Begun(Arc<AtomicU32>);

impl Begun {
    fn count(installing: &Arc<AtomicU32>) -> Self {
        installing.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(installing))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Group {
    /// Takes over a snapshot, also if the sender does not wait for the answer.
    pub(crate) async fn install(
        &self,
        vote: RaftVote,
        snapshot: Snapshot,
    ) -> Result<SnapshotResponse<Types>, Refused> {
        let begun = Begun::count(&self.inner.installing);
        let (raft, (tell, told)) = (self.inner.raft.clone(), oneshot::channel());
        self.inner.tasks.spawn(format!("snapshot for raft group {}", self.id()), async move {
            let installed = raft.install_full_snapshot(vote, snapshot).await;
            drop(begun);
            let _ = tell.send(installed.map_err(refused));
        });
        told.await.map_err(refused)?
    }

    /// Whether entries cannot be taken now.
    pub(crate) fn is_installing(&self) -> bool {
        self.inner.installing.load(Ordering::SeqCst) > 0
    }
}
