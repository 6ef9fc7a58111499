//! A metadata service in memory that makes keyspaces and tables, and places them on one cell.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use cellar_metadata_api::{
    Answer, Catalog, CellId, Command, GroupId, KeyspaceChange, Metadata, MetadataError, NewTable,
    Node, NodeId, NodeState, Placement, SchemaChangeKind, SchemaEvent, SchemaTarget, Update,
};
use cellar_schema::{Column, ColumnId, ColumnKind, Keyspace, Table, TableId};
use futures::{FutureExt, future::BoxFuture};
use tokio::sync::watch;

pub(crate) const NODE: NodeId = NodeId(1);

pub(crate) struct InMemory {
    catalog: watch::Sender<Arc<Catalog>>,
    next_table: AtomicU32,
}

impl InMemory {
    pub(crate) fn new() -> Arc<Self> {
        let node = Node {
            id: NODE,
            address: "nowhere:1".to_owned(),
            datacenter: "dc1".to_owned(),
            rack: "r1".to_owned(),
            region: "here".to_owned(),
            cql_address: None,
            state: NodeState::Up,
        };
        let first = Update {
            version: 1,
            full: true,
            nodes: vec![(NODE, Some(node))],
            placements: vec![(
                GroupId(1),
                Some(Arc::new(Placement::single(CellId(1), vec![NODE]))),
            )],
            ..Update::default()
        };
        let catalog = watch::Sender::new(Arc::new(Catalog::default().apply(first)));
        Arc::new(Self { catalog, next_table: AtomicU32::new(100) })
    }

    fn change(&self, update: Update) -> u64 {
        let old = Arc::clone(&self.catalog.borrow());
        let version = old.version + 1;
        let next = old.apply(Update { version, since: old.version, ..update });
        self.catalog.send_replace(Arc::new(next));
        version
    }

    fn run(&self, command: Command) -> Result<Answer, MetadataError> {
        let created = |version, target, keyspace, name| Answer::Schema {
            version,
            change: Some(SchemaEvent { kind: SchemaChangeKind::Created, target, keyspace, name }),
            warnings: Vec::new(),
        };
        match command {
            Command::CreateKeyspace { name, replication, durable_writes, .. } => {
                if self.catalog.borrow().keyspace(&name).is_some() {
                    return Err(MetadataError::AlreadyExists { keyspace: name, table: None });
                }
                let keyspace = Keyspace {
                    name: name.clone(),
                    replication,
                    durable_writes,
                    tables: BTreeMap::new(),
                    types: BTreeMap::new(),
                };
                let whole = KeyspaceChange::Whole(Arc::new(keyspace));
                let version = self.change(Update {
                    keyspaces: vec![(name.clone(), whole)],
                    groups: vec![(name.clone(), Some(GroupId(1)))],
                    ..Update::default()
                });
                Ok(created(version, SchemaTarget::Keyspace, name, None))
            }
            Command::CreateTable { definition, .. } => {
                let id = TableId(self.next_table.fetch_add(1, Ordering::SeqCst));
                let table = Arc::new(define(&definition, id));
                let (keyspace, name) = (definition.keyspace, definition.name);
                let tables = KeyspaceChange::Tables(vec![(name.clone(), Some(table))]);
                let keyspaces = vec![(keyspace.clone(), tables)];
                let version = self.change(Update { keyspaces, ..Update::default() });
                Ok(created(version, SchemaTarget::Table, keyspace, Some(name)))
            }
            other => panic!("not made for {other:?}"),
        }
    }
}

/// Key columns first, in key order.
fn define(new: &NewTable, id: TableId) -> Table {
    let mut sorted = new.columns.clone();
    sorted.sort_by_key(|(_, _, kind)| match kind {
        ColumnKind::PartitionKey(position) => (0, *position),
        ColumnKind::Clustering(position, _) => (1, *position),
        _ => (2, 0),
    });
    let column = |(id, (name, cql_type, kind))| Column { id: ColumnId(id), name, cql_type, kind };
    let columns: Vec<Column> = (1..).zip(sorted).map(column).collect();
    let next_column = ColumnId(u32::try_from(columns.len()).unwrap() + 1);
    Table {
        id,
        uuid: new.uuid,
        keyspace: new.keyspace.clone(),
        name: new.name.clone(),
        version: 1,
        columns,
        next_column,
        dropped: Vec::new(),
        options: new.options.clone(),
    }
}

impl Metadata for InMemory {
    fn submit(&self, command: Command) -> BoxFuture<'_, Result<Answer, MetadataError>> {
        async move { self.run(command) }.boxed()
    }

    fn catalog(&self) -> watch::Receiver<Arc<Catalog>> {
        self.catalog.subscribe()
    }
}
