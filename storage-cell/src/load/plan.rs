//! Where a cell that is asked too much should split.

use std::collections::BTreeMap;

use cellar_metadata_api::{KeyRange, Position, TableId};

use crate::limits::{HOT_SHARE_PERCENT, LOAD_SIDE_PERCENT_MIN};

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Split here: each half has at least a quarter of the requests.
    Halves(Position),
    /// Split before and after all keys of this position, which has more than half of the requests.
    Isolate(Position),
}

/// The position after all keys of this one.
pub(crate) fn after(position: Position) -> Position {
    match position.token.checked_add(1) {
        Some(token) => Position::new(position.table, token),
        None => Position::new(TableId(position.table.0.saturating_add(1)), i64::MIN),
    }
}

/// Decides by samples: how many there were of each position.
pub(super) fn plan(samples: &BTreeMap<Position, u64>, range: KeyRange) -> Option<Plan> {
    let inside = || samples.iter().filter(|(position, _)| range.contains(**position));
    let all: u64 = inside().map(|(_, count)| count).sum();
    let (mut before, mut best) = (0_u64, None);
    for (position, count) in inside() {
        // Right before this position, and right after it.
        let through = before.saturating_add(*count);
        for (at, left) in [(*position, before), (after(*position), through)] {
            let smaller = left.min(all.saturating_sub(left));
            if range.splits_at(at) && best.is_none_or(|(_, most)| smaller > most) {
                best = Some((at, smaller));
            }
        }
        before = through;
    }
    if let Some((at, smaller)) = best
        && smaller.saturating_mul(100) >= all.saturating_mul(LOAD_SIDE_PERCENT_MIN)
    {
        return Some(Plan::Halves(at));
    }
    let (hottest, count) = inside().max_by_key(|(_, count)| **count)?;
    let hot = count.saturating_mul(100) > all.saturating_mul(HOT_SHARE_PERCENT);
    let alone = !range.splits_at(*hottest) && !range.splits_at(after(*hottest));
    (hot && !alone).then_some(Plan::Isolate(*hottest))
}
