//! `SELECT` on a materialized view. It is planned as if the view were a table, so that every rule
//! is that of tables; then its rows are made out of those of the base table: the same values under
//! the key that the row has in the view.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{ColumnId, ColumnKind, IndexProbe, Row, RowKind, Table, View, keys, limits};

use super::bound::Reads;
use super::restrict::{BoundFilter, Restriction, Restrictions, Test, is_key};
use super::view::{ColumnRef, RowView};
use crate::ast::{Ident, Relation, RelationTest, Statement, Target};
use crate::parse_statement;
use crate::plan::error::invalid;
use crate::plan::{Binding, PlanError, Scope, column};

/// How a view is read.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    /// Rows stand in the base as in the view: it is read like a table, with more filters.
    InOrder,
    /// Rows of the base get another key.
    Rekeyed(Box<Rekeyed>),
}

/// A view whose key is another than that of its base.
#[derive(Clone, Debug)]
pub(super) struct Rekeyed {
    base: Arc<Table>,
    /// All restrictions of the statement and those of the view, as the base has the columns.
    restrictions: Restrictions,
    partition: Vec<ColumnRef>,
    clustering: Vec<ColumnRef>,
    /// Columns of the base to ask storage for; nothing if all are needed.
    fetch: Option<Vec<ColumnId>>,
}

/// The rows of a view, as they are found in its base table.
#[derive(Clone, Debug)]
pub struct BoundView {
    /// The base table.
    pub base: Arc<Table>,
    /// What to read of it.
    pub reads: Reads,
    /// The stored columns that are needed; all if none are named.
    pub fetch: Option<Vec<ColumnId>>,
    /// Rows that are wanted at least: the others may be left out, where an index shows them.
    pub probe: Option<IndexProbe>,
    /// Whether the partitions of the base are those of the view and come in their order, so that
    /// rows change their places inside them only.
    pub same_partitions: bool,
    /// Whether rows may be fed to the reader in any order.
    pub any_order: bool,
    /// Whether each row becomes one row of the result, so that no more are needed than are asked.
    pub one_for_one: bool,
    table: Arc<Table>,
    filters: Vec<BoundFilter>,
    partition: Vec<ColumnRef>,
    clustering: Vec<ColumnRef>,
}

/// Checks the `WHERE` of a view against its base.
pub(crate) fn check_filter(
    scope: &mut Scope<'_>,
    base: &Table,
    relations: &[Relation],
) -> Result<(), PlanError> {
    relations.iter().try_for_each(|relation| test(scope, base, relation).map(drop))
}

fn test(
    scope: &mut Scope<'_>,
    base: &Table,
    relation: &Relation,
) -> Result<Restriction, PlanError> {
    match (&relation.target, &relation.test) {
        (Target::Column(name), RelationTest::IsNotNull) => {
            let columns = vec![ColumnRef::of(column(base, name)?)];
            Ok(Restriction::new(columns, false, Test::NotNull))
        }
        _ => Restriction::plan(scope, base, relation),
    }
}

/// The tests of a view, planned against its base.
fn tests(scope: &mut Scope<'_>, base: &Table, view: &View) -> Result<Vec<Restriction>, PlanError> {
    let filter = view.filter_text(base, |name| Ident::exact(name).to_string());
    let parsed = parse_statement(&format!("SELECT * FROM base WHERE {filter}"))?;
    let Statement::Select(select) = &parsed.statement else {
        return Err(PlanError::invalid(format!("the WHERE of view {} is none", view.name)));
    };
    let mut tests = Vec::with_capacity(select.filter.len());
    for relation in &select.filter {
        let test = test(scope, base, relation)?;
        // What is in the base's key is never null.
        let key = |name: &str| base.column(name).is_some_and(|column| is_key(column.kind));
        let idle = matches!(test.test, Test::NotNull) && test.columns.iter().all(|c| key(&c.name));
        if !idle {
            tests.push(test);
        }
    }
    Ok(tests)
}

impl Seen {
    /// Plans how the view is read; `table` is the view as a table.
    pub(super) fn plan(
        scope: &mut Scope<'_>,
        (base, view, table): (&Arc<Table>, &View, &Table),
        restrictions: &mut Restrictions,
        fetched: impl Iterator<Item = ColumnId>,
    ) -> Result<Self, PlanError> {
        let tests = tests(scope, base, view)?;
        let kinds = |table: &Table| -> Vec<(ColumnId, ColumnKind)> {
            let key = table.columns.iter().filter(|column| is_key(column.kind));
            key.map(|column| (column.id, column.kind)).collect()
        };
        if kinds(base) == kinds(table) {
            restrictions.also(tests);
            return Ok(Self::InOrder);
        }
        let restrictions = restrictions.onto(base, &tests);
        let of_base = |column: &cellar_schema::Column| base.column(&column.name).map(ColumnRef::of);
        let partition: Vec<ColumnRef> = table.partition_key().filter_map(of_base).collect();
        let clustering: Vec<ColumnRef> =
            table.clustering().filter_map(|(column, _)| of_base(column)).collect();
        let keyed = partition.iter().chain(&clustering).filter_map(ColumnRef::stored);
        let filtered = restrictions.filtered_columns().filter_map(ColumnRef::stored);
        let mut ids: Vec<ColumnId> = fetched.chain(keyed).chain(filtered).collect();
        ids.sort_unstable();
        ids.dedup();
        // Whether a row has more than dropped columns is seen only in all of it.
        let fetch = base.dropped.is_empty().then_some(ids);
        let base = Arc::clone(base);
        Ok(Self::Rekeyed(Box::new(Rekeyed { base, restrictions, partition, clustering, fetch })))
    }
}

impl Rekeyed {
    /// Binds the reads of the base. Keys that cannot be read one by one, because they are too many
    /// or none that a base may have, are found by reading all.
    pub(super) fn bind(
        &self,
        table: &Arc<Table>,
        binding: &Binding<'_>,
    ) -> Result<BoundView, PlanError> {
        let found = match self.restrictions.bind(binding, false, false) {
            Ok(found) => found,
            Err(_) => self.restrictions.as_filters().bind(binding, false, false)?,
        };
        let of_base = self.base.partition_key().map(ColumnRef::of);
        let in_order =
            matches!(found.reads, Reads::Scan { .. }) && of_base.eq(self.partition.iter().cloned());
        Ok(BoundView {
            base: Arc::clone(&self.base),
            reads: found.reads,
            fetch: self.fetch.clone(),
            probe: found.probe,
            same_partitions: in_order,
            any_order: false,
            one_for_one: false,
            table: Arc::clone(table),
            filters: found.filters,
            partition: self.partition.clone(),
            clustering: self.clustering.clone(),
        })
    }
}

impl BoundView {
    /// The key that a row of the base has in the view, if it is in the view and passes the
    /// statement's filters. A value too long for a key keeps its row out.
    ///
    /// # Errors
    /// Keys that are not of the base.
    pub fn key(&self, key: &Bytes, row: &Row) -> Result<Option<Bytes>, PlanError> {
        let decoded = keys::decode(&self.base, key).map_err(invalid)?;
        if decoded.kind != RowKind::Row {
            return Ok(None);
        }
        let view = RowView {
            prefix: key,
            partition: &decoded.partition_values,
            token: Some(decoded.token),
            clustering: &decoded.clustering,
            statics: None,
            row: Some(row),
            now_seconds: 0,
        };
        if !self.filters.iter().all(|filter| filter.passes(&view)) {
            return Ok(None);
        }
        let values = |columns: &[ColumnRef]| -> Option<Vec<Bytes>> {
            columns.iter().map(|column| view.value(column)).collect()
        };
        let (Some(partition), Some(clustering)) =
            (values(&self.partition), values(&self.clustering))
        else {
            return Ok(None);
        };
        let long = |value: &Bytes| value.len() > limits::KEY_COMPONENT_BYTES_MAX;
        if partition.iter().chain(&clustering).any(long) {
            return Ok(None);
        }
        let components: Vec<&[u8]> = partition.iter().map(AsRef::as_ref).collect();
        let prefix = keys::partition(self.table.id, &keys::routing(&components));
        let suffix = keys::row_suffix(&self.table, &clustering).map_err(invalid)?;
        Ok(keys::engine_key(&prefix, &suffix).ok())
    }
}
