//! CQL types and columns as the protocol describes them.

use std::sync::Arc;

use cellar_cql::plan;
use cellar_schema::CqlType;
use cellar_wire::{ColumnSpec, TypeSpec};

/// The protocol's description of a type.
pub(super) fn type_spec(cql_type: &CqlType) -> TypeSpec {
    match cql_type {
        CqlType::Ascii => TypeSpec::Ascii,
        CqlType::Bigint => TypeSpec::Bigint,
        CqlType::Blob => TypeSpec::Blob,
        CqlType::Boolean => TypeSpec::Boolean,
        CqlType::Counter => TypeSpec::Counter,
        CqlType::Date => TypeSpec::Date,
        CqlType::Decimal => TypeSpec::Decimal,
        CqlType::Double => TypeSpec::Double,
        CqlType::Duration => TypeSpec::Duration,
        CqlType::Float => TypeSpec::Float,
        CqlType::Inet => TypeSpec::Inet,
        CqlType::Int => TypeSpec::Int,
        CqlType::Smallint => TypeSpec::Smallint,
        CqlType::Text => TypeSpec::Varchar,
        CqlType::Time => TypeSpec::Time,
        CqlType::Timestamp => TypeSpec::Timestamp,
        CqlType::Timeuuid => TypeSpec::Timeuuid,
        CqlType::Tinyint => TypeSpec::Tinyint,
        CqlType::Uuid => TypeSpec::Uuid,
        CqlType::Varint => TypeSpec::Varint,
        CqlType::List(element, _) => TypeSpec::List(Box::new(type_spec(element))),
        CqlType::Set(element, _) => TypeSpec::Set(Box::new(type_spec(element))),
        CqlType::Map(key, value, _) => {
            TypeSpec::Map(Box::new(type_spec(key)), Box::new(type_spec(value)))
        }
        CqlType::Tuple(parts) => TypeSpec::Tuple(parts.iter().map(type_spec).collect()),
        CqlType::Udt(user_type, _) => TypeSpec::Udt {
            keyspace: user_type.keyspace.clone(),
            name: user_type.name.clone(),
            fields: user_type
                .fields
                .iter()
                .map(|(name, cql_type)| (name.clone(), type_spec(cql_type)))
                .collect(),
        },
        CqlType::Vector(element, dimension) => {
            TypeSpec::vector(&type_spec(element), usize::from(*dimension))
        }
    }
}

/// The protocol's description of columns or variables.
pub(super) fn columns(specs: &[plan::ColumnSpec]) -> Arc<[ColumnSpec]> {
    let spec = |spec: &plan::ColumnSpec| ColumnSpec {
        keyspace: Arc::clone(&spec.keyspace),
        table: Arc::clone(&spec.table),
        name: spec.name.clone(),
        type_spec: type_spec(&spec.cql_type),
    };
    specs.iter().map(spec).collect()
}
