//! Invariant I-16: whatever splits and merges are tried, the cells tile the key space, epochs
//! only grow, and a refused change changes nothing.

use std::collections::HashMap;

use cellar_metadata_api::{
    Cell, CellId, Epoch, KeyRange, NodeId, Placement, PlacementError, Position, SplitPlan, TableId,
};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Split { cell: usize, table: u32, token: i64, stale: bool },
    Merge { left: usize, right: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let split = (0_usize..8, 0_u32..4, any::<i64>(), prop::bool::weighted(0.1))
        .prop_map(|(cell, table, token, stale)| Step::Split { cell, table, token, stale });
    let merge = (0_usize..8, 0_usize..8).prop_map(|(left, right)| Step::Merge { left, right });
    prop_oneof![3 => split, 1 => merge]
}

#[allow(clippy::unwrap_used, reason = "a test helper: a placement has at least one cell")]
fn pick(placement: &Placement, at: usize) -> Cell {
    let cells: Vec<_> = placement.cells().cloned().collect();
    cells.get(at % cells.len()).cloned().unwrap()
}

fn take(placement: &mut Placement, step: &Step, id: u64) -> Result<(), PlacementError> {
    match *step {
        Step::Split { cell, table, token, stale } => {
            let cell = pick(placement, cell);
            let epoch = if stale { Epoch(cell.epoch.0 + 1) } else { cell.epoch };
            let at = Position::new(TableId(table), token);
            placement.split(SplitPlan { cell: cell.id, epoch, at, right: CellId(id) })
        }
        Step::Merge { left, right } => {
            let (left, right) = (pick(placement, left), pick(placement, right));
            placement.merge((left.id, left.epoch), (right.id, right.epoch))
        }
    }
}

proptest! {
    #[test]
    fn any_sequence_of_changes_keeps_the_tiling(
        steps in prop::collection::vec(step(), 1..60),
        probes in prop::collection::vec((0_u32..5, any::<i64>()), 1..20),
    ) {
        let mut placement = Placement::single(CellId(1), vec![NodeId(1)]);
        let mut epochs: HashMap<CellId, Epoch> = HashMap::new();
        for (number, step) in steps.iter().enumerate() {
            let before = placement.clone();
            if take(&mut placement, step, 100 + number as u64).is_err() {
                prop_assert_eq!(&before, &placement, "a refused change changes nothing");
            }
            let again = Placement::try_from(Vec::from(placement.clone()));
            prop_assert_eq!(again.as_ref(), Ok(&placement));
            for cell in placement.cells() {
                let seen = epochs.entry(cell.id).or_insert(cell.epoch);
                prop_assert!(cell.epoch >= *seen, "epochs only grow");
                *seen = cell.epoch;
            }
        }
        for (table, token) in probes {
            let position = Position::new(TableId(table), token);
            let owners =
                placement.cells().filter(|cell| cell.range.contains(position)).count();
            prop_assert_eq!(owners, 1);
            let found = placement.lookup(position).map(|cell| cell.range.contains(position));
            prop_assert_eq!(found, Some(true));
        }
    }
}

#[test]
fn a_split_planned_on_an_old_epoch_is_refused() {
    let mut placement = Placement::single(CellId(1), vec![NodeId(1)]);
    let at = Position::new(TableId(1), 0);
    let plan = SplitPlan { cell: CellId(1), epoch: Epoch(1), at, right: CellId(2) };
    placement.split(plan).unwrap();
    let at = Position::new(TableId(0), 0);
    let late = SplitPlan { at, right: CellId(3), ..plan };
    assert_eq!(
        placement.split(late),
        Err(PlacementError::StaleEpoch { cell: CellId(1), found: Epoch(2), planned: Epoch(1) })
    );
}

#[test]
fn a_range_lists_exactly_the_cells_it_touches() {
    let mut placement = Placement::single(CellId(1), vec![NodeId(1)]);
    for (cell, token, right) in [(1, 0, 2), (2, 100, 3)] {
        let epoch = placement.cells().find(|c| c.id == CellId(cell)).unwrap().epoch;
        let at = Position::new(TableId(1), token);
        placement.split(SplitPlan { cell: CellId(cell), epoch, at, right: CellId(right) }).unwrap();
    }
    let range =
        KeyRange { start: Position::new(TableId(1), 0), end: Some(Position::new(TableId(1), 100)) };
    let touched: Vec<_> = placement.overlapping(range).map(|cell| cell.id).collect();
    assert_eq!(touched, [CellId(2)]);
    assert_eq!(placement.overlapping(KeyRange::ALL).count(), 3);
}

#[test]
fn cells_with_a_gap_or_an_overlap_are_refused() {
    let cell =
        |id, range| Cell { id: CellId(id), range, epoch: Epoch(1), replicas: vec![], target: None };
    let middle = Position::new(TableId(1), 0);
    let later = Position::new(TableId(1), 1);
    let left = cell(1, KeyRange { start: Position::MIN, end: Some(middle) });
    for start in [later, Position::MIN] {
        let right = cell(2, KeyRange { start, end: None });
        let tried = Placement::try_from(vec![left.clone(), right]);
        assert!(matches!(tried, Err(PlacementError::NotTiling(_))));
    }
    assert!(matches!(Placement::try_from(vec![left]), Err(PlacementError::NotTiling(_))));
}
