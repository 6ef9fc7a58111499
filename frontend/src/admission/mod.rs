//! How much all connections of a process have open together, those of CQL and of HTTP. What is
//! beyond that is refused at once, and truthfully: it was not begun. Keyspaces have equal shares,
//! and so have the connections of a keyspace. Whoever has no more open than its share is never
//! refused, so neither a keyspace nor a client with too much takes the service from the others.

mod admitted;

use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;

pub(crate) use self::admitted::Admitted;

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
pub(crate) const RETRY_AFTER_MS: u32 = 100;

/// What is open, of all, of a keyspace or of a connection.
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
pub(crate) struct Admission {
    open: Open,
    /// Requests that were done since the pace was looked at.
    done: AtomicUsize,
    pace: Mutex<Pace>,
    /// Keyspaces that have anything open.
    busy: AtomicUsize,
    /// Those that any door is for, by name.
    tenants: Mutex<HashMap<Box<str>, Weak<Tenant>>>,
}

/// A keyspace.
#[derive(Debug, Default)]
struct Tenant {
    /// Empty for connections of which nobody knows yet what they ask for.
    name: Box<str>,
    open: Open,
    /// Connections that have anything open.
    busy: AtomicUsize,
}

/// One connection's way in.
#[derive(Debug)]
pub(crate) struct Door {
    all: Arc<Admission>,
    tenant: Arc<Tenant>,
    own: Arc<Open>,
}

/// Held while a request is open.
#[derive(Debug)]
pub(crate) struct Permit {
    all: Arc<Admission>,
    tenant: Arc<Tenant>,
    own: Arc<Open>,
    bytes: usize,
}

impl Open {
    fn now(&self) -> (usize, usize) {
        (self.requests.load(Relaxed), self.bytes.load(Relaxed))
    }

    /// Whether it is the first.
    fn add(&self, bytes: usize) -> bool {
        self.bytes.fetch_add(bytes, Relaxed);
        self.requests.fetch_add(1, Relaxed) == 0
    }

    /// Whether it was the last.
    fn remove(&self, bytes: usize) -> bool {
        self.bytes.fetch_sub(bytes, Relaxed);
        self.requests.fetch_sub(1, Relaxed) == 1
    }
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

    fn tenant(&self, name: &str) -> Arc<Tenant> {
        let mut tenants = self.tenants.lock();
        if let Some(known) = tenants.get(name).and_then(Weak::upgrade) {
            return known;
        }
        tenants.retain(|_, tenant| tenant.strong_count() > 0);
        let tenant = Arc::new(Tenant { name: name.into(), ..Tenant::default() });
        tenants.insert(name.into(), Arc::downgrade(&tenant));
        tenant
    }
}

impl Door {
    /// The way in of a connection that asks for this keyspace; an empty name if nobody knows yet.
    pub(crate) fn new(all: &Arc<Admission>, keyspace: &str) -> Self {
        Self { all: Arc::clone(all), tenant: all.tenant(keyspace), own: Arc::default() }
    }

    /// The connection asks for this keyspace from now on.
    pub(crate) fn lead_to(&mut self, keyspace: &str) {
        if *self.tenant.name != *keyspace {
            *self = Self::new(&self.all, keyspace);
        }
    }

    /// Lets a request in, or says why not.
    pub(crate) fn enter(&self, bytes: usize) -> Result<Permit, String> {
        let (requests, held) = self.all.open.now();
        let many = requests >= REQUESTS_MIN;
        let requests_max = if many { self.all.requests_max() } else { REQUESTS_MAX };
        if requests >= requests_max || held.saturating_add(bytes) > BYTES_MAX {
            self.within_share(bytes, requests_max)?;
        }
        self.all.open.add(bytes);
        if self.tenant.open.add(bytes) {
            self.all.busy.fetch_add(1, Relaxed);
        }
        if self.own.add(bytes) {
            self.tenant.busy.fetch_add(1, Relaxed);
        }
        let (all, tenant) = (Arc::clone(&self.all), Arc::clone(&self.tenant));
        Ok(Permit { all, tenant, own: Arc::clone(&self.own), bytes })
    }

    /// Why the request cannot be let in where everything is full, if it cannot: its keyspace has
    /// more than its share of all, and its connection more than its share of that.
    fn within_share(&self, bytes: usize, requests_max: usize) -> Result<(), String> {
        let is_below = |open: (usize, usize), share: (usize, usize)| {
            open.0 < share.0 && open.1.saturating_add(bytes) <= share.1
        };
        let (of_tenant, of_own) = (self.tenant.open.now(), self.own.now());
        let tenants = self.all.busy.load(Relaxed) + usize::from(of_tenant.0 == 0);
        let share = (requests_max / tenants.max(1), BYTES_MAX / tenants.max(1));
        let doors = self.tenant.busy.load(Relaxed) + usize::from(of_own.0 == 0);
        let own_share = (share.0 / doors.max(1), share.1 / doors.max(1));
        if is_below(of_tenant, share) || is_below(of_own, own_share) {
            return Ok(());
        }
        let of = match &*self.tenant.name {
            "" => "connections without a keyspace".to_owned(),
            name => format!("keyspace {name}"),
        };
        let (requests, held) = self.all.open.now();
        Err(format!(
            "{requests} requests with {held} bytes are open at this frontend, which takes \
             {requests_max} with {BYTES_MAX} bytes; {} with {} are of {of}, of which {} may be with {}",
            of_tenant.0, of_tenant.1, share.0, share.1
        ))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.all.done.fetch_add(1, Relaxed);
        self.all.open.remove(self.bytes);
        if self.tenant.open.remove(self.bytes) {
            self.all.busy.fetch_sub(1, Relaxed);
        }
        if self.own.remove(self.bytes) {
            self.tenant.busy.fetch_sub(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doors(all: &Arc<Admission>, keyspace: &str, count: usize) -> Vec<Door> {
        (0..count).map(|_| Door::new(all, keyspace)).collect()
    }

    /// Requests that a door lets in one after the other, and why it does not let in the next.
    fn fill(doors: &[Door], bytes: usize) -> (Vec<Permit>, String) {
        let mut open = Vec::new();
        loop {
            for door in doors {
                match door.enter(bytes) {
                    Ok(permit) => open.push(permit),
                    Err(reason) => return (open, reason),
                }
            }
        }
    }

    #[test]
    fn who_is_beyond_its_share_of_a_full_frontend_is_refused_and_nobody_else() {
        let all = Arc::default();
        let (greedy, small) = (Door::new(&all, "one"), Door::new(&all, "one"));
        let (open, refused) = fill(std::slice::from_ref(&greedy), 10);
        assert_eq!(open.len(), REQUESTS_MAX);
        assert!(refused.contains("8192 requests with 81920 bytes"), "{refused}");
        let few: Vec<_> = (0..100).map(|_| small.enter(10).unwrap()).collect();
        assert!(greedy.enter(10).is_err());
        drop(few);
        drop(open);
        assert!(greedy.enter(10).is_ok());
        assert_eq!(all.open.now(), (0, 0));
        assert_eq!(all.busy.load(Relaxed), 0);
        assert_eq!(greedy.tenant.busy.load(Relaxed), 0);
    }

    #[test]
    fn a_keyspace_with_a_thousand_connections_does_not_shut_the_door_to_one_with_a_single_one() {
        let all = Arc::default();
        let greedy = doors(&all, "greedy", 1_000);
        let (open, refused) = fill(&greedy, 10);
        assert!(refused.contains("of keyspace greedy, of which 8192 may be"), "{refused}");
        let small = Door::new(&all, "small");
        let (few, _) = fill(std::slice::from_ref(&small), 10);
        // By connections alone it would have been eight.
        assert_eq!(few.len(), REQUESTS_MAX / 2);
        let refused = greedy[0].enter(10).unwrap_err();
        assert!(refused.contains("of which 4096 may be"), "{refused}");
        drop((open, few));
        assert_eq!((all.busy.load(Relaxed), all.open.now()), (0, (0, 0)));
    }

    #[test]
    fn a_connection_that_goes_on_with_another_keyspace_is_counted_there() {
        let all = Arc::default();
        let mut door = Door::new(&all, "");
        let first = door.enter(10).unwrap();
        door.lead_to("ks");
        let second = door.enter(10).unwrap();
        assert_eq!((door.tenant.open.now(), all.busy.load(Relaxed)), ((1, 10), 2));
        drop((first, second));
        assert_eq!((door.tenant.open.now(), all.busy.load(Relaxed)), ((0, 0), 0));
        drop(door);
        drop(Door::new(&all, "more"));
        all.tenant("others");
        assert!(all.tenants.lock().len() <= 2, "those that nobody asks for are forgotten");
    }

    #[test]
    fn bytes_are_shared_as_requests_are() {
        let all = Arc::default();
        let (greedy, small) = (Door::new(&all, "greedy"), Door::new(&all, "small"));
        let open: Vec<_> = (0..16).map(|_| greedy.enter(BYTES_MAX / 16).unwrap()).collect();
        assert!(greedy.enter(1).is_err());
        let few = small.enter(1 << 20).unwrap();
        assert!(greedy.enter(1).is_err());
        drop((open, few));
        assert!(greedy.enter(BYTES_MAX).is_ok());
    }
}
