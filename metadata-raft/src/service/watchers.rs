//! Who watches, and what each of them serves.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cellar_metadata_api::{
    NodeId,
    protocol::{Acknowledgement, Identity, WatchRequest},
};
use tokio::{sync::watch, time::timeout};
use uuid::Uuid;

/// The open watches of a member; clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Watchers {
    open: Arc<watch::Sender<BTreeMap<u64, Watcher>>>,
}

/// One open watch.
#[derive(Clone, Debug)]
pub(super) struct Watcher {
    pub(super) identity: Identity,
    serves: u64,
}

/// Takes a watch out when its stream ends in whatever way.
pub(super) struct Open {
    watchers: Watchers,
    watch: u64,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.watchers.open.send_modify(|open| {
            open.remove(&self.watch);
        });
    }
}

impl Watchers {
    pub(super) fn new() -> Self {
        Self { open: Arc::new(watch::Sender::new(BTreeMap::new())) }
    }

    /// Takes a watch in, until the guard is dropped.
    pub(super) fn open(&self, request: &WatchRequest) -> Open {
        let watcher = Watcher { identity: request.identity.clone(), serves: request.version };
        self.open.send_modify(|open| {
            open.insert(request.watch, watcher);
        });
        Open { watchers: self.clone(), watch: request.watch }
    }

    pub(super) fn acknowledge(&self, acknowledgement: Acknowledgement) {
        self.open.send_if_modified(|open| match open.get_mut(&acknowledgement.watch) {
            Some(watcher) if watcher.serves < acknowledgement.version => {
                watcher.serves = acknowledgement.version;
                true
            }
            _ => false,
        });
    }

    /// Waits until every frontend and node that watches serves the version or is gone, for so
    /// long at most. Answers those that do not.
    pub(super) async fn serve(&self, version: u64, patience: Duration) -> Vec<String> {
        let behind = |watcher: &&Watcher| {
            watcher.serves < version && !matches!(watcher.identity, Identity::Observer(_))
        };
        let mut open = self.open.subscribe();
        let all = open.wait_for(|open| !open.values().any(|watcher| behind(&watcher)));
        if timeout(patience, all).await.is_ok() {
            return Vec::new();
        }
        self.open.borrow().values().filter(behind).map(Watcher::name).collect()
    }

    /// The identities of all watches.
    pub(super) fn identities(&self) -> Vec<Identity> {
        self.open.borrow().values().map(|watcher| watcher.identity.clone()).collect()
    }
}

impl Watcher {
    fn name(&self) -> String {
        match &self.identity {
            Identity::Frontend(frontend) => format!("frontend {}", frontend.cql_address),
            Identity::Node(node) => node.to_string(),
            Identity::Observer(name) => name.clone(),
        }
    }
}

/// A process whose presence is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Process {
    Node(NodeId),
    Frontend(Uuid),
}

impl Process {
    pub(super) fn of(identity: &Identity) -> Option<Self> {
        match identity {
            Identity::Frontend(frontend) => Some(Self::Frontend(frontend.host_id)),
            Identity::Node(node) => Some(Self::Node(*node)),
            Identity::Observer(_) => None,
        }
    }
}
