//! What members of a group ask this node.

use std::{future::Future, pin::Pin, sync::Arc};

use cellar_rpc::Router;
use openraft::raft::{
    AppendEntriesRequest, SnapshotResponse, TransferLeaderRequest, TransferLeaderResponse,
    VoteRequest, VoteResponse,
};

use super::{Inner, incoming::Reason};
use crate::{
    group::{
        APPEND, ASK_BASE, ASK_MEMBER, ASK_WHOLE, BASE, Envelope, Group, LEAD, PRE_VOTE, Piece,
        Refused, SNAPSHOT, TRANSFER, VOTE, refused,
    },
    types::Types,
};

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
    snapshots(host, terms(host, router))
}

/// What members tell and ask each other about terms and entries.
fn terms(host: &Arc<Inner>, router: Router) -> Router {
    let append = to_group(host, |group: Group, request: AppendEntriesRequest<Types>| async move {
        group.append(request).await
    });
    let vote = to_group(host, |group: Group, request: VoteRequest<Types>| async move {
        group.stir();
        if group.has_said_more(&request) {
            return group.no_vote().await;
        }
        let answer: Result<VoteResponse<Types>, _> = group.raft().vote(request).await;
        answer.map_err(refused)
    });
    let weak = Arc::downgrade(host);
    let pre_vote = to_group(host, move |group: Group, request: VoteRequest<Types>| {
        let host = weak.upgrade();
        async move {
            let host = host.ok_or(Refused::NoGroup(group.id()))?;
            if group.has_said_more(&request) || host.stands_by_leader(&group) {
                return group.no_vote().await;
            }
            let answer: Result<VoteResponse<Types>, _> = group.raft().pre_vote(request).await;
            answer.map_err(refused)
        }
    });
    let transfer =
        to_group(host, |group: Group, request: TransferLeaderRequest<Types>| async move {
            if group.lacks_base() && *request.to_node_id() == group.node() {
                return Err(Refused::Failed("it lacks a snapshot".into()));
            }
            group.stir();
            let answer: Result<TransferLeaderResponse<Types>, _> =
                group.raft().handle_transfer_leader(request).await;
            answer.map_err(refused)
        });
    let lead = to_group(host, |group: Group, to: Option<u64>| async move {
        let leader = group.transfer_leader(to).await;
        leader.map_err(|error| Refused::Failed(error.to_string()))
    });
    router
        .call(APPEND, append)
        .call(VOTE, vote)
        .call(PRE_VOTE, pre_vote)
        .call(TRANSFER, transfer)
        .call(LEAD, lead)
}

/// What members send each other whole.
fn snapshots(host: &Arc<Inner>, router: Router) -> Router {
    let weak = Arc::downgrade(host);
    let snapshot = to_group(host, move |group: Group, piece: Piece| {
        let host = weak.upgrade();
        async move {
            let vote = piece.vote;
            let host = host.ok_or(Refused::NoGroup(group.id()))?;
            // A snapshot that cannot be taken over whole would stop the group.
            host.room.check().map_err(|full| Refused::Failed(full.to_string()))?;
            match host.incoming.take(Reason::Behind, group.id(), piece).await? {
                Some(whole) => group.install(vote, whole).await,
                None => Ok(SnapshotResponse::<Types>::new(vote)),
            }
        }
    });
    let ask = to_group(host, |group: Group, to: u64| async move { group.send_base(to).await });
    let member = to_group(host, |group: Group, node: u64| async move {
        group.counts_on(node).await.map_err(refused)
    });
    let whole =
        to_group(
            host,
            |group: Group, applied: Option<u64>| async move { Ok(group.vouch(applied)) },
        );
    let weak = Arc::downgrade(host);
    let base = to_group(host, move |group: Group, piece: Piece| {
        let host = weak.upgrade();
        async move {
            let vote = piece.vote;
            let host = host.ok_or(Refused::NoGroup(group.id()))?;
            host.room.check().map_err(|full| Refused::Failed(full.to_string()))?;
            if let Some(whole) = host.incoming.take(Reason::Asked, group.id(), piece).await? {
                group.take_base(vote, whole).await?;
            }
            Ok(SnapshotResponse::<Types>::new(vote))
        }
    });
    router
        .call(ASK_BASE, ask)
        .call(ASK_MEMBER, member)
        .call(ASK_WHOLE, whole)
        .call(BASE, base)
        .call(SNAPSHOT, snapshot)
}
