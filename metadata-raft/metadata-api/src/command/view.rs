//! What CREATE MATERIALIZED VIEW asks for.

use cellar_schema::{ColumnKind, TableOptions};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A materialized view to be created. Whether its base can be seen so is checked against the
/// schema as it is when the command runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewView {
    /// Keyspace of the view and of its base.
    pub keyspace: String,
    /// Name, case kept.
    pub name: String,
    /// What drivers see as the view's id; chosen by the one who sends.
    pub uuid: Uuid,
    /// The base table.
    pub base: String,
    /// The columns selected; none is all.
    pub columns: Option<Vec<String>>,
    /// The key: partition key columns first, in key order.
    pub key: Vec<(String, ColumnKind)>,
    /// WHERE, relations joined by AND.
    pub filter: Vec<NewViewRelation>,
    /// Options of WITH.
    pub options: TableOptions,
}

/// One relation of a view's WHERE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewViewRelation {
    /// The columns on its left side.
    pub columns: Vec<String>,
    /// Whether they are written in parentheses.
    pub tuple: bool,
    /// What is between brackets after the column, as CQL.
    pub element: Option<String>,
    /// The rest, as CQL.
    pub test: String,
}
