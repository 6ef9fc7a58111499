//! The tables of the clients: registers, counters and parts of batches, one partition each.

use std::sync::Arc;

use bytes::Bytes;
use cellar_cell_api::{Read, Write};
use cellar_metadata_api::{Catalog, Command, NewTable};
use cellar_schema::{
    Access, Change, ChangeKind, ColumnId, ColumnKind, Comparison, Condition, CqlType, Mutation,
    Operation, RequestId, Row, RowChange, Table, TableOptions, Test, keys, value,
};
use uuid::Uuid;

/// What creates the tables.
pub(crate) fn commands() -> Vec<Command> {
    let replication = [("class", "SimpleStrategy"), ("replication_factor", "3")];
    let keyspace = Command::CreateKeyspace {
        name: "ks".to_owned(),
        replication: replication.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        durable_writes: true,
        if_not_exists: true,
    };
    vec![
        keyspace,
        create("registers", 7, CqlType::Bigint),
        create("counters", 8, CqlType::Counter),
        create("batches", 9, CqlType::Bigint),
    ]
}

fn create(name: &str, uuid: u128, cql_type: CqlType) -> Command {
    let columns = vec![
        ("k".to_owned(), CqlType::Int, ColumnKind::PartitionKey(0)),
        ("v".to_owned(), cql_type, ColumnKind::Regular),
    ];
    let definition = NewTable {
        keyspace: "ks".to_owned(),
        name: name.to_owned(),
        uuid: Uuid::from_u128(uuid),
        columns,
        options: TableOptions::default(),
        tiering_column: None,
    };
    Command::CreateTable { definition, if_not_exists: true }
}

/// A table with what a client needs of it at hand.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) table: Arc<Table>,
    value: ColumnId,
    suffix: Bytes,
}

impl Known {
    /// The table of a name, once the catalog has it.
    pub(crate) fn find(catalog: &Catalog, name: &str) -> Option<Self> {
        let table = Arc::clone(catalog.table("ks", name)?);
        let value = table.columns.iter().find(|column| column.name == "v")?.id;
        let suffix = keys::row_suffix(&table, &[]).ok()?;
        Some(Self { table, value, suffix })
    }

    pub(crate) fn partition(&self, key: u32) -> Bytes {
        keys::partition(self.table.id, &value::int(i32::try_from(key).unwrap_or(i32::MAX)))
    }

    fn mutation(&self, key: u32, kind: ChangeKind) -> Mutation {
        let changes = vec![Change { timestamp_us: None, kind }];
        Mutation { partition: self.partition(key), changes }
    }

    fn upsert(&self, key: u32, marker: bool, operation: Operation) -> Mutation {
        let operations = vec![(self.value, operation)];
        let suffix = self.suffix.clone();
        let change = RowChange { suffix, marker, ttl_seconds: 0, operations };
        self.mutation(key, ChangeKind::Upsert(change))
    }

    /// Sets a value, as a part of a batch.
    pub(crate) fn put(&self, key: u32, to: u64) -> Mutation {
        self.upsert(key, true, Operation::Set(bigint(to)))
    }

    /// Sets a register, or deletes it.
    pub(crate) fn set(&self, key: u32, to: Option<u64>) -> Write {
        let mutation = match to {
            Some(to) => self.upsert(key, true, Operation::Set(bigint(to))),
            None => self.mutation(key, ChangeKind::DeletePartition),
        };
        Write { id: None, mutations: vec![mutation], ..Write::default() }
    }

    /// Sets a register if it is as expected.
    pub(crate) fn cas(&self, key: u32, expected: Option<u64>, new: u64, id: u128) -> Write {
        let test = Test::Column {
            column: self.value,
            cql_type: CqlType::Bigint,
            access: Access::Whole,
            comparison: Comparison::Equal(expected.map(bigint)),
        };
        let (partition, suffix) = (self.partition(key), self.suffix.clone());
        Write {
            id: Some(RequestId(id)),
            mutations: vec![self.upsert(key, true, Operation::Set(bigint(new)))],
            conditions: vec![Condition { partition, suffix, test }],
            batch: None,
            now_seconds: None,
        }
    }

    /// Adds to a counter.
    pub(crate) fn add(&self, key: u32, by: u64, id: u128) -> Write {
        let by = i64::try_from(by).unwrap_or(i64::MAX);
        let mutation = self.upsert(key, false, Operation::Add(by));
        Write { id: Some(RequestId(id)), mutations: vec![mutation], ..Write::default() }
    }

    /// Reads a partition.
    pub(crate) fn read(&self, key: u32) -> Read {
        let start = self.partition(key);
        let end = keys::after(&start);
        Read {
            start,
            end,
            reverse: false,
            rows_max: 10,
            bytes_max: 1 << 20,
            columns: None,
            probe: None,
        }
    }

    /// The value in a row; none without one.
    pub(crate) fn value_of(&self, row: &Row) -> Option<u64> {
        let column = self.table.columns.iter().find(|column| column.id == self.value)?;
        let bytes = row.wire_value(self.value, &column.cql_type)?;
        let number = i64::from_be_bytes(bytes.as_ref().try_into().ok()?);
        u64::try_from(number).ok()
    }
}

fn bigint(value: u64) -> Bytes {
    cellar_schema::value::bigint(i64::try_from(value).unwrap_or(i64::MAX))
}
