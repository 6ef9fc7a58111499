//! What a write is to a batch over several cells, in a log entry.

use bytes::{Buf, Bytes};
use cellar_cell_api::{BatchStamp, BatchStep};
use cellar_schema::{Mutation, RequestId};

use super::{CommandError, put, put_count, take, take_count};

const BEGIN: u8 = 1;
const PART: u8 = 2;
const END: u8 = 3;

/// Appends a step.
///
/// # Errors
/// Something in it is longer than its length field can say.
pub(super) fn encode(out: &mut Vec<u8>, step: &BatchStep) -> Result<(), CommandError> {
    match step {
        BatchStep::Begin { others, catalog } => {
            out.push(BEGIN);
            out.extend_from_slice(&catalog.to_le_bytes());
            put_mutations(out, others)
        }
        BatchStep::Part { batch, stamp, again } => {
            out.push(PART);
            out.extend_from_slice(&batch.0.to_le_bytes());
            out.extend_from_slice(&stamp.timestamp_us.to_le_bytes());
            out.extend_from_slice(&stamp.now_seconds.to_le_bytes());
            out.push(u8::from(*again));
            Ok(())
        }
        BatchStep::End { partition, batch } => {
            out.push(END);
            out.extend_from_slice(&batch.0.to_le_bytes());
            put(out, partition)
        }
    }
}

/// Takes a step.
pub(super) fn decode(bytes: &mut Bytes) -> Result<BatchStep, CommandError> {
    match bytes.try_get_u8()? {
        BEGIN => {
            let catalog = bytes.try_get_u64_le()?;
            Ok(BatchStep::Begin { others: take_mutations(bytes)?, catalog })
        }
        PART => {
            let batch = RequestId(bytes.try_get_u128_le()?);
            let timestamp_us = bytes.try_get_i64_le()?;
            let stamp = BatchStamp { timestamp_us, now_seconds: bytes.try_get_i64_le()? };
            Ok(BatchStep::Part { batch, stamp, again: bytes.try_get_u8()? != 0 })
        }
        END => {
            let batch = RequestId(bytes.try_get_u128_le()?);
            Ok(BatchStep::End { partition: take(bytes)?, batch })
        }
        kind => Err(CommandError::new(format!("step {kind} of a batch is unknown"))),
    }
}

/// Appends mutations with their count before them.
pub(super) fn put_mutations(out: &mut Vec<u8>, mutations: &[Mutation]) -> Result<(), CommandError> {
    put_count(out, mutations.len())?;
    mutations.iter().try_for_each(|mutation| put(out, &mutation.encode()))
}

/// Takes mutations with their count before them.
pub(super) fn take_mutations(bytes: &mut Bytes) -> Result<Vec<Mutation>, CommandError> {
    let count = take_count(bytes)?;
    let mut mutations = Vec::with_capacity(count);
    for _ in 0..count {
        mutations.push(Mutation::decode(take(bytes)?).map_err(CommandError::new)?);
    }
    Ok(mutations)
}
