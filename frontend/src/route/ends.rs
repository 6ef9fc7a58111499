//! Removing the notes of batches that all their cells have applied: behind the clients' backs, all
//! that wait for one cell in one message. A note that stays costs the cell's leader one more round.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use cellar_cell_api::{BatchStep, Cells, Write, WriteRequest};
use cellar_metadata_api::{Catalog, CellId};
use cellar_rpc::tasks::Tasks;
use cellar_schema::RequestId;
use futures::future::join_all;
use tokio::{
    sync::{mpsc, watch},
    time::{Duration, Instant},
};

use super::{Addressed, Attempt, leaders::Leaders, may_pass, owner};

/// Batches whose notes may wait to be removed; beyond that the cells' leaders do it.
const WAITING_MAX: usize = 4_096;
/// Notes that are removed with one look at the catalog.
const TOGETHER_MAX: usize = 256;
/// Time in milliseconds to remove a note, after which the cell's leader does it.
const END_MS_MAX: u64 = 2_000;

/// A batch that is done but for its note.
#[derive(Debug)]
pub(super) struct End {
    /// The first partition of its first part.
    pub(super) partition: Bytes,
    /// Its name.
    pub(super) batch: RequestId,
}

/// Where batches go when they are done.
#[derive(Clone, Debug)]
pub(super) struct Ends(mpsc::Sender<End>);

struct Sender {
    catalog: watch::Receiver<Arc<Catalog>>,
    cells: Cells,
    leaders: Leaders,
}

impl Ends {
    /// Removes notes until `tasks` end.
    pub(super) fn send(
        catalog: watch::Receiver<Arc<Catalog>>,
        cells: Cells,
        leaders: Leaders,
        tasks: &Tasks,
    ) -> Self {
        let (tell, mut told) = mpsc::channel(WAITING_MAX);
        let (sender, stop) = (Sender { catalog, cells, leaders }, tasks.token().clone());
        let sending = async move {
            let mut ends = Vec::new();
            while told.recv_many(&mut ends, TOGETHER_MAX).await > 0 {
                sender.send_all(std::mem::take(&mut ends)).await;
            }
        };
        tasks.spawn("ends of batches", async move {
            stop.run_until_cancelled(sending).await;
        });
        Self(tell)
    }

    /// A batch is done.
    pub(super) fn note(&self, end: End) {
        // If too many wait, the cell's leader removes it.
        let _ = self.0.try_send(end);
    }
}

impl Sender {
    async fn send_all(&self, ends: Vec<End>) {
        let catalog = Arc::clone(&self.catalog.borrow());
        let mut cells: HashMap<CellId, Vec<End>> = HashMap::new();
        for end in ends {
            if let Ok(cell) = owner(&catalog, &end.partition) {
                cells.entry(cell.id).or_default().push(end);
            }
        }
        join_all(cells.values().map(|ends| self.send_to_one(ends))).await;
    }

    /// Removes the notes of one cell. What has moved to another meanwhile stays.
    async fn send_to_one(&self, ends: &[End]) {
        let Some(first) = ends.first() else { return };
        let write = |end: &End| {
            let step = BatchStep::End { partition: end.partition.clone(), batch: end.batch };
            Write { batch: Some(step), ..Write::default() }
        };
        let writes: Vec<Write> = ends.iter().map(write).collect();
        let mut attempt = Attempt::first(Instant::now() + Duration::from_millis(END_MS_MAX));
        loop {
            let catalog = Arc::clone(&self.catalog.borrow());
            let found = Addressed::find(&catalog, &self.leaders, &first.partition, &mut attempt);
            let Ok(to) = found else { return };
            let request =
                WriteRequest { cell: to.cell.id, epoch: to.cell.epoch, writes: writes.clone() };
            let patience = attempt.patience(true);
            match self.cells.write(to.target(), request, patience).await {
                Ok(_) => return self.leaders.answered(&to.cell, to.node),
                Err(error) => {
                    self.leaders.failed(&to.cell, to.node);
                    if !may_pass(&error) || !attempt.again(&error, &self.catalog).await {
                        return;
                    }
                }
            }
        }
    }
}
