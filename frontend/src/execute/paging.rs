//! Where a page ended: a key, so that it survives splits, restarts and schema changes.

use bytes::Bytes;
use cellar_cql::plan::Progress;
use serde::{Deserialize, Serialize};

use crate::error::RequestError;

/// Version of the encoding; a frontend answers an unknown one with a protocol error.
const VERSION: u8 = 1;

/// What a client hands back to get the next page. Encoded as: version u8, crc32 u32 big endian
/// over what follows, CBOR.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PagingState {
    /// Fingerprint of the statement and its values.
    pub statement: u64,
    /// Fingerprint of the table: of its statements another may go on from `after`.
    #[serde(default)]
    pub table: u64,
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
    /// [`RequestError::Protocol`] for bytes that are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, RequestError> {
        let broken = || RequestError::protocol("Invalid value for the paging state");
        let (version, rest) = bytes.split_first().ok_or_else(broken)?;
        let (crc, body) = rest.split_first_chunk::<4>().ok_or_else(broken)?;
        if *version != VERSION || u32::from_be_bytes(*crc) != crc32fast::hash(body) {
            return Err(broken());
        }
        cbor4ii::serde::from_slice(body).map_err(|_| broken())
    }
}
