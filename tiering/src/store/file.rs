//! Objects as files of a directory: the embedded default.
//!
//! A file appears whole: written under another name, synced, then linked to its own name (a link
//! never replaces a file), and the directories are synced before the answer.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Checksum, ObjectInfo, ObjectStore, StoreError, check_key};
use crate::limits::STAGED_AGE_MAX;

/// Files being written; no object key begins with a dot.
const STAGING: &str = ".staging";

/// A directory of objects.
#[derive(Clone, Debug)]
pub struct FileStore {
    root: Arc<Path>,
}

impl FileStore {
    /// Opens the directory, which is made if it is not there. What a crash left half-written long
    /// ago is removed; several processes may use one directory.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if that cannot be done.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, StoreError> {
        let root: Arc<Path> = Arc::from(directory.as_ref());
        let staging = root.join(STAGING);
        let prepare = || -> io::Result<()> {
            fs::create_dir_all(&staging)?;
            remove_old(&staging)?;
            sync_directory(&root)
        };
        prepare().map_err(|error| failed(&root.to_string_lossy(), &error))?;
        Ok(Self { root })
    }

    /// Does file work off the async threads.
    async fn blocking<T: Send + 'static>(
        &self,
        key: &str,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        check_key(key)?;
        let path = self.root.join(key);
        let done = tokio::task::spawn_blocking(move || work(&path)).await;
        match done {
            Ok(result) => result.map_err(|error| failed(key, &error)),
            Err(error) => {
                Err(StoreError::Unknown { key: key.to_owned(), reason: error.to_string() })
            }
        }
    }
}

impl ObjectStore for FileStore {
    fn put_if_absent<'a>(
        &'a self,
        key: &'a str,
        body: Bytes,
        _put_id: Uuid,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let root = Arc::clone(&self.root);
        self.blocking(key, move |path| create(&root, path, &body)).boxed()
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        self.blocking(key, |path| fs::read(path).map(Bytes::from)).boxed()
    }

    fn get_range<'a>(
        &'a self,
        key: &'a str,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        self.blocking(key, move |path| read_range(path, &range)).boxed()
    }

    fn head<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<ObjectInfo>, StoreError>> {
        async move {
            match self.blocking(key, describe).await {
                Err(StoreError::NotThere { .. }) => Ok(None),
                other => other.map(Some),
            }
        }
        .boxed()
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            match self.blocking(key, remove).await {
                Err(StoreError::NotThere { .. }) => Ok(()),
                other => other,
            }
        }
        .boxed()
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        async move {
            let root = Arc::clone(&self.root);
            let listed = tokio::task::spawn_blocking(move || list(&root)).await;
            let mut keys = match listed {
                Ok(result) => result.map_err(|error| failed(prefix, &error))?,
                Err(error) => {
                    let reason = error.to_string();
                    return Err(StoreError::Unknown { key: prefix.to_owned(), reason });
                }
            };
            keys.retain(|key| key.starts_with(prefix));
            keys.sort_unstable();
            Ok(keys)
        }
        .boxed()
    }
}

fn failed(key: &str, error: &io::Error) -> StoreError {
    let key = key.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound => StoreError::NotThere { key },
        io::ErrorKind::AlreadyExists => StoreError::AlreadyThere { key },
        _ => StoreError::Failed { key, reason: error.to_string() },
    }
}

/// Removes files that nobody can still be writing.
fn remove_old(staging: &Path) -> io::Result<()> {
    for entry in fs::read_dir(staging)? {
        let entry = entry?;
        // Another process may have finished it since it was listed.
        let age = entry.metadata().and_then(|file| file.modified()).map(|at| at.elapsed());
        if age.is_ok_and(|age| age.is_ok_and(|age| age > STAGED_AGE_MAX)) {
            fs::remove_file(entry.path()).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })?;
        }
    }
    Ok(())
}

fn create(root: &Path, path: &Path, body: &[u8]) -> io::Result<()> {
    let parent = path.parent().unwrap_or(root);
    fs::create_dir_all(parent)?;
    // A name of its own for every attempt: two writers of one key must not share a file.
    let staged = root.join(STAGING).join(Uuid::new_v4().simple().to_string());
    let linked = write_synced(&staged, body).and_then(|()| fs::hard_link(&staged, path));
    let removed = fs::remove_file(&staged);
    // Also when the name was taken: an earlier attempt may have crashed before this.
    sync_up_to(root, parent)?;
    linked.and(removed)
}

/// Makes the names in `directory` and in those above it durable.
fn sync_up_to(root: &Path, mut directory: &Path) -> io::Result<()> {
    loop {
        sync_directory(directory)?;
        match directory.parent() {
            Some(above) if directory != root => directory = above,
            _ => return Ok(()),
        }
    }
}

fn write_synced(path: &Path, body: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(body)?;
    file.sync_all()
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn read_range(path: &Path, range: &Range<u64>) -> io::Result<Bytes> {
    let length = range.end.checked_sub(range.start).ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(range.start))?;
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact(&mut bytes)?;
    Ok(Bytes::from(bytes))
}

fn describe(path: &Path) -> io::Result<ObjectInfo> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let bytes = io::copy(&mut file, &mut hasher)?;
    let checksum = Some(Checksum(hasher.finalize().into()));
    Ok(ObjectInfo { bytes, checksum, put_id: None })
}

fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    path.parent().map_or(Ok(()), sync_directory)
}

fn list(root: &Path) -> io::Result<Vec<String>> {
    let mut keys = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if let Ok(below) = entry.path().strip_prefix(root) {
                keys.push(below.to_string_lossy().into_owned());
            }
        }
    }
    Ok(keys)
}
