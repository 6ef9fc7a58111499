//! What members of a group ask this node.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::BytesMut;
use cellar_rpc::Router;
use openraft::raft::{
    AppendEntriesRequest, SnapshotResponse, TransferLeaderRequest, TransferLeaderResponse,
    VoteRequest, VoteResponse,
};
use parking_lot::Mutex;

use super::Inner;
use crate::{
    group::{
        APPEND, Content, Envelope, Group, LEAD, PRE_VOTE, Piece, Refused, SNAPSHOT, TRANSFER, VOTE,
        refused,
    },
    types::{RaftVote, Snapshot, Types},
};

/// Snapshots of which not all pieces have come, by group.
#[derive(Default)]
pub(crate) struct Snapshots {
    partial: Mutex<HashMap<u64, Partial>>,
    received_bytes: AtomicU64,
}

struct Partial {
    vote: RaftVote,
    bytes: BytesMut,
}

impl Snapshots {
    /// Bytes of snapshots that have come so far.
    pub(super) fn received_bytes(&self) -> u64 {
        self.received_bytes.load(Ordering::Relaxed)
    }

    /// Takes a piece; the whole snapshot with the last one.
    fn take(&self, group: u64, piece: Piece) -> Result<Option<Snapshot>, Refused> {
        let mut snapshots = self.partial.lock();
        if piece.offset == 0 {
            snapshots.insert(group, Partial { vote: piece.vote, bytes: BytesMut::new() });
        }
        let fits = snapshots.get_mut(&group).filter(|partial| {
            let length = u64::try_from(partial.bytes.len()).unwrap_or(u64::MAX);
            partial.vote == piece.vote && length == piece.offset
        });
        let Some(partial) = fits else {
            return Err(Refused::Failed("a piece of another snapshot".into()));
        };
        partial.bytes.extend_from_slice(&piece.bytes);
        let taken = u64::try_from(piece.bytes.len()).unwrap_or(u64::MAX);
        self.received_bytes.fetch_add(taken, Ordering::Relaxed);
        if !piece.last {
            return Ok(None);
        }
        let whole = snapshots.remove(&group).map(|partial| Content::Whole(partial.bytes.freeze()));
        Ok(whole.map(|snapshot| Snapshot { meta: piece.meta, snapshot }))
    }
}

/// The group that a message is for.
fn addressed<T>(host: &Inner, envelope: Envelope<T>) -> Result<(Group, T), Refused> {
    if envelope.to != host.node {
        return Err(Refused::OtherNode(host.node));
    }
    let group = host.group(envelope.group).ok_or(Refused::NoGroup(envelope.group))?;
    Ok((group, envelope.message))
}

type Answering<A> = Pin<Box<dyn Future<Output = Result<A, Refused>> + Send>>;

/// A handler that finds the group and gives it the message.
fn to_group<Q, A, F>(
    host: &Arc<Inner>,
    answer: impl Fn(Group, Q) -> F + Clone + Send + Sync + 'static,
) -> impl Fn(Envelope<Q>) -> Answering<A> + Send + Sync + 'static
where
    Q: Send + 'static,
    F: Future<Output = Result<A, Refused>> + Send + 'static,
{
    let host = Arc::downgrade(host);
    move |envelope| {
        let addressed = match host.upgrade() {
            Some(host) => addressed(&host, envelope),
            None => Err(Refused::NoGroup(envelope.group)),
        };
        let answer = answer.clone();
        Box::pin(async move {
            let (group, message) = addressed?;
            answer(group, message).await
        })
    }
}

/// Adds the handlers to a router.
pub(crate) fn register(host: &Arc<Inner>, router: Router) -> Router {
    let append = to_group(host, |group: Group, request: AppendEntriesRequest<Types>| async move {
        group.append(request).await
    });
    let vote = to_group(host, |group: Group, request: VoteRequest<Types>| async move {
        let answer: Result<VoteResponse<Types>, _> = group.raft().vote(request).await;
        answer.map_err(refused)
    });
    let pre_vote = to_group(host, |group: Group, request: VoteRequest<Types>| async move {
        let answer: Result<VoteResponse<Types>, _> = group.raft().pre_vote(request).await;
        answer.map_err(refused)
    });
    let transfer =
        to_group(host, |group: Group, request: TransferLeaderRequest<Types>| async move {
            let answer: Result<TransferLeaderResponse<Types>, _> =
                group.raft().handle_transfer_leader(request).await;
            answer.map_err(refused)
        });
    let lead = to_group(host, |group: Group, to: Option<u64>| async move {
        let leader = group.transfer_leader(to).await;
        leader.map_err(|error| Refused::Failed(error.to_string()))
    });
    let weak = Arc::downgrade(host);
    let snapshot = to_group(host, move |group: Group, piece: Piece| {
        let host = weak.upgrade();
        async move {
            let vote = piece.vote;
            let host = host.ok_or(Refused::NoGroup(group.id()))?;
            // A snapshot that cannot be taken over whole would stop the group.
            host.room.check().map_err(|full| Refused::Failed(full.to_string()))?;
            match host.snapshots.take(group.id(), piece)? {
                Some(whole) => {
                    let installed = group.raft().install_full_snapshot(vote, whole).await;
                    installed.map_err(refused)
                }
                None => Ok(SnapshotResponse::<Types>::new(vote)),
            }
        }
    });
    router
        .call(APPEND, append)
        .call(VOTE, vote)
        .call(PRE_VOTE, pre_vote)
        .call(SNAPSHOT, snapshot)
        .call(TRANSFER, transfer)
        .call(LEAD, lead)
}
