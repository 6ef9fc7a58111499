//! What is on a node's disk of cells, and how much of it is older than the catalog.
//!
//! The log of a cell that is behind may still have it take over its right neighbours and give them
//! away again. What comes or goes in the keys beyond its end before it has done so would meet rows
//! that are not of its time.

use cellar_metadata_api::{Catalog, CellId, GroupId, KeyRange};

use super::moves::placed;
use crate::records::Descriptor;

/// What is on the disk of cells, read at one moment.
pub(super) struct Known {
    pub(super) stored: Vec<Descriptor>,
    /// Those whose rows are being removed.
    leaving: Vec<Descriptor>,
    /// Those that the catalog has as they will be later, or not any more.
    behind: Vec<Descriptor>,
}

impl Known {
    pub(super) fn new(
        catalog: &Catalog,
        stored: Vec<Descriptor>,
        leaving: Vec<Descriptor>,
    ) -> Self {
        let behind = stored.iter().filter(|here| is_behind(catalog, here)).cloned().collect();
        Self { stored, leaving, behind }
    }

    /// Whether what was here of a cell is being removed.
    pub(super) fn is_leaving(&self, cell: CellId) -> bool {
        self.leaving.iter().any(|other| other.cell == cell)
    }

    /// Whether older cells here may still change rows in the range of one that comes: they are
    /// being removed, or are behind with nothing between that the catalog still has. A log that
    /// takes cells over ends them, so it does not reach beyond such a one.
    pub(super) fn is_in_use(&self, catalog: &Catalog, group: GroupId, range: KeyRange) -> bool {
        let of = |other: &&Descriptor| other.group == group;
        let ends_it = |behind: &Descriptor, other: &Descriptor| {
            behind.range.end.is_some_and(|end| end <= other.range.start)
                && other.range.start < range.start
                && placed(catalog, other).is_some()
        };
        let reaches = |behind: &Descriptor| {
            behind.range.start < range.start
                && !self.stored.iter().filter(of).any(|other| ends_it(behind, other))
        };
        self.leaving.iter().filter(of).any(|other| other.range.overlaps(&range))
            || self.behind.iter().filter(of).any(reaches)
    }
}

/// Whether a cell here may still take another one over by its own log, or by a snapshot: that
/// removes it then, and what its rows have become stays.
pub(super) fn may_take_over(catalog: &Catalog, other: &Descriptor, going: &Descriptor) -> bool {
    let beside = other.range.end == Some(going.range.start) || other.range.overlaps(&going.range);
    other.group == going.group
        && other.cell != going.cell
        && beside
        && (other.lacks_rows || is_behind(catalog, other))
}

/// Whether a cell here is older than the catalog has it, or the catalog does not have it.
fn is_behind(catalog: &Catalog, here: &Descriptor) -> bool {
    placed(catalog, here).is_none_or(|placed| here.epoch < placed.epoch)
}

#[cfg(test)]
mod tests {
    use cellar_metadata_api::{Epoch, NodeId, Placement, Position, SplitPlan, TableId};

    use super::*;

    const GROUP: GroupId = GroupId(1);
    const FIRST: i64 = i64::MIN;
    const TOP: i64 = i64::MAX;

    fn at(token: i64) -> Position {
        Position::new(TableId(20), token)
    }

    fn range(start: i64, end: i64) -> KeyRange {
        let start = if start == FIRST { Position::MIN } else { at(start) };
        KeyRange { start, end: (end != TOP).then(|| at(end)) }
    }

    fn here(id: u64, (start, end): (i64, i64), epoch: u64) -> Descriptor {
        let nodes = vec![NodeId(1)];
        Descriptor::new((CellId(id), GROUP), range(start, end), Epoch(epoch), nodes)
    }

    /// Cell 1 was split at 10 and 12, took those halves over again, and gave 4 away at 15, which
    /// gave 5 away at 20.
    fn catalog() -> Catalog {
        let mut placement = Placement::single(CellId(1), vec![NodeId(1)]);
        let split = |placement: &mut Placement, cell, epoch, token, right| {
            let (cell, right) = (CellId(cell), CellId(right));
            let plan = SplitPlan { cell, epoch: Epoch(epoch), at: at(token), right };
            placement.split(plan).unwrap();
        };
        split(&mut placement, 1, 1, 10, 2);
        split(&mut placement, 2, 2, 12, 3);
        placement.merge((CellId(1), Epoch(2)), (CellId(2), Epoch(3))).unwrap();
        placement.merge((CellId(1), Epoch(4)), (CellId(3), Epoch(3))).unwrap();
        split(&mut placement, 1, 5, 15, 4);
        split(&mut placement, 4, 6, 20, 5);
        let mut catalog = Catalog::default();
        catalog.placements.insert(GROUP, placement.into());
        catalog
    }

    #[test]
    fn a_cell_comes_only_where_no_older_one_may_reach() {
        let catalog = catalog();
        let in_use = |stored: &[&Descriptor], leaving: &[Descriptor], range| {
            let stored = stored.iter().copied().cloned().collect();
            let known = Known::new(&catalog, stored, leaving.to_vec());
            known.is_in_use(&catalog, GROUP, range)
        };
        let (old, new) = (here(1, (FIRST, 10), 2), here(1, (FIRST, 15), 6));
        let (four, five) = (here(4, (15, 20), 7), here(5, (20, TOP), 3));
        assert!(in_use(&[&old], &[], range(15, 20)));
        assert!(in_use(&[&old], &[], range(20, TOP)));
        assert!(!in_use(&[&new], &[], range(15, 20)));
        // Whoever the catalog has was never taken over.
        assert!(!in_use(&[&old, &four], &[], range(20, TOP)));
        // Only what lies before it.
        assert!(!in_use(&[&new, &five], &[], range(15, 20)));
        assert!(in_use(&[&new], &[here(3, (12, 18), 3)], range(15, 20)));
        assert!(!in_use(&[&new], &[here(3, (12, 15), 3)], range(15, 20)));
    }

    #[test]
    fn what_is_merged_away_is_left_to_a_neighbour_that_does_not_know_yet() {
        let (catalog, going) = (catalog(), here(2, (10, 12), 3));
        let (old, new) = (here(1, (FIRST, 10), 2), here(1, (FIRST, 10), 6));
        assert!(may_take_over(&catalog, &old, &going));
        assert!(!may_take_over(&catalog, &new, &going));
        assert!(may_take_over(&catalog, &Descriptor { lacks_rows: true, ..new }, &going));
        // Merged away itself, and a neighbour; and one farther away.
        assert!(may_take_over(&catalog, &going, &here(3, (12, TOP), 3)));
        assert!(!may_take_over(&catalog, &old, &here(3, (12, TOP), 3)));
    }
}
