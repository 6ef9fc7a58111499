//! A write with its values: mutations, conditions, and the answer to conditions in the form that
//! Cassandra's clients expect.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{Column, ColumnId, Condition, CqlType, Mutation, Row, Table, value};

use crate::plan::{ColumnSpec, ResultColumn, scope};

/// What is to be sent to the cells. One or several statements that become one request.
#[derive(Clone, Debug)]
pub struct BoundWrite {
    /// The table (of a batch: the table of its conditions, or of its first statement).
    pub table: Arc<Table>,
    /// One for each partition; none when nothing changes.
    pub mutations: Vec<Mutation>,
    /// All about one partition; all must hold.
    pub conditions: Vec<Condition>,
    /// Whether counters are changed.
    pub counter: bool,
    /// Whether the mutations may be applied twice without harm.
    pub idempotent: bool,
    /// Whether the statement itself said `USING TIMESTAMP`.
    pub(crate) own_timestamp: bool,
    /// The rows that conditions are about.
    pub(crate) tested: Vec<TestedRow>,
}

/// A row with conditions on it.
#[derive(Clone, Debug)]
pub(crate) struct TestedRow {
    /// Values of its key columns; clustering columns are missing for statics.
    pub(crate) key: Vec<(ColumnId, Bytes)>,
    /// The columns to show when the conditions fail; `None` for all of them.
    pub(crate) shown: Option<Vec<ColumnId>>,
    /// How many of the request's conditions belong to it.
    pub(crate) conditions: usize,
}

/// The result of a conditional write as a client gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CasResult {
    /// `[applied]` first.
    pub columns: Vec<ResultColumn>,
    /// One row for each row with conditions, or one alone when the write was applied.
    pub rows: Vec<Vec<Option<Bytes>>>,
}

impl BoundWrite {
    /// The columns that describe a refusal: `[applied]`, then those the conditions look at, or
    /// all columns for `IF [NOT] EXISTS`.
    #[must_use]
    pub fn cas_columns(&self) -> Vec<ResultColumn> {
        let shown = self.shown();
        let columns = shown.iter().map(|column| scope::receiver(&self.table, column));
        std::iter::once(self.applied_column()).chain(columns).collect()
    }

    /// The rows that go with [`BoundWrite::cas_columns`]; `current` is the live row of each
    /// condition. An applied write shows nothing but that.
    #[must_use]
    pub fn cas_rows(&self, applied: bool, current: &[Option<Row>]) -> Vec<Vec<Option<Bytes>>> {
        let shown = self.shown();
        if applied {
            let nulls = shown.iter().map(|_| None);
            return vec![std::iter::once(Some(value::boolean(true))).chain(nulls).collect()];
        }
        let mut rest = current;
        let mut rows = Vec::with_capacity(self.tested.len());
        for tested in &self.tested {
            let (own, others) = rest.split_at_checked(tested.conditions).unwrap_or((rest, &[]));
            rest = others;
            let found: Vec<&Row> = own.iter().flatten().collect();
            let cells = shown.iter().map(|column| {
                if found.is_empty() {
                    return None;
                }
                tested.value(column, &found)
            });
            rows.push(std::iter::once(Some(value::boolean(false))).chain(cells).collect());
        }
        rows
    }

    /// The answer exactly as Cassandra gives it: `[applied]` alone when the write was applied or
    /// when no tested row exists.
    #[must_use]
    pub fn cas_result(&self, applied: bool, current: &[Option<Row>]) -> CasResult {
        if applied || current.iter().all(Option::is_none) {
            return CasResult {
                columns: vec![self.applied_column()],
                rows: vec![vec![Some(value::boolean(applied))]],
            };
        }
        CasResult { columns: self.cas_columns(), rows: self.cas_rows(applied, current) }
    }

    fn applied_column(&self) -> ColumnSpec {
        ColumnSpec::of(&self.table, "[applied]", CqlType::Boolean)
    }

    /// Every column that one of the tested rows shows, in the order of `SELECT *`; of a batch,
    /// the key columns too.
    fn shown(&self) -> Vec<&Column> {
        let all = self.tested.iter().any(|tested| tested.shown.is_none());
        let several = self.tested.len() > 1;
        let wanted = |column: &&Column| {
            all || (several && super::assign::is_key(column))
                || self
                    .tested
                    .iter()
                    .filter_map(|tested| tested.shown.as_ref())
                    .any(|shown| shown.contains(&column.id))
        };
        scope::select_order(&self.table).into_iter().filter(wanted).collect()
    }
}

impl TestedRow {
    fn value(&self, column: &Column, found: &[&Row]) -> Option<Bytes> {
        if let Some((_, bytes)) = self.key.iter().find(|(id, _)| *id == column.id) {
            return Some(bytes.clone());
        }
        found.iter().find_map(|row| row.wire_value(column.id, &column.cql_type))
    }
}
