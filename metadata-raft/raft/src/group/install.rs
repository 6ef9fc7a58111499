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

/// How many snapshots are being taken over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Installing(Arc<AtomicU32>);

impl Installing {
    fn begin(&self) -> Self {
        self.0.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(&self.0))
    }
}

impl Group {
    /// Takes over a snapshot, also if the sender does not wait for the answer.
    pub(crate) async fn install(
        &self,
        vote: RaftVote,
        snapshot: Snapshot,
    ) -> Result<SnapshotResponse<Types>, Refused> {
        let installing = &self.inner.installing;
        let begun = InstallGuard(installing.begin());
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
        self.inner.installing.0.load(Ordering::SeqCst) > 0
    }
}

/// Ends it when dropped.
struct InstallGuard(Installing);

impl Drop for InstallGuard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}
