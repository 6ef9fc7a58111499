//! The map from ranges to cells of one placement group, and the changes it allows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Cell, CellId, Epoch, KeyRange, NodeId, PlacementError, Position, SplitPlan};

/// The cells of one placement group. They always tile the whole key space (I-16).
///
/// Lookup is O(log cells). Every change is a compare-and-set on the cell's epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Cell>", into = "Vec<Cell>")]
pub struct Placement {
    by_start: BTreeMap<Position, Cell>,
}

impl Placement {
    /// A placement of one cell that owns everything.
    #[must_use]
    pub fn single(id: CellId, replicas: Vec<NodeId>) -> Self {
        let cell = Cell { id, range: KeyRange::ALL, epoch: Epoch(1), replicas, target: None };
        Self { by_start: BTreeMap::from([(Position::MIN, cell)]) }
    }

    /// The cell that owns a position. Always there, because cells tile the key space.
    #[must_use]
    pub fn lookup(&self, position: Position) -> Option<&Cell> {
        self.by_start.range(..=position).next_back().map(|(_, cell)| cell)
    }

    /// The cells that a range touches, in key order.
    pub fn overlapping(&self, range: KeyRange) -> impl Iterator<Item = &Cell> {
        let first = self.lookup(range.start).map_or(Position::MIN, |cell| cell.range.start);
        self.by_start
            .range(first..)
            .map(|(_, cell)| cell)
            .take_while(move |cell| range.end.is_none_or(|end| cell.range.start < end))
    }

    /// All cells in key order.
    pub fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.by_start.values()
    }

    /// Applies a split: the cell keeps the left half, the new id owns the right one.
    ///
    /// # Errors
    /// [`PlacementError`] when the cell is unknown or has moved on, the position is not strictly
    /// inside, or the new id exists; nothing has changed then.
    pub fn split(&mut self, plan: SplitPlan) -> Result<(), PlacementError> {
        if self.by_id(plan.right).is_some() {
            return Err(PlacementError::CellExists(plan.right));
        }
        let left = self.current(plan.cell, plan.epoch)?;
        if !left.range.splits_at(plan.at) {
            return Err(PlacementError::SplitOutside { at: plan.at, range: left.range });
        }
        let mut left = left.clone();
        let epoch = left.epoch.next();
        let right = Cell {
            id: plan.right,
            range: KeyRange { start: plan.at, end: left.range.end },
            epoch,
            replicas: left.replicas.clone(),
            target: None,
        };
        left.range.end = Some(plan.at);
        left.epoch = epoch;
        self.by_start.insert(left.range.start, left);
        self.by_start.insert(right.range.start, right);
        Ok(())
    }

    /// Merges a cell with its right neighbour; the left id stays, and so does the left one's
    /// preferred leader.
    ///
    /// # Errors
    /// [`PlacementError`] when either is unknown or has moved on, or they are not neighbours with
    /// the same replicas; nothing has changed then.
    pub fn merge(
        &mut self,
        left: (CellId, Epoch),
        right: (CellId, Epoch),
    ) -> Result<(), PlacementError> {
        let gone = self.current(right.0, right.1)?.clone();
        let mut stays = self.current(left.0, left.1)?.clone();
        let refuse =
            |reason| Err(PlacementError::NotMergeable { left: left.0, right: right.0, reason });
        if stays.range.end != Some(gone.range.start) {
            return refuse("they are not neighbours");
        }
        let sorted = |cell: &Cell| {
            let mut nodes = cell.replicas.clone();
            nodes.sort_unstable();
            nodes
        };
        if sorted(&stays) != sorted(&gone) {
            return refuse("their replicas stand on different nodes");
        }
        stays.range.end = gone.range.end;
        stays.epoch = stays.epoch.max(gone.epoch).next();
        self.by_start.remove(&gone.range.start);
        self.by_start.insert(stays.range.start, stays);
        Ok(())
    }

    /// Puts a cell onto other nodes.
    ///
    /// # Errors
    /// [`PlacementError`] when the cell is unknown or has moved on; nothing has changed then.
    pub fn change_replicas(
        &mut self,
        (id, planned): (CellId, Epoch),
        replicas: Vec<NodeId>,
    ) -> Result<(), PlacementError> {
        let mut cell = self.current(id, planned)?.clone();
        cell.replicas = replicas;
        cell.target = None;
        cell.epoch = cell.epoch.next();
        self.by_start.insert(cell.range.start, cell);
        Ok(())
    }

    /// Notes where a cell is to stand, or that it is to stay. The epoch stays: nothing has moved.
    ///
    /// # Errors
    /// [`PlacementError`] when the cell is unknown or has moved on; nothing has changed then.
    pub fn plan_replicas(
        &mut self,
        (id, planned): (CellId, Epoch),
        target: Vec<NodeId>,
    ) -> Result<(), PlacementError> {
        let mut cell = self.current(id, planned)?.clone();
        cell.target = (target != cell.replicas).then_some(target);
        self.by_start.insert(cell.range.start, cell);
        Ok(())
    }

    /// Makes one of a cell's replicas its preferred leader. The epoch stays.
    ///
    /// # Errors
    /// [`PlacementError`] when the cell is unknown or has no such replica.
    pub fn prefer_leader(&mut self, id: CellId, node: NodeId) -> Result<(), PlacementError> {
        let mut cell = self.by_id(id).ok_or(PlacementError::UnknownCell(id))?.clone();
        let place = cell.replicas.iter().position(|replica| *replica == node);
        let place = place.ok_or(PlacementError::NotAReplica { cell: id, node })?;
        let node = cell.replicas.remove(place);
        cell.replicas.insert(0, node);
        self.by_start.insert(cell.range.start, cell);
        Ok(())
    }

    /// What makes this placement out of an earlier one: cells by their starts, none for a start
    /// that is none any more.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<(Position, Option<Cell>)> {
        let gone = before.by_start.keys().filter(|start| !self.by_start.contains_key(start));
        let new =
            self.by_start.iter().filter(|(start, cell)| before.by_start.get(start) != Some(*cell));
        let gone = gone.map(|start| (*start, None));
        gone.chain(new.map(|(start, cell)| (*start, Some(cell.clone())))).collect()
    }

    /// Makes one of those changes. Only all of them together keep the key space tiled.
    pub(crate) fn change(&mut self, start: Position, cell: Option<Cell>) {
        match cell {
            Some(cell) => self.by_start.insert(start, cell),
            None => self.by_start.remove(&start),
        };
    }

    fn by_id(&self, id: CellId) -> Option<&Cell> {
        self.by_start.values().find(|cell| cell.id == id)
    }

    fn current(&self, id: CellId, planned: Epoch) -> Result<&Cell, PlacementError> {
        let cell = self.by_id(id).ok_or(PlacementError::UnknownCell(id))?;
        if cell.epoch == planned {
            return Ok(cell);
        }
        Err(PlacementError::StaleEpoch { cell: id, found: cell.epoch, planned })
    }
}

impl TryFrom<Vec<Cell>> for Placement {
    type Error = PlacementError;

    /// Takes cells in any order and refuses what does not tile the key space.
    fn try_from(cells: Vec<Cell>) -> Result<Self, PlacementError> {
        let count = cells.len();
        let by_start: BTreeMap<_, _> =
            cells.into_iter().map(|cell| (cell.range.start, cell)).collect();
        if by_start.len() != count {
            return Err(PlacementError::NotTiling("two cells start at one position".to_owned()));
        }
        let mut expected = Some(Position::MIN);
        for cell in by_start.values() {
            if expected != Some(cell.range.start) {
                return Err(PlacementError::NotTiling(format!(
                    "{} owns {}, which does not follow its left neighbour",
                    cell.id, cell.range
                )));
            }
            expected = cell.range.end;
        }
        match expected {
            None => Ok(Self { by_start }),
            Some(end) => Err(PlacementError::NotTiling(format!("nobody owns what follows {end}"))),
        }
    }
}

impl From<Placement> for Vec<Cell> {
    fn from(placement: Placement) -> Self {
        placement.by_start.into_values().collect()
    }
}
