//! What a connection has agreed on: version, keyspace, events.

use std::{net::IpAddr, sync::Arc};

use cellar_wire::{Envelope, Version};
use parking_lot::RwLock;
use tokio::sync::broadcast;

use super::{Shared, events::Interest};

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) shared: Shared,
    /// Where the client is.
    pub(super) peer: Option<IpAddr>,
    /// The version of STARTUP; answers to broken frames before it are in the highest one.
    pub(super) version: Option<Version>,
    pub(super) keyspace: Keyspace,
    pub(super) interest: Interest,
    pub(super) events: Option<broadcast::Receiver<Arc<cellar_wire::Event>>>,
}

/// The keyspace of USE, shared with the requests that run.
#[derive(Clone, Debug, Default)]
pub(super) struct Keyspace(Arc<RwLock<Option<String>>>);

impl Keyspace {
    pub(super) fn get(&self) -> Option<String> {
        self.0.read().clone()
    }

    pub(super) fn set(&self, name: String) {
        *self.0.write() = Some(name);
    }
}

impl Session {
    pub(super) fn new(shared: Shared) -> Self {
        Self {
            shared,
            peer: None,
            version: None,
            keyspace: Keyspace::default(),
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
