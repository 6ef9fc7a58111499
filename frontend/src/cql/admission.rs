//! How much all connections of a process have open together. What is beyond that is refused at
//! once, and truthfully: it was not begun. Whoever has no more open than its share is never
//! refused, so one client with too much does not take the service from the others.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// Requests that may always be open before connections beyond their share are refused more.
const REQUESTS_MIN: usize = 2_048;
/// Requests above which they are refused whatever the pace: each takes some kilobytes.
const REQUESTS_MAX: usize = 8_192;
/// Between the two, as many as are done in half a second: what waits longer than that many times
/// over is given up by clients before it is done.
const PACE: Duration = Duration::from_secs(1);
/// A pace that was looked at longer ago says nothing of now.
const PACE_OLD: Duration = Duration::from_secs(3);
/// Bytes of their frames: they are held until the answer.
const BYTES_MAX: usize = 256 << 20;
/// What a refused client is told to wait, in milliseconds.
pub(super) const RETRY_AFTER_MS: u32 = 100;

/// What is open, of all connections or of one.
#[derive(Debug, Default)]
struct Open {
    requests: AtomicUsize,
    bytes: AtomicUsize,
}

/// How many requests may be open, by how many were done.
#[derive(Debug)]
struct Pace {
    since: Instant,
    requests_max: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { since: Instant::now(), requests_max: REQUESTS_MAX }
    }
}

/// What all connections have open.
#[derive(Debug, Default)]
pub struct Admission {
    open: Open,
    /// Requests that were done since the pace was looked at.
    done: AtomicUsize,
    pace: Mutex<Pace>,
    /// Connections that have anything open.
    busy: AtomicUsize,
}

/// One connection's way in.
#[derive(Debug)]
pub(super) struct Door {
    all: Arc<Admission>,
    own: Arc<Open>,
}

/// Held while a request is open.
#[derive(Debug)]
pub(super) struct Permit {
    all: Arc<Admission>,
    own: Arc<Open>,
    bytes: usize,
}

impl Admission {
    /// How many requests may be open now.
    fn requests_max(&self) -> usize {
        let mut pace = self.pace.lock();
        let elapsed = pace.since.elapsed();
        if elapsed >= PACE {
            let done = self.done.swap(0, Relaxed);
            pace.since = Instant::now();
            pace.requests_max = match elapsed < PACE_OLD {
                true => (done / 2).clamp(REQUESTS_MIN, REQUESTS_MAX),
                false => REQUESTS_MAX,
            };
        }
        pace.requests_max
    }
}

impl Door {
    pub(super) fn new(all: &Arc<Admission>) -> Self {
        Self { all: Arc::clone(all), own: Arc::default() }
    }

    /// Lets a request in, or says why not.
    pub(super) fn enter(&self, bytes: usize) -> Result<Permit, String> {
        let (requests, held) =
            (self.all.open.requests.load(Relaxed), self.all.open.bytes.load(Relaxed));
        let many = requests >= REQUESTS_MIN;
        let requests_max = if many { self.all.requests_max() } else { REQUESTS_MAX };
        if requests >= requests_max || held.saturating_add(bytes) > BYTES_MAX {
            let busy = self.all.busy.load(Relaxed).max(1);
            let own = (
                self.own.requests.load(Relaxed),
                self.own.bytes.load(Relaxed).saturating_add(bytes),
            );
            if own.0 >= requests_max / busy || own.1 > BYTES_MAX / busy {
                return Err(format!(
                    "{requests} requests with {held} bytes are open at this frontend, and {} of \
                     them are this connection's",
                    own.0
                ));
            }
        }
        self.all.open.requests.fetch_add(1, Relaxed);
        self.all.open.bytes.fetch_add(bytes, Relaxed);
        if self.own.requests.fetch_add(1, Relaxed) == 0 {
            self.all.busy.fetch_add(1, Relaxed);
        }
        self.own.bytes.fetch_add(bytes, Relaxed);
        Ok(Permit { all: Arc::clone(&self.all), own: Arc::clone(&self.own), bytes })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.all.done.fetch_add(1, Relaxed);
        self.all.open.requests.fetch_sub(1, Relaxed);
        self.all.open.bytes.fetch_sub(self.bytes, Relaxed);
        self.own.bytes.fetch_sub(self.bytes, Relaxed);
        if self.own.requests.fetch_sub(1, Relaxed) == 1 {
            self.all.busy.fetch_sub(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_beyond_its_share_of_a_full_frontend_is_refused_and_nobody_else() {
        let all = Arc::default();
        let (greedy, small) = (Door::new(&all), Door::new(&all));
        let mut open = Vec::new();
        let refused = loop {
            match greedy.enter(10) {
                Ok(permit) => open.push(permit),
                Err(reason) => break reason,
            }
        };
        assert_eq!(open.len(), REQUESTS_MAX);
        assert!(refused.contains("8192 requests with 81920 bytes"), "{refused}");
        let few: Vec<_> = (0..100).map(|_| small.enter(10).unwrap()).collect();
        assert!(greedy.enter(10).is_err());
        drop(few);
        drop(open);
        assert!(greedy.enter(10).is_ok());
        assert_eq!(all.open.requests.load(Relaxed), 0);
        assert_eq!(all.open.bytes.load(Relaxed), 0);
        assert_eq!(all.busy.load(Relaxed), 0);
    }

    #[test]
    fn bytes_are_shared_as_requests_are() {
        let all = Arc::default();
        let (greedy, small) = (Door::new(&all), Door::new(&all));
        let open: Vec<_> = (0..16).map(|_| greedy.enter(BYTES_MAX / 16).unwrap()).collect();
        assert!(greedy.enter(1).is_err());
        let few = small.enter(1 << 20).unwrap();
        assert!(greedy.enter(1).is_err());
        drop((open, few));
        assert!(greedy.enter(BYTES_MAX).is_ok());
    }
}
