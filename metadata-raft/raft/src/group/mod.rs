//! One replicated group on this node: proposals, reads, members, compaction.

mod base;
mod changes;
mod content;
mod doubts;
mod heard;
mod install;
mod lead;
mod members;
mod network;
mod rest;
mod standing;
mod start;
mod state;
mod store;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use bytes::Bytes;
use cellar_rpc::tasks::Tasks;
pub(crate) use content::Content;
use doubts::Doubts;
use heard::Heard;
use network::Network;
pub(crate) use network::{
    APPEND, ASK_BASE, ASK_MEMBER, ASK_WHOLE, BASE, Envelope, LEAD, PRE_VOTE, Piece, Refused,
    SNAPSHOT, TRANSFER, VOTE, refused,
};
use openraft::{
    BasicNode, Raft, ReadPolicy,
    async_runtime::WatchReceiver,
    errors::{
        ClientWriteError, Fatal, ForwardReason, ForwardToLeader, InitializeError,
        LinearizableReadError, RaftError as Failed,
    },
    impls::OneshotResponder,
    raft::{AppendEntriesRequest, AppendEntriesResponse},
};
use parking_lot::Mutex;
pub(crate) use start::{Start, config};
pub(crate) use state::in_background;
use state::{State, StateHandle};
use store::Store;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

pub use changes::Changes;
pub use lead::ask_transfer_leader;
pub use members::{Members, ask_member};
pub(crate) use rest::Offer;
use rest::Rest;
pub use standing::Standing;

use crate::{
    error::{ProposeError, RaftError},
    host::Stalled,
    limits::{COMPACTION_MS_MAX, LEASE_MS_MAX},
    types::{Command, Types},
};

pub(crate) type RaftHandle = Raft<Types, StateHandle>;

/// A handle to a group; clones are the same group.
#[derive(Clone)]
pub struct Group {
    inner: Arc<Inner>,
}

struct Inner {
    id: u64,
    raft: RaftHandle,
    state: Arc<State>,
    store: Store,
    network: Network,
    /// Members that are being sent a snapshot they have asked for.
    sending: Mutex<BTreeSet<u64>>,
    doubts: Doubts,
    changes: watch::Receiver<Changes>,
    purged: watch::Receiver<Option<u64>>,
    heard: Heard,
    /// How many snapshots are being taken over.
    installing: Arc<AtomicU32>,
    rest: Arc<Rest>,
    tasks: Tasks,
    /// Cancelled when openraft's task has ended: what it had not yet taken is never answered.
    ended: CancellationToken,
    stalled: Stalled,
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group").field("id", &self.inner.id).finish_non_exhaustive()
    }
}

fn stopped(fatal: &Fatal<Types>) -> ProposeError {
    match fatal {
        Fatal::Stopped => ProposeError::Stopped,
        Fatal::StorageError(_) | Fatal::Panicked => ProposeError::Fatal(fatal.to_string()),
    }
}

impl Group {
    /// The group's number.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.inner.id
    }

    /// openraft's own handle.
    pub(crate) fn raft(&self) -> &RaftHandle {
        &self.inner.raft
    }

    /// Makes the group's first members known, once and on one of them; a group of this node
    /// alone is ready when this returns.
    ///
    /// # Errors
    /// The group was initialised before, does not contain this node or has failed.
    pub async fn initialize(&self, members: BTreeMap<u64, String>) -> Result<(), RaftError> {
        let alone = members.len() == 1;
        let members: BTreeMap<u64, BasicNode> =
            members.into_iter().map(|(id, addr)| (id, BasicNode { addr })).collect();
        let initialized = self.inner.raft.initialize(members).await;
        initialized.map_err(|error| match error {
            Failed::APIError(InitializeError::NotAllowed(_)) => RaftError::Initialized(self.id()),
            other => self.failed(other),
        })?;
        if alone {
            return self.lead().await;
        }
        // The others wait for a leader only after their timeout: be first.
        self.inner.raft.trigger().elect(true).await.map_err(|error| self.failed(error))?;
        let (group, token) = (self.clone(), self.inner.tasks.token().clone());
        self.inner.tasks.spawn(format!("first election of raft group {}", self.id()), async move {
            token.run_until_cancelled(group.elect_first()).await;
        });
        Ok(())
    }

    /// Becomes leader without waiting for anybody, and applies what is left of the log: for the
    /// only voter of a group.
    async fn lead(&self) -> Result<(), RaftError> {
        let Inner { raft, state, .. } = &*self.inner;
        raft.trigger().elect(false).await.map_err(|error| self.failed(error))?;
        let mut applied = state.applied.subscribe();
        let mut metrics = raft.metrics();
        let failure = async {
            loop {
                if let Err(fatal) = &metrics.borrow_watched().running_state {
                    return self.failed(fatal);
                }
                if let Err(closed) = metrics.changed().await {
                    return self.failed(closed);
                }
            }
        };
        tokio::select! {
            biased;
            _ = applied.wait_for(|_| state.is_sole()) => Ok(()),
            failure = failure => Err(failure),
        }
    }

    /// Proposes a command; returns the machine's answer once it is decided and applied. Many may
    /// be in flight at once.
    ///
    /// # Errors
    /// See [`ProposeError`]: only after [`ProposeError::NotLeader`] and
    /// [`ProposeError::Stopped`] is it certain that the command will not be applied.
    pub async fn propose(&self, command: Bytes) -> Result<Bytes, ProposeError> {
        if self.has_given_up() {
            return Err(ProposeError::NotLeader { leader: None });
        }
        self.stir_leader();
        match self.submit(command.clone()).await? {
            Err(to) if self.has_lease_again(&to).await => self.submit(command).await?,
            answer => answer,
        }
        .map_err(|to| ProposeError::NotLeader { leader: to.leader_id })
    }

    /// Proposes once; the inner error says that nothing was taken.
    async fn submit(
        &self,
        command: Bytes,
    ) -> Result<Result<Bytes, ForwardToLeader<Types>>, ProposeError> {
        let (responder, answer) = OneshotResponder::new_pair();
        let proposed = self.inner.raft.client_write_ff(Command(command), Some(responder)).await;
        proposed.map_err(|fatal| stopped(&fatal))?;
        match self.inner.ended.run_until_cancelled(answer).await {
            Some(Ok(Ok(response))) => Ok(Ok(response.data)),
            Some(Ok(Err(ClientWriteError::ForwardToLeader(to)))) => Ok(Err(to)),
            Some(Ok(Err(_))) => Err(ProposeError::Unknown),
            Some(Err(_)) | None => Err(self.unanswered()),
        }
    }

    /// Whether a leader that was refused for want of a lease has one now. Openraft takes nothing
    /// from a leader without a lease, and after a rest nobody has one until a majority is asked.
    async fn has_lease_again(&self, refused: &ForwardToLeader<Types>) -> bool {
        refused.reason == ForwardReason::LeaseExpired && self.renew_lease().await
    }

    /// Asks a majority, so that this leader has a lease; whether it has.
    pub(crate) async fn renew_lease(&self) -> bool {
        let asked = self.confirm(ReadPolicy::ReadIndex);
        timeout(Duration::from_millis(LEASE_MS_MAX), asked).await.is_ok_and(|asked| asked.is_ok())
    }

    /// Why a proposal that was taken got no answer: a group that failed says so before it lets
    /// go of its proposals.
    fn unanswered(&self) -> ProposeError {
        match &self.inner.raft.metrics().borrow_watched().running_state {
            Ok(()) | Err(Fatal::Stopped) => ProposeError::Unknown,
            Err(fatal) => stopped(fatal),
        }
    }

    /// Returns when a read of the machine is linearizable: everything answered before this call
    /// is applied, and no other node leads. With one member it costs an atomic load; with more,
    /// the leader's lease, or a round to a majority when that has run out.
    ///
    /// # Errors
    /// See [`ProposeError`].
    pub async fn read_barrier(&self) -> Result<(), ProposeError> {
        if self.inner.state.is_sole() {
            return Ok(());
        }
        if self.has_given_up() {
            return Err(ProposeError::NotLeader { leader: None });
        }
        self.stir_leader();
        match self.confirm(ReadPolicy::LeaseRead).await {
            Err(ProposeError::Unknown) => self.confirm(ReadPolicy::ReadIndex).await,
            confirmed => confirmed,
        }
    }

    async fn confirm(&self, policy: ReadPolicy) -> Result<(), ProposeError> {
        let confirming = self.inner.raft.ensure_linearizable(policy);
        match self.inner.ended.run_until_cancelled(confirming).await {
            Some(Ok(_)) => Ok(()),
            Some(Err(Failed::APIError(LinearizableReadError::ForwardToLeader(to)))) => {
                Err(ProposeError::NotLeader { leader: to.leader_id })
            }
            Some(Err(Failed::APIError(LinearizableReadError::QuorumNotEnough(_)))) => {
                Err(ProposeError::Unknown)
            }
            Some(Err(Failed::Fatal(fatal))) => Err(stopped(&fatal)),
            None => Err(self.unanswered()),
        }
    }

    /// Compacts when a member can take nothing but a snapshot: the leader sends one once its log
    /// does not reach back to the beginning.
    pub(crate) fn compact_when(&self, wanted: Arc<Notify>) {
        let (group, token) = (self.clone(), self.inner.tasks.token().clone());
        let compacting = async move {
            loop {
                wanted.notified().await;
                if let Err(error) = group.compact().await {
                    tracing::warn!(group = group.id(), %error, "compaction for a new member");
                }
            }
        };
        self.inner.tasks.spawn(format!("snapshots of raft group {}", self.id()), async move {
            token.run_until_cancelled(compacting).await;
        });
    }

    /// Takes what a leader sends.
    pub(crate) async fn append(
        &self,
        request: AppendEntriesRequest<Types>,
    ) -> Result<AppendEntriesResponse<Types>, Refused> {
        let from_beginning = request.prev_log_id.is_none() && !request.entries.is_empty();
        if from_beginning && self.lacks_base() && self.inner.store.is_empty() {
            return Err(Refused::NeedsSnapshot);
        }
        let brings_entries = !request.entries.is_empty();
        if brings_entries && self.is_installing() {
            return Err(Refused::Failed("a snapshot is being taken over".to_owned()));
        }
        let (decided, at) = (request.leader_commit.map(|id| id.index), Instant::now());
        let answer = self.inner.raft.append_entries(request).await.map_err(refused)?;
        if answer.is_success() {
            self.heard_leader(brings_entries);
            self.inner.heard.hear(decided, *self.inner.state.applied.borrow(), at);
        }
        Ok(answer)
    }

    /// Whether this node, as a follower, has applied everything that its leader knew to be decided
    /// at some moment no longer ago than `within`. Time counts from when the leader's message was
    /// taken in here.
    #[must_use]
    pub fn is_current(&self, within: Duration) -> bool {
        if self.lacks_base() {
            return false;
        }
        let applied = *self.inner.state.applied.borrow();
        self.inner.heard.is_current(applied, Instant::now(), within)
    }

    /// Whether this node leads the group, as far as it knows.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.inner.state.is_sole() || (!self.has_given_up() && self.inner.raft.is_leader())
    }

    /// Whether others should lead: the disk stands still, where giving up gains nothing if there
    /// are none, or what was before the log is missing.
    fn has_given_up(&self) -> bool {
        let stalled = *self.inner.stalled.borrow();
        (stalled && !self.inner.state.is_sole()) || self.lacks_base()
    }

    /// The group's leader, as far as this node knows.
    #[must_use]
    pub fn leader(&self) -> Option<u64> {
        let leader = self.inner.raft.server_metrics().borrow_watched().current_leader;
        leader.filter(|leader| *leader != self.inner.state.node || !self.has_given_up())
    }

    /// What changes about the group, to be watched.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Changes> {
        self.inner.changes.clone()
    }

    /// The index of the last entry applied here, to be watched.
    #[must_use]
    pub fn applied(&self) -> watch::Receiver<Option<u64>> {
        self.inner.state.applied.subscribe()
    }

    /// Flushes the machine and drops the log up to what was applied when this was called.
    ///
    /// # Errors
    /// The group has failed, or it took too long.
    pub async fn compact(&self) -> Result<(), RaftError> {
        // What may be given up is still in the log.
        if self.lacks_base() || self.inner.doubts.is_damaged() {
            return Ok(());
        }
        let target = *self.inner.state.applied.borrow();
        let mut purged = self.inner.purged.clone();
        let compacting = async {
            while *purged.borrow_and_update() < target {
                self.inner.raft.trigger().snapshot().await.map_err(|error| self.failed(error))?;
                // An earlier flush may have been under way, which purges less.
                purged.changed().await.map_err(|error| self.failed(error))?;
            }
            Ok(())
        };
        let patience = Duration::from_millis(COMPACTION_MS_MAX);
        let slow = RaftError::Slow { group: self.id(), action: "compaction" };
        timeout(patience, compacting).await.unwrap_or(Err(slow))
    }

    /// Stops the group on this node and drops its machine; what it decided stays in the log.
    pub async fn stop(&self) {
        if let Err(error) = self.inner.raft.shutdown().await {
            tracing::warn!(group = self.id(), %error, "raft did not end in order");
        }
        self.inner.state.stop().await;
        self.inner.tasks.token().cancel();
    }

    fn failed(&self, reason: impl std::fmt::Display) -> RaftError {
        RaftError::Failed { group: self.id(), reason: reason.to_string() }
    }

    fn refused(&self, error: Failed<Types, ClientWriteError<Types>>) -> RaftError {
        match error {
            Failed::APIError(ClientWriteError::ForwardToLeader(to)) => {
                RaftError::NotLeader { leader: to.leader_id }
            }
            other => self.failed(other),
        }
    }
}
