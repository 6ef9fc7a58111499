//! A write with its values: mutations, conditions, and the answer to conditions in the form that
//! Cassandra's clients expect.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{
    Access, Column, ColumnId, ColumnKind, Comparison, Condition, CqlType, Mutation, Row, Table,
    Test, keys, value,
};

use super::assign::is_key;
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
    /// Whether this was a logged batch: all or nothing in the end.
    pub logged: bool,
    /// Whether the statement itself said `USING TIMESTAMP`.
    pub(crate) own_timestamp: bool,
    /// Whether static columns are among those written: a refusal shows them.
    pub(crate) writes_statics: bool,
    /// Whether this was a `BATCH`: a refusal shows keys.
    pub(crate) batch: bool,
    /// For the client.
    pub warnings: Vec<String>,
    /// The rows that conditions are about.
    pub(crate) tested: Vec<TestedRow>,
}

/// A row with conditions on it.
#[derive(Clone, Debug)]
pub(crate) struct TestedRow {
    /// Engine key of its partition.
    pub(crate) partition: Bytes,
    /// Values of its key columns; clustering columns are missing for statics.
    pub(crate) key: Vec<(ColumnId, Bytes)>,
    /// Its place in the partition.
    pub(crate) suffix: Bytes,
    /// The columns to show when the conditions fail, in order; `None` for all of them.
    pub(crate) shown: Option<Vec<ColumnId>>,
    /// For each of the request's conditions that belong to it, whether it is about statics.
    pub(crate) statics: Vec<bool>,
}

/// The result of a conditional write as a client gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CasResult {
    /// `[applied]` first.
    pub columns: Vec<ResultColumn>,
    /// One row for each row with conditions that exists, or one alone when there is none or when
    /// the write was applied.
    pub rows: Vec<Vec<Option<Bytes>>>,
}

/// What the conditions of a refused request met.
struct Met<'r> {
    statics: Option<&'r Row>,
    /// The tested rows that exist, in the order of the table, each once.
    rows: Vec<(&'r TestedRow, &'r Row)>,
}

/// No table has so many columns: whatever the row, this one is null.
const NO_COLUMN: ColumnId = ColumnId(u32::MAX);

/// A condition that always holds, so that its row is among the rows of the answer.
pub(crate) fn look_at(partition: Bytes, suffix: Bytes) -> Condition {
    let test = Test::Column {
        column: NO_COLUMN,
        cql_type: CqlType::Blob,
        access: Access::Whole,
        comparison: Comparison::Equal(None),
    };
    Condition { partition, suffix, test }
}

/// Whether the condition is only there to have its row in the answer.
pub(crate) fn is_looked_at(condition: &Condition) -> bool {
    matches!(condition.test, Test::Column { column: NO_COLUMN, .. })
}

impl BoundWrite {
    /// Has the cell answer with the static row too when a refusal must show it.
    pub(crate) fn look_at_statics(&mut self) {
        let seen = self.tested.iter().flat_map(|tested| &tested.statics).any(|statics| *statics);
        if seen || !self.writes_statics {
            return;
        }
        if let Some(tested) = self.tested.last_mut() {
            tested.statics.push(true);
            self.conditions.push(look_at(tested.partition.clone(), keys::static_suffix()));
        }
    }

    /// The columns that describe a refusal: `[applied]`, then those the conditions look at, or
    /// all columns for `IF [NOT] EXISTS`.
    #[must_use]
    pub fn cas_columns(&self) -> Vec<ResultColumn> {
        let shown = self.shown();
        let columns = shown.iter().map(|column| scope::receiver(&self.table, column));
        std::iter::once(self.applied_column()).chain(columns).collect()
    }

    /// The partition whose first row the answer shows: a refusal where nothing but statics were
    /// tested stands for the partition as a whole.
    #[must_use]
    pub fn first_row_of(&self, applied: bool, current: &[Option<Row>]) -> Option<&Bytes> {
        let only_statics = self.tested.iter().all(|t| t.statics.iter().all(|statics| *statics));
        let keys_shown = self.batch || self.tested.iter().any(|tested| tested.shown.is_none());
        let wanted = keys_shown || self.met(current).statics.is_none();
        let partition = self.tested.first().map(|tested| &tested.partition);
        partition.filter(|_| !applied && only_statics && wanted)
    }

    /// The answer exactly as Cassandra gives it; `current` is the live row of each condition, and
    /// `first` the suffix of the first live row of [`BoundWrite::first_row_of`], if there is one.
    /// `[applied]` is alone when the write was applied, and when none of these rows is there.
    #[must_use]
    pub fn cas_result(
        &self,
        applied: bool,
        current: &[Option<Row>],
        first: Option<&Bytes>,
    ) -> CasResult {
        let met = self.met(current);
        if applied || (met.rows.is_empty() && met.statics.is_none() && first.is_none()) {
            return CasResult {
                columns: vec![self.applied_column()],
                rows: vec![vec![Some(value::boolean(applied))]],
            };
        }
        let shown = self.shown();
        let refused = |tested: Option<&TestedRow>, row: Option<&Row>| {
            let cells = shown.iter().map(|column| self.cell(column, tested, row, met.statics));
            std::iter::once(Some(value::boolean(false))).chain(cells).collect()
        };
        let mut rows: Vec<Vec<Option<Bytes>>> =
            met.rows.iter().map(|(tested, row)| refused(Some(tested), Some(row))).collect();
        if rows.is_empty() {
            rows.push(refused(self.row_at(first).as_ref(), None));
        }
        CasResult { columns: self.cas_columns(), rows }
    }

    /// A row that was not tested, of which only the key is shown.
    fn row_at(&self, suffix: Option<&Bytes>) -> Option<TestedRow> {
        let tested = self.tested.first()?;
        let clustering = keys::clustering_of(&self.table, suffix?).ok()?;
        let ids = self.table.clustering().map(|(column, _)| column.id);
        Some(TestedRow { key: ids.zip(clustering).collect(), ..tested.clone() })
    }

    fn met<'r>(&'r self, current: &'r [Option<Row>]) -> Met<'r> {
        let mut met = Met { statics: None, rows: Vec::with_capacity(self.tested.len()) };
        let mut rest = current.iter();
        for tested in &self.tested {
            for (statics, row) in tested.statics.iter().zip(rest.by_ref().map(Option::as_ref)) {
                let Some(row) = row else { continue };
                let known = met.rows.iter().any(|(other, _)| other.suffix == tested.suffix);
                if *statics {
                    met.statics = Some(row);
                } else if !known {
                    met.rows.push((tested, row));
                }
            }
        }
        // What was not asked for does not make a static row.
        met.statics = met.statics.filter(|row| self.reads_any(row));
        met.rows.sort_by(|(a, _), (b, _)| a.suffix.cmp(&b.suffix));
        met
    }

    /// Whether a static column that the request reads is set.
    fn reads_any(&self, statics: &Row) -> bool {
        let columns = self.table.columns.iter().filter(|c| c.kind == ColumnKind::Static);
        self.writes_statics
            || columns
                .filter(|column| self.reads(column))
                .any(|column| statics.wire_value(column.id, &column.cql_type).is_some())
    }

    /// Whether the request reads a static column: all are, if one is written.
    fn reads(&self, column: &Column) -> bool {
        let shown = self.tested.iter().filter_map(|tested| tested.shown.as_ref());
        self.writes_statics || shown.flatten().any(|id| *id == column.id)
    }

    fn cell(
        &self,
        column: &Column,
        tested: Option<&TestedRow>,
        row: Option<&Row>,
        statics: Option<&Row>,
    ) -> Option<Bytes> {
        match column.kind {
            ColumnKind::PartitionKey(_) => self.tested.first()?.key(column),
            ColumnKind::Clustering(..) => tested?.key(column),
            ColumnKind::Static if !self.reads(column) => None,
            ColumnKind::Static => statics?.wire_value(column.id, &column.cql_type),
            ColumnKind::Regular => row?.wire_value(column.id, &column.cql_type),
        }
    }

    fn applied_column(&self) -> ColumnSpec {
        ColumnSpec::of(&self.table, "[applied]", CqlType::Boolean)
    }

    /// Every column that one of the tested rows shows, in the order of the conditions; of a
    /// batch, the key columns first.
    fn shown(&self) -> Vec<&Column> {
        let all = scope::select_order(&self.table);
        let listed: Option<Vec<&[ColumnId]>> =
            self.tested.iter().map(|tested| tested.shown.as_deref()).collect();
        let Some(listed) = listed else { return all };
        let mut shown: Vec<&Column> = Vec::new();
        if self.batch {
            shown.extend(all.iter().filter(|column| is_key(column)));
        }
        for id in listed.into_iter().flatten() {
            let found = all.iter().find(|column| column.id == *id);
            shown.extend(found.filter(|column| shown.iter().all(|other| other.id != column.id)));
        }
        shown
    }
}

impl TestedRow {
    fn key(&self, column: &Column) -> Option<Bytes> {
        self.key.iter().find(|(id, _)| *id == column.id).map(|(_, bytes)| bytes.clone())
    }
}
