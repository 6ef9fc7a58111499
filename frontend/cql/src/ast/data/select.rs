//! `SELECT`.

use super::{Selector, Using};
use crate::ast::{Ident, QualifiedName, Relation, Term};

/// `SELECT ... FROM table ...`
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    /// `SELECT JSON`
    pub json: bool,
    /// `SELECT DISTINCT`
    pub distinct: bool,
    /// What is selected.
    pub clause: SelectClause,
    /// The table.
    pub table: QualifiedName,
    /// The relations of `WHERE`.
    pub filter: Vec<Relation>,
    /// `GROUP BY`: columns, or functions such as `floor(t, 1h)`.
    pub group_by: Vec<Selector>,
    /// `ORDER BY`
    pub order_by: Vec<(Ident, Ordering)>,
    /// `PER PARTITION LIMIT`
    pub per_partition_limit: Option<Term>,
    /// `LIMIT`
    pub limit: Option<Term>,
    /// `ALLOW FILTERING`
    pub allow_filtering: bool,
    /// `BYPASS CACHE`
    pub bypass_cache: bool,
    /// Only a timeout is possible.
    pub using: Using,
}

/// What is selected.
#[derive(Debug, Clone, PartialEq)]
pub enum SelectClause {
    /// `*`
    All,
    /// A list, never empty.
    Items(Vec<SelectItem>),
}

/// A selector with its name in the result.
#[derive(Debug, Clone, PartialEq)]
pub struct SelectItem {
    /// The selector.
    pub selector: Selector,
    /// `AS alias`
    pub alias: Option<Ident>,
    /// The selector as written: byte range of the statement, from which a name can be made.
    pub text: std::ops::Range<usize>,
}

/// How a column orders the rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Ordering {
    /// `ASC`, also when nothing is written.
    Ascending,
    /// `DESC`
    Descending,
    /// `ANN OF vector`
    NearestTo {
        /// The vector.
        vector: Term,
        /// `DESC`, which is refused by name.
        descending: bool,
    },
}
