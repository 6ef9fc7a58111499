//! What ALTER TYPE asks for.

use cellar_schema::CqlType;
use serde::{Deserialize, Serialize};

/// A change of ALTER TYPE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TypeChange {
    /// ADD of a field at the end.
    Add {
        /// Name of the new field.
        field: String,
        /// Its type.
        cql_type: CqlType,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// RENAME of fields: from, to.
    Rename {
        /// The names they have and get.
        fields: Vec<(String, String)>,
        /// IF EXISTS.
        if_exists: bool,
    },
}
