//! The texts of statements. Names are quoted, values are bind markers, so that nothing of a
//! request is ever read as CQL, and equal requests share one prepared statement.

use std::fmt::Write as _;

use cellar_cql::plan::BoundValue;
use cellar_schema::Table;

/// A name as CQL text, case kept.
pub(in crate::http) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A table's full name as CQL text.
pub(in crate::http) fn place(keyspace: &str, table: &str) -> String {
    format!("{}.{}", quoted(keyspace), quoted(table))
}

/// A statement with the values of its markers, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) text: String,
    pub(super) values: Vec<BoundValue>,
}

impl Statement {
    /// Begins a statement.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), values: Vec::new() }
    }

    /// Adds text.
    pub(super) fn add(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds the full name of a table.
    pub(super) fn place(&mut self, table: &Table) {
        self.text.push_str(&place(&table.keyspace, &table.name));
    }

    /// Adds a marker with its value.
    pub(super) fn marker(&mut self, value: impl Into<BoundValue>) {
        self.text.push('?');
        self.values.push(value.into());
    }

    /// Adds a quoted name.
    pub(super) fn name(&mut self, name: &str) {
        self.text.push_str(&quoted(name));
    }

    /// Adds `"name" <operator> ?`.
    pub(super) fn compare(&mut self, name: &str, operator: &str, value: impl Into<BoundValue>) {
        self.name(name);
        let _ = write!(self.text, " {operator} ");
        self.marker(value);
    }

    /// Adds what joins the first item to the text before, or another item to the one before it.
    pub(super) fn join(&mut self, first: &mut bool, begin: &str, between: &str) {
        self.text.push_str(if std::mem::take(first) { begin } else { between });
    }
}
