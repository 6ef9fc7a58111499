//! What a connection has agreed on: version, keyspace, events.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use cellar_wire::{Envelope, Version};
use parking_lot::{Mutex, RwLock};
use tokio::sync::broadcast;

use super::{Shared, events::Interest};
use crate::{access::Who, error::RequestError};

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) shared: Shared,
    /// Where the client is.
    pub(super) peer: Option<IpAddr>,
    /// The version of STARTUP; answers to broken frames before it are in the highest one.
    pub(super) version: Option<Version>,
    pub(super) agreed: Agreed,
    pub(super) interest: Interest,
    pub(super) events: Option<broadcast::Receiver<Arc<cellar_wire::Event>>>,
}

/// Statements of which a connection remembers what its client was told.
const TOLD_MAX: usize = 10_000;

/// What the connection's requests share while they run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agreed(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Who the client is, once it is known.
    who: RwLock<Option<Who>>,
    /// The keyspace of USE.
    keyspace: RwLock<Option<String>>,
    /// What the client knows of each prepared statement, by id.
    told: Mutex<HashMap<[u8; 16], u64>>,
}

impl Agreed {
    /// Who the client is.
    pub(super) fn who(&self) -> Result<Who, RequestError> {
        let refused = || RequestError::unauthorized("You have not logged in");
        self.0.who.read().clone().ok_or_else(refused)
    }

    pub(super) fn is_logged_in(&self) -> bool {
        self.0.who.read().is_some()
    }

    pub(super) fn log_in(&self, who: Who) {
        *self.0.who.write() = Some(who);
    }

    pub(super) fn keyspace(&self) -> Option<String> {
        self.0.keyspace.read().clone()
    }

    pub(super) fn set_keyspace(&self, name: String) {
        *self.0.keyspace.write() = Some(name);
    }

    /// The client was told this of a statement.
    pub(super) fn tell(&self, id: [u8; 16], mark: u64) {
        let mut told = self.0.told.lock();
        if told.len() >= TOLD_MAX {
            told.clear();
        }
        told.insert(id, mark);
    }

    /// Whether the client knows this of a statement. One that it has prepared through another
    /// connection it knows as it is now.
    pub(super) fn knows(&self, id: [u8; 16], mark: u64) -> bool {
        if let Some(told) = self.0.told.lock().get(&id) {
            return *told == mark;
        }
        self.tell(id, mark);
        true
    }
}

impl Session {
    pub(super) fn new(shared: Shared) -> Self {
        let agreed = Agreed::default();
        if let Some(who) = shared.executor.access.unasked() {
            agreed.log_in(who);
        }
        Self {
            shared,
            peer: None,
            version: None,
            agreed,
            interest: Interest::default(),
            events: None,
        }
    }

    pub(super) fn version(&self) -> Version {
        self.version.unwrap_or(Version::V5)
    }

    /// The next event the client asked for; waits for ever if it asked for none.
    pub(super) async fn next_event(&mut self) -> Envelope {
        loop {
            let Some(events) = self.events.as_mut() else {
                return std::future::pending().await;
            };
            match events.recv().await {
                Ok(event) if self.interest.wants(&event) => {
                    return Envelope::from(cellar_wire::Response::Event((*event).clone()));
                }
                // A client that lags reads the schema anew when it sees the next event.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => self.events = None,
            }
        }
    }
}
