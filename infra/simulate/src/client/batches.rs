//! Logged batches over several cells, brought to them as a frontend does, which now and then ends
//! in the middle. What was begun must be whole in the end (I-11).

use std::collections::BTreeMap;

use cellar_cell_api::{BatchStep, Outcome, Write, part};
use cellar_metadata_api::{CellId, Metadata};
use cellar_schema::{Mutation, RequestId};

use super::{asking::Asking, tables::Known, workload::Worker};

/// Partitions of a batch.
const PARTS: u32 = 4;
/// Batches of one client at most: each has partitions of its own.
const BATCHES_MAX: u32 = 100_000;

/// A batch, and what its client was told.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// Its partitions, which no other batch writes.
    pub(crate) keys: Vec<u32>,
    /// What it writes to each.
    pub(crate) value: u64,
    /// Whether it was acknowledged.
    pub(crate) done: bool,
}

/// How far a frontend comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// It dies when the batch has begun.
    Begins,
    /// It dies after one more part.
    GoesOn,
    /// It dies before the note is removed.
    Applies,
    /// It lives.
    Ends,
}

impl Worker {
    /// Sends one batch.
    pub(super) async fn batch(&mut self) {
        let number = u32::try_from(self.requests()).unwrap_or(u32::MAX) % BATCHES_MAX;
        let first = self.client.saturating_mul(BATCHES_MAX).saturating_add(number);
        let keys: Vec<u32> = (0..PARTS).map(|n| first.saturating_mul(PARTS) + n).collect();
        let value = self.fresh();
        let life = match self.chance.below(10) {
            0 | 1 => Life::Begins,
            2 => Life::GoesOn,
            3 => Life::Applies,
            _ => Life::Ends,
        };
        let id = RequestId(self.id());
        let mutations = keys.iter().map(|key| self.batches.put(*key, value)).collect();
        let done = bring(&self.asking, id, mutations, life).await && life == Life::Ends;
        self.book.enter_batch(self.client, Batch { keys, value, done });
    }
}

/// Brings a batch to its cells; says whether all have applied it.
async fn bring(asking: &Asking, id: RequestId, mutations: Vec<Mutation>, life: Life) -> bool {
    let Some(mut cells) = by_cell(asking, mutations) else { return false };
    if cells.is_empty() {
        return false;
    }
    let first = cells.remove(0);
    let others: Vec<Mutation> = cells.iter().flatten().cloned().collect();
    let catalog = asking.metadata.catalog().borrow().version;
    let several = !others.is_empty();
    let step = several.then_some(BatchStep::Begin { others, catalog });
    let begin = Write { id: Some(id), mutations: first, batch: step, ..Write::default() };
    let stamp = match asking.write(begin.clone()).await {
        Ok(Outcome::Begun { stamp, .. }) => stamp,
        Ok(Outcome::Applied { .. }) => return !several,
        Ok(Outcome::NotApplied { .. }) | Err(_) => return false,
    };
    let parts = match life {
        Life::Begins => 0,
        Life::GoesOn => 1,
        Life::Applies | Life::Ends => usize::MAX,
    };
    for mutations in cells.into_iter().take(parts) {
        let applied = asking.write(part(id, stamp, false, mutations)).await;
        if !matches!(applied, Ok(Outcome::Applied { .. })) {
            return false;
        }
    }
    if life == Life::Ends
        && let Some(partition) = begin.partitions().next()
    {
        let step = BatchStep::End { partition: partition.clone(), batch: id };
        // If nobody hears it, the cell's leader finds out.
        let _ = asking.write(Write { batch: Some(step), ..Write::default() }).await;
    }
    true
}

/// The mutations by the cells that own them, those of the first one's first.
fn by_cell(asking: &Asking, mutations: Vec<Mutation>) -> Option<Vec<Vec<Mutation>>> {
    let mut order = Vec::new();
    let mut cells: BTreeMap<CellId, Vec<Mutation>> = BTreeMap::new();
    for mutation in mutations {
        let cell = asking.owner(&mutation.partition)?.id;
        if !cells.contains_key(&cell) {
            order.push(cell);
        }
        cells.entry(cell).or_default().push(mutation);
    }
    Some(order.into_iter().filter_map(|cell| cells.remove(&cell)).collect())
}

/// How many partitions of a batch are as it has written them; none if they cannot be read now.
pub(crate) async fn found(asking: &Asking, table: &Known, batch: &Batch) -> Option<usize> {
    let mut found = 0_usize;
    for key in &batch.keys {
        let page = asking.read(table.read(*key)).await.ok()?;
        let value = page.rows.first().and_then(|(_, row)| table.value_of(row));
        found = found.saturating_add(usize::from(value == Some(batch.value)));
    }
    Some(found)
}
