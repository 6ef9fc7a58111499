//! A frontend that asks for passwords, on the real state of the metadata service in memory.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use cellar_frontend::{
    Traces,
    access::{AccessOptions, Authentication},
    http,
};
use cellar_metadata_api::{Answer, Catalog, Command, Metadata, MetadataError, NodeRegistration};
use cellar_metadata_raft::State;
use cellar_rpc::tasks::Tasks;
use futures::future::BoxFuture;
use tokio::sync::watch;
use uuid::Uuid;

use crate::client;

/// The state machine of the metadata service, without a log.
struct InState {
    state: Mutex<State>,
    catalog: watch::Sender<Arc<Catalog>>,
}

impl Metadata for InState {
    fn submit(&self, command: Command) -> BoxFuture<'_, Result<Answer, MetadataError>> {
        let mut state = self.state.lock().unwrap();
        let answer = state.execute(&command);
        self.catalog.send_replace(Arc::clone(state.catalog()));
        Box::pin(std::future::ready(answer))
    }

    fn catalog(&self) -> watch::Receiver<Arc<Catalog>> {
        self.catalog.subscribe()
    }
}

/// Ends with the test.
pub(crate) struct Service {
    pub(crate) cql: SocketAddr,
    pub(crate) http: SocketAddr,
    _tasks: Tasks,
}

impl Service {
    pub(crate) async fn start(authentication: Authentication) -> Self {
        let tasks = Tasks::new();
        let state = Mutex::new(State::new());
        let catalog = watch::Sender::new(Arc::clone(state.lock().unwrap().catalog()));
        let metadata: Arc<dyn Metadata> = Arc::new(InState { state, catalog });
        let node = NodeRegistration {
            address: "127.0.0.1:1".to_owned(),
            datacenter: "dc1".to_owned(),
            rack: "r1".to_owned(),
            region: "here".to_owned(),
            cql_address: None,
            disk: None,
        };
        metadata.submit(Command::RegisterNode { node, id: None }).await.unwrap();
        let at = (Uuid::nil(), "127.0.0.1:9042".parse().unwrap());
        let superuser_password = "first".to_owned();
        let access = AccessOptions { authentication, superuser_password };
        let services = (metadata, Arc::default());
        let frontend = client::serve(services, at, access, Traces::default(), &tasks).await;
        let anywhere: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let shared = http::HttpShared::new(frontend.executor, frontend.statements);
        let http = http::listen(anywhere, shared, &tasks).await.unwrap();
        Self { cql: frontend.cql, http, _tasks: tasks }
    }
}
