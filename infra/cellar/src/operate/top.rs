//! Which cells work most, by two looks at their logs.

use std::{collections::BTreeMap, time::Duration};

use super::answers::{Busy, Cell, NodeCells};

/// The cells, the busiest first.
pub(super) fn compare(before: &[NodeCells], after: &[NodeCells], between: Duration) -> Vec<Busy> {
    let earlier: BTreeMap<u64, &Cell> = led(before).map(|(_, cell)| (cell.cell, cell)).collect();
    let seconds = between.as_secs_f64().max(0.001);
    let mut busy: Vec<Busy> = led(after)
        .map(|(leader, cell)| {
            let then = earlier.get(&cell.cell);
            let rate = |now: u64, then: Option<u64>| {
                then.map_or(0.0, |then| (number(now) - number(then)) / seconds)
            };
            Busy {
                cell: cell.cell,
                leader,
                entries_per_second: rate(cell.applied_index, then.map(|c| c.applied_index)),
                hot_bytes: cell.hot_bytes,
                hot_bytes_per_second: rate(cell.hot_bytes, then.map(|c| c.hot_bytes)),
                range: cell.range.clone(),
            }
        })
        .collect();
    busy.sort_by(|a, b| {
        let (a, b) = ((a.entries_per_second, a.hot_bytes), (b.entries_per_second, b.hot_bytes));
        b.partial_cmp(&a).unwrap_or(std::cmp::Ordering::Equal)
    });
    busy
}

/// Every cell as its leader sees it.
fn led(nodes: &[NodeCells]) -> impl Iterator<Item = (u64, &Cell)> {
    nodes.iter().flat_map(|node| {
        let led = node.answer.iter().filter(|cell| cell.leader == Some(node.node));
        led.map(|cell| (node.node, cell))
    })
}

fn number(value: u64) -> f64 {
    // Exact up to 2^53, which neither bytes nor entries reach.
    f64::from(u32::try_from(value >> 32).unwrap_or(u32::MAX)) * 4_294_967_296.0
        + f64::from(u32::try_from(value & u64::from(u32::MAX)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(node: u64, cells: &[(u64, u64, u64)]) -> NodeCells {
        let answer = cells.iter().map(|(cell, leader, applied_index)| Cell {
            cell: *cell,
            leader: Some(*leader),
            applied_index: *applied_index,
            ..Cell::default()
        });
        NodeCells { node, answer: answer.collect(), error: None }
    }

    #[test]
    fn the_busiest_cell_by_its_leaders_log_comes_first() {
        let before = [node(1, &[(7, 1, 100), (8, 2, 5)]), node(2, &[(7, 1, 90), (8, 2, 10)])];
        let after = [node(1, &[(7, 1, 110), (8, 2, 5)]), node(2, &[(7, 1, 90), (8, 2, 50)])];
        let busy = compare(&before, &after, Duration::from_secs(2));
        let shown: Vec<_> = busy.iter().map(|b| (b.cell, b.leader, b.entries_per_second)).collect();
        assert_eq!(shown, [(8, 2, 20.0), (7, 1, 5.0)]);
    }
}
