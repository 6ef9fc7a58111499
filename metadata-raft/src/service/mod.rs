//! The metadata service of one process: a member of the metadata group, its calls and its watch.
//!
//! A command is answered when it is decided and durable; a change of the schema only when every
//! frontend and node that watches serves it, or after a bounded wait with a warning. Only the
//! leader answers; others say who leads.

mod balancer;
mod calls;
mod members;
mod observer;
mod presence;
mod residency;
mod watchers;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use cellar_metadata_api::{
    Answer, Catalog, Command, Members, MembersRequest, Metadata, MetadataError, NodeReport,
    Overview, protocol::SubmitError,
};
use cellar_raft::{
    Group, Host, Machine, ProposeError, RaftError, Room,
    disk::{Disk, RealDisk},
};
use cellar_rpc::{Router, tasks::Tasks};
use cellar_schema::{Clock, SystemClock};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use tokio::sync::watch;

pub use self::balancer::Merger;
use self::watchers::{Process, Watchers};
use crate::{
    balance::BalanceOptions,
    limits::{ABSENT_MS_MAX, SERVED_MS_MAX},
    machine::{MetadataMachine, OpenError, Shared},
    observe::Observed,
};

/// How a member of the metadata service works.
#[derive(Clone, Debug)]
pub struct ServiceOptions {
    /// Number of the metadata group in the host's log.
    pub group: u64,
    /// Folder of the snapshot file, on the same disk as the log.
    pub dir: PathBuf,
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// All members with their addresses ("host:port"), this one among them: for the first start.
    pub members: BTreeMap<u64, String>,
    /// Background work of the service is a child of this.
    pub tasks: Tasks,
    /// How long a change of the schema waits for those who watch, in milliseconds.
    pub served_ms_max: u64,
    /// How long a node or frontend may be out of touch before it is marked or removed, in
    /// milliseconds.
    pub absent_ms_max: u64,
    /// Tells when events happened.
    pub clock: Arc<dyn Clock>,
    /// The region of the object store that takes cold rows, if it is known.
    pub store_region: Option<String>,
    /// How cells are spread over nodes; off unless it is turned on.
    pub balance: BalanceOptions,
    /// Asks nodes to merge cells; without it none are merged.
    pub merger: Option<Arc<dyn Merger>>,
}

impl ServiceOptions {
    /// The defaults for a service in `dir` whose members are these.
    #[must_use]
    pub fn new(dir: PathBuf, members: BTreeMap<u64, String>, tasks: &Tasks) -> Self {
        Self {
            group: 0,
            dir,
            disk: Arc::new(RealDisk),
            members,
            tasks: tasks.clone(),
            served_ms_max: SERVED_MS_MAX,
            absent_ms_max: ABSENT_MS_MAX,
            clock: Arc::new(SystemClock),
            store_region: None,
            balance: BalanceOptions { on: false, ..BalanceOptions::default() },
            merger: None,
        }
    }
}

/// Why a service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state could not be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The group could not be started.
    #[error("metadata group: {0}")]
    Raft(#[from] RaftError),
}

/// A member of the metadata service; clones are the same member. Commands submitted here are
/// answered only while this member leads: a process that is not the only member uses
/// [`cellar_metadata_api::Client`].
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    /// This member's number.
    node: u64,
    /// On the disk of the log.
    room: Room,
    group: Group,
    shared: Arc<Shared>,
    watchers: Watchers,
    /// Nodes and frontends in this very process: they have no watch and are in touch.
    local: Mutex<BTreeSet<Process>>,
    tasks: Tasks,
    served_ms_max: u64,
    absent_ms_max: u64,
    clock: Arc<dyn Clock>,
    store_region: Option<String>,
    observed: Mutex<Observed>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("version", &self.inner.shared.catalog.borrow().version)
            .field("leads", &self.inner.group.is_leader())
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Starts a member on a host. Of several members, the one with the lowest number makes the
    /// group known on its first start. A service of one member leads when this returns.
    ///
    /// # Errors
    /// The state cannot be read or the group cannot be started.
    pub async fn start(host: &Host, options: ServiceOptions) -> Result<Self, StartError> {
        let machine = MetadataMachine::open(options.disk, &options.dir)?;
        let shared = Arc::clone(machine.shared());
        let durable = machine.applied().index();
        let known = host.groups().contains(&options.group);
        let group = host.start(options.group, Box::new(machine)).await?;
        let first = options.members.keys().next() == Some(&host.node());
        if first && !known {
            match group.initialize(options.members).await {
                Ok(()) | Err(RaftError::Initialized(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let inner = Arc::new(Inner {
            node: host.node(),
            room: host.room(),
            group,
            shared,
            watchers: Watchers::new(),
            local: Mutex::default(),
            tasks: options.tasks.child(),
            served_ms_max: options.served_ms_max,
            absent_ms_max: options.absent_ms_max,
            clock: options.clock,
            store_region: options.store_region,
            observed: Mutex::default(),
        });
        inner.housekeep(durable, options.balance, options.merger);
        Ok(Self { inner })
    }

    /// Adds the service's calls and its watch to a router.
    #[must_use]
    pub fn register(&self, router: Router) -> Router {
        calls::register(&self.inner, router)
    }

    /// Whether this member leads, as far as it knows.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.inner.group.is_leader()
    }

    /// The Raft group, for operators: members, leader, log.
    #[must_use]
    pub fn group(&self) -> &Group {
        &self.inner.group
    }
}

impl Metadata for Service {
    fn submit(&self, command: Command) -> BoxFuture<'_, Result<Answer, MetadataError>> {
        async move {
            let here = match &command {
                Command::RegisterFrontend { frontend } => Some(Process::Frontend(frontend.host_id)),
                _ => None,
            };
            let registers_node = matches!(command, Command::RegisterNode { .. });
            let answer = self.inner.submit(&command).await.map_err(turned_away)?;
            let node = match answer {
                Answer::Node(id) if registers_node => Some(Process::Node(id)),
                _ => None,
            };
            self.inner.local.lock().extend(here.or(node));
            Ok(answer)
        }
        .boxed()
    }

    fn catalog(&self) -> watch::Receiver<Arc<Catalog>> {
        self.inner.shared.catalog.subscribe()
    }

    fn report(&self, report: NodeReport) -> BoxFuture<'_, Result<(), MetadataError>> {
        std::future::ready(self.inner.report(report).map_err(turned_away)).boxed()
    }

    fn overview(&self) -> BoxFuture<'_, Result<Overview, MetadataError>> {
        std::future::ready(self.inner.overview().map_err(turned_away)).boxed()
    }

    fn members(&self, request: MembersRequest) -> BoxFuture<'_, Result<Members, MetadataError>> {
        async move { self.inner.members(request).await.map_err(turned_away) }.boxed()
    }
}

fn turned_away(error: SubmitError) -> MetadataError {
    match error {
        SubmitError::Failed(error) => error,
        SubmitError::NotLeader { leader } => {
            let leader = leader.unwrap_or_else(|| "unknown".to_owned());
            MetadataError::Unavailable { reason: format!("the leader is {leader}") }
        }
    }
}

impl Inner {
    /// Starts what goes on in the background for as long as the service runs.
    fn housekeep(
        self: &Arc<Self>,
        durable: Option<u64>,
        balance: BalanceOptions,
        merger: Option<Arc<dyn Merger>>,
    ) {
        let (events, presence, balancer) = (Arc::clone(self), Arc::clone(self), Arc::clone(self));
        let token = || self.tasks.token().clone();
        let (first, second, third) = (token(), token(), token());
        self.tasks.spawn("metadata events", async move {
            first.run_until_cancelled(observer::follow(&events)).await;
        });
        self.tasks.spawn("metadata presence", async move {
            second.run_until_cancelled(presence::follow(&presence, durable)).await;
        });
        if balance.on {
            self.tasks.spawn("balancer", async move {
                third.run_until_cancelled(balancer::run(&balancer, &balance, merger)).await;
            });
        }
    }

    /// Runs a command and, if it is of the schema, waits until it is served.
    async fn submit(&self, command: &Command) -> Result<Answer, SubmitError> {
        if command.is_schema()
            && let Err(full) = self.room.check_small()
        {
            let reason = format!("{full}; nothing was changed");
            return Err(SubmitError::Failed(MetadataError::Unavailable { reason }));
        }
        if let Some(region) = self.store_region.as_ref().filter(|_| command.is_schema()) {
            let checked = residency::check(&self.shared.state.lock(), command, region);
            checked.map_err(SubmitError::Failed)?;
        }
        let mut answer = self.propose(command).await?;
        if !command.is_schema() {
            return Ok(answer);
        }
        let Some(version) = answer.version() else { return Ok(answer) };
        let patience = Duration::from_millis(self.served_ms_max);
        let behind = self.watchers.serve(version, patience).await;
        if !behind.is_empty() {
            let behind = behind.join(", ");
            tracing::warn!(version, behind, "a change of the schema is not served everywhere yet");
            if let Answer::Schema { warnings, .. } = &mut answer {
                warnings.push(format!(
                    "the change is done and not yet served by {behind}; they follow by themselves"
                ));
            }
        }
        Ok(answer)
    }

    /// Has a command decided and applied.
    async fn propose(&self, command: &Command) -> Result<Answer, SubmitError> {
        let unknown = |reason: String| SubmitError::Failed(MetadataError::Unknown { reason });
        let bytes = cbor4ii::serde::to_vec(Vec::new(), command).map_err(|error| {
            SubmitError::Failed(MetadataError::invalid(format!("the command: {error}")))
        })?;
        let answer = match self.group.propose(Bytes::from(bytes)).await {
            Ok(answer) => answer,
            Err(ProposeError::NotLeader { .. }) => return Err(self.not_leader()),
            Err(ProposeError::Stopped) => {
                let reason = "the metadata service is stopping".to_owned();
                return Err(SubmitError::Failed(MetadataError::Unavailable { reason }));
            }
            Err(error @ (ProposeError::Unknown | ProposeError::Fatal(_))) => {
                return Err(unknown(error.to_string()));
            }
        };
        let decided: Result<Answer, MetadataError> = cbor4ii::serde::from_slice(&answer)
            .map_err(|error| unknown(format!("the answer does not decode: {error}")))?;
        decided.map_err(SubmitError::Failed)
    }

    /// Who leads instead of this member.
    fn not_leader(&self) -> SubmitError {
        let changes = self.group.changes();
        let changes = changes.borrow();
        let leader = changes.leader.and_then(|leader| changes.members.get(&leader).cloned());
        SubmitError::NotLeader { leader }
    }
}
