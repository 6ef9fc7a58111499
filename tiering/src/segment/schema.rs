//! The columns of a segment: those of the table by their own names, then Cellar's own.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use cellar_schema::{Column, ColumnId, ColumnKind, Table};

use super::plain;

/// Metadata of a field: id of the table's column.
const COLUMN_ID: &str = "cellar.column_id";

/// Metadata of a field: CQL type of the table's column, for people.
const CQL_TYPE: &str = "cellar.type";

/// Metadata of a field: which of Cellar's own columns it is.
const ROLE: &str = "cellar.role";

/// Cellar's own columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The partition's place on the ring.
    Token,
    /// Newest time in the row, microseconds since the epoch.
    WriteTime,
    /// Second since the epoch from which on nothing of the row is visible; null if it stays.
    ExpiresAt,
    /// Whether a reader sees the row, expiry aside.
    Exists,
    /// The engine key, where the key columns do not say it exactly.
    Key,
    /// See [`super::shape`].
    Shape,
}

impl Role {
    pub(super) const ALL: [Self; 6] =
        [Self::Token, Self::WriteTime, Self::ExpiresAt, Self::Exists, Self::Key, Self::Shape];

    fn name(self) -> &'static str {
        match self {
            Self::Token => "_token",
            Self::WriteTime => "_writetime",
            Self::ExpiresAt => "_expires_at",
            Self::Exists => "_exists",
            Self::Key => "_key",
            Self::Shape => "_shape",
        }
    }

    pub(super) fn data_type(self) -> DataType {
        match self {
            Self::Token | Self::WriteTime | Self::ExpiresAt => DataType::Int64,
            Self::Exists => DataType::Boolean,
            Self::Key | Self::Shape => DataType::Binary,
        }
    }

    fn is_nullable(self) -> bool {
        matches!(self, Self::ExpiresAt | Self::Key)
    }
}

/// The table's columns that a segment has.
pub(super) fn columns(table: &Table) -> impl Iterator<Item = &Column> {
    table.columns.iter().filter(|column| column.kind != ColumnKind::Static)
}

/// The Arrow schema of a table's segments.
pub(super) fn of_table(table: &Table) -> SchemaRef {
    let of_column = |column: &Column| {
        let about = [
            (COLUMN_ID.to_owned(), column.id.0.to_string()),
            (CQL_TYPE.to_owned(), column.cql_type.to_string()),
        ];
        Field::new(&column.name, plain::data_type(&column.cql_type), true)
            .with_metadata(HashMap::from(about))
    };
    let of_role = |role: &Role| {
        let mut name = role.name().to_owned();
        while table.column(&name).is_some() {
            name.insert(0, '_');
        }
        let about = HashMap::from([(ROLE.to_owned(), role.name().to_owned())]);
        Field::new(name, role.data_type(), role.is_nullable()).with_metadata(about)
    };
    let own = Role::ALL.iter().map(of_role);
    Arc::new(Schema::new(columns(table).map(of_column).chain(own).collect::<Vec<_>>()))
}

/// Where the table's column is among those of an object, written under whatever version.
pub(super) fn position_of_column(schema: &Schema, id: ColumnId) -> Option<usize> {
    position(schema, COLUMN_ID, &id.0.to_string())
}

/// Where one of Cellar's own columns is.
pub(super) fn position_of_role(schema: &Schema, role: Role) -> Option<usize> {
    position(schema, ROLE, role.name())
}

fn position(schema: &Schema, name: &str, value: &str) -> Option<usize> {
    let is_it = |field: &Arc<Field>| field.metadata().get(name).is_some_and(|have| have == value);
    schema.fields().iter().position(is_it)
}
