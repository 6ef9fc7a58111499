//! The state as bytes, for the snapshot file and for replicas that fell behind. See FORMAT.md.
//!
//! Bytes that were damaged anywhere are refused, never read as something else.

use cellar_metadata_api::Update;

use crate::state::{Ledger, State};

/// The first bytes of every snapshot.
const MAGIC: &[u8; 4] = b"CLMD";
/// The version written.
const VERSION: u8 = 1;
/// Bytes of the checksum at the end.
const CHECKSUM_BYTES: usize = 4;

/// Why a snapshot could not be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// It is cut off, or a byte of it has changed.
    #[error("the metadata snapshot is damaged: {0}")]
    Damaged(&'static str),
    /// A newer Cellar wrote it.
    #[error("the metadata snapshot has format version {0}; this build reads up to {VERSION}")]
    Newer(u8),
    /// The checksum is right and the content is not: a defect of Cellar.
    #[error("the metadata snapshot cannot be encoded or decoded: {0}")]
    Encoding(String),
}

impl State {
    /// The state with the log position that it contains.
    ///
    /// # Errors
    /// [`SnapshotError::Encoding`] if it cannot be encoded.
    pub fn to_snapshot(&self, position: &[u8]) -> Result<Vec<u8>, SnapshotError> {
        let mut bytes = Vec::with_capacity(4096);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        let length = u32::try_from(position.len())
            .map_err(|_| SnapshotError::Encoding("the position is too long".to_owned()))?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(position);
        let mut bytes = cbor4ii::serde::to_vec(bytes, &self.parts())
            .map_err(|error| SnapshotError::Encoding(error.to_string()))?;
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        Ok(bytes)
    }

    /// The log position and the state of a snapshot.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub fn from_snapshot(bytes: &[u8]) -> Result<(Vec<u8>, Self), SnapshotError> {
        let short = || SnapshotError::Damaged("it is cut off");
        let body_bytes = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or_else(short)?;
        let (body, checksum) = bytes.split_at_checked(body_bytes).ok_or_else(short)?;
        let (magic, rest) = body.split_first_chunk::<4>().ok_or_else(short)?;
        if magic != MAGIC {
            return Err(SnapshotError::Damaged("it does not begin with CLMD"));
        }
        if crc32fast::hash(body).to_be_bytes() != checksum {
            return Err(SnapshotError::Damaged("its checksum does not match"));
        }
        let (version, rest) = rest.split_first().ok_or_else(short)?;
        if *version != VERSION {
            return Err(SnapshotError::Newer(*version));
        }
        let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| short())?;
        let (position, content) = rest.split_at_checked(length).ok_or_else(short)?;
        let (catalog, ledger): (Update, Ledger) = cbor4ii::serde::from_slice(content)
            .map_err(|error| SnapshotError::Encoding(error.to_string()))?;
        Ok((position.to_vec(), Self::from_parts(catalog, ledger)))
    }
}
