//! Finishing batches over several cells whose frontend did not: whoever leads the cell where one
//! was begun has the other cells apply their parts, and removes the note (invariant I-11).
//!
//! The frontend may still be at it, or be done but for the note: every part leaves what it left
//! the first time. A part of a table that was dropped meanwhile falls away, and so does a mutation
//! that its cell calls invalid: it always will.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cellar_cell_api::{BatchStep, CellError, Cells, Target, Write, WriteReply, WriteRequest, part};
use cellar_metadata_api::{Catalog, Cell as Placed, CellId, NodeId, Position};
use cellar_schema::{Mutation, keys};
use futures::{StreamExt, stream};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::Inner;
use crate::{
    apply::BatchPlace,
    cell::Cell,
    limits::{BATCH_CALL_MS_MAX, BATCH_CHECK_MS, BATCHES_AT_ONCE},
    records::{self, BegunBatch, Kind},
};

fn unavailable(reason: impl ToString) -> CellError {
    CellError::Unavailable { reason: reason.to_string() }
}

impl Inner {
    /// Finishes what was left, again and again.
    pub(super) async fn finish_batches(self: Arc<Self>) {
        let pause_ms = BATCH_CHECK_MS.min(self.options.batch_after_ms.max(1));
        let mut ticks = interval(Duration::from_millis(pause_ms));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut since: BTreeMap<(CellId, BatchPlace), Instant> = BTreeMap::new();
        loop {
            ticks.tick().await;
            let begun = self.begun_batches();
            since.retain(|batch, _| begun.contains_key(batch));
            let patience = Duration::from_millis(self.options.batch_after_ms);
            let mut due = Vec::new();
            for (batch, cell) in begun {
                let first = since.entry(batch).or_insert_with(Instant::now);
                if first.elapsed() >= patience {
                    *first = Instant::now();
                    due.push((cell, batch.1));
                }
            }
            let finishing = due.into_iter().map(|(cell, place)| self.try_finish(cell, place));
            stream::iter(finishing).buffer_unordered(BATCHES_AT_ONCE).collect::<()>().await;
        }
    }

    /// The batches of the cells that are led here.
    fn begun_batches(&self) -> BTreeMap<(CellId, BatchPlace), Arc<Cell>> {
        let cells = self.cells.all();
        let led = cells.iter().filter(|cell| cell.group().is_leader());
        let begun = led.flat_map(|cell| {
            let places = cell.state().batches.all().into_iter();
            places.map(|place| ((cell.id(), place), Arc::clone(cell)))
        });
        begun.collect()
    }

    async fn try_finish(&self, cell: Arc<Cell>, place: BatchPlace) {
        let (id, (_, batch)) = (cell.id(), place);
        match self.finish_batch(&cell, place).await {
            Ok(false) => {}
            Ok(true) => {
                tracing::info!(cell = %id, batch = %batch.0, "finished a batch over several cells");
            }
            Err(error) => {
                let batch = batch.0;
                tracing::warn!(cell = %id, %batch, %error, "a batch over several cells waits");
            }
        }
    }

    /// Finishes one batch, unless it has ended meanwhile.
    async fn finish_batch(
        &self,
        cell: &Arc<Cell>,
        (position, batch): BatchPlace,
    ) -> Result<bool, CellError> {
        let group = cell.state().descriptor.group;
        let key = records::request_key(Kind::Batch, group, position, batch);
        let Some(record) = self.engine.get(&key).map_err(unavailable)? else { return Ok(false) };
        let begun = BegunBatch::decode(record).map_err(unavailable)?;
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        if catalog.version < begun.catalog {
            return Err(unavailable("the catalog that it was begun by is not known here yet"));
        }
        for (owner, mutations) in by_cell(&catalog, begun.others)? {
            let part = part(batch, begun.stamp, true, mutations);
            self.apply_part(&catalog, owner, part).await?;
        }
        let end =
            BatchStep::End { partition: keys::position_key(position.table, position.token), batch };
        let write = Write { batch: Some(end), ..Write::default() };
        let descriptor = Arc::clone(&cell.state().descriptor);
        let request =
            WriteRequest { cell: cell.id(), epoch: descriptor.epoch, writes: vec![write] };
        first_of(cell.write(request).await?)?;
        Ok(true)
    }

    /// Has one cell apply its part; what it calls invalid falls away.
    async fn apply_part(
        &self,
        catalog: &Catalog,
        owner: &Placed,
        part: Write,
    ) -> Result<(), CellError> {
        match self.write_to(catalog, owner, part.clone()).await {
            Err(CellError::Invalid { .. }) => {}
            applied => return applied,
        }
        for mutation in &part.mutations {
            // Without the id, by which the answer to the whole is remembered.
            let alone = Write { id: None, mutations: vec![mutation.clone()], ..part.clone() };
            match self.write_to(catalog, owner, alone).await {
                Ok(()) => {}
                Err(error @ CellError::Invalid { .. }) => {
                    tracing::error!(cell = %owner.id, %error, "a part of a batch falls away");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Brings a write that may be applied twice to the leader of a cell.
    async fn write_to(
        &self,
        catalog: &Catalog,
        owner: &Placed,
        write: Write,
    ) -> Result<(), CellError> {
        let known = self.cell(owner.id).and_then(|cell| cell.group().leader());
        let mut next = known.map(NodeId);
        let mut others = owner.replicas.iter().copied();
        let mut failed = unavailable("the cell has no replicas");
        // Each replica in turn, and whoever it names.
        for _ in 0..=owner.replicas.len().saturating_mul(2) {
            let Some(node) = next.take().or_else(|| others.next()) else { break };
            let request =
                WriteRequest { cell: owner.id, epoch: owner.epoch, writes: vec![write.clone()] };
            match self.write_at(catalog, node, request).await.and_then(first_of) {
                Ok(()) => return Ok(()),
                Err(error @ CellError::Invalid { .. }) => return Err(error),
                Err(error) => {
                    if let CellError::NotLeader { leader } = &error {
                        next = leader.filter(|leader| *leader != node);
                    }
                    failed = error;
                }
            }
        }
        Err(failed)
    }

    async fn write_at(
        &self,
        catalog: &Catalog,
        node: NodeId,
        request: WriteRequest,
    ) -> Result<WriteReply, CellError> {
        let patience = Duration::from_millis(BATCH_CALL_MS_MAX);
        if node == self.id {
            let cell = self.asked(request.cell)?;
            let late = |_| CellError::Unknown { reason: "no answer in time".to_owned() };
            return timeout(patience, cell.write(request)).await.map_err(late)?;
        }
        let known = catalog.nodes.get(&node);
        let address = &known.ok_or_else(|| unavailable("an unknown node"))?.address;
        let cells = Cells::remote(self.pool.clone());
        cells.write(Target { node, address }, request, patience).await
    }
}

/// What became of the only write of a request.
fn first_of(reply: WriteReply) -> Result<(), CellError> {
    let nothing = || CellError::Unknown { reason: "the answer is empty".to_owned() };
    reply.outcomes.into_iter().next().ok_or_else(nothing)?.map(|_| ())
}

/// The mutations by the cells that own them; those of tables that are no more fall away.
fn by_cell(
    catalog: &Catalog,
    mutations: Vec<Mutation>,
) -> Result<Vec<(&Placed, Vec<Mutation>)>, CellError> {
    let mut cells: BTreeMap<CellId, (&Placed, Vec<Mutation>)> = BTreeMap::new();
    for mutation in mutations {
        let position: Position = records::position_of(&mutation.partition).map_err(unavailable)?;
        if catalog.table_by_id(position.table).is_none() {
            continue;
        }
        let owner = catalog.cell_of(position.table, position.token);
        let owner = owner.ok_or_else(|| unavailable("no cell owns a part of it now"))?;
        cells.entry(owner.id).or_insert_with(|| (owner, Vec::new())).1.push(mutation);
    }
    Ok(cells.into_values().collect())
}
