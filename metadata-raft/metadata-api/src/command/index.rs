//! What CREATE INDEX asks for.

use std::collections::BTreeMap;

use cellar_schema::IndexPart;
use serde::{Deserialize, Serialize};

/// An index to be created. Whether the column can be indexed so is checked against the schema as
/// it is when the command runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewIndex {
    /// Keyspace of the table and so of the index.
    pub keyspace: String,
    /// The table.
    pub table: String,
    /// Name, case kept; one is made up from the table and the column if none is given.
    pub name: Option<String>,
    /// The columns, and which part of their values.
    pub targets: Vec<(String, IndexPart)>,
    /// The class after USING.
    pub class: Option<String>,
    /// `CUSTOM` was written.
    pub custom: bool,
    /// Options of WITH OPTIONS.
    pub options: BTreeMap<String, String>,
}
