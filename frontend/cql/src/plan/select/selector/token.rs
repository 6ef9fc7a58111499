//! `token(...)` of anything that could be a partition key of the table.

use std::sync::Arc;

use cellar_schema::{CqlType, Table, keys, token, value};

use crate::ast::QualifiedName;
use crate::plan::function::ScalarFn;

/// Whether a call means the token.
pub(in crate::plan::select) fn is_token(name: &QualifiedName) -> bool {
    name.name.as_str() == "token"
        && name.keyspace.as_ref().is_none_or(|keyspace| keyspace.as_str() == "system")
}

/// The function for keys of this table.
pub(in crate::plan::select) fn function(table: &Table) -> ScalarFn {
    ScalarFn {
        name: "token".to_owned(),
        arguments: table.partition_key().map(|column| column.cql_type.clone()).collect(),
        result: CqlType::Bigint,
        pure: true,
        compute: Arc::new(|_, values| {
            let parts: Option<Vec<&[u8]>> = values.iter().map(|part| part.as_deref()).collect();
            Ok(parts.map(|parts| value::bigint(token::token(&keys::routing(&parts)))))
        }),
    }
}
