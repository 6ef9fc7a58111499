//! A metadata service in memory that makes keyspaces and tables, and places them on one cell.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use cellar_metadata_api::{
    Answer, Catalog, CellId, Command, Frontend, GroupId, KeyspaceChange, Metadata, MetadataError,
    NewIndex, NewTable, NewView, Node, NodeId, NodeState, Overview, Placement, Position,
    SchemaChangeKind, SchemaEvent, SchemaTarget, SplitPlan, TableChange, Update,
};
use cellar_schema::{
    Column, ColumnId, ColumnKind, DroppedColumn, Index, IndexClass, Keyspace, Table, TableId,
    Tables, View, ViewRelation,
};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use tokio::sync::watch;

pub(crate) const NODE: NodeId = NodeId(1);

pub(crate) struct InMemory {
    catalog: watch::Sender<Arc<Catalog>>,
    next_table: AtomicU32,
    overview: Mutex<Option<Overview>>,
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
        let overview = Mutex::default();
        Arc::new(Self { catalog, next_table: AtomicU32::new(100), overview })
    }

    pub(crate) fn now(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.borrow())
    }

    /// Has an overview from now on.
    pub(crate) fn know(&self, overview: Overview) {
        *self.overview.lock() = Some(overview);
    }

    /// Knows a frontend from now on.
    pub(crate) fn register(&self, frontend: Frontend) {
        let frontends = vec![(frontend.host_id, Some(frontend))];
        self.change(Update { frontends, ..Update::default() });
    }

    /// Splits the cell that a token of a table is in.
    pub(crate) fn split(&self, table: TableId, token: i64, right: CellId) {
        let mut placement = Placement::clone(&self.now().placements[&GroupId(1)]);
        let at = Position::new(table, token);
        let cell = placement.lookup(at).unwrap();
        let plan = SplitPlan { cell: cell.id, epoch: cell.epoch, at, right };
        placement.split(plan).unwrap();
        let placements = vec![(GroupId(1), Some(Arc::new(placement)))];
        self.change(Update { placements, ..Update::default() });
    }

    fn change(&self, update: Update) -> u64 {
        let old = Arc::clone(&self.catalog.borrow());
        let version = old.version + 1;
        let next = old.apply(Update { version, since: old.version, ..update });
        self.catalog.send_replace(Arc::new(next));
        version
    }

    fn run(&self, command: Command) -> Result<Answer, MetadataError> {
        match command {
            Command::CreateKeyspace { name, replication, durable_writes, .. } => {
                if self.catalog.borrow().keyspace(&name).is_some() {
                    return Err(MetadataError::AlreadyExists { keyspace: name, table: None });
                }
                let keyspace = Keyspace {
                    name: name.clone(),
                    replication,
                    durable_writes,
                    tables: Tables::default(),
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
            Command::CreateIndex { definition, .. } => Ok(self.index(definition)),
            Command::CreateView { definition, .. } => Ok(self.view(definition)),
            Command::AlterTable { keyspace, name, changes, .. } => {
                Ok(self.alter(keyspace, name, |table| {
                    changes.into_iter().for_each(|change| alter(table, change));
                }))
            }
            Command::DropView { keyspace, name, .. } => {
                let now = self.now();
                let base = now.keyspace(&keyspace).unwrap().view(&name).unwrap().0.name.clone();
                Ok(self.alter(keyspace, base, |table| {
                    table.options.views.retain(|view| view.name != name);
                }))
            }
            Command::DropTable { keyspace, name, .. } => {
                let tables = KeyspaceChange::Tables(vec![(name.clone(), None)]);
                let keyspaces = vec![(keyspace.clone(), tables)];
                let version = self.change(Update { keyspaces, ..Update::default() });
                Ok(created(version, SchemaTarget::Table, keyspace, Some(name)))
            }
            other => panic!("not made for {other:?}"),
        }
    }
}

impl InMemory {
    /// Adds an index without checking anything.
    fn index(&self, new: NewIndex) -> Answer {
        let mut table = Table::clone(self.now().table(&new.keyspace, &new.table).unwrap());
        let (column, part) = new.targets[0].clone();
        table.options.indexes.push(Index {
            name: new.name.unwrap_or_else(|| format!("{}_{column}_idx", table.name)),
            column: table.column(&column).unwrap().id,
            part,
            class: new.class.map_or(IndexClass::Local, IndexClass::StorageAttached),
            options: new.options,
        });
        table.version += 1;
        let tables = vec![(new.table.clone(), Some(Arc::new(table)))];
        let keyspaces = vec![(new.keyspace.clone(), KeyspaceChange::Tables(tables))];
        let version = self.change(Update { keyspaces, ..Update::default() });
        let change = Some(SchemaEvent {
            kind: SchemaChangeKind::Updated,
            target: SchemaTarget::Table,
            keyspace: new.keyspace,
            name: Some(new.table),
        });
        Answer::Schema { version, change, warnings: Vec::new() }
    }
}

impl InMemory {
    /// Changes a table without checking anything.
    fn alter(&self, keyspace: String, name: String, with: impl FnOnce(&mut Table)) -> Answer {
        let mut table = Table::clone(self.now().table(&keyspace, &name).unwrap());
        with(&mut table);
        table.version += 1;
        let tables = vec![(name.clone(), Some(Arc::new(table)))];
        let keyspaces = vec![(keyspace.clone(), KeyspaceChange::Tables(tables))];
        let version = self.change(Update { keyspaces, ..Update::default() });
        let (kind, target, name) = (SchemaChangeKind::Updated, SchemaTarget::Table, Some(name));
        let change = Some(SchemaEvent { kind, target, keyspace, name });
        Answer::Schema { version, change, warnings: Vec::new() }
    }

    /// Adds a materialized view without checking anything.
    fn view(&self, new: NewView) -> Answer {
        let mut table = Table::clone(self.now().table(&new.keyspace, &new.base).unwrap());
        let id = |name: &String| table.column(name).unwrap().id;
        let view = View {
            name: new.name.clone(),
            uuid: new.uuid,
            key: new.key.iter().map(|(name, kind)| (id(name), *kind)).collect(),
            columns: new.columns.as_ref().map(|names| names.iter().map(id).collect()),
            filter: new
                .filter
                .iter()
                .map(|relation| ViewRelation {
                    columns: relation.columns.iter().map(id).collect(),
                    tuple: relation.tuple,
                    element: relation.element.clone(),
                    test: relation.test.clone(),
                })
                .collect(),
            options: new.options,
        };
        table.options.views.push(view);
        table.version += 1;
        let tables = vec![(new.base, Some(Arc::new(table)))];
        let keyspaces = vec![(new.keyspace.clone(), KeyspaceChange::Tables(tables))];
        let version = self.change(Update { keyspaces, ..Update::default() });
        let change = Some(SchemaEvent {
            kind: SchemaChangeKind::Created,
            target: SchemaTarget::Table,
            keyspace: new.keyspace,
            name: Some(new.name),
        });
        Answer::Schema { version, change, warnings: Vec::new() }
    }
}

fn alter(table: &mut Table, change: TableChange) {
    match change {
        TableChange::Add { name, cql_type, .. } => {
            let id = table.next_column;
            table.next_column = ColumnId(id.0 + 1);
            table.columns.push(Column { id, name, cql_type, kind: ColumnKind::Regular });
        }
        TableChange::Drop { name, at_us, .. } => {
            let at = table.columns.iter().position(|column| column.name == name).unwrap();
            let Column { id, name, cql_type, kind } = table.columns.remove(at);
            let is_static = kind == ColumnKind::Static;
            let dropped = DroppedColumn { id, name, cql_type, is_static, dropped_at_us: at_us };
            table.dropped.push(dropped);
        }
        TableChange::Options(options) => table.options.text.extend(options.text),
        TableChange::Rename { .. } => panic!("not made for RENAME"),
    }
}

fn created(version: u64, target: SchemaTarget, keyspace: String, name: Option<String>) -> Answer {
    Answer::Schema {
        version,
        change: Some(SchemaEvent { kind: SchemaChangeKind::Created, target, keyspace, name }),
        warnings: Vec::new(),
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

    fn overview(&self) -> BoxFuture<'_, Result<Overview, MetadataError>> {
        let known = self.overview.lock().clone();
        let reason = "no overview is kept here".to_owned();
        async move { known.ok_or(MetadataError::Unavailable { reason }) }.boxed()
    }
}
