//! What can go wrong with groups.

use crate::log::LogError;

/// Why a host or a group could not be started, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum RaftError {
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The group runs already.
    #[error("group {0} runs already")]
    Running(u64),
    /// The group does not run here.
    #[error("group {0} does not run here")]
    NotRunning(u64),
    /// The group was initialised before.
    #[error("group {0} is initialised already")]
    Initialized(u64),
    /// This node is not the group's leader.
    #[error("not the leader; {}", leader_text(*leader))]
    NotLeader {
        /// The leader, if it is known.
        leader: Option<u64>,
    },
    /// The limits of the host do not make a valid configuration.
    #[error("configuration: {0}")]
    Configuration(String),
    /// The machine, or Raft itself, failed.
    #[error("group {group}: {reason}")]
    Failed {
        /// The group.
        group: u64,
        /// What was seen.
        reason: String,
    },
    /// It took longer than it may.
    #[error("group {group}: {action} took too long")]
    Slow {
        /// The group.
        group: u64,
        /// What was waited for.
        action: &'static str,
    },
}

/// Why a proposal or a read was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// This node is not the leader; nothing was proposed.
    #[error("not the leader; {}", leader_text(*leader))]
    NotLeader {
        /// The leader, if it is known.
        leader: Option<u64>,
    },
    /// The command was proposed, and whether it will be applied is unknown.
    #[error("the outcome is unknown")]
    Unknown,
    /// The log or the machine failed; the group has stopped on this node and the outcome is
    /// unknown.
    #[error("the group failed: {0}")]
    Fatal(String),
    /// The group was stopped; nothing was proposed.
    #[error("the group has stopped")]
    Stopped,
}

fn leader_text(leader: Option<u64>) -> String {
    leader.map_or_else(|| "no leader is known".into(), |leader| format!("node {leader} is"))
}
