//! Events for registered clients: every change of the schema, made by comparing one catalog with
//! the next, so that each frontend tells the same whoever made the change.

use std::{collections::BTreeMap, sync::Arc};

use cellar_metadata_api::{Catalog, SchemaChangeKind, SchemaEvent, SchemaTarget};
use cellar_rpc::tasks::Tasks;
use cellar_schema::Keyspace;
use cellar_wire::{Event, EventKind};
use tokio::sync::{broadcast, watch};

/// Events that a slow connection may lag behind before it loses some.
const BACKLOG: usize = 1024;

/// Where connections subscribe.
#[derive(Clone, Debug)]
pub struct SchemaEvents {
    sender: broadcast::Sender<Arc<Event>>,
}

/// The events a client registered for.
#[derive(Clone, Debug, Default)]
pub(super) struct Interest(Vec<EventKind>);

impl Interest {
    pub(super) fn add(&mut self, kind: EventKind) {
        if !self.0.contains(&kind) {
            self.0.push(kind);
        }
    }

    pub(super) fn wants(&self, event: &Event) -> bool {
        self.0.contains(&event.kind())
    }
}

impl SchemaEvents {
    /// Follows the catalog on a task of its own.
    #[must_use]
    pub fn follow(mut catalog: watch::Receiver<Arc<Catalog>>, tasks: &Tasks) -> Self {
        let (sender, _) = broadcast::channel(BACKLOG);
        let events = sender.clone();
        let token = tasks.token().clone();
        tasks.spawn("cql-events", async move {
            let mut seen = Arc::clone(&catalog.borrow_and_update());
            loop {
                tokio::select! {
                    changed = catalog.changed() => if changed.is_err() { return },
                    () = token.cancelled() => return,
                }
                let next = Arc::clone(&catalog.borrow_and_update());
                for event in differences(&seen.keyspaces, &next.keyspaces) {
                    let event = Event::SchemaChange(super::answer::schema_change(event));
                    // Nobody listening is no failure.
                    let _ = events.send(Arc::new(event));
                }
                seen = next;
            }
        });
        Self { sender }
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.sender.subscribe()
    }
}

/// What must have happened between two schemas.
fn differences(
    old: &BTreeMap<String, Arc<Keyspace>>,
    new: &BTreeMap<String, Arc<Keyspace>>,
) -> Vec<SchemaEvent> {
    let mut events = Vec::new();
    let keyspace = |kind, name: &String| SchemaEvent {
        kind,
        target: SchemaTarget::Keyspace,
        keyspace: name.clone(),
        name: None,
    };
    for (name, after) in new {
        match old.get(name) {
            None => events.push(keyspace(SchemaChangeKind::Created, name)),
            Some(before) if Arc::ptr_eq(before, after) => continue,
            Some(before) => {
                if before.replication != after.replication
                    || before.durable_writes != after.durable_writes
                {
                    events.push(keyspace(SchemaChangeKind::Updated, name));
                }
            }
        }
        let before = old.get(name);
        let types = before.map(|before| &before.types);
        compare(&mut events, SchemaTarget::Type, name, types, &after.types, |a, b| a == b);
        let tables = before.map(|before| &before.tables);
        // A truncated table has a new id but is no other table for a client.
        let same = |a: &Arc<_>, b: &Arc<cellar_schema::Table>| same_table(a, b);
        compare(&mut events, SchemaTarget::Table, name, tables, &after.tables, same);
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        events.push(keyspace(SchemaChangeKind::Dropped, name));
    }
    events
}

fn same_table(a: &Arc<cellar_schema::Table>, b: &Arc<cellar_schema::Table>) -> bool {
    Arc::ptr_eq(a, b) || (a.version == b.version && a.uuid == b.uuid)
}

fn compare<T>(
    events: &mut Vec<SchemaEvent>,
    target: SchemaTarget,
    keyspace: &str,
    old: Option<&BTreeMap<String, T>>,
    new: &BTreeMap<String, T>,
    same: impl Fn(&T, &T) -> bool,
) {
    let mut push = |kind, name: &String| {
        events.push(SchemaEvent {
            kind,
            target,
            keyspace: keyspace.to_owned(),
            name: Some(name.clone()),
        });
    };
    for (name, after) in new {
        match old.and_then(|old| old.get(name)) {
            None => push(SchemaChangeKind::Created, name),
            Some(before) if same(before, after) => {}
            Some(_) => push(SchemaChangeKind::Updated, name),
        }
    }
    for name in old.into_iter().flat_map(BTreeMap::keys) {
        if !new.contains_key(name) {
            push(SchemaChangeKind::Dropped, name);
        }
    }
}
