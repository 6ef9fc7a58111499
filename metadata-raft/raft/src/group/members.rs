//! Changing who is in a group, one step at a time; every step can be repeated by any later leader.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cellar_rpc::{CallError, Client};
use futures::future::join_all;
use openraft::{BasicNode, ChangeMembers, async_runtime::WatchReceiver, raft::VoteRequest};
use tokio::time::sleep;

use super::{ASK_MEMBER, Envelope, Group, store::Store};
use crate::{
    error::{ProposeError, RaftError},
    limits::{MATCHED_LOOK_MS, MEMBER_MS_MAX},
    types::{self, Types},
};

/// Who is in a group by the latest entry of this node's log that says so, decided or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// Those that vote: one set, or two while one is being replaced by the other.
    pub voters: Vec<BTreeSet<u64>>,
    /// Everybody, with addresses.
    pub all: BTreeMap<u64, String>,
}

impl Members {
    /// Whether exactly these are in the group, all of them with a vote.
    #[must_use]
    pub fn are(&self, nodes: &BTreeSet<u64>) -> bool {
        self.voters.iter().all(|set| set == nodes)
            && self.voters.len() == 1
            && self.all.len() == nodes.len()
    }

    /// Whether a node votes, in either set.
    #[must_use]
    pub fn has_voter(&self, node: u64) -> bool {
        self.voters.iter().any(|set| set.contains(&node))
    }
}

impl Group {
    /// Where a member is, as far as this node knows.
    pub(crate) fn address_of(&self, node: u64) -> Option<String> {
        let metrics = self.inner.raft.server_metrics();
        let now = metrics.borrow_watched();
        let found = now.membership_config.nodes().find(|(id, _)| **id == node);
        found.map(|(_, node)| node.addr.clone())
    }

    /// Who is in the group, as this node's log says now.
    ///
    /// # Errors
    /// The group has stopped or failed.
    pub async fn members(&self) -> Result<Members, RaftError> {
        let raft = &self.inner.raft;
        let found = raft.with_raft_state(|state| {
            let stored = state.membership_state.effective();
            let membership = stored.membership();
            let all = membership.nodes().map(|(id, node)| (*id, node.addr.clone())).collect();
            Members { voters: membership.get_joint_config().clone(), all }
        });
        found.await.map_err(|error| self.failed(error))
    }

    /// Whether this node has said to have more of the group than a candidate has. It may have left
    /// the group since, forgotten its log, and come back: a member that does not know that counts
    /// on its vote, and must not lead without what others were told to be decided.
    pub(crate) fn has_said_more(&self, candidate: &VoteRequest<Types>) -> bool {
        #[cfg(feature = "sabotage")]
        if crate::sabotage::is(crate::sabotage::Sabotage::ForgetWord) {
            return false;
        }
        let Store { log, group, .. } = &self.inner.store;
        let has = candidate.last_log_id.as_ref().map(types::position);
        log.state(*group).said.map(|said| said.rank()) > has.map(|has| has.rank())
    }

    /// Whether a node is in the group, by the word of whoever surely leads it.
    ///
    /// # Errors
    /// This node does not lead, or no majority says so.
    pub(crate) async fn counts_on(&self, node: u64) -> Result<bool, ProposeError> {
        if !self.is_leader() {
            return Err(ProposeError::NotLeader { leader: self.leader() });
        }
        self.read_barrier().await?;
        let members = self.members().await.map_err(|_| ProposeError::Stopped)?;
        Ok(members.all.contains_key(&node))
    }

    /// Adds a member without a vote, unless it is in the group.
    ///
    /// # Errors
    /// This node does not lead, or the group has failed.
    pub async fn add_learner(&self, node: u64, addr: String) -> Result<(), RaftError> {
        self.begin_change().await;
        let added = self.inner.raft.add_learner(node, BasicNode { addr }, false).await;
        added.map(|_| ()).map_err(|error| self.refused(error))
    }

    /// Returns once a member has everything that is in this leader's log now.
    ///
    /// # Errors
    /// This node does not lead (any more), or the group has failed.
    pub async fn caught_up(&self, node: u64) -> Result<(), RaftError> {
        let metrics = self.inner.raft.metrics();
        let all = metrics.borrow_watched().last_log_index;
        loop {
            {
                let now = metrics.borrow_watched();
                if let Err(fatal) = &now.running_state {
                    return Err(self.failed(fatal));
                }
                let Some(replication) = &now.replication else {
                    return Err(RaftError::NotLeader { leader: now.current_leader });
                };
                let matched = replication.get(&node).and_then(Option::as_ref);
                if matched.is_some_and(|matched| Some(matched.index) >= all) {
                    return Ok(());
                }
            }
            sleep(Duration::from_millis(MATCHED_LOOK_MS)).await;
        }
    }

    /// Wakes the group and gets the lease that it has lost while it rested. Without one the change
    /// itself says what is wrong.
    async fn begin_change(&self) {
        self.stir();
        self.renew_lease().await;
    }

    /// Makes exactly these members (who must be learners or voters already) the voters; voters
    /// that are not among them leave the group.
    ///
    /// # Errors
    /// This node does not lead, a member is unknown, or the group has failed.
    pub async fn change_members(&self, voters: BTreeSet<u64>) -> Result<(), RaftError> {
        self.begin_change().await;
        let change = ChangeMembers::ReplaceAllVoters(voters);
        let changed = self.inner.raft.change_membership(change, false).await;
        changed.map(|_| ()).map_err(|error| self.refused(error))
    }

    /// Takes members without a vote out of the group.
    ///
    /// # Errors
    /// This node does not lead, one of them votes, or the group has failed.
    pub async fn remove_learners(&self, learners: BTreeSet<u64>) -> Result<(), RaftError> {
        self.begin_change().await;
        let change = ChangeMembers::RemoveNodes(learners);
        let changed = self.inner.raft.change_membership(change, false).await;
        changed.map(|_| ()).map_err(|error| self.refused(error))
    }
}

/// Asks nodes whether whoever surely leads a group has `member` in it. One that has stopped the
/// group before it asks, and hears no, is counted on by nobody as long as it does not start it.
///
/// # Errors
/// Nobody answered who surely leads.
pub async fn ask_member(
    clients: Vec<(u64, Client)>,
    group: u64,
    member: u64,
) -> Result<bool, RaftError> {
    let patience = Duration::from_millis(MEMBER_MS_MAX);
    let asked = clients.into_iter().map(async |(to, client)| {
        client.call(ASK_MEMBER, &Envelope { group, to, message: member }, patience).await
    });
    let answers = join_all(asked).await;
    let answer = answers.into_iter().find_map(|answer: Result<bool, CallError>| answer.ok());
    let reason = "nobody answers who leads it".to_owned();
    answer.ok_or(RaftError::Failed { group, reason })
}
