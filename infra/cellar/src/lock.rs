//! The lock of a data folder: one process at a time, and everybody can see which.

use std::{
    fs::{self, File, TryLockError},
    io::{ErrorKind, Write},
    path::Path,
    thread,
    time::Duration,
};

use anyhow::{Context, bail};

/// Name of the lock file in a data folder.
const FILE: &str = "LOCK";

/// How often and with which pauses a lock is tried that somebody holds.
const LOOKS: u32 = 20;
const BLINK: Duration = Duration::from_millis(5);

/// Held for as long as the process uses the folder; the system lets go when it dies.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Keeps other processes out of a folder, which is made if it does not exist.
pub(crate) fn hold(folder: &Path) -> anyhow::Result<Lock> {
    let shown = folder.display();
    fs::create_dir_all(folder).with_context(|| format!("cannot create the data folder {shown}"))?;
    let path = folder.join(FILE);
    let open = File::options().create(true).truncate(false).write(true).open(&path);
    let mut file = open.with_context(|| format!("cannot create {}", path.display()))?;
    match patiently(&file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => match holder(folder) {
            Some(pid) => bail!("the data folder {shown} is in use by process {pid}"),
            None => bail!("the data folder {shown} is in use by another process"),
        },
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    // Written over what is there, so that it needs no space after the first time.
    let named = format!("{}\n", std::process::id());
    let told = file
        .write_all(named.as_bytes())
        .and_then(|()| file.set_len(u64::try_from(named.len()).map_err(std::io::Error::other)?));
    match told {
        // The lock holds all the same; only who holds it is not told.
        Err(error) if error.kind() == ErrorKind::StorageFull => {
            tracing::warn!(%error, path = %path.display(), "the lock does not name its holder");
        }
        told => told.with_context(|| format!("cannot write {}", path.display()))?,
    }
    Ok(Lock { _file: file })
}

/// Locks, over the blink of an eye in which somebody else may only look who is there.
fn patiently(file: &File) -> Result<(), TryLockError> {
    for _ in 0..LOOKS {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(BLINK),
            locked => return locked,
        }
    }
    file.try_lock()
}

/// The process that uses a folder now.
pub(crate) fn holder(folder: &Path) -> Option<u32> {
    let path = folder.join(FILE);
    let file = File::open(&path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => fs::read_to_string(&path).ok()?.trim().parse().ok(),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_by_one_process_and_names_it_until_it_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(holder(folder.path()), None);
        let lock = hold(folder.path()).unwrap();
        let error = hold(folder.path()).unwrap_err().to_string();
        let id = std::process::id();
        assert!(error.contains(&format!("in use by process {id}")), "{error}");
        assert_eq!(holder(folder.path()), Some(id));
        drop(lock);
        assert_eq!(holder(folder.path()), None);
    }
}
