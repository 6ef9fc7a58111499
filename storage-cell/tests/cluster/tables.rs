//! The tables of the tests, and short ways to say mutations.

use std::sync::Arc;

use bytes::Bytes;
use cellar_metadata_api::{Command, NewTable};
use cellar_schema::{
    Change, ChangeKind, ColumnId, ColumnKind, CqlType, Frozen, Mutation, Operation, Order,
    RowChange, Table, TableOptions, keys, value,
};
use uuid::Uuid;

use super::FakeMetadata;

/// Creates the keyspace `ks` with its tables.
pub fn create(metadata: &FakeMetadata) {
    for command in commands() {
        metadata.run(&command).unwrap();
    }
}

/// The same with so many replicas.
pub fn create_on(metadata: &FakeMetadata, copies: usize) {
    for mut command in commands() {
        if let Command::CreateKeyspace { replication, .. } = &mut command {
            replication.insert("replication_factor".to_owned(), copies.to_string());
        }
        metadata.run(&command).unwrap();
    }
}

/// The keyspace `ks` with `wide` (k int, c int, v text, s static text, l list of int) and
/// `counters` (k int, n counter).
pub fn commands() -> Vec<Command> {
    let replication = [("class", "SimpleStrategy"), ("replication_factor", "1")];
    let keyspace = Command::CreateKeyspace {
        name: "ks".to_owned(),
        replication: replication.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        durable_writes: true,
        if_not_exists: false,
    };
    let list = CqlType::List(Box::new(CqlType::Int), Frozen::No);
    let key = ("k", CqlType::Int, ColumnKind::PartitionKey(0));
    let wide = [
        key.clone(),
        ("c", CqlType::Int, ColumnKind::Clustering(0, Order::Asc)),
        ("v", CqlType::Text, ColumnKind::Regular),
        ("s", CqlType::Text, ColumnKind::Static),
        ("l", list, ColumnKind::Regular),
    ];
    let counters = [key, ("n", CqlType::Counter, ColumnKind::Regular)];
    vec![keyspace, create_table("wide", &wide), create_table("counters", &counters)]
}

pub fn create_table(name: &str, columns: &[(&str, CqlType, ColumnKind)]) -> Command {
    let definition = NewTable {
        keyspace: "ks".to_owned(),
        name: name.to_owned(),
        uuid: Uuid::from_u128(7),
        columns: columns.iter().map(|(n, t, k)| ((*n).to_owned(), t.clone(), *k)).collect(),
        options: TableOptions::default(),
        tiering_column: None,
    };
    Command::CreateTable { definition, if_not_exists: false }
}

/// A table with its column ids at hand.
#[derive(Clone)]
pub struct Known(pub Arc<Table>);

pub fn table(metadata: &FakeMetadata, name: &str) -> Known {
    Known(Arc::clone(metadata.now().table("ks", name).unwrap()))
}

impl Known {
    pub fn column(&self, name: &str) -> ColumnId {
        self.0.columns.iter().find(|column| column.name == name).unwrap().id
    }

    pub fn partition(&self, k: i32) -> Bytes {
        keys::partition(self.0.id, &value::int(k))
    }

    pub fn suffix(&self, c: i32) -> Bytes {
        keys::row_suffix(&self.0, &[value::int(c)]).unwrap()
    }

    pub fn key(&self, k: i32, c: i32) -> Bytes {
        keys::engine_key(&self.partition(k), &self.suffix(c)).unwrap()
    }

    pub fn mutation(&self, k: i32, kind: ChangeKind) -> Mutation {
        let changes = vec![Change { timestamp_us: None, kind }];
        Mutation { partition: self.partition(k), changes }
    }

    pub fn upsert(&self, k: i32, suffix: Bytes, column: &str, operation: Operation) -> Mutation {
        let operations = vec![(self.column(column), operation)];
        let change = RowChange { suffix, marker: true, ttl_seconds: 0, operations };
        self.mutation(k, ChangeKind::Upsert(change))
    }

    /// INSERT of `v`.
    pub fn insert(&self, k: i32, c: i32, v: &str) -> Mutation {
        self.upsert(k, self.suffix(c), "v", Operation::Set(value::text(v)))
    }

    /// INSERT of the static `s`.
    pub fn insert_static(&self, k: i32, s: &str) -> Mutation {
        self.upsert(k, keys::static_suffix(), "s", Operation::Set(value::text(s)))
    }

    /// UPDATE of a counter.
    pub fn add(&self, k: i32, by: i64) -> Mutation {
        let suffix = keys::row_suffix(&self.0, &[]).unwrap();
        let operations = vec![(self.column("n"), Operation::Add(by))];
        let change = RowChange { suffix, marker: false, ttl_seconds: 0, operations };
        self.mutation(k, ChangeKind::Upsert(change))
    }
}
