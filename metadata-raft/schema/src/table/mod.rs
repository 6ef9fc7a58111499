//! Keyspaces and tables as every part of Cellar sees them: immutable values, replaced as a whole
//! when the schema changes. Start at [`Table`].

mod index;
mod tables;
mod term;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use index::{Index, IndexClass, IndexPart};
pub use tables::Tables;
pub use term::{IndexProbe, IndexTarget};
pub use view::{View, ViewRelation};

use crate::{ColumnId, CqlType, TableId, UserType};

/// A keyspace with everything in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Keyspace {
    /// Name, case kept.
    pub name: String,
    /// Replication options as the user wrote them, `class` among them.
    pub replication: BTreeMap<String, String>,
    /// Kept for DESCRIBE; Cellar writes durably whatever it says.
    pub durable_writes: bool,
    /// Tables by name.
    pub tables: Tables,
    /// User-defined types by name.
    pub types: BTreeMap<String, Arc<UserType>>,
}

/// A table. Equal `id` and `version` mean equal definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Never reused; part of every engine key.
    pub id: TableId,
    /// What drivers see as the table's id.
    pub uuid: Uuid,
    /// Keyspace that owns the table.
    pub keyspace: String,
    /// Name, case kept.
    pub name: String,
    /// Grows by one at every change of this table or of a type it uses.
    pub version: u64,
    /// Columns in id order. Key columns first, in key order.
    pub columns: Vec<Column>,
    /// Next column id to assign.
    pub next_column: ColumnId,
    /// Columns that once were, for reading old rows and refusing wrong re-additions.
    pub dropped: Vec<DroppedColumn>,
    /// Options of WITH.
    pub options: TableOptions,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Never reused in this table.
    pub id: ColumnId,
    /// Name, case kept.
    pub name: String,
    /// Type of its values.
    pub cql_type: CqlType,
    /// Its part in the key, if any.
    pub kind: ColumnKind,
}

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ColumnKind {
    /// Component of the partition key, at this position.
    PartitionKey(u16),
    /// Component of the clustering key, at this position, in this order.
    Clustering(u16, Order),
    /// One value for a whole partition.
    Static,
    /// One value for each row.
    Regular,
}

/// Sort order of a clustering column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Order {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

/// A column that was dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedColumn {
    /// The id it had.
    pub id: ColumnId,
    /// The name it had.
    pub name: String,
    /// The type it had.
    pub cql_type: CqlType,
    /// Whether it was static.
    pub is_static: bool,
    /// When, in microseconds since the epoch.
    pub dropped_at_us: i64,
}

/// Options of CREATE TABLE … WITH that Cellar acts on, and the text of all others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableOptions {
    /// TTL of writes that name none, in seconds; 0 is none.
    pub default_ttl_seconds: u32,
    /// Kept for DESCRIBE and for drivers.
    pub gc_grace_seconds: Option<u32>,
    /// Free text.
    pub comment: String,
    /// When rows move to the cold tier.
    pub tiering: Option<TieringPolicy>,
    /// Every option as the user wrote it (also those above), as CQL literal text, for DESCRIBE and
    /// `system_schema.tables`. Options Cellar ignores live only here.
    pub text: BTreeMap<String, String>,
    /// Secondary indexes, in the order they were made.
    #[serde(default)]
    pub indexes: Vec<Index>,
    /// Materialized views of the table, in the order they were made.
    #[serde(default)]
    pub views: Vec<View>,
}

/// When rows of a table become cold. In CQL:
/// `custom_properties = {'tiering': {'mode': 'age', 'column': 'at', 'hot': '90d'}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TieringPolicy {
    /// What a row's age is counted from.
    pub age_of: AgeOf,
    /// Rows older than this are cold, in seconds.
    pub hot_seconds: u64,
}

/// What a row's age is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AgeOf {
    /// The value of a timestamp, date or timeuuid column of the row (key columns allowed).
    Column(ColumnId),
    /// The newest write time in the row.
    WriteTime,
}

impl TableOptions {
    /// Under this name [`TableOptions::text`] has `true` for tables `WITH COMPACT STORAGE`, and
    /// `false` when that was dropped; no property has it.
    pub const COMPACT_STORAGE: &'static str = "compact_storage";
}

impl Table {
    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The column with this id.
    #[must_use]
    pub fn column_by_id(&self, id: ColumnId) -> Option<&Column> {
        self.columns.iter().find(|column| column.id == id)
    }

    /// Partition key columns, in key order.
    pub fn partition_key(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| matches!(column.kind, ColumnKind::PartitionKey(_)))
    }

    /// Clustering columns with their order, in key order.
    pub fn clustering(&self) -> impl Iterator<Item = (&Column, Order)> {
        self.columns.iter().filter_map(|column| match column.kind {
            ColumnKind::Clustering(_, order) => Some((column, order)),
            _ => None,
        })
    }

    /// Whether the table was made `WITH COMPACT STORAGE`: then a row is there only while one of its
    /// columns is, unless there are none outside of the key.
    #[must_use]
    pub fn is_compact(&self) -> bool {
        self.options.text.get(TableOptions::COMPACT_STORAGE).is_some_and(|text| text == "true")
    }

    /// Whether the table holds counters (then it holds nothing else outside its key).
    #[must_use]
    pub fn is_counter(&self) -> bool {
        self.columns.iter().any(|column| column.cql_type == CqlType::Counter)
    }
}
