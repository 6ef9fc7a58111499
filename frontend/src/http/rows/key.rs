//! Keys in paths: segments in the order of the primary key, typed by the schema, or `?key=` with
//! a JSON array for values that no segment can hold.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{Column, ColumnKind, Table};

use super::statement::Statement;
use crate::http::{
    problem::HttpError,
    uri::Pairs,
    value::{read_json, read_segment},
};

/// The first columns of a primary key with their values.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) table: Arc<Table>,
    values: Vec<Bytes>,
}

impl Key {
    /// Reads the key that a request names.
    pub(super) fn read(
        table: Arc<Table>,
        segments: &[String],
        pairs: &Pairs,
    ) -> Result<Self, HttpError> {
        let values = match pairs.get("key") {
            None => of_segments(&table, segments)?,
            Some(_) if !segments.is_empty() => {
                return Err(HttpError::malformed("the key is in the path and in ?key="));
            }
            Some(text) => of_array(&table, text)?,
        };
        let key = Self { table, values };
        let whole = key.table.partition_key().count();
        if !key.values.is_empty() && key.values.len() < whole {
            return Err(key.too_short("the whole partition key"));
        }
        Ok(key)
    }

    /// Whether it names one row.
    pub(super) fn is_full(&self) -> bool {
        self.values.len() == key_columns(&self.table).count()
    }

    /// Whether it names nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether it names a partition and nothing in it.
    pub(super) fn is_partition(&self) -> bool {
        self.values.len() == self.table.partition_key().count()
    }

    /// That more of the key is needed.
    pub(super) fn too_short(&self, needed: &str) -> HttpError {
        let names: Vec<&str> = key_columns(&self.table).map(|column| &*column.name).collect();
        HttpError::with_hint(
            format!("{needed} is needed here, and {} of its values came", self.values.len()),
            format!("the primary key is: {}", names.join("/")),
        )
    }

    /// Its columns with their values.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&Column, &Bytes)> {
        key_columns(&self.table).zip(&self.values)
    }

    /// The value of this column, if it is one of the key.
    pub(super) fn value(&self, column: &Column) -> Option<&Bytes> {
        self.columns().find(|(found, _)| found.id == column.id).map(|(_, value)| value)
    }

    /// Adds ` WHERE "a" = ? AND …`.
    pub(super) fn add_where(&self, statement: &mut Statement) {
        let mut first = true;
        for (column, value) in self.columns() {
            statement.join(&mut first, " WHERE ", " AND ");
            statement.compare(&column.name, "=", Some(value.clone()));
        }
    }
}

/// Columns of the primary key, in its order.
pub(super) fn key_columns(table: &Table) -> impl Iterator<Item = &Column> {
    table.partition_key().chain(table.clustering().map(|(column, _)| column))
}

/// Whether a column is part of the primary key.
pub(super) fn is_key(column: &Column) -> bool {
    matches!(column.kind, ColumnKind::PartitionKey(_) | ColumnKind::Clustering(..))
}

fn of_segments(table: &Table, segments: &[String]) -> Result<Vec<Bytes>, HttpError> {
    check_count(table, segments.len())?;
    let value = |(column, text): (&Column, &String)| {
        if text.is_empty() {
            return Err(HttpError::with_hint(
                format!("the value of {} is empty", column.name),
                "name keys with empty values as ?key=[\"\",7]",
            ));
        }
        read_segment(&column.cql_type, text).map_err(|error| HttpError::value(&column.name, &error))
    };
    key_columns(table).zip(segments).map(value).collect()
}

fn of_array(table: &Table, text: &str) -> Result<Vec<Bytes>, HttpError> {
    let wrong = || HttpError::malformed("?key= is not a JSON array of values");
    let array: Vec<serde_json::Value> = serde_json::from_str(text).map_err(|_| wrong())?;
    check_count(table, array.len())?;
    let value = |(column, json): (&Column, &serde_json::Value)| {
        let value = read_json(&column.cql_type, json);
        let value = value.map_err(|error| HttpError::value(&column.name, &error))?;
        let null = || HttpError::unprocessable(format!("{}: a key has no nulls", column.name));
        value.ok_or_else(null)
    };
    key_columns(table).zip(&array).map(value).collect()
}

fn check_count(table: &Table, count: usize) -> Result<(), HttpError> {
    let names: Vec<&str> = key_columns(table).map(|column| &*column.name).collect();
    if count <= names.len() {
        return Ok(());
    }
    Err(HttpError::with_hint(
        format!("{count} values for a key of {} columns", names.len()),
        format!("the primary key is: {}; a slash inside a value is %2F", names.join("/")),
    ))
}
