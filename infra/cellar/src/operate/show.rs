//! Answers as tables.

use std::collections::BTreeMap;

use super::answers::{Blocks, Busy, Cell, Event, Member, Node, NodeCells};
use crate::table::Table;

/// Cells shown by `top`.
const TOP_ROWS: usize = 20;

/// One line for each cell, as its leader sees it.
pub(super) fn cells(nodes: &[NodeCells]) {
    let mut all: BTreeMap<u64, Vec<(u64, &Cell)>> = BTreeMap::new();
    for node in nodes {
        for cell in &node.answer {
            all.entry(cell.cell).or_default().push((node.node, cell));
        }
    }
    let heads = ["CELL", "EPOCH", "LEADER", "REPLICAS", "BEHIND", "HOT", "COLD", "RANGE"];
    let mut table = Table::new(&heads);
    for seen in all.values() {
        let led = seen.iter().find(|(node, cell)| cell.leader == Some(*node));
        let Some((_, cell)) = led.or_else(|| seen.first()) else { continue };
        let numbers: Vec<String> = cell.replicas.iter().map(u64::to_string).collect();
        let behind = seen.iter().map(|(_, c)| cell.applied_index.saturating_sub(c.applied_index));
        let silent = cell.replicas.len().saturating_sub(seen.len());
        let behind = match (behind.max().unwrap_or(0), silent) {
            (entries, 0) => entries.to_string(),
            (_, silent) => format!("{silent} silent"),
        };
        table.row([
            cell.cell.to_string(),
            cell.epoch.to_string(),
            led.map_or_else(|| "none".to_owned(), |(node, _)| node.to_string()),
            numbers.join(","),
            behind,
            bytes(cell.hot_bytes),
            bytes(cell.cold_bytes),
            cell.range.clone(),
        ]);
    }
    print!("{table}");
    for node in nodes {
        if let Some(error) = &node.error {
            println!("node {}: {error}", node.node);
        }
    }
}

/// One line for each node.
pub(super) fn nodes(nodes: &[Node]) {
    let mut table = Table::new(&[
        "NODE",
        "STATE",
        "CELLS",
        "LEADS",
        "HOT",
        "COLD",
        "READS/S",
        "WRITES/S",
        "MOVED IN",
        "FREE",
        "DATACENTER",
        "RACK",
        "ADDRESS",
    ]);
    let count = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |v| v.to_string());
    let size = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), bytes);
    for node in nodes {
        table.row([
            node.node.to_string(),
            node.state.clone(),
            count(node.cells),
            count(node.leads),
            size(node.hot_bytes),
            size(node.cold_bytes),
            count(node.reads_per_second),
            count(node.writes_per_second),
            size(node.moved_bytes),
            size(node.disk_free_bytes),
            node.datacenter.clone(),
            node.rack.clone(),
            node.address.clone(),
        ]);
    }
    print!("{table}");
    for node in nodes {
        if let Some(error) = &node.error {
            println!("node {}: {error}", node.node);
        }
        let Blocks { found, healed, waiting } = node.damaged_blocks;
        if found > 0 {
            println!(
                "node {}: {found} damaged blocks found, {healed} healed, {waiting} waiting",
                node.node
            );
        }
    }
}

/// The members of the metadata service.
pub(super) fn members(members: &[Member]) {
    let mut table = Table::new(&["MEMBER", "ROLE", "ADDRESS"]);
    for member in members {
        let role = match (member.leads, member.votes) {
            (true, _) => "leader",
            (false, true) => "voter",
            (false, false) => "joining",
        };
        table.row([member.member.to_string(), role.to_owned(), member.address.clone()]);
    }
    print!("{table}");
}

/// What happened, the newest last.
pub(super) fn events(events: &[Event]) {
    let mut table = Table::new(&["TIME", "EVENT", "CELL", "EPOCH", "NODE", "DETAIL"]);
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |n| n.to_string());
    for event in events {
        let time = jiff::Timestamp::from_millisecond(event.at_ms);
        table.row([
            time.map_or_else(|_| event.at_ms.to_string(), |time| format!("{time:.3}")),
            event.kind.clone(),
            number(event.cell),
            number(event.epoch),
            number(event.node),
            event.detail.clone(),
        ]);
    }
    print!("{table}");
}

/// The busiest cells.
pub(super) fn top(busy: &[Busy]) {
    let mut table = Table::new(&["CELL", "LEADER", "ENTRIES/S", "HOT", "GROWTH/S", "RANGE"]);
    for cell in busy.iter().take(TOP_ROWS) {
        table.row([
            cell.cell.to_string(),
            cell.leader.to_string(),
            format!("{:.1}", cell.entries_per_second),
            bytes(cell.hot_bytes),
            format!("{:.0} B", cell.hot_bytes_per_second),
            cell.range.clone(),
        ]);
    }
    print!("{table}");
}

/// A size with three digits at most.
fn bytes(count: u64) -> String {
    let mut unit = 1_u64;
    for name in ["B", "KiB", "MiB", "GiB"] {
        let next = unit.saturating_mul(1024);
        if count < next {
            return format!("{} {name}", count / unit);
        }
        unit = next;
    }
    format!("{} TiB", count / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let shown = [0, 1023, 1024, 5 << 20, 3 << 40].map(bytes);
        assert_eq!(shown, ["0 B", "1023 B", "1 KiB", "5 MiB", "3 TiB"]);
    }
}
