//! Writes: one atomic piece for each cell they touch.

use std::{collections::HashMap, time::Duration};

use cellar_cell_api::{CellError, Outcome, Write, WriteRequest};
use cellar_metadata_api::CellId;
use cellar_schema::{Condition, Mutation, RequestId, Row};
use futures::future::join_all;
use tokio::time::Instant;

use super::{Addressed, Attempt, Route, may_pass, owner};
use crate::{
    error::{RequestError, WriteKind},
    trace,
};

/// A write on its way to its cells.
#[derive(Clone, Debug)]
pub struct RoutedWrite {
    /// What to change.
    pub mutations: Vec<Mutation>,
    /// What must hold; all of one partition.
    pub conditions: Vec<Condition>,
    /// Whether sending it twice does the same as sending it once.
    pub idempotent: bool,
    /// Whether it is a logged batch: all or nothing in the end, however many cells it touches.
    pub logged: bool,
    /// From which expiry counts and by which conditions are judged; none for the cell's clock.
    pub now_seconds: Option<i64>,
}

impl RoutedWrite {
    fn kind(&self) -> WriteKind {
        if self.conditions.is_empty() { WriteKind::Simple } else { WriteKind::Conditional }
    }

    /// The mutations of one cell as one piece.
    fn piece(&self, mutations: Vec<Mutation>) -> Write {
        // Without a timestamp of its own a write gets a new one each time it is applied: applied
        // twice, it could cover what was written in between.
        let mut changes = mutations.iter().flat_map(|mutation| &mutation.changes);
        let stamped = changes.all(|change| change.timestamp_us.is_some());
        let needs_id = !self.conditions.is_empty() || !self.idempotent || !stamped;
        let id = needs_id.then(|| RequestId(fastrand::u128(..)));
        let (conditions, now_seconds) = (self.conditions.clone(), self.now_seconds);
        Write { id, mutations, conditions, batch: None, now_seconds }
    }
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

/// What became of one piece.
pub(super) enum Sent {
    /// Its cell has decided.
    Decided(Outcome),
    /// Borders run through it now; nothing of it was applied.
    Cut,
}

impl Route {
    /// Applies a write. One that touches several cells is applied piece by piece, each piece
    /// atomically; the first error is returned when all pieces have been answered. A logged batch
    /// is all or nothing in the end.
    ///
    /// # Errors
    /// [`RequestError::WriteTimeout`] when the outcome is unknown, else a definite error.
    pub async fn write(
        &self,
        write: RoutedWrite,
        timeout: Duration,
    ) -> Result<WriteDone, RequestError> {
        let deadline = Instant::now() + timeout;
        loop {
            let mut cells = self.by_cell(&write.mutations)?;
            if cells.len() < 2 {
                let piece = write.piece(cells.pop().unwrap_or_default());
                match self.write_piece(&piece, write.idempotent, deadline, write.kind()).await? {
                    Sent::Decided(outcome) => return Ok(outcome.into()),
                    Sent::Cut => continue,
                }
            }
            if !write.conditions.is_empty() {
                return Err(RequestError::invalid(
                    "conditions and the rows they guard must share one partition",
                ));
            }
            if !write.logged {
                return self.write_pieces(cells, &write, deadline).await;
            }
            if let Some(done) = self.write_logged(cells, write.now_seconds, deadline).await? {
                return Ok(done);
            }
        }
    }

    /// Brings each cell its piece, on its own.
    async fn write_pieces(
        &self,
        cells: Vec<Vec<Mutation>>,
        write: &RoutedWrite,
        deadline: Instant,
    ) -> Result<WriteDone, RequestError> {
        let pieces = cells.into_iter().map(|mutations| async move {
            let piece = write.piece(mutations);
            match self.write_piece(&piece, write.idempotent, deadline, write.kind()).await? {
                Sent::Decided(outcome) => Ok(outcome.into()),
                Sent::Cut => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    let piece = RoutedWrite { mutations: piece.mutations, ..write.clone() };
                    Box::pin(self.write(piece, left)).await
                }
            }
        });
        let mut bytes = 0_u64;
        for answer in join_all(pieces).await {
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

    /// The mutations of each cell, in their order; those of the first one's cell come first.
    pub(super) fn by_cell(
        &self,
        mutations: &[Mutation],
    ) -> Result<Vec<Vec<Mutation>>, RequestError> {
        if mutations.len() < 2 {
            return Ok(vec![mutations.to_vec()]);
        }
        let catalog = self.catalog();
        let mut places: HashMap<CellId, usize> = HashMap::new();
        let mut cells: Vec<Vec<Mutation>> = Vec::new();
        for mutation in mutations {
            let cell = owner(&catalog, &mutation.partition)?.id;
            let place = *places.entry(cell).or_insert(cells.len());
            match cells.get_mut(place) {
                Some(of_cell) => of_cell.push(mutation.clone()),
                None => cells.push(vec![mutation.clone()]),
            }
        }
        Ok(cells)
    }

    /// Brings one piece to its cell.
    pub(super) async fn write_piece(
        &self,
        piece: &Write,
        idempotent: bool,
        deadline: Instant,
        kind: WriteKind,
    ) -> Result<Sent, RequestError> {
        let Some(key) = piece.partitions().next() else {
            return Ok(Sent::Decided(Outcome::Applied { written_bytes: 0, previous: Vec::new() }));
        };
        let safe_twice = idempotent || piece.id.is_some();
        let mut unknown = false;
        let mut attempt = Attempt::first(deadline);
        loop {
            let error = match self.try_write(key, piece, &mut attempt, safe_twice).await? {
                Ok(outcome) => return Ok(Sent::Decided(outcome)),
                Err(error) => error,
            };
            unknown |= !error.is_definite();
            let again = may_pass(&error) && (error.is_definite() || safe_twice);
            if !again || !attempt.again(&error, &self.catalog).await {
                return Err(RequestError::write(&error, unknown, kind));
            }
            // When the cell has split between the piece's partitions in the meantime, the piece is
            // cut again.
            if matches!(error, CellError::WrongCell { .. })
                && !unknown
                && piece.conditions.is_empty()
                && self.by_cell(&piece.mutations)?.len() > 1
            {
                return Ok(Sent::Cut);
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
        let turn = match self.turn(&to, attempt).await {
            Ok(turn) => turn,
            Err(error) => return Ok(Err(error)),
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
        turn.end_with(reply.as_ref().err());
        match &reply {
            Ok(_) => self.leaders.answered(&to.cell, to.node),
            Err(_) => self.leaders.failed(&to.cell, to.node),
        }
        let outcome = reply.and_then(|mut reply| {
            let nothing = CellError::Unknown { reason: "the node's answer is empty".to_owned() };
            reply.outcomes.pop().unwrap_or(Err(nothing))
        });
        trace::note_at(&to.address, || match &outcome {
            Ok(Outcome::Applied { written_bytes, .. } | Outcome::Begun { written_bytes, .. }) => {
                format!("{cell} at {node} has applied it: {written_bytes} bytes")
            }
            Ok(Outcome::NotApplied { .. }) => {
                format!("{cell} at {node} has not applied it: a condition does not hold")
            }
            Err(error) => format!("{cell} at {node} did not write: {error}"),
        });
        Ok(outcome)
    }
}

impl From<Outcome> for WriteDone {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Applied { written_bytes, previous } => {
                Self::Applied { written_bytes, previous }
            }
            Outcome::NotApplied { current, read_bytes } => Self::NotApplied { current, read_bytes },
            Outcome::Begun { written_bytes, .. } => {
                Self::Applied { written_bytes, previous: Vec::new() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cellar_schema::{Change, ChangeKind};

    use super::*;

    #[test]
    fn a_write_that_gets_its_timestamp_when_applied_is_never_applied_twice() {
        let piece_with = |timestamp_us| {
            let changes = vec![Change { timestamp_us, kind: ChangeKind::DeletePartition }];
            let mutations = vec![Mutation { partition: bytes::Bytes::new(), changes }];
            let (conditions, idempotent, logged) = (Vec::new(), true, false);
            let write = RoutedWrite {
                mutations: mutations.clone(),
                conditions,
                idempotent,
                logged,
                now_seconds: None,
            };
            write.piece(mutations)
        };
        assert!(piece_with(None).id.is_some());
        assert!(piece_with(Some(1)).id.is_none());
    }
}
