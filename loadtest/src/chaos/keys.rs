//! Which registers there are, and who may ask for which now.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use anyhow::Result;

/// Registers that every fifth request goes to.
const HOT: u32 = 8;
/// Requests to one register that may be open at once.
const OPEN: u32 = 5;
/// Uncertain deletions of a register after which it is not deleted again: its absence then has
/// too many explanations to be checked quickly.
const UNCERTAIN_DELETIONS: u32 = 2;
/// Counters.
pub(super) const COUNTERS: u32 = 16;
/// Nanoseconds of a millisecond.
pub(super) const NS_PER_MS: u64 = 1_000_000;
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
pub(super) struct Keys {
    all: Vec<Key>,
    slices: [Slice; SLICES],
}

/// A part of the ring, and when its writes were acknowledged.
#[derive(Default)]
struct Slice {
    last_ns: AtomicU64,
    /// The longest time between two of them since the last mark.
    gap_ns: AtomicU64,
}

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
        let all = (0..count.max(HOT)).map(key).collect::<Result<_>>()?;
        Ok(Self { all, slices: Default::default() })
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.all.len()).unwrap_or(u32::MAX)
    }

    /// The part of the ring that a register lies in.
    pub(super) fn slice(&self, key: u32) -> usize {
        self.state(key).map_or(0, |state| state.slice)
    }

    fn state(&self, key: u32) -> Option<&Key> {
        self.all.get(usize::try_from(key).ok()?)
    }

    /// Notes that a write was acknowledged.
    pub(super) fn written(&self, key: u32, now_ns: u64) {
        if let Some(slice) = self.slices.get(self.slice(key)) {
            let last_ns = slice.last_ns.fetch_max(now_ns, Ordering::Relaxed);
            slice.gap_ns.fetch_max(now_ns.saturating_sub(last_ns), Ordering::Relaxed);
        }
    }

    /// The longest gap of each part since the last mark, and how long it has been without a write
    /// now, in milliseconds.
    pub(super) fn mark(&self, now_ns: u64) -> serde_json::Value {
        let of = |slice: &Slice| {
            let idle_ns = now_ns.saturating_sub(slice.last_ns.load(Ordering::Relaxed));
            let gap_ns = slice.gap_ns.swap(0, Ordering::Relaxed).max(idle_ns);
            (gap_ns / NS_PER_MS, idle_ns / NS_PER_MS)
        };
        let (gaps, idle): (Vec<u64>, Vec<u64>) = self.slices.iter().map(of).unzip();
        serde_json::json!({ "gap_ms": gaps, "idle_ms": idle })
    }

    /// A random register that is not too busy.
    pub(super) fn turn(&self, random: &mut fastrand::Rng) -> Turn<'_> {
        loop {
            let below = if random.u32(0..5) == 0 { HOT } else { self.count() };
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
