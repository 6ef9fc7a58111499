//! A group of three members, each on a node of its own.

use std::{collections::BTreeMap, future::Future};

use bytes::Bytes;
use cellar_raft::{Group, Machine, disk::SimDisk};

use super::{Memory, Node, eventually};

pub(crate) const GROUP: u64 = 5;

/// The members, all in one order.
pub(crate) struct Trio {
    pub(crate) nodes: Vec<Node>,
    pub(crate) groups: Vec<Group>,
    pub(crate) memories: Vec<Memory>,
}

/// Three nodes, made by their numbers.
pub(crate) async fn three<F: Future<Output = Node>>(node: impl Fn(u64) -> F) -> Vec<Node> {
    let mut nodes = Vec::new();
    for id in 1..=3 {
        nodes.push(node(id).await);
    }
    nodes
}

/// All of them as members of a group.
pub(crate) fn members(nodes: &[Node]) -> BTreeMap<u64, String> {
    nodes.iter().map(Node::member).collect()
}

pub(crate) async fn end(nodes: Vec<Node>) {
    for node in nodes {
        node.end().await;
    }
}

impl Trio {
    /// A running, not yet initialised group on fresh nodes.
    pub(crate) async fn start() -> Self {
        Self::on(three(|id| Node::start(id, SimDisk::new(), None)).await).await
    }

    pub(crate) async fn initialized() -> Self {
        let trio = Self::start().await;
        trio.initialize().await;
        trio
    }

    /// The same on nodes of another kind.
    pub(crate) async fn on(nodes: Vec<Node>) -> Self {
        Self::with(nodes, |_, memory| memory.machine()).await
    }

    /// The same with machines of another kind.
    pub(crate) async fn with(
        nodes: Vec<Node>,
        machine: impl Fn(usize, &Memory) -> Box<dyn Machine>,
    ) -> Self {
        let (mut groups, mut memories) = (Vec::new(), Vec::new());
        for (at, node) in nodes.iter().enumerate() {
            let memory = Memory::default();
            groups.push(node.host.start(GROUP, machine(at, &memory)).await.unwrap());
            memories.push(memory);
        }
        Self { nodes, groups, memories }
    }

    pub(crate) async fn initialize(&self) {
        self.groups[0].initialize(members(&self.nodes)).await.unwrap();
    }

    /// Where the leader is.
    pub(crate) async fn leader(&self) -> usize {
        let mut leader = None;
        eventually("a leader", || {
            leader = self.groups.iter().position(Group::is_leader);
            leader.is_some()
        })
        .await;
        leader.unwrap()
    }

    /// Takes a node out.
    pub(crate) fn take(&mut self, at: usize) -> (Node, Memory) {
        self.groups.remove(at);
        (self.nodes.remove(at), self.memories.remove(at))
    }

    pub(crate) async fn put(&mut self, node: Node, memory: Memory) {
        self.groups.push(node.host.start(GROUP, memory.machine()).await.unwrap());
        self.nodes.push(node);
        self.memories.push(memory);
    }

    /// Ends the calls between a node and the others, or begins them again.
    pub(crate) fn cut_off(&self, at: usize, off: bool) {
        let id = self.nodes[at].id;
        for node in &self.nodes {
            let mut unreached = node.unreached.lock();
            unreached.clear();
            if off {
                unreached.extend(
                    members(&self.nodes)
                        .into_keys()
                        .filter(|other| (*other == id) != (node.id == id)),
                );
            }
        }
    }

    /// Waits until all machines have exactly these commands.
    pub(crate) async fn agree(&self, commands: &[String]) {
        for memory in &self.memories {
            eventually("all commands everywhere", || memory.commands().len() >= commands.len())
                .await;
            assert_eq!(memory.commands(), commands);
        }
    }

    /// Waits until all machines have the same, which ends with `last`.
    pub(crate) async fn agree_up_to(&self, last: &str) {
        eventually("all have the same", || {
            let all: Vec<Vec<Bytes>> = self.memories.iter().map(Memory::commands).collect();
            let is_last = all[0].last().is_some_and(|command| command == last);
            is_last && all.iter().all(|commands| *commands == all[0])
        })
        .await;
    }

    pub(crate) async fn end(self) {
        end(self.nodes).await;
    }
}
