//! Three metadata members and three nodes, as machines whose processes come and go.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use cellar_rpc::tasks::Tasks;
use tokio::time::Instant;

use crate::{
    chance::Chance,
    process::{End, MemberMachine, NodeMachine, Surroundings},
    trace::Trace,
    world::{clock::WallClock, disk::HeldDisk, network::Network},
};

/// Processes of each role.
pub(crate) const MACHINES: usize = 3;

/// The cluster under test.
pub(crate) struct Cluster {
    pub(crate) surroundings: Surroundings,
    pub(crate) members: Vec<MemberMachine>,
    pub(crate) nodes: Vec<NodeMachine>,
    pub(crate) began: Instant,
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
    pub(crate) async fn start(seed: u64, root: &Path, trace: Trace) -> Result<Self> {
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
        let nodes = (1..=MACHINES).map(|number| {
            NodeMachine::new(
                format!("10.0.2.{number}:7000"),
                metadata.clone(),
                disk(format!("node {number}")),
                WallClock::new(began),
                root.join(format!("node-{number}")),
            )
        });
        let (members, nodes) = (machines.collect(), nodes.collect());
        let mut cluster = Self { surroundings, members, nodes, began };
        for number in 0..MACHINES {
            cluster.start_one(Role::Member(number)).await;
        }
        for number in 0..MACHINES {
            cluster.start_one(Role::Node(number)).await;
        }
        Ok(cluster)
    }

    /// Every process that there should be.
    pub(crate) fn roles() -> impl Iterator<Item = Role> {
        (0..MACHINES).map(Role::Member).chain((0..MACHINES).map(Role::Node))
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

    /// Starts a process; one that cannot start is as good as killed.
    pub(crate) async fn start_one(&mut self, role: Role) {
        let surroundings = self.surroundings.clone();
        let started = match role {
            Role::Member(number) => match self.members.get_mut(number) {
                Some(machine) => machine.start(&surroundings).await,
                None => Ok(()),
            },
            Role::Node(number) => match self.nodes.get_mut(number) {
                Some(machine) => machine.start(&surroundings).await,
                None => Ok(()),
            },
        };
        match started {
            Ok(()) => surroundings.trace.note(format_args!("{role:?} runs")),
            Err(error) => {
                surroundings.trace.note(format_args!("{role:?} does not start: {error:#}"));
                self.end(role, End::Kill);
            }
        }
    }

    /// Ends a process at once.
    pub(crate) fn end(&mut self, role: Role, end: End) {
        let surroundings = self.surroundings.clone();
        surroundings.trace.note(format_args!("{role:?} ends: {end:?}"));
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
                    surroundings.trace.note(format_args!("its folder is lost: {error}"));
                }
            }
        }
    }
}
