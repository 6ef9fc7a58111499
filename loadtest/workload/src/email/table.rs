//! A table as both sides see it: name, columns, key, and the statements made from them.

use crate::value::Kind;

/// A table of the workload.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Name with keyspace.
    pub name: &'static str,
    /// Columns, in the order of [`super::Row::values`].
    pub columns: &'static [(&'static str, Kind)],
    /// Columns of the partition key; they come first in `columns`.
    pub partition_columns: usize,
    /// Columns of the whole primary key; they come first in `columns`.
    pub key_columns: usize,
    /// Position of the column that ageing goes by.
    pub time_column: usize,
    /// Position of `subscriber_id`.
    pub subscriber_column: usize,
    /// Position of `attempt`.
    pub attempt_column: Option<usize>,
}

impl Table {
    /// Inserts a row; binds all columns in order.
    #[must_use]
    pub fn insert(&self) -> String {
        let marks = vec!["?"; self.columns.len()].join(", ");
        format!("INSERT INTO {} ({}) VALUES ({marks})", self.name, self.column_list())
    }

    /// Inserts a row unless its key is there.
    #[must_use]
    pub fn insert_if_not_exists(&self) -> String {
        format!("{} IF NOT EXISTS", self.insert())
    }

    /// Reads everything, the columns in order.
    #[must_use]
    pub fn select_all(&self) -> String {
        format!("SELECT {} FROM {}", self.column_list(), self.name)
    }

    /// Reads one partition; binds the columns of the partition key.
    #[must_use]
    pub fn select_partition(&self) -> String {
        format!("{} WHERE {}", self.select_all(), self.condition(self.partition_columns))
    }

    /// Reads one row; binds the columns of the primary key.
    #[must_use]
    pub fn select_row(&self) -> String {
        format!("{} WHERE {}", self.select_all(), self.condition(self.key_columns))
    }

    fn column_list(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    fn condition(&self, columns: usize) -> String {
        let equal = |(name, _): &(&str, Kind)| format!("{name} = ?");
        self.columns.iter().take(columns).map(equal).collect::<Vec<_>>().join(" AND ")
    }
}
