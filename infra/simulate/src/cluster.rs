//! Three metadata members and four nodes, as machines whose processes come and go.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::Result;
use cellar_metadata_api::{CellId, NodeId};
use cellar_rpc::tasks::Tasks;
use tokio::{
    sync::oneshot::{self, error::TryRecvError},
    task::AbortHandle,
    time::{Instant, sleep},
};

use crate::{
    chance::Chance,
    process::{End, Member, MemberMachine, NodeMachine, Running, Surroundings},
    trace::Trace,
    world::{clock::WallClock, disk::HeldDisk, network::Network},
};

/// Members of the metadata service.
pub(crate) const MEMBERS: usize = 3;
/// Nodes: one more than a cell has replicas, so that cells move.
pub(crate) const NODES: usize = 4;

/// The cluster under test.
pub(crate) struct Cluster {
    pub(crate) surroundings: Surroundings,
    pub(crate) members: Vec<MemberMachine>,
    pub(crate) nodes: Vec<NodeMachine>,
    starting: Vec<Starting>,
    pub(crate) began: Instant,
}

/// A process on its way.
struct Starting {
    role: Role,
    task: AbortHandle,
    told: oneshot::Receiver<Result<Started>>,
}

/// A process that runs.
enum Started {
    Member(Member),
    Node(Running),
}

/// One of the cluster's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A metadata member.
    Member(usize),
    /// A node.
    Node(usize),
}

impl Cluster {
    /// Starts every process.
    pub(crate) async fn start(seed: u64, root: &Path, trace: Trace) -> Self {
        let began = Instant::now();
        let network = Network::new(Chance::of(seed, "network"));
        let surroundings = Surroundings { network, trace, graveyard: Tasks::new() };
        let members: BTreeMap<u64, String> =
            (1..=3).map(|number| (number, format!("10.0.1.{number}:7100"))).collect();
        let metadata: Vec<String> = members.values().cloned().collect();
        let disk = |name: String| HeldDisk::blank(Chance::of(seed, &name));
        let machines = members.keys().map(|number| {
            MemberMachine::new(*number, members.clone(), disk(format!("member {number}")))
        });
        let nodes = (1..=NODES).map(|number| {
            NodeMachine::new(
                format!("10.0.2.{number}:7000"),
                metadata.clone(),
                disk(format!("node {number}")),
                WallClock::new(began),
                root.join(format!("node-{number}")),
            )
        });
        let (members, nodes) = (machines.collect(), nodes.collect());
        let mut cluster = Self { surroundings, members, nodes, starting: Vec::new(), began };
        for role in Self::roles() {
            cluster.start_one(role);
        }
        cluster.all_started().await;
        cluster
    }

    /// Every process that there should be.
    pub(crate) fn roles() -> impl Iterator<Item = Role> {
        (0..MEMBERS).map(Role::Member).chain((0..NODES).map(Role::Node))
    }

    /// The addresses of the metadata service.
    pub(crate) fn metadata(&self) -> Vec<String> {
        self.members.iter().map(|member| member.address.clone()).collect()
    }

    /// Where a process is reached.
    pub(crate) fn address(&self, role: Role) -> String {
        let address = match role {
            Role::Member(number) => self.members.get(number).map(|machine| &machine.address),
            Role::Node(number) => self.nodes.get(number).map(|machine| &machine.address),
        };
        address.cloned().unwrap_or_default()
    }

    /// Whether a process runs and has not failed.
    pub(crate) fn is_up(&self, role: Role) -> bool {
        let life = match role {
            Role::Member(number) => self
                .members
                .get(number)
                .and_then(|machine| machine.running.as_ref())
                .map(|member| &member.life),
            Role::Node(number) => self
                .nodes
                .get(number)
                .and_then(|machine| machine.running.as_ref())
                .map(|running| &running.life),
        };
        life.is_some_and(|life| !life.has_failed())
    }

    /// The disk of a process.
    pub(crate) fn disk(&self, role: Role) -> Option<&HeldDisk> {
        match role {
            Role::Member(number) => self.members.get(number).map(MemberMachine::disk),
            Role::Node(number) => self.nodes.get(number).map(NodeMachine::disk),
        }
    }

    /// Begins to start a process. It takes its time, and may be ended on the way.
    pub(crate) fn start_one(&mut self, role: Role) {
        let surroundings = self.surroundings.clone();
        let (tell, told) = oneshot::channel();
        let started = match role {
            Role::Member(number) => self.members.get(number).map(|machine| {
                let starting = machine.starting(surroundings.clone());
                self.surroundings.graveyard.spawn("a member starts", async move {
                    drop(tell.send(starting.await.map(Started::Member)));
                })
            }),
            Role::Node(number) => {
                let machine = self.nodes.get(number);
                machine.and_then(|machine| machine.starting(surroundings.clone()).ok()).map(
                    |starting| {
                        self.surroundings.graveyard.spawn("a node starts", async move {
                            drop(tell.send(starting.await.map(Started::Node)));
                        })
                    },
                )
            }
        };
        if let Some(task) = started {
            self.starting.retain(|starting| starting.role != role);
            self.starting.push(Starting { role, task, told });
        }
    }

    /// Takes in the processes that have started; one that could not is as good as killed.
    pub(crate) fn take_started(&mut self) {
        let mut failed = Vec::new();
        for mut starting in std::mem::take(&mut self.starting) {
            let role = starting.role;
            match (role, starting.told.try_recv()) {
                (_, Err(TryRecvError::Empty)) => self.starting.push(starting),
                (Role::Member(number), Ok(Ok(Started::Member(member)))) => {
                    self.surroundings.trace.note(format_args!("{role:?} runs"));
                    if let Some(machine) = self.members.get_mut(number) {
                        machine.running = Some(member);
                    }
                }
                (Role::Node(number), Ok(Ok(Started::Node(node)))) => {
                    self.surroundings.trace.note(format_args!("{role:?} runs"));
                    if let Some(machine) = self.nodes.get_mut(number) {
                        machine.running = Some(node);
                    }
                }
                (_, other) => {
                    let why = other.map(|started| started.err());
                    self.surroundings.trace.note(format_args!("{role:?} does not start"));
                    self.surroundings.trace.remark(format_args!("{why:?}"));
                    failed.push(role);
                }
            }
        }
        for role in failed {
            self.end(role, End::Kill);
        }
    }

    /// Whether a process is on its way.
    pub(crate) fn is_starting(&self, role: Role) -> bool {
        self.starting.iter().any(|starting| starting.role == role)
    }

    /// Waits until every process that starts has started.
    pub(crate) async fn all_started(&mut self) {
        while !self.starting.is_empty() {
            sleep(Duration::from_millis(10)).await;
            self.take_started();
        }
    }

    /// Who leads a cell, by the newest term that a running node knows of.
    pub(crate) fn leader_of(&self, cell: CellId) -> Option<NodeId> {
        let running = self.nodes.iter().filter_map(|machine| machine.running.as_ref());
        let known = running.filter_map(|running| running.node.standing(cell));
        known.max_by_key(|standing| (standing.term, standing.leader))?.leader.map(NodeId)
    }

    /// The machine of a node.
    pub(crate) fn role_of(&self, node: NodeId) -> Option<Role> {
        let is = |machine: &NodeMachine| {
            machine.running.as_ref().is_some_and(|running| running.node.id() == node)
        };
        self.nodes.iter().position(is).map(Role::Node)
    }

    /// Ends a process at once.
    pub(crate) fn end(&mut self, role: Role, end: End) {
        let surroundings = self.surroundings.clone();
        surroundings.trace.note(format_args!("{role:?} ends: {end:?}"));
        for starting in self.starting.extract_if(.., |starting| starting.role == role) {
            starting.task.abort();
        }
        match role {
            Role::Member(number) => {
                if let Some(machine) = self.members.get_mut(number) {
                    machine.end(&surroundings, end);
                }
            }
            Role::Node(number) => {
                if let Some(machine) = self.nodes.get_mut(number)
                    && let Err(error) = machine.end(&surroundings, end)
                {
                    surroundings.trace.note("its folder is lost");
                    surroundings.trace.remark(error);
                }
            }
        }
    }
}
