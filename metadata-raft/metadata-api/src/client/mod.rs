//! The metadata service over the network: one watch that keeps the catalog, and submitted
//! commands. It asks now and then who the members are, and finds them when all that it was told of
//! at first have been replaced.
//!
//! Guarantees: the catalog stays while the service is away and never goes back, except from a kept
//! one to what the service says; a submitted
//! command is repeated only while it certainly did not run; what this client was answered is in
//! its own catalog, unless a warning says otherwise.

mod kept;
pub mod protocol;
mod submit;
mod watch;

use std::{
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cellar_rpc::{Pool, tasks::Tasks};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use tokio::{sync::watch as channel, time::sleep};

use self::{
    kept::Kept,
    protocol::{Identity, MEMBERS, OVERVIEW, REPORT},
};
use crate::{
    Answer, Catalog, Command, Members, MembersRequest, Metadata, MetadataError, NodeReport,
    Overview,
    limits::{MEMBERS_MS, REPORT_RETRY_MS_MAX, SUBMIT_RETRY_MS_MAX},
};

/// The metadata service over the network; clones are the same client.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool,
    /// The members that this client was made with.
    given: Vec<String>,
    /// The members as the service named them last: those given may all have been replaced.
    members: Mutex<Vec<String>>,
    /// The member that led when last heard of.
    leader: Mutex<Option<String>>,
    identity: Identity,
    catalog: channel::Sender<Arc<Catalog>>,
    /// Whether the service itself has told a catalog.
    heard: AtomicBool,
    kept: Option<Kept>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("addresses", &self.inner.addresses())
            .field("version", &self.inner.catalog.borrow().version)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the members at `addresses` ("host:port"). Returns at once, with an empty
    /// catalog of version 0; the watch is a task of `tasks` and ends with them.
    #[must_use]
    pub fn connect(pool: &Pool, addresses: &[String], identity: Identity, tasks: &Tasks) -> Self {
        Self::begin(pool, addresses, identity, None, tasks)
    }

    /// A client that keeps every catalog it hears in `file`, and knows the one it finds there.
    #[must_use]
    pub fn connect_keeping(
        pool: &Pool,
        addresses: &[String],
        identity: Identity,
        file: &Path,
        tasks: &Tasks,
    ) -> Self {
        let client =
            Self::begin(pool, addresses, identity, Some(Kept::open(file, addresses)), tasks);
        let keeping = Arc::clone(&client.inner);
        let token = tasks.token().clone();
        tasks.spawn("kept catalog", async move {
            token.run_until_cancelled(keeping.keep()).await;
        });
        client
    }

    fn begin(
        pool: &Pool,
        addresses: &[String],
        identity: Identity,
        kept: Option<Kept>,
        tasks: &Tasks,
    ) -> Self {
        let members = kept.as_ref().map(|kept| kept.members.clone()).unwrap_or_default();
        let inner = Arc::new(Inner {
            pool: pool.clone(),
            given: addresses.to_vec(),
            members: Mutex::new(members),
            leader: Mutex::new(None),
            identity,
            catalog: channel::Sender::new(Arc::default()),
            heard: AtomicBool::new(false),
            kept,
        });
        let watching = Arc::clone(&inner);
        let token = tasks.token().clone();
        tasks.spawn("metadata watch", async move {
            token.run_until_cancelled(watching.watch()).await;
        });
        let learning = Arc::clone(&inner);
        let token = tasks.token().clone();
        tasks.spawn("metadata members", async move {
            token.run_until_cancelled(learning.learn()).await;
        });
        Self { inner }
    }

    /// The catalog that was kept by the process before this one. It may be out of date, and this
    /// client does not serve it by itself.
    #[must_use]
    pub fn kept(&self) -> Option<&Arc<Catalog>> {
        self.inner.kept.as_ref()?.found.as_ref()
    }

    /// Serves the kept catalog until the service is heard; says whether there is any to serve.
    #[must_use]
    pub fn serve_kept(&self) -> bool {
        let kept = self.kept();
        self.inner.catalog.send_if_modified(|catalog| match kept {
            Some(kept) if catalog.version == 0 => {
                *catalog = Arc::clone(kept);
                true
            }
            _ => false,
        });
        self.inner.catalog.borrow().version > 0
    }

    /// Waits for the first catalog.
    pub async fn ready(&self) {
        let mut catalog = self.inner.catalog.subscribe();
        // The sender lives as long as this client does.
        let _ = catalog.wait_for(|catalog| catalog.version > 0).await;
    }
}

impl Metadata for Client {
    fn submit(&self, command: Command) -> BoxFuture<'_, Result<Answer, MetadataError>> {
        self.inner.submit(command).boxed()
    }

    fn catalog(&self) -> channel::Receiver<Arc<Catalog>> {
        self.inner.catalog.subscribe()
    }

    fn report(&self, report: NodeReport) -> BoxFuture<'_, Result<(), MetadataError>> {
        async move { self.inner.ask(REPORT, &report, REPORT_RETRY_MS_MAX).await }.boxed()
    }

    fn overview(&self) -> BoxFuture<'_, Result<Overview, MetadataError>> {
        self.inner.ask(OVERVIEW, &(), REPORT_RETRY_MS_MAX).boxed()
    }

    fn members(&self, request: MembersRequest) -> BoxFuture<'_, Result<Members, MetadataError>> {
        async move { self.inner.ask(MEMBERS, &request, SUBMIT_RETRY_MS_MAX).await }.boxed()
    }
}

impl Inner {
    /// The address for an attempt: the leader first, then every member in turn.
    fn address(&self, attempt: usize) -> Option<String> {
        if let Some(leader) = self.leader.lock().take() {
            return Some(leader);
        }
        let addresses = self.addresses();
        let turn = attempt.checked_rem(addresses.len())?;
        addresses.into_iter().nth(turn)
    }

    /// Where members are or were: those that the service named last come first.
    fn addresses(&self) -> Vec<String> {
        let mut addresses = self.members.lock().clone();
        for given in &self.given {
            if !addresses.contains(given) {
                addresses.push(given.clone());
            }
        }
        addresses
    }

    /// Asks who the members are, for ever.
    async fn learn(&self) {
        loop {
            let shown = self.ask(MEMBERS, &MembersRequest::Show, REPORT_RETRY_MS_MAX).await;
            match shown {
                Ok(Members { members, .. }) => {
                    let voters = members.into_iter().filter(|member| member.votes);
                    *self.members.lock() = voters.map(|member| member.address).collect();
                }
                Err(error) => tracing::debug!(%error, "the members are those of before"),
            }
            sleep(Duration::from_millis(MEMBERS_MS)).await;
        }
    }

    /// The catalog that the service has told; none of a kept one.
    fn told(&self) -> Arc<Catalog> {
        match self.heard.load(Ordering::Acquire) {
            true => Arc::clone(&self.catalog.borrow()),
            false => Arc::default(),
        }
    }

    /// Remembers a member that leads, or is said to.
    fn lead(&self, leader: Option<String>) {
        if leader.is_some() {
            *self.leader.lock() = leader;
        }
    }
}
