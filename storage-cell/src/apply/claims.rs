//! Who may change which cell owns a range of keys on this disk.
//!
//! Every cell writes only rows that it owns, so cells need not know of each other. But a cell that
//! takes over another, or is replaced by a wider snapshot, gets rows where another cell's may be
//! about to be removed, and who removes rows looks first at whose the keys are. Each of them claims
//! the range from before it looks until it has written its last.
//!
//! A claim is made before any machine's gate is locked, so that nobody who holds a gate waits for
//! one.

use cellar_metadata_api::{GroupId, KeyRange};
use parking_lot::{Condvar, Mutex};

use crate::blocking::blocking;

/// The ranges claimed on one node.
#[derive(Default)]
pub(crate) struct Claims {
    held: Mutex<Held>,
    released: Condvar,
}

#[derive(Default)]
struct Held {
    all: Vec<(u64, Scope)>,
    next: u64,
}

/// What is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// A range of one placement group.
    Range(GroupId, KeyRange),
    /// All there is.
    Everything,
}

impl Scope {
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Range(group, range), Self::Range(other_group, other)) => {
                group == other_group && range.overlaps(other)
            }
            (Self::Everything, _) | (_, Self::Everything) => true,
        }
    }
}

/// Held while the range is changed.
pub(crate) struct Claim<'c> {
    claims: &'c Claims,
    id: u64,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.claims.held.lock().all.retain(|(id, _)| *id != self.id);
        self.claims.released.notify_all();
    }
}

impl Claims {
    /// Waits until nobody has claimed any of it.
    pub(crate) fn claim(&self, scope: Scope) -> Claim<'_> {
        self.try_claim(scope).unwrap_or_else(|| blocking(|| self.wait(scope)))
    }

    /// Claims it unless that would have to wait.
    pub(crate) fn try_claim(&self, scope: Scope) -> Option<Claim<'_>> {
        let mut held = self.held.lock();
        held.is_free(scope).then(|| Claim { claims: self, id: held.add(scope) })
    }

    fn wait(&self, scope: Scope) -> Claim<'_> {
        let mut held = self.held.lock();
        while !held.is_free(scope) {
            self.released.wait(&mut held);
        }
        Claim { claims: self, id: held.add(scope) }
    }
}

impl Held {
    fn is_free(&self, scope: Scope) -> bool {
        !self.all.iter().any(|(_, other)| other.meets(&scope))
    }

    fn add(&mut self, scope: Scope) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.all.push((self.next, scope));
        self.next
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread, time::Duration};

    use cellar_metadata_api::{Position, TableId};

    use super::*;

    fn scope(group: u64, start: i64, end: i64) -> Scope {
        let at = |token| Position::new(TableId(20), token);
        Scope::Range(GroupId(group), KeyRange { start: at(start), end: Some(at(end)) })
    }

    #[test]
    fn what_overlaps_waits_and_what_does_not_goes_on() {
        let claims = Claims::default();
        let first = claims.claim(scope(1, 0, 5));
        let beside = (claims.try_claim(scope(1, 5, 9)), claims.try_claim(scope(2, 0, 5)));
        assert!(beside.0.is_some() && beside.1.is_some());
        drop(beside);
        assert!(claims.try_claim(scope(1, 4, 6)).is_none());
        assert!(claims.try_claim(Scope::Everything).is_none());
        let (tell, told) = mpsc::channel();
        thread::scope(|threads| {
            threads.spawn(|| {
                let _second = claims.claim(scope(1, 4, 6));
                tell.send(()).unwrap();
            });
            assert!(told.recv_timeout(Duration::from_millis(50)).is_err());
            drop(first);
            told.recv_timeout(Duration::from_secs(10)).unwrap();
        });
        assert!(claims.try_claim(Scope::Everything).is_some());
    }
}
