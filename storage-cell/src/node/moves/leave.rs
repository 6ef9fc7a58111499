//! Removing cells that stand elsewhere by now. A removal that failed is gone on with after a while.
//!
//! A node may be a voter of a cell that the catalog it knows does not place here, so it goes only
//! where it cannot be one: the catalog is ahead of the cell here, or the cell never had rows or
//! members here. And as a catalog may be old already when it is read, whoever leads the cell is
//! asked, once more after the cell has stopped here: from then on nobody counts on it, and if it
//! is to come back, it comes back empty for everybody.
//!
//! Its own records go first, and durably, so that no replay brings it back without its rows; then
//! its log, then rows that no other cell here owns.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use cellar_engine::{Batch, Engine};
use cellar_metadata_api::{Catalog, Cell as Placed, CellId, KeyRange, NodeId};
use cellar_raft::{RaftError, ask_member};
use futures::future::join_all;
use tokio::{sync::oneshot, time::sleep};

use super::placed;
use crate::{
    apply::{ApplyError, CellState, Event, rows_of},
    cell::Cell,
    index::{Definitions, remove_entries},
    limits::LEAVE_RETRY_MS,
    node::{Inner, NodeError},
    records::{self, Descriptor, Kind, Leaving},
};

impl Inner {
    /// Removes what does not stand here any more. Errors are logged, and it is tried again.
    pub(in crate::node) async fn leave_cells(self: &Arc<Self>) {
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        let cells = self.cells.all();
        let unplaced = cells.iter().filter(|cell| !self.is_placed_here(&catalog, cell));
        let mut leaving = Vec::new();
        for cell in unplaced {
            if self.is_to_leave(&catalog, cell).await {
                leaving.push(cell);
            }
        }
        let asked = join_all(leaving.iter().map(|cell| self.is_counted_on(cell))).await;
        for (cell, counted_on) in leaving.into_iter().zip(asked) {
            if !matches!(counted_on, Ok(false)) {
                tracing::debug!(cell = %cell.id(), ?counted_on, "it does not leave yet");
                self.look_again(cell.id());
                continue;
            }
            let (tell, told) = oneshot::channel();
            let (inner, cell) = (Arc::clone(self), Arc::clone(cell));
            // The node stops only after this.
            self.tasks.spawn(format!("removal of {}", cell.id()), async move {
                match inner.leave(&cell).await {
                    Ok(()) => tracing::info!(cell = %cell.id(), "it stands elsewhere: removed"),
                    Err(error) => {
                        let cell = cell.id();
                        tracing::error!(%cell, %error, "cannot remove a cell; it is tried again");
                        inner.spawn("removal of a cell", move |inner| inner.leave_again(cell));
                    }
                }
                let _ = tell.send(());
            });
            drop(told.await);
        }
    }

    /// Whether the catalog has it here, at its range as it is known here.
    fn is_placed_here(&self, catalog: &Catalog, cell: &Cell) -> bool {
        let descriptor = &cell.state().descriptor;
        placed(catalog, descriptor).is_some_and(|placed| self.holds(placed))
    }

    /// Whether a cell stands here, or is to.
    pub(in crate::node) fn holds(&self, placed: &Placed) -> bool {
        placed.replicas.contains(&self.id) || placed.target.iter().flatten().any(|n| *n == self.id)
    }

    async fn is_to_leave(&self, catalog: &Catalog, cell: &Cell) -> bool {
        let here = Arc::clone(&cell.state().descriptor);
        let Some(placement) = catalog.placements.get(&here.group) else { return false };
        if let Some(placed) = placed(catalog, &here) {
            let same = placed.epoch == here.epoch;
            return !self.holds(placed)
                && (placed.epoch > here.epoch
                    || (here.lacks_rows && !self.is_voter(cell).await)
                    || (same && self.is_no_member(cell).await));
        }
        // It was merged away. What took it over here must know of that, or do it itself.
        let mut covering = placement.overlapping(here.range).peekable();
        covering.peek().is_some()
            && covering.all(|placed| {
                placed.epoch > here.epoch
                    && self.cell(placed.id).is_none_or(|other| {
                        let other = &other.state().descriptor;
                        other.epoch >= placed.epoch && !other.lacks_rows
                    })
            })
    }

    /// Whether others count on this node's vote: it lacks its rows because they were damaged.
    async fn is_voter(&self, cell: &Cell) -> bool {
        let members = cell.group().members().await;
        members.is_ok_and(|members| members.has_voter(self.id.0))
    }

    /// Whether the cell's log never made this node a member: a split made it after it had moved.
    async fn is_no_member(&self, cell: &Cell) -> bool {
        let members = cell.group().members().await;
        members.is_ok_and(|members| !members.all.contains_key(&self.id.0))
    }

    /// Whether whoever leads a cell has this node in its group.
    async fn is_counted_on(&self, cell: &Cell) -> Result<bool, RaftError> {
        let here = Arc::clone(&cell.state().descriptor);
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        // It was merged away: nobody leads it.
        let Some(placed) = placed(&catalog, &here) else { return Ok(false) };
        if self.holds(placed) {
            return Ok(true);
        }
        let others = placed.replicas.iter().chain(placed.target.iter().flatten());
        let others: BTreeSet<NodeId> = others.copied().collect();
        let clients = others.into_iter().filter_map(|node| {
            let address = &catalog.nodes.get(&node)?.address;
            Some((node.0, self.pool.client(address)))
        });
        ask_member(clients.collect(), here.cell.0, self.id.0).await
    }

    /// Looks in a while whether cells can leave then.
    fn look_again(self: &Arc<Self>, cell: CellId) {
        if self.moves.looks_again.swap(true, Ordering::SeqCst) {
            return;
        }
        self.spawn("another look at cells that leave", move |inner| async move {
            sleep(Duration::from_millis(LEAVE_RETRY_MS)).await;
            inner.moves.looks_again.store(false, Ordering::SeqCst);
            let _ = inner.events.send((cell, Event::Installed));
        });
    }

    async fn leave(self: &Arc<Self>, cell: &Arc<Cell>) -> Result<(), NodeError> {
        let id = cell.id();
        let judged = Arc::clone(&cell.state().descriptor);
        self.cells.remove(id).await;
        cell.close().await;
        match self.host.stop(id.0).await {
            Ok(()) | Err(RaftError::NotRunning(_)) => {}
            Err(error) => return Err(error.into()),
        }
        if self.is_counted_on(cell).await? {
            self.start_cell(id).await?;
            let reason = "its leader has taken this node in again".to_owned();
            return Err(RaftError::Failed { group: id.0, reason }.into());
        }
        // Whoever reads on sees this before the rows go.
        cell.forsake();
        let state = match CellState::load(&self.engine, id) {
            // Another cell has taken it over here meanwhile.
            Err(ApplyError::NoCell(_)) => return Ok(()),
            state => state?,
        };
        if *state.descriptor != *judged {
            // It went on until it was stopped: it is looked at again.
            return self.start_cell(id).await;
        }
        let leaving = Leaving {
            descriptor: Descriptor::clone(&judged),
            tables: state.tables.iter().copied().collect(),
        };
        let engine = self.engine.clone();
        let record = leaving.clone();
        let indexes = self.machines.indexes().now();
        in_thread(move || replace_records(&engine, &record, &indexes)).await?;
        self.finish_leaving(leaving).await
    }

    /// Goes on with a removal that has failed, from where the disk says that it came to.
    async fn leave_again(self: Arc<Self>, id: CellId) {
        loop {
            sleep(Duration::from_millis(LEAVE_RETRY_MS)).await;
            let done = match self.leaving() {
                Ok(notes) => match notes.into_iter().find(|note| note.descriptor.cell == id) {
                    Some(note) => self.finish_leaving(note).await,
                    // It is whole: it runs again, and is looked at again.
                    None => self.start_cell(id).await,
                },
                Err(error) => Err(error),
            };
            match done {
                // What has waited for it to be gone may come now.
                Ok(()) => {
                    let _ = self.events.send((id, Event::Installed));
                    return;
                }
                Err(error) => tracing::warn!(cell = %id, %error, "cannot remove a cell yet"),
            }
        }
    }

    /// The notes of removals that have not ended.
    pub(in crate::node) fn leaving(&self) -> Result<Vec<Leaving>, NodeError> {
        let (start, end) = records::all_of(Kind::Leaving);
        let mut found = Vec::new();
        for entry in self.engine.snapshot().scan(start..end, false) {
            found.push(Leaving::decode(&entry?.1)?);
        }
        Ok(found)
    }

    /// Goes on with removals that a crash has interrupted.
    pub(in crate::node) async fn leave_stored(&self) -> Result<(), NodeError> {
        for leaving in self.leaving()? {
            self.finish_leaving(leaving).await?;
        }
        Ok(())
    }

    async fn finish_leaving(&self, leaving: Leaving) -> Result<(), NodeError> {
        self.host.remove(leaving.descriptor.cell.0).await?;
        let group = leaving.descriptor.group;
        let mut others = self.stored()?;
        others.retain(|other| other.group == group);
        let engine = self.engine.clone();
        let indexes = self.machines.indexes().now();
        in_thread(move || remove_rows(&engine, &leaving, &others, &indexes)).await
    }
}

async fn in_thread(
    work: impl FnOnce() -> Result<(), NodeError> + Send + 'static,
) -> Result<(), NodeError> {
    let done = crate::blocking::in_background(work).await;
    done.map_err(|error| NodeError::Thread(error.to_string()))?
}

/// Puts the note in place of the cell's own records, durably.
fn replace_records(
    engine: &Engine,
    leaving: &Leaving,
    indexes: &Definitions,
) -> Result<(), NodeError> {
    let id = leaving.descriptor.cell;
    let mut batch = Batch::new();
    for kind in
        [Kind::Descriptor, Kind::Progress, Kind::Table, Kind::Dropped, Kind::Segment, Kind::Garbage]
    {
        let (start, end) = records::under(&records::cell_key(kind, id));
        batch.remove_range(&start, &end);
    }
    indexes.notes_of(id).for_each(|note| batch.remove(&note));
    batch.put(&records::cell_key(Kind::Leaving, id), &leaving.encode()?);
    engine.apply(&batch)?;
    Ok(engine.flush()?)
}

/// Removes rows and records about requests that no other cell here owns, then the note.
fn remove_rows(
    engine: &Engine,
    leaving: &Leaving,
    others: &[Descriptor],
    indexes: &Definitions,
) -> Result<(), NodeError> {
    let here = &leaving.descriptor;
    let ranges: Vec<KeyRange> = others.iter().map(|other| other.range).collect();
    let mut batch = Batch::new();
    for range in without(here.range, &ranges) {
        let span = Descriptor { range, ..here.clone() }.span();
        for span in rows_of(&leaving.tables, &span) {
            remove_entries(engine, indexes, &span)?;
            engine.drop_range(&span.0, &span.1)?;
        }
        for kind in records::REQUEST_KINDS {
            let (start, end) = records::requests_of(kind, here.group, range);
            batch.remove_range(&start, &end);
        }
    }
    batch.remove(&records::cell_key(Kind::Leaving, here.cell));
    Ok(engine.apply(&batch)?)
}

/// What is left of a range.
fn without(range: KeyRange, others: &[KeyRange]) -> Vec<KeyRange> {
    let mut left = vec![range];
    for other in others {
        left = left.into_iter().flat_map(|part| cut(part, *other)).collect();
    }
    left
}

fn cut(part: KeyRange, other: KeyRange) -> impl Iterator<Item = KeyRange> {
    let ends_before = |one: KeyRange, start| one.end.is_some_and(|end| end <= start);
    let apart = ends_before(part, other.start) || ends_before(other, part.start);
    let before = KeyRange { start: part.start, end: Some(other.start) };
    let after = other.end.map(|start| KeyRange { start, end: part.end });
    let whole = apart.then_some(part);
    let before = (!apart && part.start < other.start).then_some(before);
    let reaches = |after: &KeyRange| !apart && after.end.is_none_or(|end| after.start < end);
    whole.into_iter().chain(before).chain(after.filter(reaches))
}

#[cfg(test)]
mod tests {
    use cellar_metadata_api::{Position, TableId};

    use super::*;

    fn range(start: i64, end: Option<i64>) -> KeyRange {
        let at = |token| Position::new(TableId(20), token);
        KeyRange { start: at(start), end: end.map(at) }
    }

    #[test]
    fn what_is_left_of_a_range_is_what_no_other_has() {
        let all = range(0, Some(10));
        for others in [
            vec![],
            vec![range(2, Some(4))],
            vec![range(-5, Some(3)), range(8, None)],
            vec![range(2, Some(4)), range(3, Some(5)), range(7, Some(7))],
            vec![range(-1, None)],
            vec![range(10, Some(12)), range(-3, Some(0))],
        ] {
            let left = without(all, &others);
            for token in -6..14 {
                let position = Position::new(TableId(20), token);
                let owned = others.iter().any(|other| other.contains(position));
                let expected = all.contains(position) && !owned;
                let found = left.iter().filter(|part| part.contains(position)).count();
                assert_eq!(found, usize::from(expected), "{token} without {others:?}");
            }
        }
    }
}
