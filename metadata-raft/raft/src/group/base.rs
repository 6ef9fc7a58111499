//! A member that lacks what was there before its log began, though it has a log.
//!
//! What it said to have stays said: it keeps its log, takes entries and votes. But it applies
//! none, and answers nobody as a leader, before a snapshot has come that it has asked for. openraft
//! cannot send that one, as it knows no member whose log is ahead of its machine. The snapshot
//! ends within what is decided here, so openraft's own view of the log needs no change: what lies
//! between is applied from the log in the same step.
//!
//! It stands for election only when no leader was heard for long: then its log may have what those
//! that are whole were never sent, and none of them could win without it. As leader it brings them
//! up to date and hands over to one of them.

use std::{cmp::Ordering, io, sync::Arc, time::Duration};

use futures::TryStreamExt;
use openraft::{
    BasicNode, RaftLogReader, RaftNetworkFactory, async_runtime::WatchReceiver, network::RPCOption,
};
use tokio::time::{Instant, sleep, timeout};

use super::{
    ASK_BASE, BASE, Envelope, Group, Refused, refused,
    state::{State, StateHandle},
    store::Store,
};
use crate::{
    limits::{BASE_ASK_MS, BASE_LEADERLESS_MS, BASE_WAIT_MS_MAX, SNAPSHOT_PIECE_MS_MAX},
    types::{self, RaftVote, Snapshot},
};

impl Group {
    /// Whether the machine lacks what was there before the log.
    pub(crate) fn lacks_base(&self) -> bool {
        self.inner.state.lacks_base()
    }

    /// Asks for a snapshot until there is no need for one.
    pub(crate) fn ask_for_base(&self) {
        if !self.lacks_base() {
            return;
        }
        let (group, token) = (self.clone(), self.inner.tasks.token().clone());
        let asking = async move {
            let mut stood = Instant::now();
            while group.lacks_base() {
                sleep(Duration::from_millis(BASE_ASK_MS)).await;
                if let Err(refused) = group.ask_once().await {
                    tracing::debug!(group = group.id(), %refused, "asked for a snapshot");
                }
                group.stand_in(&mut stood).await;
            }
        };
        self.inner.tasks.spawn(format!("base of raft group {}", self.id()), async move {
            token.run_until_cancelled(asking).await;
        });
    }

    /// Stands for election if nobody has led for long; not again soon. A pre-vote that fails
    /// disturbs nobody.
    async fn stand_in(&self, stood: &mut Instant) {
        let since = self.inner.heard.last().map_or(*stood, |heard| heard.max(*stood));
        let patience = Duration::from_millis(BASE_LEADERLESS_MS);
        if !self.lacks_base() || self.inner.raft.is_leader() || since.elapsed() < patience {
            return;
        }
        *stood = Instant::now();
        if let Err(error) = self.inner.raft.trigger().elect(true).await {
            tracing::debug!(group = self.id(), %error, "no election");
        }
    }

    /// Asks whoever leads, else one after the other until somebody is whole.
    async fn ask_once(&self) -> Result<(), Refused> {
        let node = self.inner.state.node;
        // Without a log it is told of members by the snapshot that openraft sends.
        let members = self.members().await.map_err(refused)?;
        let leader = self.leader().filter(|leader| *leader != node);
        let others = members.all.keys().filter(|other| **other != node && Some(**other) != leader);
        let mut last = Ok(());
        for other in leader.iter().chain(others) {
            let Some(address) = members.all.get(other) else { continue };
            let client = self.inner.network.peers.client(*other, address);
            let ask = Envelope { group: self.id(), to: *other, message: node };
            let patience = Duration::from_millis(SNAPSHOT_PIECE_MS_MAX);
            let asked: Result<(), _> = client.call(ASK_BASE, &ask, patience).await;
            last = asked.map_err(refused);
            if last.is_ok() {
                self.yield_to(*other).await;
                return last;
            }
        }
        last
    }

    /// Hands leadership that it cannot use to a member that is whole, once that one has the log.
    async fn yield_to(&self, to: u64) {
        let has_log = {
            let metrics = self.inner.raft.metrics();
            let now = metrics.borrow_watched();
            let matched = now.replication.as_ref().and_then(|all| all.get(&to)?.as_ref());
            matched.is_some_and(|matched| Some(matched.index) == now.last_log_index)
        };
        if has_log
            && self.inner.raft.is_leader()
            && let Err(error) = self.hand_to(to).await
        {
            tracing::debug!(group = self.id(), %error, "not handed over");
        }
    }

    /// Has a member sent what is applied here; it asks again if it does not come.
    pub(crate) async fn send_base(&self, to: u64) -> Result<(), Refused> {
        let members = self.members().await.map_err(refused)?;
        let addr = members.all.get(&to).cloned();
        let addr = addr.ok_or_else(|| Refused::Failed(format!("node {to} is no member")))?;
        self.inner.doubts.hear_lacks(to);
        if self.lacks_base() {
            return Err(Refused::Failed("this node lacks one itself".into()));
        }
        if !self.inner.sending.lock().insert(to) {
            // It is on its way.
            return Ok(());
        }
        let (group, token) = (self.clone(), self.inner.tasks.token().clone());
        self.inner.tasks.spawn(format!("snapshot of raft group {}", self.id()), async move {
            let sending = group.send_base_to(to, addr);
            match token.run_until_cancelled(sending).await {
                Some(Ok(())) => group.inner.doubts.hear_whole(to),
                Some(Err(error)) => {
                    tracing::info!(group = group.id(), to, %error, "a snapshot that was asked for");
                }
                None => {}
            }
            group.inner.sending.lock().remove(&to);
        });
        Ok(())
    }

    async fn send_base_to(&self, to: u64, addr: String) -> io::Result<()> {
        let vote = self.vote().await.map_err(io::Error::from)?;
        let snapshot = self.inner.state.current_snapshot().await?;
        let mut network = self.inner.network.clone();
        let member = network.new_client(to, &BasicNode { addr }).await;
        let option = RPCOption::new(Duration::from_millis(SNAPSHOT_PIECE_MS_MAX));
        let sent = member.send_snapshot(BASE, vote, snapshot, option).await;
        sent.map(|_| ()).map_err(io::Error::other)
    }

    async fn vote(&self) -> Result<RaftVote, Refused> {
        let vote = self.inner.raft.with_raft_state(|state| *state.vote_ref()).await;
        vote.map_err(refused)
    }

    /// Takes over a snapshot that was asked for.
    pub(crate) async fn take_base(
        &self,
        from: RaftVote,
        snapshot: Snapshot,
    ) -> Result<(), Refused> {
        let state = &self.inner.state;
        let known = self.vote().await?;
        if from.partial_cmp(&known).is_none_or(Ordering::is_lt) {
            return Err(Refused::Failed("a later leader is known".into()));
        }
        let end = snapshot.meta.last_log_id.map(|last| last.index);
        let mut decided = state.withheld.subscribe();
        let patience = Duration::from_millis(BASE_WAIT_MS_MAX);
        let reached = async { decided.wait_for(|decided| *decided >= end).await.map(|_| ()) };
        if !matches!(timeout(patience, reached).await, Ok(Ok(()))) {
            return Err(Refused::Failed("the log here ends before the snapshot".into()));
        }
        state.install_base(&self.inner.store, snapshot).await.map_err(refused)
    }
}

impl State {
    /// Replaces the machine's state, and applies what the log has after it and was withheld.
    async fn install_base(self: &Arc<Self>, store: &Store, snapshot: Snapshot) -> io::Result<()> {
        let _turn = self.turn.lock().await;
        if !self.lacks_base() {
            return Ok(());
        }
        let Snapshot { meta, snapshot } = snapshot;
        let at = meta.last_log_id.as_ref().map(types::position);
        let at = at.ok_or_else(|| io::Error::other("a snapshot of nothing"))?;
        // It does not go back: what was applied may have made other groups.
        if self.reached.lock().last.is_some_and(|last| last.index > at.index) {
            return Err(io::Error::other("a snapshot of before what was applied here"));
        }
        let found = store.log.state(store.group);
        // The log goes on where the snapshot ends, with the entry that it ends with.
        let fits = found.purged == Some(at)
            || (found.purged < Some(at) && store.log.term(store.group, at.index) == Some(at.term));
        if !fits {
            return Err(io::Error::other("the log here does not go on where the snapshot ends"));
        }
        let end = self.withheld.borrow().map_or(0, |last| last.saturating_add(1));
        let replaced = self.replace(&meta, snapshot).await;
        if let Err(error) = &replaced {
            tracing::error!(group = store.group, %error, "a snapshot was not taken over");
        }
        replaced?;
        let mut log = store.clone();
        let withheld = log.entries_stream(at.index.saturating_add(1)..end).await;
        let handle = StateHandle(Arc::clone(self));
        handle.apply_all(withheld.map_ok(|entry| (entry, None))).await?;
        self.has_base();
        Ok(())
    }
}
