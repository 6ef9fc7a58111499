//! The answers of nodes as JSON.

use std::collections::BTreeMap;

use cellar_cell_api::{AdminAnswer, CellError, CellReport};
use cellar_metadata_api::{CellLoad, DamagedBlocks, Node, NodeId, NodeReport, NodeState};
use serde_json::{Map, Value, json};

/// What nodes said of their cells.
type Reports = [(Node, Result<Vec<CellReport>, CellError>)];

/// `GET /cells`.
pub(super) fn cells(reports: &Reports) -> Value {
    let told = reports.iter().map(|(node, reports)| match reports {
        Ok(reports) => {
            let cells: Value = reports.iter().map(cell).collect();
            json!({ "node": node.id.0, "answer": cells })
        }
        Err(error) => json!({ "node": node.id.0, "error": error.to_string() }),
    });
    told.collect()
}

/// `GET /nodes`.
pub(super) fn nodes(reports: &Reports, reported: &BTreeMap<NodeId, (NodeReport, u64)>) -> Value {
    let one = |(node, cells): &(Node, Result<Vec<CellReport>, CellError>)| {
        let mut told = one_node(node, cells);
        if let (Some(told), Some((report, age_ms))) = (told.as_object_mut(), reported.get(&node.id))
        {
            told.extend(load(report, *age_ms));
        }
        told
    };
    reports.iter().map(one).collect()
}

/// What a node said of its load.
fn load(report: &NodeReport, age_ms: u64) -> Map<String, Value> {
    let sum = |of: fn(&CellLoad) -> u64| -> Value {
        report.cells.iter().fold(0_u64, |sum, cell| sum.saturating_add(of(cell))).into()
    };
    [
        ("reads_per_second", sum(|cell| cell.reads_per_second)),
        ("writes_per_second", sum(|cell| cell.writes_per_second)),
        ("disk_free_bytes", report.disk_free_bytes.into()),
        ("disk_total_bytes", report.disk_total_bytes.into()),
        ("moved_bytes", report.moved_bytes.into()),
        ("damaged_cells", report.damaged_cells.iter().map(|cell| cell.0).collect()),
        ("healed_cells", report.healed_cells.into()),
        ("damaged_blocks", {
            let DamagedBlocks { found, healed, waiting } = report.damaged_blocks;
            json!({ "found": found, "healed": healed, "waiting": waiting })
        }),
        ("reported_ms_ago", age_ms.into()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect()
}

fn one_node(node: &Node, reports: &Result<Vec<CellReport>, CellError>) -> Value {
    let mut told = json!({
        "node": node.id.0,
        "address": node.address,
        "datacenter": node.datacenter,
        "rack": node.rack,
        "region": node.region,
        "state": match node.state {
            NodeState::Up => "up",
            NodeState::Down => "down",
            NodeState::Draining => "draining",
        },
    });
    let more = match reports {
        Ok(reports) => {
            let sum = |bytes: fn(&CellReport) -> u64| reports.iter().map(bytes).sum::<u64>();
            let leads = reports.iter().filter(|report| report.leader == Some(node.id)).count();
            json!({
                "cells": reports.len(),
                "leads": leads,
                "hot_bytes": sum(|report| report.hot_bytes),
                "cold_bytes": sum(|report| report.cold_bytes),
            })
        }
        Err(error) => json!({ "error": error.to_string() }),
    };
    if let (Some(told), Value::Object(more)) = (told.as_object_mut(), more) {
        told.extend(more);
    }
    told
}

/// What every node answered to something else.
pub(super) fn answers(answers: &[(NodeId, AdminAnswer)]) -> Value {
    let told = answers.iter().map(|(node, said)| json!({ "node": node.0, "answer": answer(said) }));
    told.collect()
}

pub(super) fn answer(answer: &AdminAnswer) -> Value {
    match answer {
        AdminAnswer::Done => json!("done"),
        AdminAnswer::Split(cell) => json!({ "right": cell.0 }),
        AdminAnswer::Merged(epoch) => json!({ "epoch": epoch.0 }),
        AdminAnswer::Settled { merged } => json!({ "merged": merged }),
        AdminAnswer::Tiered { rows, segments, bytes } => {
            json!({ "rows": rows, "segments": segments, "bytes": bytes })
        }
        AdminAnswer::Cells(cells) => cells.iter().map(cell).collect(),
    }
}

fn cell(report: &CellReport) -> Value {
    json!({
        "cell": report.cell.0,
        "range": report.range.to_string(),
        "epoch": report.epoch.0,
        "leader": report.leader.map(|node| node.0),
        "replicas": report.replicas.iter().map(|node| node.0).collect::<Vec<_>>(),
        "applied_index": report.applied_index,
        "hot_bytes": report.hot_bytes,
        "cold_bytes": report.cold_bytes,
        "cold_rows": report.cold_rows,
    })
}
