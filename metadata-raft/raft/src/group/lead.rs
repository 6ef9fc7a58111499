//! Handing leadership over: asked for by an operator, and before a node stops.

use std::{sync::Arc, time::Duration};

use cellar_rpc::Client;
use openraft::async_runtime::WatchReceiver;
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use super::{Envelope, Group, LEAD};
use crate::{
    error::RaftError,
    group::Refused,
    limits::{FIRST_ELECTION_PAUSE_MS, FIRST_ELECTIONS_MAX, TRANSFER_MS_MAX},
    types,
};

impl Group {
    /// Asks for votes again until there is a leader: where a group begins by itself, as the right
    /// half of a split does, the others run it a moment later and could not answer before. A
    /// pre-vote that fails disturbs nobody.
    pub(crate) async fn elect_first(&self) {
        for _ in 0..FIRST_ELECTIONS_MAX {
            sleep(Duration::from_millis(FIRST_ELECTION_PAUSE_MS)).await;
            if self.leader().is_some() {
                return;
            }
            if self.inner.raft.trigger().elect(true).await.is_err() {
                return;
            }
        }
    }

    /// Makes another voter the leader, the one named or the one whose log is longest; returns who
    /// leads then. What is proposed meanwhile may be refused, never lost.
    ///
    /// # Errors
    /// This node does not lead, there is no such voter, or nobody took over in time; this node
    /// may then lead on.
    pub async fn transfer_leader(&self, to: Option<u64>) -> Result<u64, RaftError> {
        if !self.is_leader() {
            return Err(RaftError::NotLeader { leader: self.leader() });
        }
        self.stir();
        let to = to.map_or_else(|| self.successor(), Ok)?;
        if to == self.inner.state.node {
            return Ok(to);
        }
        if !self.voters().contains(&to) {
            return Err(self.failed(format!("node {to} is not a voter")));
        }
        if !self.inner.doubts.is_whole_soon(to).await {
            return Err(self.failed(format!("node {to} lacks what was there before its log")));
        }
        let mut changes = self.changes();
        self.hand_to(to).await.map_err(|error| self.failed(error))?;
        let node = self.inner.state.node;
        let taken = changes.wait_for(|now| now.leader.is_some_and(|leader| leader != node));
        let leader = match timeout(Duration::from_millis(TRANSFER_MS_MAX), taken).await {
            Ok(Ok(now)) => now.leader,
            Ok(Err(closed)) => return Err(self.failed(closed)),
            Err(_elapsed) => None,
        };
        leader.ok_or(RaftError::Slow { group: self.id(), action: "handing leadership over" })
    }

    /// Whether this node leads and another could.
    pub(crate) fn has_successor(&self) -> bool {
        self.is_leader() && self.voters().len() > 1
    }

    pub(crate) fn voters(&self) -> Vec<u64> {
        let metrics = self.inner.raft.server_metrics();
        metrics.borrow_watched().membership_config.voter_ids().collect()
    }

    /// Leads on when the one that was to take over does not.
    pub(crate) fn take_back_when(&self, untaken: Arc<Notify>) {
        let (group, token) = (self.clone(), self.inner.tasks.token().clone());
        let taking_back = async move {
            loop {
                untaken.notified().await;
                if !group.lacks_base()
                    && let Err(error) = group.inner.raft.trigger().elect(true).await
                {
                    tracing::debug!(group = group.id(), %error, "not taken back");
                }
            }
        };
        self.inner.tasks.spawn(format!("leadership of raft group {}", self.id()), async move {
            token.run_until_cancelled(taking_back).await;
        });
    }

    /// The other voter that is furthest, of those that have their rows.
    fn successor(&self) -> Result<u64, RaftError> {
        let node = self.inner.state.node;
        let voters = self.voters();
        let metrics = self.inner.raft.metrics();
        let replication = metrics.borrow_watched().replication.clone().unwrap_or_default();
        let lacks = |voter: &u64| self.inner.doubts.lacks(*voter);
        let others = voters.into_iter().filter(|voter| *voter != node && !lacks(voter));
        let furthest = others.max_by_key(|voter| {
            let matched = replication.get(voter).and_then(Option::as_ref);
            matched.map(|matched| types::position(matched).rank())
        });
        furthest.ok_or_else(|| self.failed("there is no other voter that has its rows"))
    }
}

/// Asks the node that leads a group to hand it over, see [`Group::transfer_leader`]; for
/// operators. Answers who leads then.
///
/// # Errors
/// The node does not lead the group, nobody took over, or the answer did not come.
pub async fn ask_transfer_leader(
    client: &Client,
    node: u64,
    group: u64,
    to: Option<u64>,
) -> Result<u64, RaftError> {
    let patience = Duration::from_millis(TRANSFER_MS_MAX.saturating_mul(2));
    let asked = client.call(LEAD, &Envelope { group, to: node, message: to }, patience).await;
    asked.map_err(|error| {
        let refused = error.remote::<Refused>();
        let reason = refused.map_or_else(|| error.to_string(), |refused| refused.to_string());
        RaftError::Failed { group, reason }
    })
}
