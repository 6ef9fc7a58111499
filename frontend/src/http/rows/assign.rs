//! What a PATCH does to a column: sets it, or with `{"$add": …}` and its kin changes a collection
//! or a counter.

use bytes::Bytes;
use cellar_schema::{Column, CqlType, Frozen};

use super::statement::Statement;
use crate::http::{document::Document, problem::HttpError};

/// A change of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Assignment {
    /// `c = ?`; none deletes.
    Set(Option<Bytes>),
    /// `c = c + ?`
    Append(Bytes),
    /// `c = ? + c`
    Prepend(Bytes),
    /// `c = c - ?`
    Remove(Bytes),
}

impl Assignment {
    /// Reads what a document says of a column.
    pub(super) fn read(column: &Column, document: Document) -> Result<Self, HttpError> {
        let open = column.cql_type.is_multi_cell() || column.cql_type == CqlType::Counter;
        if open && document.is_object() {
            let members = document.clone().members().unwrap_or_default();
            if let [(operation, operand)] = members.as_slice()
                && operation.starts_with('$')
            {
                return Self::operation(column, operation, operand);
            }
        }
        Ok(Self::Set(document.value(&column.name, &column.cql_type)?))
    }

    fn operation(column: &Column, operation: &str, operand: &Document) -> Result<Self, HttpError> {
        let read = |cql_type: &CqlType| -> Result<Bytes, HttpError> {
            let null = || HttpError::unprocessable(format!("{}: null", column.name));
            operand.value(&column.name, cql_type)?.ok_or_else(null)
        };
        let cql_type = &column.cql_type;
        Ok(match (operation, cql_type) {
            ("$inc", CqlType::Counter) => Self::Append(read(cql_type)?),
            ("$add", CqlType::List(..) | CqlType::Set(..) | CqlType::Map(..))
            | ("$append", CqlType::List(..)) => Self::Append(read(cql_type)?),
            ("$prepend", CqlType::List(..)) => Self::Prepend(read(cql_type)?),
            ("$remove", CqlType::List(..) | CqlType::Set(..)) => Self::Remove(read(cql_type)?),
            ("$remove", CqlType::Map(key, ..)) => {
                Self::Remove(read(&CqlType::Set(key.clone(), Frozen::Yes))?)
            }
            _ => {
                return Err(HttpError::with_hint(
                    format!("{}: {operation} is nothing for a {cql_type}", column.name),
                    "$inc is for counters; $add and $remove for lists, sets and maps; $append \
                     and $prepend for lists",
                ));
            }
        })
    }

    /// Adds the assignment.
    pub(super) fn add(self, statement: &mut Statement, name: &str) {
        statement.name(name);
        statement.add(" = ");
        match self {
            Self::Set(value) => statement.marker(value),
            Self::Append(value) => {
                statement.name(name);
                statement.add(" + ");
                statement.marker(Some(value));
            }
            Self::Prepend(value) => {
                statement.marker(Some(value));
                statement.add(" + ");
                statement.name(name);
            }
            Self::Remove(value) => {
                statement.name(name);
                statement.add(" - ");
                statement.marker(Some(value));
            }
        }
    }
}
