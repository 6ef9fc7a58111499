//! Events for registered clients: every change of the schema and every other frontend that comes
//! or goes, made by comparing one catalog with the next, so that each frontend tells the same
//! whoever made the change.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use cellar_metadata_api::{Catalog, Frontend, SchemaChangeKind, SchemaEvent, SchemaTarget};
use cellar_rpc::tasks::Tasks;
use cellar_schema::{Keyspace, Tables};
use cellar_wire::{Event, EventKind, StatusChange, TopologyChange};
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

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
    /// Follows the catalog on a task of its own. `own` is this frontend: clients that are connected
    /// to it know better whether it is there.
    #[must_use]
    pub fn follow(own: Uuid, mut catalog: watch::Receiver<Arc<Catalog>>, tasks: &Tasks) -> Self {
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
                let schema = differences(&seen.keyspaces, &next.keyspaces)
                    .into_iter()
                    .map(|event| Event::SchemaChange(super::answer::schema_change(event)));
                for event in moves(own, &seen.frontends, &next.frontends).into_iter().chain(schema)
                {
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

/// Which other frontends came and went. One that is stopped leaves the catalog and so is removed;
/// drivers add it again when it is back.
fn moves(own: Uuid, old: &BTreeMap<Uuid, Frontend>, new: &BTreeMap<Uuid, Frontend>) -> Vec<Event> {
    let gone = old.iter().filter(|(id, _)| **id != own).filter_map(|(id, before)| {
        let stays = new.get(id).is_some_and(|after| after.cql_address == before.cql_address);
        (!stays).then_some(before.cql_address)
    });
    let come = new.iter().filter(|(id, _)| **id != own).filter_map(|(id, after)| {
        let was = old.get(id).is_some_and(|before| before.cql_address == after.cql_address);
        (!was).then_some(after.cql_address)
    });
    let status = |change, address: SocketAddr| Event::StatusChange { change, address };
    let topology = |change, address: SocketAddr| Event::TopologyChange { change, address };
    let down = gone.flat_map(|address| {
        [status(StatusChange::Down, address), topology(TopologyChange::RemovedNode, address)]
    });
    let up = come.flat_map(|address| {
        [topology(TopologyChange::NewNode, address), status(StatusChange::Up, address)]
    });
    down.chain(up).collect()
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
        let types = before.into_iter().flat_map(|before| &before.types).collect();
        let all = after.types.iter().collect();
        compare(&mut events, SchemaTarget::Type, name, (types, all), |a, b| a == b);
        // Among ten thousand tables one has changed.
        let none = Tables::default();
        let tables = before.map_or(&none, |before| &before.tables);
        let changed =
            (tables.beside(&after.tables).collect(), after.tables.beside(tables).collect());
        // A truncated table has a new id but is no other table for a client.
        let same = |a: &Arc<_>, b: &Arc<cellar_schema::Table>| same_table(a, b);
        let views = (views(&changed.0), views(&changed.1));
        compare(&mut events, SchemaTarget::Table, name, changed, same);
        // A view is a table to clients, and one of all columns gets those that its table gets.
        let views = (by_name(&views.0), by_name(&views.1));
        compare(&mut events, SchemaTarget::Table, name, views, same_view);
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        events.push(keyspace(SchemaChangeKind::Dropped, name));
    }
    events
}

fn same_table(a: &Arc<cellar_schema::Table>, b: &Arc<cellar_schema::Table>) -> bool {
    Arc::ptr_eq(a, b) || (a.version == b.version && a.uuid == b.uuid)
}

/// The views of tables, as the tables that clients take them for.
fn views(tables: &BTreeMap<&String, &Arc<cellar_schema::Table>>) -> Vec<cellar_schema::Table> {
    let of = |table: &&Arc<cellar_schema::Table>| {
        let base = Arc::clone(table);
        let views = table.options.views.iter();
        views.map(|view| view.as_table(&base)).collect::<Vec<_>>()
    };
    tables.values().flat_map(of).collect()
}

fn by_name(tables: &[cellar_schema::Table]) -> BTreeMap<&String, &cellar_schema::Table> {
    tables.iter().map(|table| (&table.name, table)).collect()
}

fn same_view(a: &cellar_schema::Table, b: &cellar_schema::Table) -> bool {
    a.uuid == b.uuid && a.columns == b.columns && a.options == b.options
}

fn compare<T>(
    events: &mut Vec<SchemaEvent>,
    target: SchemaTarget,
    keyspace: &str,
    (old, new): (BTreeMap<&String, &T>, BTreeMap<&String, &T>),
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
    for (name, after) in &new {
        match old.get(name) {
            None => push(SchemaChangeKind::Created, name),
            Some(before) if same(before, after) => {}
            Some(_) => push(SchemaChangeKind::Updated, name),
        }
    }
    for name in old.keys() {
        if !new.contains_key(name) {
            push(SchemaChangeKind::Dropped, name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frontends(list: &[(u128, &str)]) -> BTreeMap<Uuid, Frontend> {
        let entry = |(id, address): &(u128, &str)| {
            let host_id = Uuid::from_u128(*id);
            let cql_address = address.parse().expect("an address");
            let (datacenter, rack) = ("dc1".to_owned(), "rack1".to_owned());
            (host_id, Frontend { host_id, cql_address, datacenter, rack, internal_address: None })
        };
        list.iter().map(entry).collect()
    }

    fn told(old: &[(u128, &str)], new: &[(u128, &str)]) -> Vec<String> {
        let events = moves(Uuid::from_u128(1), &frontends(old), &frontends(new));
        let line = |event: &Event| match event {
            Event::StatusChange { change, address } => format!("{change:?} {address}"),
            Event::TopologyChange { change, address } => format!("{change:?} {address}"),
            Event::SchemaChange(change) => format!("{change:?}"),
        };
        events.iter().map(line).collect()
    }

    #[test]
    fn a_frontend_that_comes_is_new_and_then_up_and_one_that_goes_is_down_and_then_removed() {
        let one = (1, "127.0.0.1:9042");
        let two = (2, "127.0.0.2:9042");
        assert_eq!(told(&[one], &[one, two]), ["NewNode 127.0.0.2:9042", "Up 127.0.0.2:9042"]);
        let gone = ["Down 127.0.0.2:9042", "RemovedNode 127.0.0.2:9042"];
        assert_eq!(told(&[one, two], &[one]), gone);
        assert_eq!(told(&[one, two], &[one, two]), [""; 0]);
    }

    #[test]
    fn a_frontend_that_moves_goes_from_one_address_and_comes_to_the_other() {
        let events = told(&[(2, "127.0.0.2:9042")], &[(2, "127.0.0.3:9042")]);
        let expected = [
            "Down 127.0.0.2:9042",
            "RemovedNode 127.0.0.2:9042",
            "NewNode 127.0.0.3:9042",
            "Up 127.0.0.3:9042",
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn nothing_is_told_of_the_frontend_itself() {
        let own = (1, "127.0.0.1:9042");
        assert_eq!(told(&[], &[own]), [""; 0]);
        assert_eq!(told(&[own], &[]), [""; 0]);
    }
}
