//! `cellar dev`: metadata service, node and frontend in one process, data kept in a folder.

use std::{net::SocketAddr, sync::Arc};

use cellar_cell_api::Cells;
use cellar_frontend::{Traces, execute::Executor, meter::Totals};
use cellar_metadata_api::{Command, Metadata};

use super::{Process, frontend, member::Membership, metadata, node};
use crate::{
    admin::{self, Operator},
    config::Settings,
    lock::{self, Lock},
};

/// A running `cellar dev`, also for the demo.
pub(crate) struct Dev {
    pub(crate) process: Process,
    pub(crate) cql: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) operator: Operator,
    executor: Executor,
    stop: Stop,
}

/// What is left to do when nothing runs any more.
pub(crate) struct Stop {
    node: node::Running,
    metadata: metadata::Running,
    _lock: Lock,
}

impl Stop {
    pub(crate) async fn now(self) -> anyhow::Result<()> {
        self.node.stop().await?;
        self.metadata.stop().await;
        Ok(())
    }
}

/// Starts every role.
pub(crate) async fn start(settings: &Settings) -> anyhow::Result<Dev> {
    let folder = &settings.data;
    let lock = lock::hold(folder)?;
    let process = Process::start(settings)?;
    // Nobody calls a process that has every role: the address is only a name.
    let address = settings.cql.to_string();
    let alone = Membership::alone(&address);
    let running = metadata::service(&process, settings, &folder.join("metadata"), alone).await?;
    let metadata: Arc<dyn Metadata> = Arc::new(running.service.clone());
    let identity = frontend::identity(settings, &folder.join("frontend"))?;
    let registration = frontend::registration(&identity, None);
    metadata.submit(Command::RegisterFrontend { frontend: registration }).await?;
    let node_folder = folder.join("node");
    let place = node::Place { folder: &node_folder, address: &address, kept: None };
    let node = node::start(&process, settings, place, Arc::clone(&metadata)).await?;
    let cells = Cells::with_local(process.pool.clone(), node.id(), node.service());
    // No other frontend has a trace of what this one runs.
    let traces = Traces::default();
    let started =
        frontend::start(&process, settings, identity, Arc::clone(&metadata), cells.clone(), traces)
            .await?;
    let http = frontend::http_listener(&process, settings, &started).await?;
    let operator = Operator { metadata, cells, pool: process.pool.clone() };
    let ready = process.admin(Arc::new(|| Ok(())), Some(operator.clone()));
    let admin = admin::listen(settings.admin, ready, &process.tasks).await?;
    let executor = started.executor.clone();
    let stop = Stop { node, metadata: running, _lock: lock };
    Ok(Dev { process, cql: started.cql, http, admin, operator, executor, stop })
}

impl Dev {
    /// What the frontend has served.
    pub(crate) fn totals(&self) -> &Totals {
        self.executor.totals()
    }

    /// Prints the endpoints and runs until a signal.
    pub(crate) async fn until_stopped(self) -> anyhow::Result<()> {
        frontend::endpoints(self.cql, self.http, self.admin).print();
        let Self { process, stop, .. } = self;
        process.until_stopped().await?;
        stop.now().await
    }

    /// Finishes what is in flight and makes everything durable.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        if let Err(unfinished) = self.process.tasks.shutdown(super::GRACE).await {
            tracing::warn!(%unfinished, "not everything finished in time");
        }
        self.stop.now().await
    }
}

/// Runs until a signal.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<()> {
    start(settings).await?.until_stopped().await
}
