//! Writes: one atomic piece for each cell they touch.

use std::{collections::BTreeMap, time::Duration};

use cellar_cell_api::{CellError, Outcome, Write, WriteRequest};
use cellar_metadata_api::CellId;
use cellar_schema::{Condition, Mutation, RequestId, Row};
use futures::future::join_all;
use tokio::time::Instant;

use super::{Addressed, Attempt, Route, may_pass};
use crate::{error::RequestError, trace};

/// A write on its way to its cells.
#[derive(Clone, Debug)]
pub struct RoutedWrite {
    /// What to change.
    pub mutations: Vec<Mutation>,
    /// What must hold; all of one partition.
    pub conditions: Vec<Condition>,
    /// Whether sending it twice does the same as sending it once.
    pub idempotent: bool,
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteDone {
    /// It is durable.
    Applied {
        /// For metering, in the order of the mutations given as far as they share a cell.
        written_bytes: u64,
        /// The tested rows before, one for each condition.
        previous: Vec<Option<Row>>,
    },
    /// A condition did not hold.
    NotApplied {
        /// The tested rows.
        current: Vec<Option<Row>>,
        /// For metering.
        read_bytes: u64,
    },
}

impl Route {
    /// Applies a write. One that touches several cells is applied piece by piece, each piece
    /// atomically; the first error is returned when all pieces have been answered.
    ///
    /// # Errors
    /// [`RequestError::WriteTimeout`] when the outcome is unknown, else a definite error.
    pub async fn write(
        &self,
        write: RoutedWrite,
        timeout: Duration,
    ) -> Result<WriteDone, RequestError> {
        let deadline = Instant::now() + timeout;
        let mut pieces = self.by_cell(&write)?;
        if pieces.len() == 1 {
            let piece = pieces.swap_remove(0);
            return self.write_piece(piece, write.idempotent, deadline).await;
        }
        if !write.conditions.is_empty() {
            return Err(RequestError::invalid(
                "conditions and the rows they guard must share one partition",
            ));
        }
        let answers =
            join_all(pieces.into_iter().map(|p| self.write_piece(p, write.idempotent, deadline)));
        let mut bytes = 0_u64;
        for answer in answers.await {
            match answer? {
                WriteDone::Applied { written_bytes, .. } => {
                    bytes = bytes.saturating_add(written_bytes);
                }
                WriteDone::NotApplied { .. } => {
                    return Err(RequestError::internal("a write without conditions was refused"));
                }
            }
        }
        Ok(WriteDone::Applied { written_bytes: bytes, previous: Vec::new() })
    }

    /// The write cut at cell borders. Conditions go with the first mutation's cell.
    fn by_cell(&self, write: &RoutedWrite) -> Result<Vec<Write>, RequestError> {
        let guarded = !write.conditions.is_empty();
        // Without a timestamp of its own a write gets a new one each time it is applied: applied
        // twice, it could cover what was written in between.
        let stamped = write.mutations.iter().flat_map(|mutation| &mutation.changes);
        let stamped = stamped.into_iter().all(|change| change.timestamp_us.is_some());
        let needs_id = guarded || !write.idempotent || !stamped;
        let piece = |mutations| Write {
            id: needs_id.then(|| RequestId(fastrand::u128(..))),
            mutations,
            conditions: write.conditions.clone(),
        };
        if let [_] = write.mutations.as_slice() {
            return Ok(vec![piece(write.mutations.clone())]);
        }
        if write.mutations.is_empty() {
            return Ok(vec![piece(Vec::new())]);
        }
        let catalog = self.catalog();
        let mut first = Attempt::first(Instant::now());
        let mut cells: BTreeMap<CellId, Vec<Mutation>> = BTreeMap::new();
        for mutation in &write.mutations {
            let owner = Addressed::find(&catalog, &self.leaders, &mutation.partition, &mut first)?;
            cells.entry(owner.cell.id).or_default().push(mutation.clone());
        }
        Ok(cells.into_values().map(piece).collect())
    }

    /// Brings one piece to its cell. When the cell has split between the piece's partitions in
    /// the meantime, the piece is cut again.
    async fn write_piece(
        &self,
        piece: Write,
        idempotent: bool,
        deadline: Instant,
    ) -> Result<WriteDone, RequestError> {
        let Some(key) = routing_key(&piece) else {
            return Ok(WriteDone::Applied { written_bytes: 0, previous: Vec::new() });
        };
        let key = key.clone();
        let safe_twice = idempotent || piece.id.is_some();
        let mut unknown = false;
        let mut attempt = Attempt::first(deadline);
        loop {
            let error = match self.try_write(&key, &piece, &mut attempt, safe_twice).await? {
                Ok(outcome) => return Ok(outcome.into()),
                Err(error) => error,
            };
            unknown |= !error.is_definite();
            let again = may_pass(&error) && (error.is_definite() || safe_twice);
            if !again || !attempt.again(&error, &self.catalog).await {
                return Err(RequestError::write(&error, unknown, !piece.conditions.is_empty()));
            }
            if matches!(error, CellError::WrongCell { .. })
                && !unknown
                && let Some(done) = self.recut(&piece, idempotent, deadline).await?
            {
                return Ok(done);
            }
        }
    }

    async fn try_write(
        &self,
        key: &[u8],
        piece: &Write,
        attempt: &mut Attempt,
        safe_twice: bool,
    ) -> Result<Result<Outcome, CellError>, RequestError> {
        let to = match Addressed::find(&self.catalog(), &self.leaders, key, attempt) {
            Ok(to) => to,
            Err(RequestError::Unavailable { reason }) => {
                return Ok(Err(CellError::Unavailable { reason }));
            }
            Err(error) => return Err(error),
        };
        let request =
            WriteRequest { cell: to.cell.id, epoch: to.cell.epoch, writes: vec![piece.clone()] };
        let patience = attempt.patience(safe_twice);
        let (cell, node) = (to.cell.id, to.node);
        trace::note(|| {
            let (changed, tested) = (piece.mutations.len(), piece.conditions.len());
            format!("Writing to {cell} at {node}: {changed} partitions, {tested} conditions")
        });
        let reply = self.cells.write(to.target(), request, patience).await;
        match &reply {
            Ok(_) => self.leaders.answered(&to.cell, to.node),
            Err(_) => self.leaders.failed(&to.cell, to.node),
        }
        let outcome = reply.and_then(|mut reply| {
            let nothing = CellError::Unknown { reason: "the node's answer is empty".to_owned() };
            reply.outcomes.pop().unwrap_or(Err(nothing))
        });
        trace::note_at(&to.address, || match &outcome {
            Ok(Outcome::Applied { written_bytes, .. }) => {
                format!("{cell} at {node} has applied it: {written_bytes} bytes")
            }
            Ok(Outcome::NotApplied { .. }) => {
                format!("{cell} at {node} has not applied it: a condition does not hold")
            }
            Err(error) => format!("{cell} at {node} did not write: {error}"),
        });
        Ok(outcome)
    }

    /// Cuts a piece at the borders of today, if they run through it.
    async fn recut(
        &self,
        piece: &Write,
        idempotent: bool,
        deadline: Instant,
    ) -> Result<Option<WriteDone>, RequestError> {
        if piece.mutations.len() < 2 || !piece.conditions.is_empty() {
            return Ok(None);
        }
        let whole =
            RoutedWrite { mutations: piece.mutations.clone(), conditions: Vec::new(), idempotent };
        if self.by_cell(&whole)?.len() < 2 {
            return Ok(None);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        Box::pin(self.write(whole, left)).await.map(Some)
    }
}

/// The key that decides where a piece goes.
fn routing_key(piece: &Write) -> Option<&bytes::Bytes> {
    let mutation = piece.mutations.first().map(|mutation| &mutation.partition);
    mutation.or_else(|| piece.conditions.first().map(|condition| &condition.partition))
}

impl From<Outcome> for WriteDone {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Applied { written_bytes, previous } => {
                Self::Applied { written_bytes, previous }
            }
            Outcome::NotApplied { current, read_bytes } => Self::NotApplied { current, read_bytes },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cellar_cell_api::Cells;
    use cellar_rpc::{ClientConfig, Pool, tasks::Tasks};
    use cellar_schema::{Change, ChangeKind};
    use tokio::sync::watch;

    use super::*;

    #[tokio::test]
    async fn a_write_that_gets_its_timestamp_when_applied_is_never_applied_twice() {
        let pool = Pool::new(ClientConfig::default(), &Tasks::new());
        let route = Route::new(watch::channel(Arc::default()).1, Cells::remote(pool));
        let pieces_with = |timestamp_us| {
            let changes = vec![Change { timestamp_us, kind: ChangeKind::DeletePartition }];
            let mutations = vec![Mutation { partition: bytes::Bytes::new(), changes }];
            let write = RoutedWrite { mutations, conditions: Vec::new(), idempotent: true };
            route.by_cell(&write).unwrap()
        };
        assert!(pieces_with(None)[0].id.is_some());
        assert!(pieces_with(Some(1))[0].id.is_none());
    }
}
