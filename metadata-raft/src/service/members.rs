//! Changing the members of the service while it runs. Every step can be asked for again.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use cellar_metadata_api::{Member, Members, MembersRequest, MetadataError, protocol::SubmitError};
use cellar_raft::{ProposeError, RaftError};
use futures::future::join_all;
use tokio::time::timeout;

use super::Inner;
use crate::limits::{MEMBER_ALIVE_MS_MAX, MEMBER_FOLLOWS_MS_MAX};

impl Inner {
    /// Does what is asked, if this member leads.
    pub(super) async fn members(&self, request: MembersRequest) -> Result<Members, SubmitError> {
        if !self.group.is_leader() {
            return Err(self.not_leader());
        }
        match request {
            MembersRequest::Show => {}
            MembersRequest::Add { id, address } => self.add_member(id, address).await?,
            MembersRequest::Remove { id } => self.remove_member(id).await?,
        }
        let now = self.group.members().await.map_err(|error| self.undone(error))?;
        let members = now.all.iter().map(|(id, address)| Member {
            id: *id,
            address: address.clone(),
            votes: now.has_voter(*id),
        });
        Ok(Members { leader: self.group.leader(), members: members.collect() })
    }

    async fn add_member(&self, id: u64, address: String) -> Result<(), SubmitError> {
        let now = self.group.members().await.map_err(|error| self.undone(error))?;
        for (known, of) in &now.all {
            if (*known == id) != (*of == address) {
                return Err(invalid(format!("member {known} is at {of}")));
            }
        }
        let mut voters = now.voters.last().cloned().unwrap_or_default();
        if voters.contains(&id) && now.voters.len() == 1 {
            return Ok(());
        }
        let added = self.group.add_learner(id, address.clone()).await;
        added.map_err(|error| self.undone(error))?;
        let patience = Duration::from_millis(MEMBER_FOLLOWS_MS_MAX);
        match timeout(patience, self.group.caught_up(id)).await {
            Ok(caught_up) => caught_up.map_err(|error| self.undone(error))?,
            Err(_elapsed) => {
                let reason = format!(
                    "member {id} at {address} does not have everything yet; see that it runs, and \
                     ask again"
                );
                return Err(SubmitError::Failed(MetadataError::Unavailable { reason }));
            }
        }
        voters.insert(id);
        self.group.change_members(voters).await.map_err(|error| self.undone(error))
    }

    async fn remove_member(&self, id: u64) -> Result<(), SubmitError> {
        let now = self.group.members().await.map_err(|error| self.undone(error))?;
        if !now.all.contains_key(&id) {
            return Ok(());
        }
        if !now.has_voter(id) {
            let removed = self.group.remove_learners(BTreeSet::from([id])).await;
            return removed.map_err(|error| self.undone(error));
        }
        let mut voters = now.voters.last().cloned().unwrap_or_default();
        voters.remove(&id);
        self.check_majority(id, &voters).await?;
        if self.node == id {
            // Whoever leads then removes this one.
            let handed = self.group.transfer_leader(None).await;
            handed.map_err(|error| self.undone(error))?;
            return Err(self.not_leader());
        }
        self.group.change_members(voters).await.map_err(|error| self.undone(error))
    }

    /// Refuses to go on with members of which no majority follows: they could decide nothing, not
    /// even to take the removed one back.
    async fn check_majority(&self, gone: u64, left: &BTreeSet<u64>) -> Result<(), SubmitError> {
        // An entry that says nothing: who has it is there now.
        let proposed = self.group.propose(Bytes::new()).await;
        proposed.map_err(|error| match error {
            ProposeError::NotLeader { .. } => self.not_leader(),
            other => SubmitError::Failed(MetadataError::Unknown { reason: other.to_string() }),
        })?;
        let patience = Duration::from_millis(MEMBER_ALIVE_MS_MAX);
        let others = left.iter().filter(|id| **id != self.node);
        let followed = others.map(async |id| {
            matches!(timeout(patience, self.group.caught_up(*id)).await, Ok(Ok(())))
        });
        let following = join_all(followed).await.into_iter().filter(|follows| *follows).count();
        let here = usize::from(left.contains(&self.node));
        if following.saturating_add(here) > left.len() / 2 {
            return Ok(());
        }
        Err(invalid(format!(
            "without member {gone} there would be {} members of which {} follow: start or replace \
             the others first",
            left.len(),
            following.saturating_add(here),
        )))
    }

    fn undone(&self, error: RaftError) -> SubmitError {
        match error {
            RaftError::NotLeader { .. } => self.not_leader(),
            other => SubmitError::Failed(MetadataError::Unknown { reason: other.to_string() }),
        }
    }
}

fn invalid(message: String) -> SubmitError {
    SubmitError::Failed(MetadataError::invalid(message))
}
