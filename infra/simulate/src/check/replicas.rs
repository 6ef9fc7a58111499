//! I-13: replicas that have applied the same have the same rows; and, once all trouble is over,
//! every replica gets there (part of I-17).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use cellar_cell_api::{CellReport, CellService, Read, ReadLevel, ReadRequest};
use cellar_metadata_api::{Catalog, CellId, Metadata};
use cellar_schema::{Row, keys};
use tokio::time::sleep;

use crate::{client::tables::Known, cluster::Cluster, process::Running};

/// How often a leader is asked to wake its followers, and the time that a heartbeat takes then.
const WAKES_MAX: u32 = 10;
const AFTER_WAKE: Duration = Duration::from_millis(400);

/// Why the cluster is not settled yet: not every replica has applied the same, or not everybody
/// agrees with the catalog.
pub(crate) async fn settled(cluster: &Cluster, catalog: &Catalog) -> Result<(), String> {
    let mut by_cell: BTreeMap<CellId, Vec<CellReport>> = BTreeMap::new();
    for (number, machine) in cluster.nodes.iter().enumerate() {
        let Some(running) = machine.running.as_ref().filter(|_| !failed(machine)) else {
            return Err(format!("I-17: node {number} does not run"));
        };
        for report in running.cells().await {
            by_cell.entry(report.cell).or_default().push(report);
        }
    }
    let placed: Vec<_> = catalog.placements.values().flat_map(|all| all.cells()).collect();
    for cell in &placed {
        let reports = by_cell.remove(&cell.id).unwrap_or_default();
        if reports.len() != cell.replicas.len() {
            return Err(format!("I-17: {} runs on {} nodes", cell.id, reports.len()));
        }
        let Some(first) = reports.first() else { continue };
        for report in &reports {
            if report.leader.is_none() || report.leader != first.leader {
                return Err(format!("I-17: {} has no leader for all", cell.id));
            }
            if report.applied_index != first.applied_index {
                return Err(format!("I-17: replicas of {} have not applied the same", cell.id));
            }
            if (report.range, report.epoch) != (cell.range, cell.epoch) {
                return Err(format!(
                    "I-16: {} is {} at {} on a node and {} at {} in the catalog",
                    cell.id, report.range, report.epoch, cell.range, cell.epoch
                ));
            }
        }
    }
    match by_cell.into_keys().next() {
        Some(cell) => Err(format!("I-16: {cell} runs and is not in the catalog")),
        None => Ok(()),
    }
}

fn failed(machine: &crate::process::NodeMachine) -> bool {
    machine.running.as_ref().is_none_or(|running| running.life.has_failed())
}

/// Compares the rows of all replicas, of a cluster that is settled.
pub(crate) async fn same_rows(cluster: &Cluster, tables: &[Known]) -> Vec<String> {
    let mut violations = Vec::new();
    let mut first: BTreeMap<(CellId, Bytes), Vec<(Bytes, Row)>> = BTreeMap::new();
    for running in cluster.nodes.iter().filter_map(|machine| machine.running.as_ref()) {
        let catalog = Arc::clone(&running.metadata.catalog().borrow());
        for report in running.cells().await {
            for table in tables {
                let Some((start, end)) = cut(&report, table, &catalog) else { continue };
                let key = (report.cell, start.clone());
                let rows = match woken(cluster, running, &report, (start, end)).await {
                    Ok(rows) => rows,
                    Err(reason) => {
                        violations.push(format!("I-13: {} cannot be read: {reason}", report.cell));
                        continue;
                    }
                };
                let known = first.entry(key).or_insert_with(|| rows.clone());
                if *known != rows {
                    violations.push(format!(
                        "I-13: replicas of {} differ at index {}: {known:?} and {rows:?}",
                        report.cell, report.applied_index
                    ));
                }
            }
        }
    }
    violations
}

/// The part of a table that a cell has.
fn cut(report: &CellReport, table: &Known, catalog: &Catalog) -> Option<(Bytes, Bytes)> {
    let id = table.table.id;
    let placement = catalog.placement_of(id)?;
    placement.cells().find(|cell| cell.id == report.cell)?;
    let (_, end) = keys::table_range(id);
    let first = keys::position_key(id, i64::MIN);
    let start = keys::position_key(report.range.start.table, report.range.start.token).max(first);
    let end = match report.range.end {
        Some(to) => keys::position_key(to.table, to.token).min(end),
        None => end,
    };
    (start < end).then_some((start, end))
}

/// The rows of one replica, whose group may rest: only its leader wakes it.
async fn woken(
    cluster: &Cluster,
    running: &Running,
    report: &CellReport,
    range: (Bytes, Bytes),
) -> Result<Vec<(Bytes, Row)>, String> {
    let mut read = rows(running, report, &range, ReadLevel::Any).await;
    for _ in 0..WAKES_MAX {
        if read.is_ok() {
            break;
        }
        for other in cluster.nodes.iter().filter_map(|machine| machine.running.as_ref()) {
            drop(rows(other, report, &range, ReadLevel::Leader).await);
        }
        sleep(AFTER_WAKE).await;
        read = rows(running, report, &range, ReadLevel::Any).await;
    }
    read
}

async fn rows(
    running: &Running,
    report: &CellReport,
    (start, end): &(Bytes, Bytes),
    level: ReadLevel,
) -> Result<Vec<(Bytes, Row)>, String> {
    let read = Read {
        start: start.clone(),
        end: end.clone(),
        reverse: false,
        rows_max: 1_000,
        bytes_max: 1 << 20,
        columns: None,
        probe: None,
    };
    let (cell, epoch) = (report.cell, report.epoch);
    let request = ReadRequest { cell, epoch, level, reads: vec![read], now_seconds: None };
    let mut reply = running.node.read(request).await.map_err(|error| error.to_string())?;
    let page = reply.pages.pop().ok_or("no page")?.map_err(|error| error.to_string())?;
    Ok(page.rows)
}
