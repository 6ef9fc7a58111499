//! The roles of a process. Each verb builds the values its role needs, says where it listens, and
//! waits for a signal. Start at [`dev`].

pub(crate) mod cell;
pub(crate) mod dev;
pub(crate) mod frontend;
pub(crate) mod metadata;

mod announce;
mod clock;
mod member;
mod merges;
mod node;
mod reach;
mod signals;

pub(crate) use signals::first as signalled;

use std::{net::IpAddr, sync::Arc, time::Duration};

use anyhow::Context;
use cellar_rpc::{ClientConfig, Pool, tasks::Tasks};
use cellar_schema::Clock;
use cellar_tiering::store::{self, ObjectStore};

use crate::{
    admin::{Admin, Metrics, Operator, Readiness},
    config::{ObjectStoreUrl, Settings},
};

/// How long work in flight may take to finish after SIGTERM.
const GRACE: Duration = Duration::from_secs(10);

/// What every role has.
pub(crate) struct Process {
    pub(crate) tasks: Tasks,
    pub(crate) pool: Pool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
}

impl Process {
    pub(crate) fn start(settings: &Settings) -> anyhow::Result<Self> {
        let tasks = Tasks::with_panic_handler(|panic| {
            // A role that lost a task would serve half of what it promises: better to restart.
            tracing::error!(task = %panic.name, message = %panic.message, "a task panicked");
            std::process::exit(101);
        });
        let client = ClientConfig { source: source(settings), ..ClientConfig::default() };
        let pool = Pool::new(client, &tasks);
        let clock = clock::start(settings.now_ms, &tasks);
        Ok(Self { tasks, pool, clock, metrics: Metrics::install()? })
    }

    pub(crate) fn admin(&self, readiness: Readiness, operator: Option<Operator>) -> Admin {
        Admin { readiness, metrics: self.metrics.clone(), operator }
    }

    /// Waits for a signal, then lets work in flight finish. A second signal ends it at once.
    pub(crate) async fn until_stopped(self) -> anyhow::Result<()> {
        self.until_drained(std::future::ready(Ok(()))).await
    }

    /// Waits for a signal, then runs `drain` while everything is still served, then lets work in
    /// flight finish. A second signal ends it at once.
    pub(crate) async fn until_drained(
        self,
        drain: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<()> {
        signals::first().await?;
        tracing::info!("stopping; a second signal stops at once");
        let hurried = signals::first();
        let ended = async {
            let drained = drain.await;
            if let Err(unfinished) = self.tasks.shutdown(GRACE).await {
                tracing::warn!(%unfinished, "not everything finished in time");
            }
            drained
        };
        let drained = tokio::select! {
            drained = ended => drained,
            _ = hurried => std::process::exit(130),
        };
        self.pool.close();
        drained
    }
}

/// The address that outgoing connections come from: the one listened on, so that every process of
/// a cluster on loopback has one of its own. A frontend has no internal listener.
fn source(settings: &Settings) -> Option<IpAddr> {
    let listen = settings.listen.map(|address| address.ip());
    let cql = Some(settings.cql.ip()).filter(IpAddr::is_loopback);
    listen.or(cql).filter(|address| !address.is_unspecified())
}

/// Opens the object store of the settings.
pub(crate) async fn object_store(settings: &Settings) -> anyhow::Result<Arc<dyn ObjectStore>> {
    let url = match &settings.object_store {
        ObjectStoreUrl::File(folder) => format!("file:{}", folder.display()),
        ObjectStoreUrl::S3 { bucket, prefix } => format!("s3://{bucket}/{prefix}"),
    };
    store::open(&url, settings.s3_endpoint.as_deref())
        .await
        .with_context(|| format!("cannot open the object store {url}"))
}
