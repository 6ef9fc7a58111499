//! A frontend with everything it needs, started in this process.

use std::{net::SocketAddr, sync::Arc};

use cellar_cell_api::Cells;
use cellar_frontend::{
    Frontend, FrontendOptions, Traces, access::AccessOptions, http, system::Identity,
};
use cellar_metadata_api::Metadata;
use cellar_rpc::{ClientConfig, Pool, tasks::Tasks};
use cellar_schema::{Clock, SystemClock};
use hyper::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    cell,
    client::{Ask, Got},
    metadata,
};

pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) cell: Arc<cell::InMemory>,
    pub(crate) tasks: Tasks,
}

impl Service {
    /// With the keyspace `demo` and its tables.
    pub(crate) async fn start() -> Self {
        let service = Self::empty().await;
        for statement in [
            "CREATE KEYSPACE demo WITH replication = {'class': 'SimpleStrategy', \
             'replication_factor': 1}",
            "CREATE TABLE demo.readings (sensor text, at timestamp, temp double, note text, \
             tags set<text>, site text static, PRIMARY KEY (sensor, at))",
            "CREATE TABLE demo.hits (page text PRIMARY KEY, n counter)",
            "CREATE TABLE demo.\"Odd \"\"Names\"\"\" (\"Key\" blob, \"select\" int, big bigint, \
             PRIMARY KEY (\"Key\"))",
        ] {
            service.query(&json!({ "statement": statement })).await.expect(200);
        }
        service
    }

    pub(crate) async fn empty() -> Self {
        let tasks = Tasks::new();
        let metadata: Arc<dyn Metadata> = metadata::InMemory::new();
        let cell = Arc::new(cell::InMemory::default());
        let pool = Pool::new(ClientConfig::default(), &tasks);
        let of_cell = Arc::new(cell::Service(Arc::clone(&cell)));
        let cells = Cells::with_local(pool, metadata::NODE, of_cell);
        let anywhere: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let identity = Identity {
            host_id: Uuid::nil(),
            cql_address: anywhere,
            datacenter: "dc1".to_owned(),
            rack: "r1".to_owned(),
        };
        let access = AccessOptions::default();
        let traces = Traces::default();
        let options =
            FrontendOptions { cql: anywhere, identity, frame_bytes_max: 1 << 20, access, traces };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let frontend = Frontend::start(options, metadata, cells, clock, &tasks).await.unwrap();
        let shared = http::HttpShared::new(frontend.executor, frontend.statements);
        let address = http::listen(anywhere, shared, &tasks).await.unwrap();
        Self { address, cell, tasks }
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> Ask {
        Ask::new(self.address, method, path)
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.ask(Method::GET, path).send().await
    }

    pub(crate) async fn query(&self, body: &Value) -> Got {
        self.ask(Method::POST, "/v1/query").json(body).send().await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Got {
        self.ask(Method::PUT, path).json(body).send().await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Got {
        let ask = self.ask(Method::PATCH, path);
        let ask = ask.header("content-type", "application/merge-patch+json");
        ask.body(body.to_string()).send().await
    }

    /// Rows of a statement without values.
    pub(crate) async fn rows(&self, statement: &str) -> Value {
        self.query(&json!({ "statement": statement })).await.expect(200)["rows"].clone()
    }
}
