//! Which registers there are, and who may ask for which now.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use anyhow::Result;

/// Registers that every tenth request goes to.
const HOT: u32 = 8;
/// Requests to one register that may be open at once.
const OPEN: u32 = 5;
/// Uncertain deletions of a register after which it is not deleted again: its absence then has
/// too many explanations to be checked quickly.
const UNCERTAIN_DELETIONS: u32 = 2;
/// Counters.
pub(super) const COUNTERS: u32 = 16;
/// Parts of the ring whose gaps are measured.
pub(super) const SLICES: usize = 16;

struct Key {
    open: AtomicU32,
    /// The value that was last seen or written, to be expected by a compare-and-set.
    last: AtomicU64,
    uncertain_deletions: AtomicU32,
    slice: usize,
}

/// All registers.
pub(super) struct Keys(Vec<Key>);

/// A register that may be asked; gives its place back when dropped.
pub(super) struct Turn<'a> {
    pub(super) key: u32,
    state: &'a Key,
}

impl Keys {
    pub(super) fn new(count: u32, token: impl Fn(u32) -> Result<i64>) -> Result<Self> {
        let key = |key| -> Result<Key> {
            let token = token(key)?.abs_diff(i64::MIN);
            let width = u64::MAX / u64::try_from(SLICES)? + 1;
            Ok(Key {
                open: AtomicU32::new(0),
                last: AtomicU64::new(0),
                uncertain_deletions: AtomicU32::new(0),
                slice: usize::try_from(token / width)?,
            })
        };
        Ok(Self((0..count.max(HOT)).map(key).collect::<Result<_>>()?))
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// The part of the ring that a register lies in.
    pub(super) fn slice(&self, key: u32) -> usize {
        self.state(key).map_or(0, |state| state.slice)
    }

    fn state(&self, key: u32) -> Option<&Key> {
        self.0.get(usize::try_from(key).ok()?)
    }

    /// A random register that is not too busy.
    pub(super) fn turn(&self, random: &mut fastrand::Rng) -> Turn<'_> {
        loop {
            let below = if random.u32(0..10) == 0 { HOT } else { self.count() };
            let key = random.u32(0..below);
            let Some(state) = self.state(key) else { continue };
            if state.open.fetch_add(1, Ordering::Relaxed) < OPEN {
                return Turn { key, state };
            }
            state.open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Turn<'_> {
    /// The value that was last known.
    pub(super) fn last(&self) -> Option<u64> {
        Some(self.state.last.load(Ordering::Relaxed)).filter(|value| *value > 0)
    }

    pub(super) fn saw(&self, value: Option<u64>) {
        self.state.last.store(value.unwrap_or(0), Ordering::Relaxed);
    }

    pub(super) fn may_delete(&self) -> bool {
        self.key >= HOT
            && self.state.uncertain_deletions.load(Ordering::Relaxed) < UNCERTAIN_DELETIONS
    }

    pub(super) fn uncertain_deletion(&self) {
        self.state.uncertain_deletions.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.state.open.fetch_sub(1, Ordering::Relaxed);
    }
}
