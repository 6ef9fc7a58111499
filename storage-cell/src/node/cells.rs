//! The cells that run on this node: found on the disk, placed by the metadata service, or made by
//! a split.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use cellar_engine::Batch;
use cellar_metadata_api::{
    Catalog, Cell as Placed, CellId, Epoch, GroupId, KeyRange, NodeId, Position,
};
use cellar_raft::RaftError;
use tokio::{sync::Mutex, time::sleep};

use super::{Inner, NodeError, known::Known};
use crate::{
    apply::ApplyError,
    blocking::in_background,
    cell::{Cell, StartError},
    limits::FIRST_LEADER_MS,
    records::{self, Descriptor, Kind},
};

/// Looked up by every request, changed rarely.
#[derive(Default)]
pub(super) struct Cells {
    running: ArcSwap<BTreeMap<CellId, Arc<Cell>>>,
    /// One start at a time.
    starting: Mutex<()>,
    /// A cell was begun, and the disk may not have its descriptor yet.
    volatile: AtomicBool,
}

impl Cells {
    pub(super) fn get(&self, id: CellId) -> Option<Arc<Cell>> {
        self.running.load().get(&id).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Cell>> {
        self.running.load().values().cloned().collect()
    }

    fn add(&self, cell: &Arc<Cell>) {
        self.running.rcu(|running| {
            let mut next = BTreeMap::clone(running);
            next.insert(cell.id(), Arc::clone(cell));
            next
        });
    }
}

impl Cells {
    /// Takes a cell out, after a start of it that is under way.
    pub(super) async fn remove(&self, id: CellId) -> Option<Arc<Cell>> {
        let _one = self.starting.lock().await;
        let cell = self.get(id);
        self.running.rcu(|running| {
            let mut next = BTreeMap::clone(running);
            next.remove(&id);
            next
        });
        cell
    }
}

impl Inner {
    /// Starts every cell that the engine knows.
    pub(super) async fn start_stored(self: &Arc<Self>) -> Result<(), NodeError> {
        for descriptor in self.stored()? {
            self.start_cell(descriptor.cell).await?;
        }
        Ok(())
    }

    /// What the engine knows of cells, all at one moment.
    pub(super) fn stored(&self) -> Result<Vec<Descriptor>, NodeError> {
        let (start, end) = records::all_of(Kind::Descriptor);
        let mut found = Vec::new();
        for entry in self.engine.snapshot().scan(start..end, false) {
            found.push(Descriptor::decode(&entry?.1)?);
        }
        Ok(found)
    }

    /// Starts a cell whose descriptor is in the engine, unless it runs.
    pub(super) async fn start_cell(self: &Arc<Self>, id: CellId) -> Result<(), NodeError> {
        let _one = self.cells.starting.lock().await;
        if self.cell(id).is_some() {
            return Ok(());
        }
        let (clock, events) = (Arc::clone(&self.options.clock), self.events.clone());
        let cold = Arc::clone(&self.cold);
        let (host, engine, machines) = (&self.host, &self.engine, &self.machines);
        let cell = match Cell::start(host, engine, machines, id, clock, events, cold).await {
            // Another has taken it over meanwhile.
            Err(StartError::Apply(ApplyError::NoCell(_))) => return Ok(()),
            started => started?,
        };
        let cell = Arc::new(cell);
        self.initialize(&cell).await?;
        let writing = Arc::clone(&cell).propose_writes(self.tasks.token().clone());
        self.tasks.spawn(format!("writes of {id}"), writing);
        self.cells.add(&cell);
        self.machines.indexes().woken.notify_one();
        Ok(())
    }

    /// Makes the members of a new cell's group known: the first replica at once, each other one a
    /// little later if nobody has done it by then, because those before it may be down. All of
    /// them have the cell's rows: a cell begins empty everywhere or is made by a split.
    async fn initialize(self: &Arc<Self>, cell: &Arc<Cell>) -> Result<(), StartError> {
        let state = cell.state();
        if state.descriptor.lacks_rows {
            // Such replicas must not elect each other.
            return Ok(());
        }
        let place = state.descriptor.replicas.iter().position(|node| *node == self.id);
        let Some(place) = place.and_then(|place| u32::try_from(place).ok()) else {
            return Ok(());
        };
        if place == 0 {
            return self.make_known(cell).await;
        }
        let cell = Arc::clone(cell);
        self.spawn("first election", move |inner| async move {
            sleep(Duration::from_millis(FIRST_LEADER_MS).saturating_mul(place)).await;
            if !cell.group().changes().borrow().members.is_empty() {
                return;
            }
            if let Err(error) = inner.make_known(&cell).await {
                tracing::warn!(cell = %cell.id(), %error, "its group is not known yet");
            }
        });
        Ok(())
    }

    async fn make_known(&self, cell: &Cell) -> Result<(), StartError> {
        let state = cell.state();
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        let replicas = state.descriptor.replicas.iter();
        let members = replicas.map(|node| (node.0, self.address_of(&catalog, *node)));
        match cell.group().initialize(members.collect()).await {
            Ok(()) | Err(RaftError::Initialized(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn address_of(&self, catalog: &Catalog, node: NodeId) -> String {
        if node == self.id {
            return self.options.address.clone();
        }
        catalog.nodes.get(&node).map(|known| known.address.clone()).unwrap_or_default()
    }

    /// Starts the cells that are placed here and not yet on the disk. Errors are logged: the next
    /// change of the placement tries again.
    ///
    /// A cell is found on the disk from its first entry on: a start while the metadata service is
    /// away knows of no other cells. All that come at once cost one flush.
    pub(super) async fn obey_placement(self: &Arc<Self>) {
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        let placed = catalog.placements.iter().flat_map(|(group, placement)| {
            placement.cells().filter(|cell| self.holds(cell)).map(|cell| (*group, cell))
        });
        let missing: Vec<_> = placed.filter(|(_, cell)| self.cell(cell.id).is_none()).collect();
        if missing.is_empty() {
            return;
        }
        let mut begun = Vec::new();
        match self.known(&catalog) {
            Ok(mut known) => {
                for (group, cell) in missing {
                    match self.obey(&catalog, group, cell, &mut known) {
                        Ok(true) => begun.push(cell.id),
                        // It is begun, unless a split makes it, when what it waits for is over.
                        Ok(false) => self.look_again(cell.id),
                        Err(error) => cannot_start(cell.id, &error),
                    }
                }
            }
            Err(error) => return tracing::error!(%error, "the cells here cannot be looked up"),
        }
        if let Err(error) = self.keep_descriptors().await {
            tracing::error!(%error, cells = begun.len(), "cannot keep the cells placed here");
            return;
        }
        for cell in begun {
            if let Err(error) = self.start_cell(cell).await {
                cannot_start(cell, &error);
            }
        }
    }

    /// What the engine knows of cells that are here or were: read once for all that are new.
    fn known(&self, catalog: &Catalog) -> Result<Known, NodeError> {
        let leaving = self.leaving()?.into_iter().map(|note| note.descriptor).collect();
        // From the engine, where both halves of a split appear at once.
        Ok(Known::new(catalog, self.stored()?, leaving))
    }

    /// Makes the descriptors of new cells durable. On a full disk that is left to the engine,
    /// which goes on trying; until then the next start writes them again, if the metadata service
    /// is there.
    async fn keep_descriptors(&self) -> Result<(), NodeError> {
        if !self.cells.volatile.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let engine = self.engine.clone();
        let flushed = in_background(move || engine.flush()).await;
        match flushed.map_err(|error| NodeError::Thread(error.to_string()))? {
            Err(error) if error.is_full() => {
                tracing::warn!(%error, "the disk does not know of new cells yet");
                Ok(())
            }
            flushed => Ok(flushed?),
        }
    }

    /// A group's first cell begins empty: it owned everything then, and keeps the lowest keys.
    /// Every other cell is made by the split that its left half applies, unless that has come here
    /// by a snapshot from after the split: then the right half begins without its rows.
    ///
    /// Says whether the cell can be started once its descriptor is durable.
    fn obey(
        &self,
        catalog: &Catalog,
        group: GroupId,
        cell: &Placed,
        known: &mut Known,
    ) -> Result<bool, NodeError> {
        if known.stored.iter().any(|other| other.cell == cell.id) {
            // It could not be started when it was written.
            return Ok(true);
        }
        let stored: Vec<&Descriptor> =
            known.stored.iter().filter(|other| other.group == group).collect();
        // One that comes here has its rows elsewhere.
        let comes = !cell.replicas.contains(&self.id);
        let first = !comes && cell.range.start == Position::MIN && stored.is_empty();
        let left_to_log = stored.iter().any(|other| other.range.overlaps(&cell.range));
        let is_known = |node: &NodeId| *node == self.id || catalog.nodes.contains_key(node);
        if left_to_log || (first && !cell.replicas.iter().all(is_known)) {
            return Ok(false);
        }
        let waits = |first: &&Placed| first.replicas.contains(&self.id);
        let lowest = catalog.placements.get(&group).and_then(|all| all.lookup(Position::MIN));
        if !first && !comes && stored.is_empty() && lowest.as_ref().is_some_and(waits) {
            // The log of the first cell makes this one, or a snapshot shows that it does not.
            return Ok(false);
        }
        let (range, epoch) =
            if first { (KeyRange::ALL, Epoch(1)) } else { (cell.range, cell.epoch) };
        if known.is_leaving(cell.id) || known.is_in_use(catalog, group, range) {
            return Ok(false);
        }
        let replicas = cell.replicas.clone();
        let lacks_rows = !first;
        let cell = cell.id;
        let begun = Descriptor::new((cell, group), range, epoch, replicas);
        let begun = Descriptor { lacks_rows, ..begun };
        self.begin(&begun)?;
        let (cell, range, epoch) = (begun.cell, begun.range, begun.epoch);
        tracing::info!(%cell, %range, %epoch, lacks_rows, "begins here");
        known.stored.push(begun);
        Ok(true)
    }

    /// Writes down a cell that has nothing yet.
    fn begin(&self, descriptor: &Descriptor) -> Result<(), NodeError> {
        let mut batch = Batch::new();
        let key = records::cell_key(Kind::Descriptor, descriptor.cell);
        batch.put(&key, &descriptor.encode()?);
        self.cells.volatile.store(true, Ordering::Relaxed);
        Ok(self.engine.apply(&batch)?)
    }
}

fn cannot_start(cell: CellId, error: &NodeError) {
    tracing::error!(%cell, %error, "cannot start a cell placed here");
}
