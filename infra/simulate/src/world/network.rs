//! The network between processes: late, with ways that close in one or both directions, and with
//! connections that break. Bytes of a connection are never lost alone, as with TCP.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    net::IpAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use cellar_rpc::{Stream, Streams};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use tokio::time::sleep;

use super::pipe::{End, Pipe};
use crate::chance::Chance;

/// A direction: from where to where, as "host:port".
pub(super) type Way = (Arc<str>, Arc<str>);

/// The network; clones are the same.
#[derive(Clone)]
pub(crate) struct Network(Arc<Mutex<State>>);

struct State {
    chance: Chance,
    /// Whom a connection to an address reaches.
    listening: BTreeMap<Arc<str>, Streams>,
    closed: BTreeSet<Way>,
    /// Hosts that nothing reaches or leaves.
    dark: BTreeSet<Arc<str>>,
    pipes: Vec<Weak<Pipe>>,
    /// Longest usual latency.
    usual_ms: u64,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

impl Network {
    /// A network in which everything works.
    pub(crate) fn new(mut chance: Chance) -> Self {
        let usual_ms = chance.between(1, 6);
        Self(Arc::new(Mutex::new(State {
            chance,
            listening: BTreeMap::new(),
            closed: BTreeSet::new(),
            dark: BTreeSet::new(),
            pipes: Vec::new(),
            usual_ms,
        })))
    }

    /// The network as a process at `address` uses it.
    pub(crate) fn door(&self, address: &str) -> Arc<dyn cellar_rpc::Network> {
        Arc::new(Door { network: self.clone(), from: Arc::from(address) })
    }

    /// Accepts connections at an address from now on.
    pub(crate) fn listen(&self, address: &str, streams: Streams) {
        self.0.lock().listening.insert(Arc::from(address), streams);
    }

    /// The process at an address is gone: its connections break, new ones are refused.
    pub(crate) fn hang_up(&self, address: &str) {
        let mut state = self.0.lock();
        state.listening.remove(address);
        let pipes = state.pipes_of(|way| &*way.0 == address || &*way.1 == address);
        drop(state);
        pipes.iter().for_each(|pipe| pipe.break_off());
    }

    /// Breaks every connection between two addresses.
    pub(crate) fn break_between(&self, one: &str, other: &str) {
        let between = |way: &Way| {
            (&*way.0 == one && &*way.1 == other) || (&*way.1 == one && &*way.0 == other)
        };
        let pipes = self.0.lock().pipes_of(between);
        pipes.iter().for_each(|pipe| pipe.break_off());
    }

    /// Closes a direction: what is sent waits until it opens.
    pub(crate) fn close(&self, from: &str, to: &str) {
        self.0.lock().closed.insert((Arc::from(from), Arc::from(to)));
    }

    /// Nothing reaches or leaves an address until all is healed.
    pub(crate) fn darken(&self, address: &str) {
        self.0.lock().dark.insert(Arc::from(address));
    }

    /// Something reaches the address again.
    pub(crate) fn lighten(&self, address: &str) {
        self.0.lock().dark.remove(address);
        self.stir();
    }

    /// Opens every way.
    pub(crate) fn heal(&self) {
        let mut state = self.0.lock();
        state.closed.clear();
        state.dark.clear();
        drop(state);
        self.stir();
    }

    fn stir(&self) {
        let pipes = self.0.lock().pipes_of(|_| true);
        pipes.iter().for_each(|pipe| pipe.stir());
    }

    pub(super) fn is_open(&self, way: &Way) -> bool {
        let state = self.0.lock();
        !state.closed.contains(way) && !state.dark.contains(&way.0) && !state.dark.contains(&way.1)
    }

    pub(super) fn latency(&self) -> Duration {
        let mut state = self.0.lock();
        let usual_ms = state.usual_ms;
        if state.chance.percent(2) { state.chance.ms(10, 80) } else { state.chance.ms(1, usual_ms) }
    }

    async fn connect(self, from: Arc<str>, to: Arc<str>) -> io::Result<Box<dyn Stream>> {
        let there: Way = (Arc::clone(&from), Arc::clone(&to));
        let back: Way = (to, from);
        sleep(self.latency()).await;
        // Whoever waits has a deadline.
        while !self.is_open(&there) || !self.is_open(&back) {
            sleep(Duration::from_millis(20)).await;
        }
        sleep(self.latency()).await;
        let (out, home) = (Pipe::new(there.clone()), Pipe::new(back));
        let streams = {
            let mut state = self.0.lock();
            let Some(streams) = state.listening.get(&there.1).cloned() else {
                return Err(io::ErrorKind::ConnectionRefused.into());
            };
            state.pipes.retain(|pipe| pipe.upgrade().is_some_and(|pipe| !pipe.is_broken()));
            state.pipes.extend([Arc::downgrade(&out), Arc::downgrade(&home)]);
            streams
        };
        let theirs = End::new(self.clone(), Arc::clone(&out), Arc::clone(&home));
        streams.serve(theirs, &there.0);
        Ok(Box::new(End::new(self, home, out)))
    }
}

impl State {
    fn pipes_of(&self, of: impl Fn(&Way) -> bool) -> Vec<Arc<Pipe>> {
        let alive = self.pipes.iter().filter_map(Weak::upgrade);
        alive.filter(|pipe| of(&pipe.way)).collect()
    }
}

/// The network from one address.
#[derive(Debug)]
struct Door {
    network: Network,
    from: Arc<str>,
}

impl cellar_rpc::Network for Door {
    fn connect(
        &self,
        peer: &str,
        _source: Option<IpAddr>,
    ) -> BoxFuture<'static, io::Result<Box<dyn Stream>>> {
        self.network.clone().connect(Arc::clone(&self.from), Arc::from(peer)).boxed()
    }
}
