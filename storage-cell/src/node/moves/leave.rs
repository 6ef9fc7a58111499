//! Removing cells that stand elsewhere by now. A removal that failed is gone on with after a while.
//!
//! A node may be a voter of a cell that the catalog it knows does not place here, so it goes only
//! where it cannot be one: the catalog is ahead of the cell here, or the cell never had rows or
//! members here. And as a catalog may be old already when it is read, whoever leads the cell is
//! asked, once more after the cell has stopped here: from then on nobody counts on it, and if it
//! is to come back, it comes back empty for everybody.
//!
//! Its own records go first, and durably, so that no replay brings it back without its rows; then
//! its log, then rows that no other cell here owns. Whose they are, and that it stays so until the
//! rows are gone, is claimed; see decision 0020.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use cellar_engine::{Batch, Engine};
use cellar_metadata_api::{Catalog, Cell as Placed, CellId, NodeId};
use cellar_raft::{RaftError, ask_member};
use futures::future::join_all;
use tokio::{sync::oneshot, time::sleep};

use super::placed;
use crate::{
    apply::{ApplyError, CellState, Event, Machines, Overlay, Scope, others, rows_of},
    cell::Cell,
    index::remove_entries,
    limits::LEAVE_RETRY_MS,
    node::{Inner, NodeError, known::may_take_over},
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
                    Ok(()) => {
                        let (cell, range) = (cell.id(), cell.state().descriptor.range);
                        tracing::info!(%cell, %range, "it stands elsewhere: removed");
                    }
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

    async fn is_to_leave(self: &Arc<Self>, catalog: &Catalog, cell: &Cell) -> bool {
        let here = Arc::clone(&cell.state().descriptor);
        let Some(placement) = catalog.placements.get(&here.group) else { return false };
        if let Some(placed) = placed(catalog, &here) {
            let same = placed.epoch == here.epoch;
            return !self.holds(placed)
                && (placed.epoch > here.epoch
                    || (here.lacks_rows && !self.is_voter(cell).await)
                    || (same && self.is_no_member(cell).await));
        }
        // It was merged away, if the catalog knows its keys as another's since.
        let mut covering = placement.overlapping(here.range).peekable();
        let merged = covering.peek().is_some() && covering.all(|placed| placed.epoch > here.epoch);
        if !merged {
            return false;
        }
        match self.stored() {
            Ok(stored) => {
                let waits = stored.iter().any(|other| may_take_over(catalog, other, &here));
                if waits {
                    self.look_again(here.cell);
                }
                !waits
            }
            Err(error) => {
                tracing::error!(%error, "the cells here cannot be looked up");
                false
            }
        }
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

    /// Looks in a while whether cells can leave, or come, then.
    pub(in crate::node) fn look_again(self: &Arc<Self>, cell: CellId) {
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
        let (engine, machines) = (self.engine.clone(), Arc::clone(&self.machines));
        match in_thread(move || replace_records(&engine, &machines, &judged)).await? {
            Noted::Gone => Ok(()),
            Noted::Changed => self.start_cell(id).await,
            Noted::Leaving(leaving) => self.finish_leaving(leaving).await,
        }
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
        let (engine, machines) = (self.engine.clone(), Arc::clone(&self.machines));
        in_thread(move || remove_rows(&engine, &machines, &leaving)).await
    }
}

async fn in_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NodeError> + Send + 'static,
) -> Result<T, NodeError> {
    let done = crate::blocking::in_background(work).await;
    done.map_err(|error| NodeError::Thread(error.to_string()))?
}

/// What a cell that is to leave is by now.
enum Noted {
    /// Another cell has taken it over here meanwhile.
    Gone,
    /// It went on until it was stopped: it is to be looked at again.
    Changed,
    /// It is being removed.
    Leaving(Leaving),
}

/// Puts the note in place of the cell's own records, durably, if it is as it was judged.
fn replace_records(
    engine: &Engine,
    machines: &Machines,
    judged: &Descriptor,
) -> Result<Noted, NodeError> {
    let id = judged.cell;
    // Whoever takes it over has done so, or will not find it.
    let _claim = machines.claims().claim(Scope::Range(judged.group, judged.range));
    let state = match CellState::load(engine, id) {
        Err(ApplyError::NoCell(_)) => return Ok(Noted::Gone),
        state => state?,
    };
    if *state.descriptor != *judged {
        return Ok(Noted::Changed);
    }
    let tables = state.tables.iter().copied().collect();
    let leaving = Leaving { descriptor: judged.clone(), tables };
    let mut batch = Batch::new();
    for kind in
        [Kind::Descriptor, Kind::Progress, Kind::Table, Kind::Dropped, Kind::Segment, Kind::Garbage]
    {
        let (start, end) = records::under(&records::cell_key(kind, id));
        batch.remove_range(&start, &end);
    }
    machines.indexes().now().notes_of(id).for_each(|note| batch.remove(&note));
    batch.put(&records::cell_key(Kind::Leaving, id), &leaving.encode()?);
    engine.apply(&batch)?;
    engine.flush()?;
    Ok(Noted::Leaving(leaving))
}

/// Removes rows and records about requests that no other cell here owns, then the note.
fn remove_rows(engine: &Engine, machines: &Machines, leaving: &Leaving) -> Result<(), NodeError> {
    let here = &leaving.descriptor;
    // From here on no other cell comes to own any of it: its rows would go, too.
    let _claim = machines.claims().claim(Scope::Range(here.group, here.range));
    let ranges = others(&Overlay::new(engine), here, |_| true)?;
    let indexes = machines.indexes().now();
    let mut batch = Batch::new();
    for range in here.range.without(&ranges) {
        let span = Descriptor { range, ..here.clone() }.span();
        for span in rows_of(&leaving.tables, &span) {
            remove_entries(engine, &indexes, &span)?;
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

#[cfg(test)]
mod tests {
    use std::thread;

    use cellar_engine::Options;
    use cellar_metadata_api::{Epoch, GroupId, KeyRange, Position, TableId};
    use cellar_schema::keys;

    use super::*;

    const TABLE: TableId = TableId(20);

    fn cell(id: u64, range: (i64, i64)) -> Descriptor {
        let at = |token| Position::new(TABLE, token);
        let range = KeyRange { start: at(range.0), end: Some(at(range.1)) };
        Descriptor::new((CellId(id), GroupId(1)), range, Epoch(2), vec![NodeId(1)])
    }

    /// Cell 1 with tokens 0 to 4, and cell 2, which leaves, with 5 to 9; each has a row at both
    /// ends.
    fn begin() -> (Engine, Leaving, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::open(dir.path(), Options::default()).unwrap();
        let leaving = Leaving { descriptor: cell(2, (5, 10)), tables: BTreeSet::from([TABLE]) };
        let mut batch = Batch::new();
        batch.put(&records::cell_key(Kind::Leaving, CellId(2)), &leaving.encode().unwrap());
        let stays = cell(1, (0, 5)).encode().unwrap();
        batch.put(&records::cell_key(Kind::Descriptor, CellId(1)), &stays);
        for token in [0, 4, 5, 9] {
            batch.put(&keys::position_key(TABLE, token), b"row");
        }
        engine.apply(&batch).unwrap();
        (engine, leaving, dir)
    }

    fn tokens(engine: &Engine) -> Vec<i64> {
        let (start, end) = keys::table_range(TABLE);
        let rows = engine.snapshot().scan(start..end, false);
        rows.map(|row| keys::token_of(&row.unwrap().0).unwrap()).collect()
    }

    #[test]
    fn rows_of_a_cell_that_leaves_go_and_those_beside_it_stay() {
        let (engine, leaving, _dir) = begin();
        remove_rows(&engine, &Machines::default(), &leaving).unwrap();
        assert_eq!(tokens(&engine), [0, 4]);
        let note = engine.get(&records::cell_key(Kind::Leaving, CellId(2))).unwrap();
        assert_eq!(note, None);
    }

    #[test]
    fn rows_that_another_cell_takes_over_meanwhile_stay() {
        let (engine, leaving, _dir) = begin();
        let machines = Machines::default();
        thread::scope(|threads| {
            let claim = machines.claims().claim(Scope::Range(GroupId(1), KeyRange::ALL));
            let removing = threads.spawn(|| remove_rows(&engine, &machines, &leaving).unwrap());
            // It has time to look whose the keys are, if it does not wait.
            thread::sleep(Duration::from_millis(50));
            let mut batch = Batch::new();
            let wide = cell(1, (0, 10)).encode().unwrap();
            batch.put(&records::cell_key(Kind::Descriptor, CellId(1)), &wide);
            batch.put(&keys::position_key(TABLE, 7), b"row");
            engine.apply(&batch).unwrap();
            drop(claim);
            removing.join().unwrap();
        });
        assert_eq!(tokens(&engine), [0, 4, 5, 7, 9]);
    }
}
