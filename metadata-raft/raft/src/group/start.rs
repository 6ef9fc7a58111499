//! Starting a group: its configuration, its parts, and leadership at once for a group of one.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use cellar_rpc::tasks::Tasks;
use openraft::{Config, Raft, SnapshotPolicy, errors::Fatal};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::{
    Changes, Group, Inner, RaftHandle, changes,
    doubts::Doubts,
    heard::Heard,
    network::Network,
    rest::Rest,
    state::{State, StateHandle},
    store::Store,
};
use crate::{
    error::RaftError,
    host::{HostOptions, Peers, Stalled},
    limits::API_BATCH,
    log::Log,
    machine::Machine,
    types::Types,
};

/// What the groups of a host have in common.
pub(crate) struct Start<'a> {
    pub(crate) node: u64,
    pub(crate) log: &'a Log,
    pub(crate) peers: &'a Arc<dyn Peers>,
    pub(crate) config: &'a Arc<Config>,
    pub(crate) tasks: &'a Tasks,
    /// Bytes of snapshots sent to other nodes.
    pub(crate) sent_bytes: &'a Arc<AtomicU64>,
    pub(crate) stalled: &'a Stalled,
}

/// openraft's configuration for all groups of a host.
///
/// # Errors
/// The times do not fit together.
pub(crate) fn config(options: &HostOptions) -> Result<Arc<Config>, RaftError> {
    let config = Config {
        cluster_name: "cellar".into(),
        heartbeat_interval: options.heartbeat_ms,
        election_timeout_min: options.election_ms_min,
        election_timeout_max: options.election_ms_max,
        // Snapshots are flushes, and the host decides when; the log goes as far as they reach.
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: 0,
        purge_batch_size: 1,
        // Room is made for as many when a group starts, and there are thousands of groups.
        api_batch_capacity: API_BATCH,
        // Timers are switched on for groups that have other members.
        enable_tick: false,
        enable_heartbeat: false,
        enable_elect: false,
        enable_pre_vote: Some(true),
        // A leader that lost the unsynced end of its log must not write it anew in the same term.
        enable_leader_restore: Some(false),
        backoff: "20ms 50ms 100ms ..500ms".into(),
        ..Config::default()
    };
    let config = config.validate().map_err(|error| RaftError::Configuration(error.to_string()))?;
    Ok(Arc::new(config))
}

impl Start<'_> {
    /// Starts a group from its log and its machine. If this node is its only voter, it leads and
    /// has applied everything when this returns.
    pub(crate) async fn start(
        &self,
        id: u64,
        machine: Box<dyn Machine>,
    ) -> Result<Group, RaftError> {
        let failed = |error: &dyn std::fmt::Display| RaftError::Failed {
            group: id,
            reason: error.to_string(),
        };
        let found = self.log.state(id);
        let recovered = found.last.map(|last| last.index);
        let state = State::new(self.node, machine, recovered).map_err(|error| failed(&error))?;
        let state = Arc::new(state);
        let purged = watch::Sender::new(found.purged.map(|purged| purged.index));
        let log = self.log.clone();
        let store = Store { log, group: id, purged: purged.clone() };
        let (wanted, untaken) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let network = self.network(id, &wanted, &untaken);
        let handle = StateHandle(Arc::clone(&state));
        let config = Arc::clone(self.config);
        let built = Raft::new(self.node, config, network.clone(), store.clone(), handle).await;
        let raft = built.map_err(|error| failed(&error))?;
        state.running.store(true, Ordering::Release);

        let (tell, changes) = watch::channel(Changes::default());
        let tasks = self.tasks.child();
        let rest = Arc::<Rest>::default();
        let observing = changes::observe(
            raft.clone(),
            Arc::clone(&state),
            Arc::clone(self.stalled),
            Arc::clone(&rest),
            tell,
        );
        let token = tasks.token().clone();
        let ended = CancellationToken::new();
        let end = ended.clone().drop_guard();
        tasks.spawn(format!("raft group {id}"), async move {
            let _end = end;
            token.run_until_cancelled(observing).await;
        });
        let alone = self.sole_voter(&raft).await.map_err(|error| failed(&error))?;
        let (purged, heard) = (purged.subscribe(), Heard::default());
        let stalled = Arc::clone(self.stalled);
        let (sending, doubts) = (Mutex::default(), Doubts::default());
        let inner = Inner {
            id,
            raft,
            state,
            store,
            network,
            sending,
            doubts,
            changes,
            purged,
            heard,
            installing: Arc::default(),
            rest,
            tasks,
            ended,
            stalled,
        };
        let group = Group { inner: Arc::new(inner) };
        group.compact_when(wanted);
        group.take_back_when(untaken);
        group.ask_for_base();
        if alone && !group.lacks_base() {
            group.lead().await?;
        }
        Ok(group)
    }

    fn network(&self, group: u64, wanted: &Arc<Notify>, untaken: &Arc<Notify>) -> Network {
        Network {
            group,
            peers: Arc::clone(self.peers),
            wanted: Arc::clone(wanted),
            untaken: Arc::clone(untaken),
            sent_bytes: Arc::clone(self.sent_bytes),
        }
    }

    /// Whether this node is the only voter of the group.
    async fn sole_voter(&self, raft: &RaftHandle) -> Result<bool, Fatal<Types>> {
        let node = self.node;
        raft.with_raft_state(move |state| {
            let mut voters = state.membership_state.effective().voter_ids();
            voters.next() == Some(node) && voters.next().is_none()
        })
        .await
    }
}
