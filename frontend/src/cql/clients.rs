//! The connections of this frontend, for those who ask who is there.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::Arc,
};

use parking_lot::Mutex;

use super::session::Agreed;

/// The connections that are open; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clients(Arc<Mutex<HashMap<SocketAddr, Agreed>>>);

/// A connection as it is now.
#[derive(Clone, Debug)]
pub(crate) struct Connected {
    pub(crate) peer: SocketAddr,
    /// How far it has come, in Cassandra's words.
    pub(crate) stage: &'static str,
    /// Version of the protocol.
    pub(crate) version: u8,
    /// What the client said of itself in STARTUP.
    pub(crate) options: BTreeMap<String, String>,
    pub(crate) username: Option<String>,
    /// The keyspace of USE.
    pub(crate) keyspace: Option<String>,
    /// Messages it has sent.
    pub(crate) requests: u64,
}

/// A connection is among the clients as long as this is kept.
#[derive(Debug)]
pub(super) struct Present {
    clients: Clients,
    peer: SocketAddr,
}

impl Drop for Present {
    fn drop(&mut self) {
        self.clients.0.lock().remove(&self.peer);
    }
}

impl Clients {
    pub(super) fn enter(&self, peer: SocketAddr, agreed: Agreed) -> Present {
        self.0.lock().insert(peer, agreed);
        Present { clients: self.clone(), peer }
    }

    /// Everybody who is connected.
    pub(crate) fn all(&self) -> Vec<Connected> {
        let clients: Vec<(SocketAddr, Agreed)> =
            self.0.lock().iter().map(|(peer, agreed)| (*peer, agreed.clone())).collect();
        clients.into_iter().map(|(peer, agreed)| agreed.connected(peer)).collect()
    }
}
