//! Logged batches over several cells: two round trips, and all or nothing in the end (invariant
//! I-11).
//!
//! The cell of the first mutation applies what is its own and notes the rest; then the others get
//! theirs, at the batch's time; the note goes behind the answer's back. If the frontend ends in
//! between, the note is worked off by the cell's leader.

use cellar_cell_api::{BatchStamp, BatchStep, Outcome, Write, part};
use cellar_schema::{Mutation, RequestId};
use futures::future::{BoxFuture, FutureExt, join_all};
use tokio::time::Instant;

use super::{Route, WriteDone, ends::End, write::Sent};
use crate::error::{RequestError, WriteKind};

impl Route {
    /// Applies a logged batch, given by cell. None if borders moved before anything was applied.
    ///
    /// # Errors
    /// Definite ones before anything is applied. Once it is certain that the batch will be, it is
    /// [`RequestError::WriteTimeout`].
    pub(super) async fn write_logged(
        &self,
        cells: Vec<Vec<Mutation>>,
        now_seconds: Option<i64>,
        deadline: Instant,
    ) -> Result<Option<WriteDone>, RequestError> {
        let mut cells = cells.into_iter();
        let first = cells.next().unwrap_or_default();
        let mut others: Vec<Mutation> = cells.flatten().collect();
        self.find_elements(&mut others, now_seconds, deadline).await?;
        let id = RequestId(fastrand::u128(..));
        let step = BatchStep::Begin { others: others.clone(), catalog: self.catalog().version };
        let begin = Write {
            id: Some(id),
            mutations: first,
            conditions: Vec::new(),
            batch: Some(step),
            now_seconds,
        };
        let begun = self.write_piece(&begin, true, deadline, WriteKind::BatchLog).await?;
        let (written_bytes, stamp) = match begun {
            Sent::Decided(Outcome::Begun { written_bytes, stamp }) => (written_bytes, stamp),
            Sent::Cut => return Ok(None),
            Sent::Decided(_) => {
                let reason = "the cell does not know of batches over several cells".to_owned();
                return Err(RequestError::WriteTimeout { reason, kind: WriteKind::BatchLog });
            }
        };
        let of_others = self.write_parts(id, stamp, others, deadline).await;
        let of_others = of_others.map_err(|error| later(&error))?;
        if let Some(partition) = begin.partitions().next() {
            self.ends.note(End { partition: partition.clone(), batch: id });
        }
        let written_bytes = written_bytes.saturating_add(of_others);
        Ok(Some(WriteDone::Applied { written_bytes, previous: Vec::new() }))
    }

    /// Has the cells apply their parts; says how many bytes they wrote.
    fn write_parts(
        &self,
        batch: RequestId,
        stamp: BatchStamp,
        mutations: Vec<Mutation>,
        deadline: Instant,
    ) -> BoxFuture<'_, Result<u64, RequestError>> {
        async move {
            let pieces = self.by_cell(&mutations)?.into_iter().map(|mutations| async move {
                let piece = part(batch, stamp, false, mutations);
                match self.write_piece(&piece, true, deadline, WriteKind::Batch).await? {
                    Sent::Decided(Outcome::Applied { written_bytes, .. }) => Ok(written_bytes),
                    Sent::Decided(_) => Err(RequestError::internal("a part of a batch began one")),
                    Sent::Cut => self.write_parts(batch, stamp, piece.mutations, deadline).await,
                }
            });
            let mut bytes = 0_u64;
            for written in join_all(pieces).await {
                bytes = bytes.saturating_add(written?);
            }
            Ok(bytes)
        }
        .boxed()
    }
}

/// What a failure is told as once it is certain that the batch will be applied.
fn later(error: &impl ToString) -> RequestError {
    let reason = format!("the rest of the batch will be applied later: {}", error.to_string());
    RequestError::WriteTimeout { reason, kind: WriteKind::Batch }
}
