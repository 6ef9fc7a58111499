//! Snapshots on their way in. Those of one piece stay in memory; larger ones are collected in a
//! file beside the log, so that memory is bounded whatever their size. A file is removed when
//! nobody reads it any more, or by the next start.

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

use crate::{
    disk::Disk,
    group::{Content, Piece, Refused, in_background, refused},
    machine::Received,
    spool::Spool,
    types::{RaftVote, Snapshot},
};

/// How the names of the files begin.
const NAME: &str = "incoming-";

/// Why a snapshot comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reason {
    /// The leader's log does not reach back far enough.
    Behind,
    /// The member has asked for it.
    Asked,
}

/// Snapshots of which not all pieces have come.
pub(crate) struct Incoming {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    next: AtomicU64,
    received_bytes: AtomicU64,
    partial: Mutex<HashMap<(Reason, u64), Partial>>,
}

struct Partial {
    vote: RaftVote,
    spool: Spool,
}

impl Incoming {
    /// Removes what an earlier process has left in the directory.
    pub(crate) fn open(disk: Arc<dyn Disk>, dir: PathBuf) -> io::Result<Self> {
        for name in disk.list(&dir)?.iter().filter(|name| name.starts_with(NAME)) {
            disk.remove(&dir.join(name))?;
        }
        let (next, received_bytes, partial) = Default::default();
        Ok(Self { disk, dir, next, received_bytes, partial })
    }

    /// Bytes of snapshots that have come so far.
    pub(crate) fn received_bytes(&self) -> u64 {
        self.received_bytes.load(Ordering::Relaxed)
    }

    /// Takes a piece; the whole snapshot with the last one.
    pub(crate) async fn take(
        &self,
        reason: Reason,
        group: u64,
        piece: Piece,
    ) -> Result<Option<Snapshot>, Refused> {
        let Piece { vote, meta, offset, bytes, last } = piece;
        let held = self.partial.lock().remove(&(reason, group));
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if offset == 0 && last {
            self.received_bytes.fetch_add(length, Ordering::Relaxed);
            let snapshot = Content::Received(Received::from(bytes));
            return Ok(Some(Snapshot { meta, snapshot }));
        }
        let begun = match offset {
            0 => Some(Partial { vote, spool: self.begin()? }),
            _ => held.filter(|partial| partial.vote == vote && partial.spool.bytes() == offset),
        };
        let Some(mut partial) = begun else {
            return Err(Refused::Failed("a piece of another snapshot".into()));
        };
        let appending = move || partial.spool.append(&bytes).map(|()| partial);
        let partial = in_background(appending).await.map_err(refused)?.map_err(refused)?;
        self.received_bytes.fetch_add(length, Ordering::Relaxed);
        if last {
            let snapshot = Content::Received(Received::from(partial.spool));
            return Ok(Some(Snapshot { meta, snapshot }));
        }
        self.partial.lock().insert((reason, group), partial);
        Ok(None)
    }

    fn begin(&self) -> Result<Spool, Refused> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(format!("{NAME}{number}"));
        Spool::create(Arc::clone(&self.disk), path).map_err(refused)
    }
}
