//! Where objects are kept. One trait, a local directory, any S3-compatible service, and a wrapper
//! that fails on purpose.
//!
//! Objects are written once and never changed. Whether a write whose answer was lost took place is
//! settled by asking for the object, never by listing: see [`put_settled`].

mod faulty;
mod file;
mod s3;

use std::fmt;
use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub use faulty::{FaultPlan, FaultyStore};
pub use file::FileStore;
pub use s3::S3Store;

use crate::limits::PUT_ATTEMPTS;

/// A place for objects. Keys are ASCII, segments of `[A-Za-z0-9._-]` separated by `/`.
pub trait ObjectStore: Send + Sync + Debug {
    /// Creates an object, whole or not at all. `put_id` names this write, for settling lost
    /// answers: repeat it when the same write is tried again.
    fn put_if_absent<'a>(
        &'a self,
        key: &'a str,
        body: Bytes,
        put_id: Uuid,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The whole object.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Bytes, StoreError>>;

    /// These bytes of the object, all of them or an error.
    fn get_range<'a>(
        &'a self,
        key: &'a str,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<Bytes, StoreError>>;

    /// What is known of an object without reading it through; `None` if it is not there.
    fn head<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<ObjectInfo>, StoreError>>;

    /// Removes an object. Fine if it is not there.
    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Keys with this prefix, sorted. For people and tests: no decision may rest on a listing.
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StoreError>>;
}

/// What a store says about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Size.
    pub bytes: u64,
    /// SHA-256 of the content: computed by [`FileStore`] from what is on disk, kept by [`S3Store`]
    /// beside the object (and checked by the service on arrival). `None` on foreign objects.
    pub checksum: Option<Checksum>,
    /// The write that made it, where the store keeps that.
    pub put_id: Option<Uuid>,
}

/// SHA-256 of an object.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checksum(pub [u8; 32]);

/// Why an object could not be written, read or removed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another object has this key.
    #[error("object {key} is already there")]
    AlreadyThere {
        /// Its key.
        key: String,
    },
    /// No object has this key.
    #[error("object {key} is not there")]
    NotThere {
        /// The key.
        key: String,
    },
    /// It is not known whether the operation took place: the answer was lost.
    #[error("no answer about object {key}: {reason}")]
    Unknown {
        /// Its key.
        key: String,
        /// What was seen instead of an answer.
        reason: String,
    },
    /// The store refused or failed; nothing was changed.
    #[error("object {key}: {reason}")]
    Failed {
        /// Its key.
        key: String,
        /// What the store said.
        reason: String,
    },
    /// The object is not what was written.
    #[error("object {key} is damaged: {reason}")]
    Damaged {
        /// Its key.
        key: String,
        /// How that shows.
        reason: String,
    },
    /// The key is not one this store takes.
    #[error("not an object key: {key:?}")]
    BadKey {
        /// The key.
        key: String,
    },
    /// The store's address is not one of `file:DIR` and `s3://BUCKET/PREFIX`.
    #[error("not a cold store: {url:?} (file:DIR or s3://BUCKET/PREFIX)")]
    BadUrl {
        /// The address.
        url: String,
    },
}

impl StoreError {
    /// Whether trying again may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::Failed { .. })
    }
}

/// Opens the store at `url`: `file:DIR` or `s3://BUCKET/PREFIX`. An `endpoint` is the address of an
/// S3-compatible service other than AWS; credentials and region come from the environment.
///
/// # Errors
/// [`StoreError::BadUrl`], or why the directory could not be made.
pub async fn open(url: &str, endpoint: Option<&str>) -> Result<Arc<dyn ObjectStore>, StoreError> {
    if let Some(directory) = url.strip_prefix("file:") {
        let directory = directory.strip_prefix("//").unwrap_or(directory);
        if !directory.is_empty() {
            return Ok(Arc::new(FileStore::open(directory)?));
        }
    }
    if let Some(rest) = url.strip_prefix("s3://") {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if !bucket.is_empty() {
            let endpoint = endpoint.map(str::to_owned);
            return Ok(Arc::new(S3Store::connect(bucket, prefix, endpoint).await));
        }
    }
    Err(StoreError::BadUrl { url: url.to_owned() })
}

/// Writes an object and settles what a lost answer leaves open: the object is there with exactly
/// this content, or there is an error. The same `put_id` may be used again after a crash.
///
/// # Errors
/// [`StoreError::AlreadyThere`] if another write has the key, [`StoreError::Damaged`] if the object
/// of this write is not its content, else the last error of the store.
pub async fn put_settled(
    store: &dyn ObjectStore,
    key: &str,
    body: Bytes,
    put_id: Uuid,
) -> Result<Checksum, StoreError> {
    let checksum = Checksum::of(&body);
    let wanted = ObjectInfo {
        bytes: u64::try_from(body.len()).unwrap_or(u64::MAX),
        checksum: Some(checksum),
        put_id: Some(put_id),
    };
    let mut last = StoreError::Failed { key: key.to_owned(), reason: "not tried".to_owned() };
    for _ in 0..PUT_ATTEMPTS {
        match store.put_if_absent(key, body.clone(), put_id).await {
            Err(error @ (StoreError::BadKey { .. } | StoreError::Damaged { .. })) => {
                return Err(error);
            }
            Ok(()) => {}
            Err(error) => last = error,
        }
        // Also after an answer of success: what counts is what is there now.
        match store.head(key).await {
            Ok(Some(found)) => return settle(key, &found, &wanted).map(|()| checksum),
            Ok(None) => {}
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Whether the object found is the one wanted.
fn settle(key: &str, found: &ObjectInfo, wanted: &ObjectInfo) -> Result<(), StoreError> {
    let same = found.bytes == wanted.bytes && found.checksum == wanted.checksum;
    let mine = match found.put_id {
        Some(_) => found.put_id == wanted.put_id,
        None => same,
    };
    match (mine, same) {
        (true, true) => Ok(()),
        (false, _) => Err(StoreError::AlreadyThere { key: key.to_owned() }),
        (true, false) => Err(StoreError::Damaged {
            key: key.to_owned(),
            reason: format!("written {} bytes, found {}", wanted.bytes, found.bytes),
        }),
    }
}

/// Refuses keys that are not the same everywhere, or that would leave a directory.
fn check_key(key: &str) -> Result<(), StoreError> {
    let good = |segment: &str| {
        !segment.is_empty()
            && !segment.starts_with('.')
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    if key.len() <= crate::limits::OBJECT_KEY_BYTES_MAX && key.split('/').all(good) {
        return Ok(());
    }
    Err(StoreError::BadKey { key: key.to_owned() })
}

impl Checksum {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({self})")
    }
}

impl std::str::FromStr for Checksum {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut sum = [0; 32];
        hex::decode_to_slice(text, &mut sum)?;
        Ok(Self(sum))
    }
}

impl Serialize for Checksum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Checksum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
