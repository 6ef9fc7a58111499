//! What comes with the execution of a plan: bound values, the request's time, and the columns
//! that describe values on the wire.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{CqlType, Table};

use super::PlanError;

/// A value for a bind marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoundValue {
    /// CQL wire bytes.
    Bytes(Bytes),
    /// Null.
    Null,
    /// Leaves the column as it is.
    Unset,
}

impl From<Option<Bytes>> for BoundValue {
    fn from(value: Option<Bytes>) -> Self {
        value.map_or(Self::Null, Self::Bytes)
    }
}

/// The circumstances of one execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Env {
    /// The coordinator's time in microseconds since the epoch, for `now()` and its kin.
    pub now_us: i64,
    /// The write timestamp the request carries, if it carries one.
    pub default_timestamp_us: Option<i64>,
    /// Version of the native protocol.
    pub protocol: u8,
}

/// Name and type of a bind variable or of a result column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Keyspace of the table.
    pub keyspace: Arc<str>,
    /// The table.
    pub table: Arc<str>,
    /// Name of the column, or what stands for it, such as `[ttl]`.
    pub name: String,
    /// Type of the values.
    pub cql_type: CqlType,
}

/// A bind variable as a prepared statement announces it.
pub type Variable = ColumnSpec;

/// A column of a result.
pub type ResultColumn = ColumnSpec;

impl ColumnSpec {
    /// A column of this table's results or variables.
    #[must_use]
    pub fn of(table: &Table, name: impl Into<String>, cql_type: CqlType) -> Self {
        Self {
            keyspace: table.keyspace.as_str().into(),
            table: table.name.as_str().into(),
            name: name.into(),
            cql_type,
        }
    }

    /// The same place with another name and type, for the parts of a value.
    #[must_use]
    pub fn part(&self, name: impl Into<String>, cql_type: CqlType) -> Self {
        Self {
            keyspace: Arc::clone(&self.keyspace),
            table: Arc::clone(&self.table),
            name: name.into(),
            cql_type,
        }
    }
}

/// Everything an expression may read when it is evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// Values of the markers, by marker.
    pub values: &'a [BoundValue],
    /// Values taken from the document of `INSERT ... JSON`, by column.
    pub json: &'a [BoundValue],
    /// Time and request.
    pub env: &'a Env,
}

impl<'a> Binding<'a> {
    /// A binding for a statement with `expected` markers.
    ///
    /// # Errors
    /// Another number of values.
    pub fn new(values: &'a [BoundValue], expected: usize, env: &'a Env) -> Result<Self, PlanError> {
        if values.len() != expected {
            return Err(PlanError::invalid(format!(
                "Invalid amount of bind variables: there were {expected} markers(?) in CQL but {} \
                 bound variables",
                values.len()
            )));
        }
        Ok(Self { values, json: &[], env })
    }
}
