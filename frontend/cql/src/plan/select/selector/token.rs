//! `token(...)` of anything that could be a partition key of the table.

use cellar_schema::Table;

use crate::ast::QualifiedName;
use crate::plan::function::{self, ScalarFn};

/// Whether a call means the token.
pub(in crate::plan) fn is_token(name: &QualifiedName) -> bool {
    name.name.as_str() == "token"
        && name.keyspace.as_ref().is_none_or(|keyspace| keyspace.as_str() == "system")
}

/// The function for keys of this table.
pub(in crate::plan) fn function(table: &Table) -> ScalarFn {
    function::token(table.partition_key().map(|column| column.cql_type.clone()).collect())
}
