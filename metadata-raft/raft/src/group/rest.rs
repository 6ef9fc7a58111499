//! A group that rests: nothing was asked of it for a while and every member has everything, so
//! nobody sends heartbeats and nobody waits for them. Thousands of such groups cost nothing.
//!
//! Only timers are switched off: Raft's safety never depends on them. A resting leader has no
//! lease, so the first read after a rest asks a majority, and followers are not current. The nodes
//! watch each other instead of the groups (`host/rest.rs`), and wake those whose leader is gone.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    time::Duration,
};

use openraft::{async_runtime::WatchReceiver, errors::Fatal, raft::VoteResponse};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{Group, Refused, refused};
use crate::{
    limits::{REST_STRAY_MS, WAKE_TURN_MS},
    types::{RaftVote, Types},
};

/// What the timers of a group do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They run.
    #[default]
    Awake,
    /// All of them are off.
    Resting,
    /// They run, but another member stands for election first.
    Yielding,
}

/// The rest of one group.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    mode: watch::Sender<Mode>,
    /// Something was asked since the last look.
    stirred: AtomicBool,
    /// Looks in a row before which nothing was asked.
    quiet: AtomicU32,
    /// What the rest here depends on, for a follower.
    with: Mutex<Option<With>>,
    /// As which leader this node has asked another to take over.
    handing_over: Mutex<Option<RaftVote>>,
}

/// The node that leads a resting group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct With {
    node: u64,
    since: Instant,
}

/// A leader's offer to rest, of one group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Offer {
    pub(crate) group: u64,
    vote: RaftVote,
    /// Index of the last entry, which every member has and has applied.
    last: Option<u64>,
}

impl Rest {
    pub(crate) fn mode(&self) -> watch::Receiver<Mode> {
        self.mode.subscribe()
    }

    fn is_resting(&self) -> bool {
        *self.mode.borrow() == Mode::Resting
    }

    fn set(&self, mode: Mode) {
        self.mode.send_if_modified(|was| std::mem::replace(was, mode) != mode);
    }

    /// Counts the looks without anything asked.
    fn look(&self) -> u32 {
        if self.stirred.swap(false, SeqCst) {
            self.quiet.store(0, SeqCst);
            return 0;
        }
        let quiet = self.quiet.load(SeqCst).saturating_add(1);
        self.quiet.store(quiet, SeqCst);
        quiet
    }

    /// Ends a rest, if there is one.
    fn stir(&self) {
        // In this order, and the other way round where a rest begins: one of both sees the other.
        if !self.stirred.load(SeqCst) {
            self.stirred.store(true, SeqCst);
        }
        if self.is_resting() {
            self.quiet.store(0, SeqCst);
            self.set(Mode::Awake);
        }
    }
}

impl Group {
    /// Whether the group rests here.
    #[must_use]
    pub fn is_resting(&self) -> bool {
        self.inner.rest.is_resting()
    }

    /// Something is asked of the group: it does not rest.
    pub(crate) fn stir(&self) {
        self.inner.rest.stir();
    }

    /// Something is asked of the leader; a member that does not lead has nobody to wake.
    pub(crate) fn stir_leader(&self) {
        if !self.is_resting() || self.inner.raft.is_leader() {
            self.stir();
        }
    }

    /// A leader's message has come: it does not rest, unless this is what it sent before.
    pub(crate) fn heard_leader(&self, brings_entries: bool) {
        if !brings_entries && !self.is_resting() {
            return;
        }
        let stray = Duration::from_millis(REST_STRAY_MS);
        let fresh = |with: &With| with.since.elapsed() < stray;
        if brings_entries || !self.inner.rest.with.lock().as_ref().is_some_and(fresh) {
            self.stir();
        }
    }

    /// The offer of a leader that could rest, and its other members; to be called at even
    /// distances, `looks` of which must have passed in quiet.
    pub(crate) fn may_rest(&self, looks: u32) -> Option<(Offer, BTreeMap<u64, String>)> {
        let quiet = self.inner.rest.look();
        if quiet < looks || self.is_resting() || self.inner.state.is_sole() || !self.is_leader() {
            return None;
        }
        let node = self.inner.state.node;
        let metrics = self.inner.raft.metrics();
        let now = metrics.borrow_watched();
        if *self.inner.rest.handing_over.lock() == Some(now.vote) {
            return None;
        }
        let members = &now.membership_config;
        let replication = now.replication.as_ref()?;
        let others = members.nodes().filter(|(id, _)| **id != node);
        let others: BTreeMap<u64, String> =
            others.map(|(id, node)| (*id, node.addr.clone())).collect();
        let last = now.last_log_index;
        let applied = now.last_applied.as_ref().map(|id| id.index) == last;
        let one_set = members.membership().get_joint_config().len() == 1;
        let matched = others.keys().all(|id| {
            let matched = replication.get(id).and_then(Option::as_ref);
            matched.map(|id| id.index) == last
        });
        let whole = applied && one_set && matched && !others.is_empty();
        whole.then(|| (Offer { group: self.id(), vote: now.vote, last }, others))
    }

    /// Asks another member to lead. From then on openraft's leader takes no proposals and sends no
    /// heartbeats, whether the other takes over or not: so it does not rest before the next term,
    /// or nobody would miss it.
    pub(crate) async fn hand_to(&self, to: u64) -> Result<(), Fatal<Types>> {
        self.stir();
        let vote = self.inner.raft.metrics().borrow_watched().vote;
        *self.inner.rest.handing_over.lock() = Some(vote);
        self.inner.raft.trigger().transfer_leader(to).await
    }

    /// Rests as a follower of `leader`, if it has everything; whether it does.
    pub(crate) fn rest_with(&self, leader: u64, offer: &Offer) -> bool {
        let agrees = {
            let metrics = self.inner.raft.metrics();
            let now = metrics.borrow_watched();
            now.vote == offer.vote
                && now.current_leader == Some(leader)
                && now.last_log_index == offer.last
                && now.last_applied.as_ref().map(|id| id.index) == offer.last
                && !self.has_given_up()
        };
        if agrees {
            *self.inner.rest.with.lock() = Some(With { node: leader, since: Instant::now() });
            self.begin_rest();
        }
        agrees && self.is_resting()
    }

    /// Rests, unless something was asked since the last look.
    pub(crate) fn begin_rest(&self) {
        let rest = &self.inner.rest;
        rest.set(Mode::Resting);
        if rest.stirred.load(SeqCst) {
            rest.set(Mode::Awake);
        }
    }

    /// Whether the group rests here as its leader.
    pub(crate) fn leads_resting(&self) -> bool {
        self.is_resting() && self.is_leader()
    }

    /// The node that leads a group that rests here as a follower.
    pub(crate) fn rests_with(&self) -> Option<u64> {
        let with = *self.inner.rest.with.lock();
        with.filter(|_| self.is_resting()).map(|with| with.node)
    }

    /// Ends the rest of a follower whose leader is gone. The members stand for election one after
    /// the other, or none would win.
    pub(crate) fn wake_without(&self, leader: u64) {
        let node = self.inner.state.node;
        let mut others = self.voters();
        others.retain(|voter| *voter != leader);
        others.sort_unstable();
        let before = others.iter().position(|voter| *voter == node).unwrap_or_default();
        // Another begins in every group.
        let places = u64::try_from(others.len().max(1)).unwrap_or(1);
        let turn = (u64::try_from(before).unwrap_or_default() + self.id()) % places;
        if turn == 0 {
            self.stir();
            return;
        }
        self.inner.rest.set(Mode::Yielding);
        let (group, token) = (self.clone(), self.inner.tasks.token().clone());
        let waiting = async move {
            sleep(Duration::from_millis(WAKE_TURN_MS.saturating_mul(turn))).await;
            group.inner.rest.set(Mode::Awake);
        };
        self.inner.tasks.spawn(format!("turn of raft group {}", self.id()), async move {
            token.run_until_cancelled(waiting).await;
        });
    }

    /// What a member answers that stands by its leader.
    pub(crate) async fn no_vote(&self) -> Result<VoteResponse<Types>, Refused> {
        let answer = self
            .inner
            .raft
            .with_raft_state(|state| VoteResponse::new(*state.vote_ref(), None, false));
        answer.await.map_err(refused)
    }
}
