//! The last catalog that a client heard, kept in a file for a start without the service. See
//! FORMAT.md.
//!
//! It is a hint, not the truth: a file that is damaged, newer, or of another service is as good as
//! none, and what the service itself says replaces it, whatever its version.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};

use super::Inner;
use crate::{
    Catalog, Update,
    limits::{KEEP_PAUSE_MS_MIN, KEEP_PAUSE_PARTS},
};

/// The first bytes of every file.
const MAGIC: &[u8; 4] = b"CLKC";
/// The version written.
const VERSION: u8 = 1;

/// Where a catalog is kept, and the one that was there at the start.
#[derive(Debug)]
pub(super) struct Kept {
    file: PathBuf,
    pub(super) found: Option<Arc<Catalog>>,
    /// The members that were known then.
    pub(super) members: Vec<String>,
}

impl Kept {
    /// What is kept of the service with one of these addresses.
    pub(super) fn open(file: &Path, addresses: &[String]) -> Self {
        let found = match fs::read(file) {
            Ok(bytes) => decode(&bytes).and_then(|(of, update)| {
                let same = of.iter().any(|address| addresses.contains(address));
                same.then_some((of, update)).ok_or("it is of another metadata service")
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err("there is none yet"),
            Err(_) => Err("it cannot be read"),
        };
        let (found, members) = match found {
            Ok((of, update)) => (Some(Arc::new(Catalog::default().apply(update))), of),
            Err(reason) => {
                tracing::info!(file = %file.display(), reason, "no kept catalog");
                (None, Vec::new())
            }
        };
        Self { file: file.to_owned(), found, members }
    }
}

impl Inner {
    /// Keeps every catalog that comes, or the newest of several that come fast, for ever.
    pub(super) async fn keep(self: Arc<Self>) {
        let mut catalog = self.catalog.subscribe();
        let Some(kept) = &self.kept else { return };
        while catalog.changed().await.is_ok() {
            let newest = Arc::clone(&catalog.borrow_and_update());
            let (file, addresses) = (kept.file.clone(), self.addresses());
            let began = Instant::now();
            let written = spawn_blocking(move || {
                write(&file, &encode(&addresses, &newest.to_update()).map_err(io::Error::other)?)
            });
            match written.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the catalog is not kept"),
                Err(_stopped) => return,
            }
            let pause = began.elapsed().saturating_mul(KEEP_PAUSE_PARTS);
            sleep(pause.max(Duration::from_millis(KEEP_PAUSE_MS_MIN))).await;
        }
    }
}

/// Replaces the file: the old one stays until the new one is durable.
fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = file.with_extension("new");
    // For this user alone: the catalog may hold what passwords are checked by.
    let mut options = File::options();
    let mut new = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    new.write_all(bytes)?;
    new.sync_all()?;
    fs::rename(&draft, file)?;
    file.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn encode(addresses: &[String], update: &Update) -> Result<Vec<u8>, String> {
    let mut bytes = MAGIC.to_vec();
    bytes.push(VERSION);
    let mut bytes =
        cbor4ii::serde::to_vec(bytes, &(addresses, update)).map_err(|error| error.to_string())?;
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_be_bytes());
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> Result<(Vec<String>, Update), &'static str> {
    let (body, checksum) = bytes.split_last_chunk::<4>().ok_or("it is cut off")?;
    if crc32fast::hash(body).to_be_bytes() != *checksum {
        return Err("its checksum differs");
    }
    let content = body.strip_prefix(MAGIC).ok_or("it does not begin with CLKC")?;
    match content.split_first() {
        Some((&VERSION, content)) => {
            cbor4ii::serde::from_slice(content).map_err(|_| "its content does not decode")
        }
        _ => Err("its version is not known"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GroupId, NodeId, Placement};

    fn update() -> Update {
        let placement = Placement::single(crate::CellId(1), vec![NodeId(2)]);
        Update {
            version: 7,
            full: true,
            groups: vec![("ks".to_owned(), Some(GroupId(1)))],
            placements: vec![(GroupId(1), Some(Arc::new(placement)))],
            ..Update::default()
        }
    }

    #[test]
    fn what_is_kept_is_found_again_and_no_damaged_byte_is_taken_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("catalog");
        let addresses = ["a:1".to_owned(), "b:1".to_owned()];
        assert!(Kept::open(&file, &addresses).found.is_none());
        let bytes = encode(&addresses, &update()).unwrap();
        write(&file, &bytes).unwrap();
        let found = Kept::open(&file, &addresses[1..]).found.unwrap();
        assert_eq!(found.to_update(), update());
        assert!(Kept::open(&file, &["c:1".to_owned()]).found.is_none(), "of another service");
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(decode(&damaged).is_err(), "{at}");
            assert!(decode(&bytes[..at]).is_err(), "{at}");
        }
    }
}
