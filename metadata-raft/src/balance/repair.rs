//! Replicas that are lost, too few, too many, or where their setting does not want them.

use cellar_metadata_api::{Cell, NodeId, Placement};

use super::{
    Plan, Share, cells,
    pool::{Pool, Standing},
};

/// Replaces what is lost, those cells first that have the fewest replicas left.
pub(super) fn plan(groups: &[(&Placement, Vec<Share>)], pool: &mut Pool<'_>) -> Vec<Plan> {
    let mut broken: Vec<(usize, &Cell, &[Share])> = Vec::new();
    for (cell, shares) in cells(groups) {
        let good = |node: &&NodeId| pool.standing(**node) != Standing::Lost;
        let left = cell.replicas.iter().filter(good).count();
        let goes_on = cell.target.iter().flatten().all(|node| good(&node));
        if pool.can_decide(cell) && !(cell.target.is_some() && goes_on) {
            broken.push((left, cell, shares));
        }
    }
    broken.sort_by_key(|(left, cell, _)| (*left, cell.id));
    let mut plans = Vec::new();
    for (_, cell, shares) in broken {
        let wanted = wanted(cell, shares, pool);
        let same = is_same(&wanted, &cell.replicas);
        match &cell.target {
            // It was to go to a node that is lost by now.
            Some(target) if !is_same(&wanted, target) => plans.push(pool.plan_move(cell, wanted)),
            None if !same && (pool.sends(cell) || is_subset(&wanted, &cell.replicas)) => {
                plans.push(pool.plan_move(cell, wanted));
            }
            _ => {}
        }
    }
    plans
}

/// Where a cell should stand, as far as that is possible now.
fn wanted(cell: &Cell, shares: &[Share], pool: &Pool<'_>) -> Vec<NodeId> {
    let mut chosen: Vec<NodeId> = Vec::new();
    for share in shares {
        chosen.extend(of_share(cell, share, pool));
    }
    // What stands elsewhere stays until there are as many copies where they belong.
    let copies: usize = shares.iter().map(|share| share.copies).sum();
    let stays = |node: &&NodeId| pool.standing(**node) != Standing::Lost;
    let enough = copies.min(cell.replicas.iter().filter(stays).count()).max(1);
    for node in cell.replicas.iter().filter(stays) {
        if chosen.len() < enough && !chosen.contains(node) {
            chosen.push(*node);
        }
    }
    if chosen.is_empty() {
        return cell.replicas.clone();
    }
    let stayed = cell.replicas.iter().filter(|node| chosen.contains(node));
    let came = chosen.iter().filter(|node| !cell.replicas.contains(node));
    stayed.chain(came).copied().collect()
}

/// The nodes of one share that should hold a cell.
fn of_share(cell: &Cell, share: &Share, pool: &Pool<'_>) -> Vec<NodeId> {
    let (mut kept, lost): (Vec<NodeId>, Vec<NodeId>) = cell
        .replicas
        .iter()
        .filter(|node| share.nodes.contains(node))
        .partition(|node| pool.standing(**node) != Standing::Lost);
    while kept.len() > share.copies {
        let Some(worst) = surplus(cell, &kept, pool) else { break };
        kept.retain(|node| *node != worst);
    }
    while kept.len() < share.copies {
        let Some(next) = newcomer(cell, share, &kept, pool) else { break };
        kept.push(next);
    }
    // Nothing is given up for nothing: a lost replica may come back.
    let room = share.copies.saturating_sub(kept.len());
    kept.extend(lost.into_iter().take(room));
    kept
}

/// The best node for one more replica: in the rack with the fewest of them, the emptiest there.
/// None if the nodes of that rack have enough to do already.
fn newcomer(cell: &Cell, share: &Share, kept: &[NodeId], pool: &Pool<'_>) -> Option<NodeId> {
    let bytes = pool.bytes(cell);
    let in_rack =
        |node: NodeId| kept.iter().filter(|other| pool.rack(**other) == pool.rack(node)).count();
    let free = |node: &&NodeId| {
        pool.standing(**node) == Standing::Good
            && !kept.contains(node)
            && !cell.replicas.contains(node)
    };
    let candidates: Vec<NodeId> = share.nodes.iter().filter(free).copied().collect();
    let fewest = candidates.iter().map(|node| in_rack(*node)).min()?;
    candidates
        .into_iter()
        .filter(|node| in_rack(*node) == fewest && pool.takes(*node, bytes))
        .min_by_key(|node| (pool.load(*node), *node))
}

/// The replica that is missed least: of the fullest rack, on the fullest node, not the leader.
fn surplus(cell: &Cell, kept: &[NodeId], pool: &Pool<'_>) -> Option<NodeId> {
    let in_rack =
        |node: NodeId| kept.iter().filter(|other| pool.rack(**other) == pool.rack(node)).count();
    let leads = |node: NodeId| cell.replicas.first() == Some(&node);
    let all = kept.iter().copied();
    all.max_by_key(|node| (in_rack(*node), !leads(*node), pool.load(*node), *node))
}

fn is_same(one: &[NodeId], other: &[NodeId]) -> bool {
    one.len() == other.len() && is_subset(one, other)
}

fn is_subset(one: &[NodeId], other: &[NodeId]) -> bool {
    one.iter().all(|node| other.contains(node))
}
