//! Where a page ended: a key, so that it survives splits, restarts and schema changes.

use bytes::Bytes;
use cellar_cql::plan::{BoundSelect, BoundValue, Planned, Progress, Reads};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::Parameters;
use crate::error::RequestError;

/// Version of the encoding; a frontend answers an unknown one with a protocol error.
const VERSION: u8 = 1;

/// What a client hands back to get the next page. Encoded as: version u8, crc32 u32 big endian
/// over what follows, CBOR.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PagingState {
    /// Fingerprint of the statement and its values; another statement may not use it.
    pub statement: u64,
    /// Which read of the statement (partitions of IN, ranges of a slice), counted from 0.
    pub read: u64,
    /// The last engine key used of that read; none if it has not begun.
    pub after: Option<Bytes>,
    /// What LIMIT and its like need.
    pub progress: Progress,
}

impl PagingState {
    /// The bytes for the client.
    ///
    /// # Errors
    /// [`RequestError::Internal`] if it cannot be encoded.
    pub fn encode(&self) -> Result<Bytes, RequestError> {
        let body = cbor4ii::serde::to_vec(Vec::new(), self)
            .map_err(|error| RequestError::internal(format!("paging state: {error}")))?;
        let mut out = Vec::with_capacity(body.len().saturating_add(5));
        out.push(VERSION);
        out.extend_from_slice(&crc32fast::hash(&body).to_be_bytes());
        out.extend_from_slice(&body);
        Ok(out.into())
    }

    /// The state in a client's bytes.
    ///
    /// # Errors
    /// [`RequestError::Protocol`] for bytes that are none, [`RequestError::Invalid`] for another
    /// statement's.
    pub fn decode(bytes: &[u8], statement: u64) -> Result<Self, RequestError> {
        let broken = || RequestError::protocol("Invalid value for the paging state");
        let (version, rest) = bytes.split_first().ok_or_else(broken)?;
        let (crc, body) = rest.split_first_chunk::<4>().ok_or_else(broken)?;
        if *version != VERSION || u32::from_be_bytes(*crc) != crc32fast::hash(body) {
            return Err(broken());
        }
        let state: Self = cbor4ii::serde::from_slice(body).map_err(|_| broken())?;
        if state.statement != statement {
            return Err(RequestError::invalid(
                "the paging state belongs to another statement or to other values",
            ));
        }
        Ok(state)
    }
}

/// Names what is read and by which values, so that a paging state is not used with others. A
/// column more or less does not matter: a table may be altered between two pages.
pub(super) fn fingerprint(planned: &Planned, bound: &BoundSelect, parameters: &Parameters) -> u64 {
    let mut hash = Xxh3::new();
    for (table, _) in &planned.tables {
        hash.update(&table.0.to_be_bytes());
    }
    // Views of one table are told apart by their names.
    hash.update(bound.table.name.as_bytes());
    if let Reads::Partitions(partitions) = &bound.reads {
        for read in partitions {
            hash.update(&read.partition);
        }
    }
    for value in &parameters.values {
        match value {
            BoundValue::Bytes(bytes) => {
                hash.update(&[1]);
                hash.update(bytes);
            }
            BoundValue::Null => hash.update(&[2]),
            BoundValue::Unset => hash.update(&[3]),
        }
    }
    hash.digest()
}
