//! Which cells should stand elsewhere, be led by another node, or become one: a pure function of
//! the catalog, the nodes' reports and what was seen before.
//!
//! Guarantees: no plan takes copies from a cell that its setting asks for, puts one onto a node
//! that is not in touch or is being drained, or makes the spread over racks worse; each step of
//! evening out makes the sum of squares of the nodes' loads smaller, so it ends and never goes
//! back and forth. Start at [`plan`].

mod even;
mod leaders;
mod memory;
mod merges;
mod pool;
mod racks;
mod repair;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use cellar_metadata_api::{
    Catalog, Cell, CellId, Epoch, GroupId, Node, NodeId, NodeReport, Placement,
};

pub(crate) use self::memory::Memory;
use self::pool::Pool;
use crate::state::Replication;

/// How the balancer works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceOptions {
    /// Whether it does anything.
    pub on: bool,
    /// Pause between two looks, in milliseconds.
    pub every_ms: u64,
    /// How long a node is out of touch before its replicas are replaced, in milliseconds.
    pub replace_after_ms: u64,
    /// Moves under way at once for each node that takes a replica or sends it.
    pub moves_per_node: usize,
    /// Leaders changed by one look.
    pub leaders_at_once: usize,
    /// Merges asked for by one look.
    pub merges_at_once: usize,
    /// Hot bytes from which a cell splits: two cells merge when both together have an eighth.
    pub cell_split_bytes: u64,
    /// How long two neighbours are without writes, splits and merges before they merge, in
    /// milliseconds. A preferred leader stays at least as long.
    pub quiet_ms: u64,
    /// Reads per second that two neighbours may have together to merge.
    pub quiet_reads_per_s: u64,
}

impl Default for BalanceOptions {
    fn default() -> Self {
        Self {
            on: true,
            every_ms: 1_000,
            replace_after_ms: 60_000,
            moves_per_node: 2,
            leaders_at_once: 8,
            merges_at_once: 2,
            cell_split_bytes: 8 << 30,
            quiet_ms: 60_000,
            quiet_reads_per_s: 100,
        }
    }
}

/// Age from which a report says nothing any more, in milliseconds: three that went missing.
pub(crate) const STALE_MS: u64 = 30_000;

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// A cell is to stand on these nodes.
    Replicas { cell: CellId, epoch: Epoch, target: Vec<NodeId> },
    /// A replica is to lead.
    Leader { cell: CellId, node: NodeId },
    /// Neighbours are to become one; asked of the node that leads the left one.
    Merge { left: CellId, right: CellId, leader: NodeId },
}

/// Everything that a plan follows from.
pub(crate) struct Situation<'a> {
    pub(crate) catalog: &'a Catalog,
    /// The setting of each placement group.
    pub(crate) settings: &'a BTreeMap<GroupId, Replication>,
    /// What each node said last, and how many milliseconds ago; less than [`STALE_MS`].
    pub(crate) reports: &'a BTreeMap<NodeId, (NodeReport, u64)>,
    /// What was seen before; it has seen this catalog and these reports as well.
    pub(crate) memory: &'a Memory,
    /// On the clock that the memory counts by.
    pub(crate) now_ms: u64,
    pub(crate) options: &'a BalanceOptions,
}

/// What should be done now. A cluster of one node is left alone.
pub(crate) fn plan(situation: &Situation<'_>) -> Vec<Plan> {
    if !situation.options.on || situation.catalog.nodes.len() < 2 {
        return Vec::new();
    }
    let groups = groups(situation);
    let mut pool = Pool::new(situation);
    let mut plans = repair::plan(&groups, &mut pool);
    plans.extend(racks::plan(&groups, &mut pool));
    if pool.is_measured(situation) {
        plans.extend(merges::plan(situation, &mut pool));
        plans.extend(even::plan(&groups, &mut pool));
        plans.extend(leaders::plan(situation, &mut pool));
    } else {
        plans.extend(leaders::away(situation, &mut pool));
    }
    plans
}

/// So many copies at most on some of these nodes.
struct Share {
    copies: usize,
    nodes: BTreeSet<NodeId>,
}

/// Every placement with the shares of its setting.
fn groups<'a>(situation: &Situation<'a>) -> Vec<(&'a Placement, Vec<Share>)> {
    let all: Vec<&Node> = situation.catalog.nodes.values().collect();
    let shares = |setting: &Replication| -> Vec<Share> {
        let shares = setting.shares(&all).into_iter();
        let share = |(copies, nodes): (u32, Vec<&Node>)| Share {
            copies: usize::try_from(copies).unwrap_or(usize::MAX),
            nodes: nodes.iter().map(|node| node.id).collect(),
        };
        shares.map(share).collect()
    };
    let placements = situation.catalog.placements.iter();
    placements
        .filter_map(|(id, placement)| Some((&**placement, shares(situation.settings.get(id)?))))
        .collect()
}

/// Every cell with the shares of its setting.
fn cells<'a>(
    groups: &'a [(&'a Placement, Vec<Share>)],
) -> impl Iterator<Item = (&'a Cell, &'a [Share])> {
    let each = groups.iter();
    each.flat_map(|(placement, shares)| placement.cells().map(|cell| (cell, shares.as_slice())))
}
