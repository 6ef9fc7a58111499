//! A member of the metadata service over the loopback, that can be stopped and started.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use cellar_metadata_api::{Client, Frontend, protocol::Identity};
use cellar_metadata_raft::{Service, ServiceOptions};
use cellar_raft::{Host, HostOptions};
use cellar_rpc::{ClientConfig, Pool, Router, Server, ServerLimits, tasks::Tasks};
use uuid::Uuid;

/// A running member.
pub struct Member {
    pub service: Service,
    pub address: SocketAddr,
    pub host: Host,
    tasks: Tasks,
}

impl Member {
    /// Starts the only member, with its disk in `dir`.
    pub async fn start(dir: &Path, listen: Option<SocketAddr>) -> Self {
        Self::start_with(dir, listen, |_| ()).await
    }

    pub async fn start_with(
        dir: &Path,
        listen: Option<SocketAddr>,
        change: impl FnOnce(&mut ServiceOptions),
    ) -> Self {
        Self::start_as(1, dir, listen, change).await
    }

    pub async fn start_as(
        number: u64,
        dir: &Path,
        listen: Option<SocketAddr>,
        change: impl FnOnce(&mut ServiceOptions),
    ) -> Self {
        let tasks = Tasks::new();
        let pool = Pool::new(ClientConfig::default(), &tasks);
        let mut options = HostOptions::new(number, dir.join("log"), &tasks);
        options.heartbeat_ms = 40;
        options.election_ms_min = 150;
        options.election_ms_max = 300;
        let host = Host::open(options, Arc::new(pool)).unwrap();
        let members = [(1, "here:1".to_owned())].into();
        let mut options = ServiceOptions::new(dir.join("metadata"), members, &tasks);
        change(&mut options);
        let service = Service::start(&host, options).await.unwrap();
        let router = service.register(host.register(Router::new()));
        let listen = listen.unwrap_or_else(|| "127.0.0.1:0".parse().unwrap());
        let limits = ServerLimits { heartbeat_ms: 200, drain_ms_max: 300, ..Default::default() };
        let server = Server::bind(listen, None, router, limits, &tasks).await.unwrap();
        let address = server.local_addr();
        let stop = tasks.token().clone();
        tasks.spawn("server", async move {
            let _ = server.run(stop).await;
        });
        Self { service, address, host, tasks }
    }

    /// Stops everything; nothing is flushed on the way.
    pub async fn stop(self) {
        self.tasks.token().cancel();
        self.host.shutdown().await;
        let _ = self.tasks.shutdown(Duration::from_secs(5)).await;
    }
}

pub fn frontend(number: u128) -> Frontend {
    Frontend {
        host_id: Uuid::from_u128(number),
        cql_address: "127.0.0.1:9042".parse().unwrap(),
        datacenter: "dc1".to_owned(),
        rack: "r1".to_owned(),
        internal_address: None,
    }
}

/// A client with tasks of its own.
pub struct User {
    pub client: Client,
    pub tasks: Tasks,
}

pub async fn user(address: SocketAddr, identity: Identity) -> User {
    user_of(&[address.to_string()], identity).await
}

pub async fn user_of(addresses: &[String], identity: Identity) -> User {
    let tasks = Tasks::new();
    let pool = Pool::new(ClientConfig::default(), &tasks);
    let client = Client::connect(&pool, addresses, identity, &tasks);
    tokio::time::timeout(Duration::from_secs(10), client.ready()).await.unwrap();
    User { client, tasks }
}
