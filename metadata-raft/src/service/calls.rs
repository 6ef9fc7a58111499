//! The service over the network: submit, watch, acknowledge, report, overview, members.

use std::{borrow::Cow, sync::Arc};

use cellar_metadata_api::{
    Command, MembersRequest, MetadataError, NodeReport, Update,
    protocol::{
        ACKNOWLEDGE, Acknowledgement, Identity, MEMBERS, OVERVIEW, REPORT, SUBMIT, SubmitError,
        WATCH, WatchRequest,
    },
};
use cellar_rpc::{Router, StreamSender};
use tokio::sync::oneshot;

use super::Inner;

/// Adds the methods to a router.
pub(super) fn register(inner: &Arc<Inner>, router: Router) -> Router {
    let (submit, watch, acknowledge) = (Arc::clone(inner), Arc::clone(inner), Arc::clone(inner));
    let (report, overview, members) = (Arc::clone(inner), Arc::clone(inner), Arc::clone(inner));
    router
        .call(SUBMIT, move |command: Command| {
            let inner = Arc::clone(&submit);
            finish(&submit, "metadata command", async move { inner.submit(&command).await })
        })
        .call(MEMBERS, move |request: MembersRequest| {
            let inner = Arc::clone(&members);
            finish(&members, "metadata members", async move { inner.members(request).await })
        })
        .stream(WATCH, move |request: WatchRequest, sender: StreamSender<Update>| {
            let inner = Arc::clone(&watch);
            async move { inner.watch(&request, &sender).await }
        })
        .call(ACKNOWLEDGE, move |acknowledgement: Acknowledgement| {
            acknowledge.watchers.acknowledge(acknowledgement);
            std::future::ready(Ok::<(), SubmitError>(()))
        })
        .call(REPORT, move |said: NodeReport| std::future::ready(report.report(said)))
        .call(OVERVIEW, move |(): ()| std::future::ready(overview.overview()))
}

/// Does something on a task, so that it is finished even if the caller goes away.
fn finish<T, F>(
    inner: &Inner,
    what: &'static str,
    doing: F,
) -> impl Future<Output = Result<T, SubmitError>> + Send + use<T, F>
where
    T: Send + 'static,
    F: Future<Output = Result<T, SubmitError>> + Send + 'static,
{
    let (tell, told) = oneshot::channel();
    inner.tasks.spawn(Cow::Borrowed(what), async move {
        // Nobody to tell means that the caller has gone away.
        let _ = tell.send(doing.await);
    });
    async move {
        told.await.unwrap_or_else(|_stopped| {
            let reason = "the metadata service stopped on the way".to_owned();
            Err(SubmitError::Failed(MetadataError::Unknown { reason }))
        })
    }
}

impl Inner {
    /// Pushes every change to a watcher, for as long as this member leads.
    async fn watch(
        &self,
        request: &WatchRequest,
        sender: &StreamSender<Update>,
    ) -> Result<(), SubmitError> {
        if !self.group.is_leader() {
            return Err(self.not_leader());
        }
        let _open = self.watchers.open(request);
        self.welcome(&request.identity).await;
        let mut catalog = self.shared.catalog.subscribe();
        let mut changes = self.group.changes();
        let mut sent = request.version;
        loop {
            catalog.mark_unchanged();
            let update = self.shared.state.lock().since(sent, request.takes_cells);
            if let Some(update) = update {
                sent = update.version;
                if sender.send(&update).await.is_err() {
                    return Ok(());
                }
                continue;
            }
            tokio::select! {
                biased;
                changed = catalog.changed() => if changed.is_err() { return Ok(()) },
                changed = changes.changed() => {
                    if changed.is_err() || !self.group.is_leader() {
                        return Err(self.not_leader());
                    }
                }
            }
        }
    }

    /// Registers a frontend that is new or has moved.
    pub(super) async fn welcome(&self, identity: &Identity) {
        let Identity::Frontend(frontend) = identity else { return };
        let known = self.shared.catalog.borrow().frontends.get(&frontend.host_id).cloned();
        if known.as_ref() == Some(frontend) {
            return;
        }
        let command = Command::RegisterFrontend { frontend: frontend.clone() };
        if let Err(error) = self.propose(&command).await {
            tracing::warn!(%error, "a frontend was not registered; it is tried again");
        }
    }
}
