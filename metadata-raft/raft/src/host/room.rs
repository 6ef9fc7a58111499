//! Room on the disk: below a reserve, users' writes are to be refused while there is still space
//! for what was accepted before, for votes, and for the flushes that make the log smaller.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time;

use crate::{
    disk::{Disk, Space},
    group::in_background,
    limits::{RESERVE_PART, SPACE_LOOK_MS},
};

/// What is known of the room on a host's disk; clones know the same.
#[derive(Clone, Debug)]
pub struct Room {
    reserve_bytes: u64,
    free_bytes: Arc<AtomicU64>,
    total_bytes: Arc<AtomicU64>,
    /// Whether the log has its next segment reserved: without it, what is accepted may wait.
    spared: Arc<AtomicBool>,
}

/// There is less room than is kept in reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the disk is full: {free_bytes} bytes are free, {reserve_bytes} are kept in reserve")]
pub struct NoRoom {
    /// What is free.
    pub free_bytes: u64,
    /// What must be.
    pub reserve_bytes: u64,
}

impl Room {
    pub(crate) fn new(reserve_bytes: u64, spared: Arc<AtomicBool>) -> Self {
        let endless = || Arc::new(AtomicU64::new(u64::MAX));
        Self { reserve_bytes, free_bytes: endless(), total_bytes: endless(), spared }
    }

    /// Whether users may write, as of a moment ago.
    ///
    /// # Errors
    /// There is less room than the reserve.
    pub fn check(&self) -> Result<(), NoRoom> {
        self.check_for(self.reserve_bytes)?;
        if self.is_spared() {
            return Ok(());
        }
        let free_bytes = self.free_bytes.load(Ordering::Relaxed);
        Err(NoRoom { free_bytes, reserve_bytes: self.reserve_bytes })
    }

    /// Whether the log has its next segment.
    pub(crate) fn is_spared(&self) -> bool {
        self.spared.load(Ordering::Relaxed)
    }

    /// The same for what is small, rare and needed to get space again: it may use most of the
    /// reserve.
    ///
    /// # Errors
    /// There is less room than a quarter of the reserve.
    pub fn check_small(&self) -> Result<(), NoRoom> {
        self.check_for(self.reserve_bytes / 4)
    }

    fn check_for(&self, bytes: u64) -> Result<(), NoRoom> {
        let total = self.total_bytes.load(Ordering::Relaxed);
        let reserve_bytes = bytes.min(total / RESERVE_PART);
        let free_bytes = self.free_bytes.load(Ordering::Relaxed);
        if free_bytes >= reserve_bytes {
            return Ok(());
        }
        Err(NoRoom { free_bytes, reserve_bytes })
    }

    /// Notes what there is.
    pub(crate) fn note(&self, space: Space) {
        let before = self.check();
        self.free_bytes.store(space.free_bytes, Ordering::Relaxed);
        self.total_bytes.store(space.total_bytes, Ordering::Relaxed);
        match (before, self.check()) {
            (Ok(()), Err(error)) => tracing::error!(%error, "writes are refused"),
            (Err(_), Ok(())) => tracing::info!(space.free_bytes, "there is room for writes again"),
            _ => {}
        }
    }

    /// Looks at the disk until cancelled.
    pub(crate) async fn watch(self, disk: Arc<dyn Disk>, dir: PathBuf) {
        let mut looks = time::interval(Duration::from_millis(SPACE_LOOK_MS));
        looks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let (disk, dir) = (Arc::clone(&disk), dir.clone());
            match in_background(move || disk.space(&dir)).await {
                Ok(Ok(space)) => self.note(space),
                Ok(Err(error)) => tracing::warn!(%error, "the room on the disk is not known"),
                Err(_stopping) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_the_reserve_there_is_no_room_and_a_small_disk_keeps_a_part_of_itself() {
        let room = Room::new(1_000, Arc::new(AtomicBool::new(true)));
        assert!(room.check().is_ok(), "nobody has looked");
        for (free, total, enough, for_small) in [
            (1_000, 1_000_000, true, true),
            (999, 1_000_000, false, true),
            (249, 1_000_000, false, false),
            (50, 1_000, true, true),
            (49, 1_000, false, false),
        ] {
            room.note(Space { free_bytes: free, total_bytes: total });
            assert_eq!(room.check().is_ok(), enough, "{free} of {total}");
            assert_eq!(room.check_small().is_ok(), for_small, "{free} of {total}");
        }
        room.note(Space { free_bytes: 1_000, total_bytes: 1_000 });
        room.spared.store(false, Ordering::Relaxed);
        assert!(room.check().is_err(), "the log has no segment in reserve");
    }
}
