//! The calls between members of a group, over the internal transport.

use std::{
    future::Future,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use cellar_rpc::CallError;
use futures::{FutureExt, pin_mut, select_biased};
use openraft::{
    BasicNode, RaftNetworkFactory, RaftNetworkV2,
    errors::{RPCError, ReplicationClosed, StreamingError, Unreachable},
    network::RPCOption,
    raft::{
        AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest,
        TransferLeaderResponse, VoteRequest, VoteResponse,
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::Notify;

use super::{Content, content::Parcels};
use crate::{
    host::Peers,
    limits::{SNAPSHOT_MS_MAX, SNAPSHOT_PIECE_MS_MAX},
    types::{RaftVote, Snapshot, SnapshotMeta, Types},
};

pub(crate) const APPEND: &str = "/raft/append";
pub(crate) const VOTE: &str = "/raft/vote";
pub(crate) const PRE_VOTE: &str = "/raft/pre-vote";
pub(crate) const SNAPSHOT: &str = "/raft/snapshot";
pub(crate) const TRANSFER: &str = "/raft/transfer";
/// What a member asks that lacks what was there before its log.
pub(crate) const ASK_BASE: &str = "/raft/ask-base";
/// What a member asks that would give up what is damaged there.
pub(crate) const ASK_WHOLE: &str = "/raft/ask-whole";
/// A snapshot that was asked for.
pub(crate) const BASE: &str = "/raft/base";
/// What a node asks that would leave a group: whether it is counted on.
pub(crate) const ASK_MEMBER: &str = "/raft/ask-member";
/// What an operator asks: another leader.
pub(crate) const LEAD: &str = "/raft/lead";

/// A message to a member of a group.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
pub(crate) struct Envelope<T> {
    pub(crate) group: u64,
    /// The node it is meant for: an address may have been given to another.
    pub(crate) to: u64,
    pub(crate) message: T,
}

/// Why a member did not answer.
#[derive(Clone, Debug, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum Refused {
    /// This is another node.
    #[error("this is node {0}")]
    OtherNode(u64),
    /// The group does not run here.
    #[error("group {0} does not run here")]
    NoGroup(u64),
    /// The group has stopped, or the pieces of a snapshot do not fit.
    #[error("{0}")]
    Failed(String),
    /// The member lacks what was there before the log began.
    #[error("only a snapshot helps")]
    NeedsSnapshot,
}

/// A part of a snapshot's bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Piece {
    pub(crate) vote: RaftVote,
    pub(crate) meta: SnapshotMeta,
    pub(crate) offset: u64,
    pub(crate) bytes: Bytes,
    /// Whether it is the last.
    pub(crate) last: bool,
}

/// Makes the clients of a group's members.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) group: u64,
    pub(crate) peers: Arc<dyn Peers>,
    /// Told when a member can take nothing but a snapshot.
    pub(crate) wanted: Arc<Notify>,
    /// Told when a member was handed leadership and did not take it.
    pub(crate) untaken: Arc<Notify>,
    /// Counts what snapshots have taken of the network.
    pub(crate) sent_bytes: Arc<AtomicU64>,
}

/// Calls one member.
pub(crate) struct Member {
    group: u64,
    to: u64,
    /// Where it was when it came into the group.
    address: String,
    peers: Arc<dyn Peers>,
    wanted: Arc<Notify>,
    untaken: Arc<Notify>,
    sent_bytes: Arc<AtomicU64>,
}

impl RaftNetworkFactory<Types> for Network {
    type Network = Member;

    async fn new_client(&mut self, target: u64, node: &BasicNode) -> Member {
        let (address, peers) = (node.addr.clone(), Arc::clone(&self.peers));
        let (wanted, untaken) = (Arc::clone(&self.wanted), Arc::clone(&self.untaken));
        let sent_bytes = Arc::clone(&self.sent_bytes);
        Member { group: self.group, to: target, address, peers, wanted, untaken, sent_bytes }
    }
}

fn unreachable(error: &CallError) -> Unreachable<Types> {
    match error.remote::<Refused>() {
        Some(refused) => Unreachable::new(&refused),
        None => Unreachable::from_string(error),
    }
}

impl Member {
    async fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        path: &str,
        message: Q,
        patience: Duration,
    ) -> Result<A, Unreachable<Types>> {
        self.ask(path, message, patience).await.map_err(|error| {
            if matches!(error.remote(), Some(Refused::NeedsSnapshot)) {
                self.wanted.notify_one();
            }
            unreachable(&error)
        })
    }

    async fn ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        path: &str,
        message: Q,
        patience: Duration,
    ) -> Result<A, CallError> {
        let envelope = Envelope { group: self.group, to: self.to, message };
        // Looked up each time: it may have moved.
        let client = self.peers.client(self.to, &self.address);
        client.call(path, &envelope, patience).await
    }

    /// Sends a snapshot piece by piece; the answer to the last counts.
    pub(crate) async fn send_snapshot(
        &self,
        path: &str,
        vote: RaftVote,
        snapshot: Snapshot,
        option: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        let Snapshot { meta, snapshot } = snapshot;
        // What this leader has applied of its own term comes after everything that was decided
        // before it. A member must not go back behind what it may have seen of other groups.
        if meta.last_log_id.is_none_or(|last| last.leader_id.term != vote.leader_id.term) {
            return Err(Unreachable::from_string("the leader has applied nothing yet").into());
        }
        let mut parcels = Parcels::new(snapshot);
        let mut offset = 0;
        loop {
            let read = parcels.next().await;
            let (bytes, last) = read.map_err(|error| {
                tracing::error!(group = self.group, %error, "a snapshot cannot be read");
                Unreachable::from_string(error)
            })?;
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let piece = Piece { vote, meta: meta.clone(), offset, bytes, last };
            let patience = if last { SNAPSHOT_MS_MAX } else { SNAPSHOT_PIECE_MS_MAX };
            let patience = Duration::from_millis(patience).max(option.hard_ttl());
            let answer: SnapshotResponse<Types> = self.call(path, piece, patience).await?;
            self.sent_bytes.fetch_add(length, Ordering::Relaxed);
            if last || answer.vote > vote {
                return Ok(answer);
            }
            offset += length;
        }
    }
}

impl RaftNetworkV2<Types> for Member {
    type SnapshotData = Content;

    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<Types>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<Types>, RPCError<Types>> {
        Ok(self.call(APPEND, request, option.hard_ttl()).await?)
    }

    async fn vote(
        &mut self,
        request: VoteRequest<Types>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        Ok(self.call(VOTE, request, option.hard_ttl()).await?)
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<Types>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        Ok(self.call(PRE_VOTE, request, option.hard_ttl()).await?)
    }

    async fn full_snapshot(
        &mut self,
        vote: RaftVote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        let sending = self.send_snapshot(SNAPSHOT, vote, snapshot, option).fuse();
        let cancel = cancel.fuse();
        pin_mut!(sending, cancel);
        select_biased! {
            sent = sending => sent,
            closed = cancel => Err(closed.into()),
        }
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<Types>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<Types>, RPCError<Types>> {
        let is_next = *request.to_node_id() == self.to;
        let answer = self.ask(TRANSFER, request, option.hard_ttl()).await;
        answer.map_err(|error| {
            // Nobody leads until somebody does something about it. Whoever is only late may be on
            // its way to lead.
            if is_next && error.remote::<Refused>().is_some() {
                self.untaken.notify_one();
            }
            unreachable(&error).into()
        })
    }
}

/// An error as a refusal.
pub(crate) fn refused(error: impl std::fmt::Display) -> Refused {
    Refused::Failed(error.to_string())
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        Self::other(refused)
    }
}
