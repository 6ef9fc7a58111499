//! Whether what members have can be relied on: here, and as others were told.
//!
//! A member whose stored bytes are damaged gives up what it has applied only if all of it is
//! elsewhere: a majority of the others answers, and one of them at least is whole and as far. From
//! before it asks it says of itself that it is not whole, so no two members rely on each other. One
//! that was relied upon may give up later: then a third has all that it has. The log is not made
//! smaller in between, and holds what was applied since the question was asked.
//!
//! What is readable stays where it is until a snapshot of another member is here as a whole.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use openraft::async_runtime::WatchReceiver;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::{
    ASK_WHOLE, Envelope, Group, refused,
    state::{State, blocking, stopped},
};
use crate::{
    error::RaftError,
    limits::{LACKS_MS, MATCHED_LOOK_MS, TRANSFER_MS_MAX, WHOLE_MS_MAX},
    machine::MachineError,
};

/// What is known of members with damage.
#[derive(Default)]
pub(crate) struct Doubts {
    /// Whether this member has damage, and would give up what it has.
    damaged: AtomicBool,
    /// Those that have asked for a base, when last.
    lacking: Mutex<BTreeMap<u64, Instant>>,
}

impl Doubts {
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Acquire)
    }

    pub(super) fn set_damaged(&self, damaged: bool) {
        self.damaged.store(damaged, Ordering::Release);
    }

    /// A member has asked for a base.
    pub(super) fn hear_lacks(&self, node: u64) {
        self.lacking.lock().insert(node, Instant::now());
    }

    /// A member has been sent its base.
    pub(super) fn hear_whole(&self, node: u64) {
        self.lacking.lock().remove(&node);
    }

    /// Whether a member has what was before its log, or gets it in a moment.
    pub(super) async fn is_whole_soon(&self, node: u64) -> bool {
        let until = Instant::now() + Duration::from_millis(LACKS_MS);
        while self.lacks(node) && Instant::now() < until {
            sleep(Duration::from_millis(MATCHED_LOOK_MS)).await;
        }
        !self.lacks(node)
    }

    /// Whether a member lacked its base a moment ago.
    pub(super) fn lacks(&self, node: u64) -> bool {
        self.lacking
            .lock()
            .get(&node)
            .is_some_and(|since| since.elapsed() < Duration::from_millis(LACKS_MS))
    }
}

impl Group {
    /// This node.
    pub(crate) fn node(&self) -> u64 {
        self.inner.state.node
    }

    /// Whether the machine has what was there before the log, as far as is known.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.lacks_base()
    }

    /// Whether this member has everything up to there, and everything of that can be read.
    pub(crate) fn vouch(&self, applied: Option<u64>) -> bool {
        let here = *self.inner.state.applied.borrow();
        !self.lacks_base() && !self.inner.doubts.is_damaged() && here >= applied
    }

    /// Gives up what the machine has applied, because what is stored of it is damaged: another
    /// member leads, and a snapshot of one that is whole replaces it by and by. Does nothing if it
    /// was given up before.
    ///
    /// # Errors
    /// Too few of the others answer, or none of them is whole: everything stays as it is, and it
    /// can be tried again.
    pub async fn give_up(&self) -> Result<(), RaftError> {
        self.stir();
        let doubts = &self.inner.doubts;
        if self.lacks_base() && !self.inner.state.suspended.load(Ordering::Acquire) {
            return Ok(());
        }
        doubts.set_damaged(true);
        let given_up = self.give_up_if_others_have_it().await;
        // Given up, it lacks its base until it has another, however that comes.
        doubts.set_damaged(false);
        given_up
    }

    async fn give_up_if_others_have_it(&self) -> Result<(), RaftError> {
        let node = self.node();
        let members = self.members().await?;
        let others: Vec<u64> = members
            .all
            .keys()
            .copied()
            .filter(|to| *to != node && members.has_voter(*to))
            .collect();
        if others.is_empty() || !members.has_voter(node) {
            return Err(self.failed("no other member has it"));
        }
        let applied = *self.inner.state.applied.borrow();
        let asked = others.iter().map(async |to| {
            let address = members.all.get(to).map_or("", String::as_str);
            let client = self.inner.network.peers.client(*to, address);
            let message = Envelope { group: self.id(), to: *to, message: applied };
            let patience = Duration::from_millis(WHOLE_MS_MAX);
            let answer: Result<bool, _> = client.call(ASK_WHOLE, &message, patience).await;
            (*to, answer.map_err(refused))
        });
        let answers = join_all(asked).await;
        let answered = answers.iter().filter(|(_, answer)| answer.is_ok()).count();
        let whole = answers.iter().find(|(_, answer)| matches!(answer, Ok(true)));
        let Some((whole, _)) = whole.filter(|_| answered > others.len() / 2) else {
            let reason = format!("of {} others, {answered} answer: {answers:?}", others.len());
            return Err(self.failed(format!("nobody else has it for certain ({reason})")));
        };
        self.let_lead(*whole).await;
        self.inner.state.give_up().await.map_err(|error| self.failed(error))?;
        tracing::warn!(group = self.id(), "given up: a snapshot of another member replaces it");
        self.ask_for_base();
        Ok(())
    }

    /// Hands leadership over, if this member has it. If that fails it goes on without: it asks
    /// others to lead as long as it lacks its base.
    async fn let_lead(&self, to: u64) {
        if !self.inner.raft.is_leader() {
            return;
        }
        let mut changes = self.changes();
        let node = self.node();
        if let Err(error) = self.hand_to(to).await {
            tracing::info!(group = self.id(), %error, "not handed over");
            return;
        }
        let taken = changes.wait_for(|now| now.leader.is_some_and(|leader| leader != node));
        if timeout(Duration::from_millis(TRANSFER_MS_MAX), taken).await.is_err() {
            let leader = self.inner.raft.server_metrics().borrow_watched().current_leader;
            tracing::info!(group = self.id(), leader, "nobody has taken over yet");
        }
    }
}

impl State {
    /// After an apply that failed: whether that was because of damage, and others have what was
    /// decided. Then nothing is applied from here on, and the group does not stop.
    pub(super) fn suspend(&self, error: &io::Error) -> bool {
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<MachineError>());
        let alone = self.is_sole_voter(&self.reached.lock().members);
        if alone || !cause.is_some_and(MachineError::is_damage) {
            return false;
        }
        self.suspended.store(true, Ordering::Release);
        self.lacks_base.store(true, Ordering::Release);
        self.applied.send_modify(|_| ());
        true
    }

    /// From here on the machine lacks its base.
    async fn give_up(self: &Arc<Self>) -> io::Result<()> {
        let _turn = self.turn.lock().await;
        let mut machine = self.machine.lock().await;
        let machine = machine.as_mut().ok_or_else(stopped)?;
        blocking(|| machine.give_up_beginning())?;
        self.sole.store(false, Ordering::Release);
        if !self.suspended.swap(false, Ordering::AcqRel) {
            let reached = self.reached.lock().last.map(|last| last.index);
            self.withheld.send_replace(reached);
        }
        self.lacks_base.store(true, Ordering::Release);
        self.applied.send_modify(|_| ());
        Ok(())
    }
}
