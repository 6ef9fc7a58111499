//! I-16: ranges tile the key space, and an epoch of a cell means one range, for ever and for
//! everybody.

use std::collections::{BTreeMap, BTreeSet};

use cellar_cell_api::CellReport;
use cellar_metadata_api::{Catalog, Cell, CellId, Epoch, KeyRange, Position};

/// What cells were seen to own.
#[derive(Default)]
pub(super) struct Placements {
    /// Versions of the catalog that were looked at.
    versions: BTreeSet<u64>,
    /// By the metadata service.
    placed: BTreeMap<(CellId, Epoch), KeyRange>,
    /// By the cells' own logs.
    reported: BTreeMap<(CellId, Epoch), KeyRange>,
    /// The newest epoch of each cell in the newest catalog.
    newest: BTreeMap<CellId, Epoch>,
    version: u64,
}

impl Placements {
    pub(super) fn see(&mut self, catalog: &Catalog, violations: &mut BTreeSet<String>) {
        if !self.versions.insert(catalog.version) {
            return;
        }
        for (group, placement) in &catalog.placements {
            let cells: Vec<&Cell> = placement.cells().collect();
            if let Some(wrong) = untiled(&cells) {
                violations.insert(format!("I-16: {group} does not tile: {wrong}"));
            }
            for cell in cells {
                self.placed_as(cell, catalog.version, violations);
            }
        }
        self.version = self.version.max(catalog.version);
    }

    fn placed_as(&mut self, cell: &Cell, version: u64, violations: &mut BTreeSet<String>) {
        let key = (cell.id, cell.epoch);
        let range = *self.placed.entry(key).or_insert(cell.range);
        if range != cell.range {
            violations.insert(format!(
                "I-16: {} at {} is placed as {range} and as {}",
                cell.id, cell.epoch, cell.range
            ));
        }
        if version > self.version {
            let newest = self.newest.entry(cell.id).or_insert(cell.epoch);
            if *newest > cell.epoch {
                violations
                    .insert(format!("I-16: {} went back from {newest} to {}", cell.id, cell.epoch));
            }
            *newest = cell.epoch;
        }
    }

    pub(super) fn see_report(&mut self, report: &CellReport, violations: &mut BTreeSet<String>) {
        let key = (report.cell, report.epoch);
        let range = *self.reported.entry(key).or_insert(report.range);
        if range != report.range {
            violations.insert(format!(
                "I-16: {} at {} owns {range} and {}",
                report.cell, report.epoch, report.range
            ));
        }
    }
}

/// What is wrong with cells that should tile the key space, in key order.
fn untiled(cells: &[&Cell]) -> Option<String> {
    let mut next = Some(Position::MIN);
    for cell in cells {
        if next != Some(cell.range.start) {
            return Some(format!("{} begins at {}", cell.id, cell.range.start));
        }
        next = cell.range.end;
    }
    (next.is_some() && !cells.is_empty()).then(|| "the end is nobody's".to_owned())
}
