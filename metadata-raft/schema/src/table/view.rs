//! Materialized views of a table, as they are defined. A view holds no rows of its own: it is read
//! from its base table, so that it never lags and never differs.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Column, ColumnKind, Table, TableOptions};
use crate::ColumnId;

/// A materialized view. Columns are named by their ids in the base table, so that renaming one
/// there renames it here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Name, case kept; shared with tables, so used once in a keyspace.
    pub name: String,
    /// What drivers see as the view's id.
    pub uuid: Uuid,
    /// The key: what each of its columns is in it, in key order.
    pub key: Vec<(ColumnId, ColumnKind)>,
    /// The columns beside the key; none is every column the base has, also those added later.
    pub columns: Option<Vec<ColumnId>>,
    /// WHERE, relations joined by AND.
    pub filter: Vec<ViewRelation>,
    /// Options of WITH; they are shown and do nothing.
    pub options: TableOptions,
}

/// One relation of a view's WHERE. In CQL: `a = 1`, `(a, b) > (1, 2)`, `m['k'] = 3`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewRelation {
    /// The columns on its left side.
    pub columns: Vec<ColumnId>,
    /// Whether they are written in parentheses.
    pub tuple: bool,
    /// What is between brackets after the column, as CQL.
    pub element: Option<String>,
    /// The rest, as CQL: `IS NOT NULL`, `> 1`.
    pub test: String,
}

impl View {
    /// Whether the column is part of the view's key.
    #[must_use]
    pub fn is_key(&self, column: ColumnId) -> bool {
        self.key.iter().any(|(id, _)| *id == column)
    }

    /// Whether the view shows this column of its base.
    #[must_use]
    pub fn shows(&self, column: &Column) -> bool {
        self.is_key(column.id)
            || match &self.columns {
                Some(columns) => columns.contains(&column.id),
                None => column.kind == ColumnKind::Regular,
            }
    }

    /// Whether the view cannot be without this column.
    #[must_use]
    pub fn needs(&self, column: &Column) -> bool {
        let filters = self.filter.iter().any(|relation| relation.columns.contains(&column.id));
        filters || self.shows(column)
    }

    /// The view as if it were a table with rows of its own, with the ids of its base: its key
    /// columns in their places, all others as in the base.
    #[must_use]
    pub fn as_table(&self, base: &Table) -> Table {
        let key = self.key.iter().filter_map(|(id, kind)| {
            let column = base.column_by_id(*id)?;
            Some(Column { kind: *kind, ..column.clone() })
        });
        let rest = base.columns.iter().filter(|column| !self.is_key(column.id));
        let columns = key.chain(rest.filter(|column| self.shows(column)).cloned()).collect();
        Table {
            id: base.id,
            uuid: self.uuid,
            keyspace: base.keyspace.clone(),
            name: self.name.clone(),
            version: base.version,
            columns,
            next_column: base.next_column,
            dropped: base.dropped.clone(),
            options: self.options.clone(),
        }
    }

    /// WHERE as CQL, columns by the names they have now and `quoted` where they need it.
    #[must_use]
    pub fn filter_text(&self, base: &Table, quoted: impl Fn(&str) -> String) -> String {
        let name = |id: &ColumnId| base.column_by_id(*id).map(|column| quoted(&column.name));
        let relation = |relation: &ViewRelation| {
            let names: Vec<String> = relation.columns.iter().filter_map(name).collect();
            let names = names.join(", ");
            let target = match (&relation.element, relation.tuple) {
                (Some(element), _) => format!("{names}[{element}]"),
                (None, true) => format!("({names})"),
                (None, false) => names,
            };
            format!("{target} {}", relation.test)
        };
        self.filter.iter().map(relation).collect::<Vec<_>>().join(" AND ")
    }
}

impl Table {
    /// The materialized view of this name.
    #[must_use]
    pub fn view(&self, name: &str) -> Option<&View> {
        self.options.views.iter().find(|view| view.name == name)
    }
}

impl super::Keyspace {
    /// The materialized view of this name, with its base table.
    #[must_use]
    pub fn view(&self, name: &str) -> Option<(&std::sync::Arc<Table>, &View)> {
        self.tables.values().find_map(|table| Some((table, table.view(name)?)))
    }

    /// Every materialized view with its base table, by name.
    #[must_use]
    pub fn views(&self) -> Vec<(&std::sync::Arc<Table>, &View)> {
        let of = |table| move |view| (table, view);
        let tables = self.tables.values();
        let mut all: Vec<_> =
            tables.flat_map(|table| table.options.views.iter().map(of(table))).collect();
        all.sort_by(|(_, left), (_, right)| left.name.cmp(&right.name));
        all
    }
}
