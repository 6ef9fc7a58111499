//! The clients of a process, one per peer, with the limits and source address they share.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use parking_lot::Mutex;

use crate::{
    client::Client,
    dial::Target,
    limits::ClientLimits,
    socket::{Network, Tcp},
    tasks::Tasks,
};

/// How a process calls its peers.
#[derive(Clone, Debug, Default)]
pub struct ClientConfig {
    /// Limits of every client.
    pub limits: ClientLimits,
    /// Address that connections come from (`--bind-source`), so that a test can cut off one
    /// process of several on the same machine.
    pub source: Option<IpAddr>,
}

/// Gives out the client of each peer; clones share them.
#[derive(Clone, Debug)]
pub struct Pool {
    config: ClientConfig,
    network: Arc<dyn Network>,
    tasks: Tasks,
    clients: Arc<Mutex<HashMap<Arc<str>, Client>>>,
}

impl Pool {
    /// A pool whose connections are tasks of a child of `tasks`.
    #[must_use]
    pub fn new(config: ClientConfig, tasks: &Tasks) -> Self {
        Self::over(Arc::new(Tcp), config, tasks)
    }

    /// A pool whose connections go over another network than TCP.
    #[must_use]
    pub fn over(network: Arc<dyn Network>, config: ClientConfig, tasks: &Tasks) -> Self {
        Self { config, network, tasks: tasks.child(), clients: Arc::default() }
    }

    /// The client of `peer` ("host:port"); connects when first called.
    #[must_use]
    pub fn client(&self, peer: &str) -> Client {
        let mut clients = self.clients.lock();
        if let Some(client) = clients.get(peer) {
            return client.clone();
        }
        let peer: Arc<str> = Arc::from(peer);
        let client = Client::new(Target {
            peer: Arc::clone(&peer),
            source: self.config.source,
            network: Arc::clone(&self.network),
            limits: self.config.limits.clone(),
            tasks: self.tasks.clone(),
        });
        clients.insert(peer, client.clone());
        client
    }

    /// Forgets a peer that left; its connections close when the last client of it is dropped.
    pub fn forget(&self, peer: &str) {
        self.clients.lock().remove(peer);
    }

    /// Closes every connection once its calls in flight are answered; later calls are not sent.
    pub fn close(&self) {
        self.tasks.token().cancel();
        self.clients.lock().clear();
    }
}
