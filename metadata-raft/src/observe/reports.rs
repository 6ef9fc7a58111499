//! The events that the reports of nodes stand for: other leaders and hot partitions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};

use cellar_metadata_api::{CellId, CellLoad, Event, HotPartition, NodeId, NodeReport, TableId};
use tokio::time::Instant;

use crate::limits::HOT_AGAIN_MS;

/// What earlier reports said.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Who leads each cell, with the log index at which it said so.
    leaders: BTreeMap<CellId, (NodeId, u64)>,
    /// Hot partitions, and when they were told of.
    hot: BTreeMap<(TableId, i64), Instant>,
    /// Cells with damage on each node.
    damaged: BTreeMap<NodeId, BTreeSet<CellId>>,
}

impl Seen {
    /// What is new in a report.
    pub(super) fn compare(&mut self, report: &NodeReport, now: Instant, at_ms: i64) -> Vec<Event> {
        let led = report.cells.iter().filter(|cell| cell.leads);
        let mut events: Vec<Event> =
            led.filter_map(|cell| self.leader(report.node, cell, at_ms)).collect();
        let again = Duration::from_millis(HOT_AGAIN_MS);
        self.hot.retain(|_, told| now.saturating_duration_since(*told) < again);
        for partition in &report.hot_partitions {
            let known = self.hot.insert((partition.table, partition.token), now);
            if known.is_none() {
                events.push(hot(partition, report.node, at_ms));
            } else if let Some(told) = known {
                // Only what was told of counts, or a partition that stays hot is told of once.
                self.hot.insert((partition.table, partition.token), told);
            }
        }
        events.extend(self.damage(report, at_ms));
        events
    }

    /// Damage that was met on a node, or is gone.
    fn damage(&mut self, report: &NodeReport, at_ms: i64) -> Vec<Event> {
        let now: BTreeSet<CellId> = report.damaged_cells.iter().copied().collect();
        let before = self.damaged.insert(report.node, now.clone()).unwrap_or_default();
        let event = |kind: &str, cell: &CellId, detail: &str| Event {
            at_ms,
            kind: kind.to_owned(),
            cell: Some(*cell),
            epoch: None,
            node: Some(report.node),
            detail: detail.to_owned(),
        };
        let found = now.difference(&before).map(|cell| {
            event("damage.found", cell, "stored rows cannot be read; other replicas are asked")
        });
        let gone = before
            .difference(&now)
            .map(|cell| event("damage.healed", cell, "no damage is known any more"));
        found.chain(gone).collect()
    }

    /// A leader that is another than before. One that was replaced and does not know it yet is
    /// behind in the log.
    fn leader(&mut self, node: NodeId, cell: &CellLoad, at_ms: i64) -> Option<Event> {
        let before = self.leaders.get(&cell.cell).copied();
        if before.is_some_and(|(leader, index)| leader != node && index >= cell.applied_index) {
            return None;
        }
        self.leaders.insert(cell.cell, (node, cell.applied_index));
        let (before, _) = before.filter(|(leader, _)| *leader != node)?;
        Some(Event {
            at_ms,
            kind: "leader".to_owned(),
            cell: Some(cell.cell),
            epoch: Some(cell.epoch),
            node: Some(node),
            detail: format!("{before} → {node}"),
        })
    }
}

fn hot(partition: &HotPartition, node: NodeId, at_ms: i64) -> Event {
    let HotPartition { table, token, per_second, .. } = partition;
    let mut key = String::with_capacity(partition.key.len().saturating_mul(2));
    for byte in partition.key.iter().take(64) {
        // Writing to a String cannot fail.
        let _ = write!(key, "{byte:02x}");
    }
    Event {
        at_ms,
        kind: "partition.hot".to_owned(),
        cell: Some(partition.cell),
        epoch: None,
        node: Some(node),
        detail: format!("table {} token {token} key 0x{key}: {per_second}/s", table.0),
    }
}

#[cfg(test)]
mod tests {
    use cellar_metadata_api::Epoch;

    use super::*;

    fn report(node: u64, leads: bool, applied_index: u64) -> NodeReport {
        let cell = CellLoad {
            cell: CellId(1),
            epoch: Epoch(1),
            leads,
            voters: Vec::new(),
            applied_index,
            hot_bytes: 0,
            cold_bytes: 0,
            reads_per_second: 0,
            writes_per_second: 0,
        };
        NodeReport {
            node: NodeId(node),
            cells: vec![cell],
            hot_partitions: Vec::new(),
            disk_free_bytes: 0,
            disk_total_bytes: 0,
            moved_bytes: 0,
            damaged_cells: Vec::new(),
            healed_cells: 0,
            damaged_blocks: cellar_metadata_api::DamagedBlocks::default(),
        }
    }

    #[test]
    fn a_leader_is_told_of_when_it_is_another_and_a_late_word_of_the_old_one_is_not() {
        let (mut seen, now) = (Seen::default(), Instant::now());
        assert!(seen.compare(&report(1, true, 5), now, 0).is_empty(), "the first one known");
        assert!(seen.compare(&report(2, false, 5), now, 0).is_empty());
        let told = seen.compare(&report(2, true, 6), now, 0);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].detail, "node-1 → node-2");
        assert!(seen.compare(&report(1, true, 6), now, 0).is_empty());
        assert!(seen.compare(&report(2, true, 6), now, 0).is_empty());
    }

    #[test]
    fn damage_is_told_of_when_it_is_met_and_when_it_is_gone() {
        let (mut seen, now) = (Seen::default(), Instant::now());
        let mut damaged = report(1, false, 1);
        damaged.damaged_cells.push(CellId(7));
        let kinds = |events: Vec<Event>| -> Vec<String> {
            events.into_iter().map(|event| event.kind).collect()
        };
        assert_eq!(kinds(seen.compare(&damaged, now, 0)), ["damage.found"]);
        assert!(seen.compare(&damaged, now, 0).is_empty());
        assert!(seen.compare(&report(2, false, 1), now, 0).is_empty(), "another node");
        assert_eq!(kinds(seen.compare(&report(1, false, 1), now, 0)), ["damage.healed"]);
    }

    #[test]
    fn a_hot_partition_is_told_of_once_in_a_while() {
        let (mut seen, now) = (Seen::default(), Instant::now());
        let mut hot = report(1, false, 1);
        hot.hot_partitions.push(HotPartition {
            cell: CellId(1),
            table: TableId(20),
            token: -3,
            key: vec![0, 255],
            per_second: 9,
        });
        let told = seen.compare(&hot, now, 0);
        assert_eq!(told[0].detail, "table 20 token -3 key 0x00ff: 9/s");
        assert!(seen.compare(&hot, now, 0).is_empty());
        let later = now + Duration::from_millis(HOT_AGAIN_MS);
        assert_eq!(seen.compare(&hot, later, 0).len(), 1);
    }
}
