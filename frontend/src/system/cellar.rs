//! `system_cellar`: cells, nodes, hot partitions and events, for operators. What only the leader
//! of the metadata service knows is null, or its table refused, while it does not say.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use cellar_metadata_api::{CellId, CellLoad, GroupId, NodeId, NodeReport, NodeState, Position};
use cellar_schema::value;

use super::{Facts, record::Record};

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A list of bigint.
fn node_ids(nodes: &[NodeId]) -> Bytes {
    let ids: Vec<[u8; 8]> = nodes.iter().map(|node| number(node.0).to_be_bytes()).collect();
    value::build_list(&ids)
}

fn reports<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = (&'a NodeReport, u64)> {
    let nodes = facts.learnt.overview.as_ref().into_iter().flat_map(|overview| &overview.nodes);
    nodes.filter_map(|(_, report)| report.as_ref()).map(|(report, ago_ms)| (report, *ago_ms))
}

/// What the leader of each cell says of it.
fn loads<'a>(facts: &'a Facts<'_>) -> HashMap<CellId, (NodeId, &'a CellLoad)> {
    let mut loads = HashMap::new();
    for (report, _) in reports(facts) {
        let leading = report.cells.iter().filter(|load| load.leads);
        loads.extend(leading.map(|load| (load.cell, (report.node, load))));
    }
    loads
}

pub(super) fn cells(facts: &Facts<'_>) -> Vec<Record> {
    let loads = loads(facts);
    let mut keyspaces: BTreeMap<GroupId, Vec<String>> = BTreeMap::new();
    for (keyspace, group) in &facts.catalog.groups {
        keyspaces.entry(*group).or_default().push(keyspace.clone());
    }
    let mut records = Vec::new();
    for (group, placement) in &facts.catalog.placements {
        let names = keyspaces.get(group).map_or(&[][..], Vec::as_slice);
        for cell in placement.cells() {
            let mut record = Record::new()
                .bigint("cell", number(cell.id.0))
                .bigint("placement_group", number(group.0))
                .texts("keyspaces", names)
                .bigint("epoch", number(cell.epoch.0))
                .with("replicas", node_ids(&cell.replicas));
            record = position(facts, record, "start", Some(cell.range.start));
            record = position(facts, record, "end", cell.range.end);
            if let Some(target) = &cell.target {
                record = record.with("target", node_ids(target));
            }
            if let Some((leader, load)) = loads.get(&cell.id) {
                record = record
                    .bigint("leader", number(leader.0))
                    .bigint("applied_index", number(load.applied_index))
                    .bigint("hot_bytes", number(load.hot_bytes))
                    .bigint("cold_bytes", number(load.cold_bytes))
                    .bigint("reads_per_second", number(load.reads_per_second))
                    .bigint("writes_per_second", number(load.writes_per_second));
            }
            records.push(record);
        }
    }
    records
}

/// A border: the table by name, or by number if it is gone, and the token.
fn position(facts: &Facts<'_>, record: Record, which: &str, at: Option<Position>) -> Record {
    let Some(at) = at else { return record };
    let (table, token) = match which {
        "start" => ("start_table", "start_token"),
        _ => ("end_table", "end_token"),
    };
    let name = match facts.catalog.table_by_id(at.table) {
        Some(found) => format!("{}.{}", found.keyspace, found.name),
        None => at.table.0.to_string(),
    };
    record.text(table, &name).bigint(token, at.token)
}

pub(super) fn nodes(facts: &Facts<'_>) -> Vec<Record> {
    let reports: HashMap<NodeId, (&NodeReport, u64)> =
        reports(facts).map(|(report, ago_ms)| (report.node, (report, ago_ms))).collect();
    let record = |node: &cellar_metadata_api::Node| {
        let state = match node.state {
            NodeState::Up => "up",
            NodeState::Down => "down",
            NodeState::Draining => "draining",
        };
        let mut record = Record::new()
            .bigint("node", number(node.id.0))
            .text("address", &node.address)
            .text("data_center", &node.datacenter)
            .text("rack", &node.rack)
            .text("region", &node.region)
            .text("state", state);
        if let Some(address) = node.cql_address {
            record = record.text("cql_address", &address.to_string());
        }
        let Some((report, ago_ms)) = reports.get(&node.id) else { return record };
        let led = report.cells.iter().filter(|load| load.leads).count();
        record
            .bigint("reported_ms_ago", number(*ago_ms))
            .int("cells", i32::try_from(report.cells.len()).unwrap_or(i32::MAX))
            .int("cells_led", i32::try_from(led).unwrap_or(i32::MAX))
            .bigint("disk_free_bytes", number(report.disk_free_bytes))
            .bigint("disk_total_bytes", number(report.disk_total_bytes))
            .bigint("moved_bytes", number(report.moved_bytes))
    };
    facts.catalog.nodes.values().map(record).collect()
}

pub(super) fn hot_partitions(facts: &Facts<'_>) -> Vec<Record> {
    let mut records = Vec::new();
    for (report, _) in reports(facts) {
        for hot in &report.hot_partitions {
            let Some(table) = facts.catalog.table_by_id(hot.table) else { continue };
            records.push(
                Record::new()
                    .text("keyspace_name", &table.keyspace)
                    .text("table_name", &table.name)
                    .bigint("partition_token", hot.token)
                    .bigint("node", number(report.node.0))
                    .bigint("cell", number(hot.cell.0))
                    .with("routing_key", Bytes::copy_from_slice(&hot.key))
                    .bigint("per_second", number(hot.per_second)),
            );
        }
    }
    records
}

pub(super) fn events(facts: &Facts<'_>) -> Vec<Record> {
    let events = facts.learnt.overview.as_ref().into_iter().flat_map(|overview| &overview.events);
    events
        .zip(0_i32..)
        .map(|(event, order)| {
            let mut record = Record::new()
                .text("scope", "cluster")
                .bigint("at", event.at_ms)
                .int("number", order)
                .text("kind", &event.kind)
                .text("detail", &event.detail);
            if let Some(cell) = event.cell {
                record = record.bigint("cell", number(cell.0));
            }
            if let Some(epoch) = event.epoch {
                record = record.bigint("epoch", number(epoch.0));
            }
            if let Some(node) = event.node {
                record = record.bigint("node", number(node.0));
            }
            record
        })
        .collect()
}
