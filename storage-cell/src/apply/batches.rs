//! Batches over several cells: the first part notes what the others are still to apply, the last
//! step forgets it. Which notes there are is also kept in memory, so that looking for old ones
//! costs nothing where there are none.

use std::collections::BTreeSet;

use cellar_cell_api::{BatchStamp, BatchStep, CellError, Outcome, is_repeatable, sequence};
use cellar_engine::Engine;
use cellar_metadata_api::{GroupId, KeyRange, Position};
use cellar_schema::{RequestId, Stamp};
use parking_lot::Mutex;

use super::{Applier, ApplyError, overlay::Overlay};
use crate::{
    commands::{Decided, LogWrite},
    records::{self, BegunBatch, Kind},
};

/// Where a batch was begun, and its name.
pub(crate) type BatchPlace = (Position, RequestId);

/// The batches that were begun in a cell and are not known to be ended. It may run ahead of the
/// engine by what is being applied.
#[derive(Debug, Default)]
pub(crate) struct Batches(Mutex<BTreeSet<BatchPlace>>);

impl Batches {
    /// Finds what the engine has of a range.
    pub(super) fn load(
        engine: &Engine,
        group: GroupId,
        range: KeyRange,
    ) -> Result<Self, ApplyError> {
        let (start, end) = records::requests_of(Kind::Batch, group, range);
        let found = engine.snapshot().scan(start..end, false);
        let places = found.map(|entry| Ok(records::request_of(&entry?.0)?));
        Ok(Self(Mutex::new(places.collect::<Result<_, ApplyError>>()?)))
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<BatchPlace> {
        self.0.lock().iter().copied().collect()
    }

    pub(super) fn begun(&self, place: BatchPlace) {
        self.0.lock().insert(place);
    }

    fn ended(&self, place: BatchPlace) {
        self.0.lock().remove(&place);
    }

    /// Keeps those inside the range: the others belong to the other half now.
    pub(super) fn keep(&self, range: KeyRange) {
        self.0.lock().retain(|(position, _)| range.contains(*position));
    }
}

/// The time that a write is applied at, when the cell would give it `own`.
pub(super) fn stamp_of(write: &LogWrite, own: Stamp) -> Stamp {
    let Some(BatchStep::Part { batch, stamp, again }) = &write.batch else { return own };
    let from_us = stamp.timestamp_us;
    Stamp {
        timestamp_us: if *again { from_us } else { from_us.max(own.timestamp_us) },
        now_seconds: stamp.now_seconds,
        sequence: sequence(*batch),
        repeats_from_us: Some(from_us),
    }
}

/// Why a step of a batch makes no sense, if it does not.
pub(super) fn refusal(write: &LogWrite) -> Option<CellError> {
    let changes = !write.mutations.is_empty();
    let fits = match &write.batch {
        None => true,
        Some(_) if !write.conditions.is_empty() => false,
        Some(BatchStep::Begin { others, .. }) => {
            changes && write.id.is_some() && is_repeatable(others)
        }
        Some(BatchStep::Part { .. }) => changes && is_repeatable(&write.mutations),
        Some(BatchStep::End { .. }) => !changes,
    };
    let message = "a step of a batch over several cells that is none".to_owned();
    (!fits).then_some(CellError::Invalid { message })
}

impl Applier {
    /// What a step of a batch does beside applying its mutations, and how it is answered.
    pub(super) fn batch_step(
        &self,
        overlay: &mut Overlay<'_>,
        write: &LogWrite,
        (position, stamp): (Position, Stamp),
        decided: Decided,
    ) -> Result<Decided, ApplyError> {
        let key = |id| records::request_key(Kind::Batch, self.state.descriptor.group, position, id);
        match (&write.batch, write.id, decided) {
            (
                Some(BatchStep::Begin { others, catalog }),
                Some(id),
                Ok(Outcome::Applied { written_bytes, .. }),
            ) => {
                let stamp = BatchStamp::from(stamp);
                #[cfg(feature = "sabotage")]
                if cellar_raft::sabotage::is(cellar_raft::sabotage::Sabotage::ForgetBatch) {
                    return Ok(Ok(Outcome::Begun { written_bytes, stamp }));
                }
                let batch = BegunBatch { stamp, catalog: *catalog, others: others.clone() };
                overlay.put_record(key(id), batch.encode()?);
                self.state.batches.begun((position, id));
                Ok(Ok(Outcome::Begun { written_bytes, stamp }))
            }
            (Some(BatchStep::End { batch, .. }), _, decided) => {
                overlay.remove(key(*batch));
                self.state.batches.ended((position, *batch));
                Ok(decided)
            }
            (_, _, decided) => Ok(decided),
        }
    }
}
