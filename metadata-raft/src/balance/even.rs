//! Evening out: who carries much gives to who carries little.
//!
//! A replica of weight `w` goes from load `a` to load `b` only if `a - b > w`, which makes the sum
//! of the squares of all loads smaller: no step can be undone by a later one.

use cellar_metadata_api::{Cell, NodeId, Placement};

use super::{
    Plan, Share,
    pool::{Pool, Standing},
    racks::exchanged,
};

/// Part of the mean that a node may be off, as one in so many.
const SLACK_PART: u64 = 10;
/// Emptiest nodes that are looked at for each cell.
const RECEIVERS: usize = 4;

/// One exchange and what it gains.
struct Step<'a> {
    gain: u64,
    cell: &'a Cell,
    from: NodeId,
    to: NodeId,
}

/// Evens out bytes.
pub(super) fn plan(groups: &[(&Placement, Vec<Share>)], pool: &mut Pool<'_>) -> Vec<Plan> {
    let mut plans = Vec::new();
    // Each step fills a slot of a node, so this ends; the best step is taken first.
    while let Some(step) = best(groups, pool) {
        plans.push(pool.plan_move(step.cell, exchanged(step.cell, step.from, step.to)));
    }
    plans
}

fn best<'a>(groups: &'a [(&'a Placement, Vec<Share>)], pool: &Pool<'_>) -> Option<Step<'a>> {
    let mut best: Option<Step<'a>> = None;
    for (placement, shares) in groups {
        for share in shares {
            let Some((mean, receivers)) = receivers(share, pool) else { continue };
            for cell in placement.cells() {
                if !pool.is_free(cell) || !pool.sends(cell) {
                    continue;
                }
                let step = step(cell, share, mean, &receivers, pool);
                let gains = |step: &Step<'_>| best.as_ref().is_none_or(|b| step.gain > b.gain);
                if let Some(step) = step.filter(gains) {
                    best = Some(step);
                }
            }
        }
    }
    best
}

/// The mean load of a share's nodes, and the emptiest that can take something now; none if the
/// share is even or nobody can.
fn receivers(share: &Share, pool: &Pool<'_>) -> Option<(u64, Vec<NodeId>)> {
    let good = |node: &NodeId| pool.standing(*node) == Standing::Good;
    let nodes: Vec<NodeId> = share.nodes.iter().copied().filter(good).collect();
    let loads = || nodes.iter().map(|node| pool.load(*node));
    let sum = loads().fold(0_u64, u64::saturating_add);
    let mean = sum.checked_div(u64::try_from(nodes.len()).ok()?)?;
    let slack = mean / SLACK_PART;
    let off = |load: u64| load > mean.saturating_add(slack) || load < mean.saturating_sub(slack);
    if !loads().any(off) {
        return None;
    }
    let mut receivers: Vec<NodeId> =
        nodes.into_iter().filter(|node| pool.takes(*node, 0)).collect();
    receivers.sort_by_key(|node| (pool.load(*node), *node));
    receivers.truncate(RECEIVERS);
    (!receivers.is_empty()).then_some((mean, receivers))
}

/// The best step for one cell.
fn step<'a>(
    cell: &'a Cell,
    share: &Share,
    mean: u64,
    receivers: &[NodeId],
    pool: &Pool<'_>,
) -> Option<Step<'a>> {
    let weight = pool.weight(cell);
    let here = || cell.replicas.iter().copied().filter(|node| share.nodes.contains(node));
    let in_rack = |rack, without: NodeId| {
        here().filter(|node| *node != without && pool.rack(*node) == rack).count()
    };
    let slack = mean / SLACK_PART;
    let mut best: Option<Step<'a>> = None;
    for from in here().filter(|node| pool.standing(*node) == Standing::Good) {
        for to in receivers.iter().copied().filter(|node| !cell.replicas.contains(node)) {
            let (much, little) = (pool.load(from), pool.load(to));
            let off = much > mean.saturating_add(slack) || little < mean.saturating_sub(slack);
            let gain = much.saturating_sub(little).saturating_sub(weight);
            let spread = in_rack(pool.rack(to), from) <= in_rack(pool.rack(from), from);
            let known = best.as_ref().is_some_and(|best| best.gain >= gain);
            if off && gain > 0 && spread && !known && pool.takes(to, pool.bytes(cell)) {
                best = Some(Step { gain, cell, from, to });
            }
        }
    }
    best
}
