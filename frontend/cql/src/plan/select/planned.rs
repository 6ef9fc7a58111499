//! A `SELECT` as it is planned: checked against the schema, columns resolved, markers typed.

use std::sync::Arc;

use cellar_schema::{ColumnId, ColumnKind, CqlType, Table, View};

use super::bound::{BoundSelect, Shape};
use super::group::{GroupBy, GroupItem};
use super::materialized::{BoundView, Seen};
use super::nearest::Nearest;
use super::order::{self, Ordering};
use super::output::Output;
use super::restrict::Restrictions;
use super::view::{ColumnRef, Place};
use crate::ast;
use crate::plan::term::{Expr, prepare};
use crate::plan::{Binding, BoundValue, Env, Plan, PlanError, Planned, Scope, pseudo};

/// A planned `SELECT`.
#[derive(Clone, Debug)]
pub struct Select {
    table: Arc<Table>,
    restrictions: Restrictions,
    output: Arc<Output>,
    distinct: bool,
    group_by: Option<GroupBy>,
    ordering: Ordering,
    nearest: Option<Nearest>,
    limit: Option<Expr>,
    per_partition_limit: Option<Expr>,
    fetch: Option<Vec<ColumnId>>,
    /// Whether static columns are read with a partition.
    statics: bool,
    markers: usize,
    /// How it is read, if the table is a view.
    seen: Option<Seen>,
}

/// Plans a `SELECT`.
///
/// # Errors
/// Anything wrong with the statement against this schema.
pub fn plan(mut scope: Scope<'_>, written: &ast::Select) -> Result<Planned, PlanError> {
    let select = Select::plan(&mut scope, written)?;
    let columns = select.output.result_columns(&select.table);
    let partition_key_variables = select.restrictions.partition_key_variables();
    Ok(Planned {
        plan: Plan::Select(Box::new(select)),
        variables: scope.take_variables()?,
        partition_key_variables,
        columns: Some(columns),
        tables: scope.tables,
        warnings: scope.warnings,
    })
}

impl Select {
    fn plan(scope: &mut Scope<'_>, written: &ast::Select) -> Result<Self, PlanError> {
        let (base, of_view) = scope.source(&written.table)?;
        let table = match &of_view {
            Some(view) => Arc::new(view.as_table(&base)),
            None => Arc::clone(&base),
        };
        let output = Output::plan(scope, &table, written)?;
        let nearest = Nearest::plan(scope, &table, written)?;
        let ordered = nearest.as_ref().map(|nearest| &nearest.column);
        let use_of = (ordered, written.allow_filtering);
        let restrictions = Restrictions::plan(scope, &table, &written.filter, use_of)?;
        if restrictions.chooses_clustering() && output.is_static_only() {
            return Err(PlanError::invalid(
                "Cannot restrict clustering columns when selecting only static columns",
            ));
        }
        if written.distinct {
            check_distinct(&table, &output, &restrictions)?;
        }
        let group_by = GroupBy::plan(&table, &output.groups, &restrictions, written.distinct)?;
        let ordering = match &nearest {
            Some(nearest) => {
                check_nearest(nearest, &output, group_by.is_some(), written.distinct)?;
                Ordering::default()
            }
            None => order::plan(&table, &written.order_by, &restrictions)?,
        };
        if let (true, Some((column, _))) = (written.distinct, ordering.sort.first()) {
            return Err(not_distinct(&column.name));
        }
        let per_partition_limit =
            limit(scope, &table, written.per_partition_limit.as_ref(), "[per_partition_limit]")?;
        if per_partition_limit.is_some() {
            let grouped = group_by.is_some() || output.aggregates.is_empty();
            check_per_partition(written.distinct, grouped)?;
        }
        let limit = limit(scope, &table, written.limit.as_ref(), "[limit]")?;
        let has_statics = table.columns.iter().any(|column| column.kind == ColumnKind::Static);
        let mut select = Self {
            restrictions,
            output: Arc::new(output),
            distinct: written.distinct,
            group_by,
            ordering,
            nearest,
            limit,
            per_partition_limit,
            fetch: None,
            statics: has_statics,
            markers: scope.marker_count(),
            seen: None,
            table,
        };
        select.see(scope, &base, of_view.as_ref())?;
        select.statics = has_statics && (select.static_rows() || select.reads_statics());
        select.fetch = select.fetched();
        Ok(select)
    }

    /// Plans how a view is read.
    fn see(
        &mut self,
        scope: &mut Scope<'_>,
        base: &Arc<Table>,
        view: Option<&View>,
    ) -> Result<(), PlanError> {
        let Some(view) = view else { return Ok(()) };
        let used: Vec<ColumnId> = self.used().filter_map(ColumnRef::stored).collect();
        let table = Arc::clone(&self.table);
        let of = (base, view, &*table);
        self.seen = Some(Seen::plan(scope, of, &mut self.restrictions, used.into_iter())?);
        Ok(())
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// What clients are told about every execution, as in Cassandra.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let aggregated = self.group_by.is_some() || !self.output.aggregates.is_empty();
        let warning = match () {
            () if !aggregated => None,
            () if !self.restrictions.restricts_partition() => {
                Some("Aggregation query used without partition key")
            }
            () if self.restrictions.several_partitions() => {
                Some("Aggregation query used on multiple partition keys (IN restriction)")
            }
            () => None,
        };
        warning.map(str::to_owned).into_iter().collect()
    }

    /// Whether a partition with nothing but static columns is a row of the result.
    fn static_rows(&self) -> bool {
        self.seen.is_none() && !self.restrictions.chooses_rows()
    }

    fn used(&self) -> impl Iterator<Item = &ColumnRef> {
        let sorted = self.ordering.sort.iter().map(|(column, _)| column);
        let nearest = self.nearest.iter().map(|nearest| &nearest.column);
        let shown = self.output.reads.iter().chain(nearest);
        shown.chain(self.restrictions.filtered_columns()).chain(sorted)
    }

    fn reads_statics(&self) -> bool {
        self.used().any(|column| matches!(column.place, Place::Static(_)))
    }

    /// The columns to ask storage for; nothing if all are needed.
    fn fetched(&self) -> Option<Vec<ColumnId>> {
        // Whether a row has more than dropped columns is seen only in all of it.
        if !self.table.dropped.is_empty() {
            return None;
        }
        let mut ids: Vec<ColumnId> = self.used().filter_map(ColumnRef::stored).collect();
        if self.statics && self.static_rows() {
            // They tell whether a partition without rows is there.
            let statics = self.table.columns.iter().filter(|c| c.kind == ColumnKind::Static);
            ids.extend(statics.map(|column| column.id));
        }
        ids.sort_unstable();
        ids.dedup();
        let stored = |kind| matches!(kind, ColumnKind::Static | ColumnKind::Regular);
        let all = self.table.columns.iter().filter(|column| stored(column.kind)).count();
        (ids.len() < all).then_some(ids)
    }

    /// Binds the variables.
    ///
    /// # Errors
    /// Values of another number or type, nulls where none may be, limits below one.
    pub fn bind(&self, values: &[BoundValue], env: &Env) -> Result<BoundSelect, PlanError> {
        let binding = Binding::new(values, self.markers, env)?;
        let limit = bound_limit(self.limit.as_ref(), &binding, "LIMIT")?;
        let per_partition_limit =
            bound_limit(self.per_partition_limit.as_ref(), &binding, "PER PARTITION LIMIT")?;
        let reverse = self.ordering.reverse;
        let found = self.restrictions.bind(&binding, self.statics, reverse)?;
        let terms = self.output.terms.iter();
        let terms = terms
            .map(|term| term.evaluate_set(&binding, "a term of the selection"))
            .collect::<Result<_, _>>()?;
        let places = || self.used().map(|column| column.place);
        let mut shape = Shape {
            table: Arc::clone(&self.table),
            output: Arc::clone(&self.output),
            terms,
            env: env.clone(),
            filters: found.filters,
            distinct: self.distinct,
            group_by: self.group_by.clone(),
            limit,
            per_partition_limit,
            static_rows: self.static_rows(),
            sort: self.ordering.sort.clone(),
            nearest: self.nearest.as_ref().map(|near| near.bind(&binding, limit)).transpose()?,
            wants_partition: self.output.token
                || places().any(|place| matches!(place, Place::Partition(_))),
            wants_clustering: self.output.groups.iter().any(GroupItem::is_clustering)
                || places().any(|place| matches!(place, Place::Clustering(_))),
        };
        if shape.is_aggregate_of_all() {
            // There is one row, made of all; limits do not choose what it is made of.
            (shape.limit, shape.per_partition_limit) = (None, None);
        }
        let one_for_one = shape.filters.is_empty() && shape.is_one_for_one();
        let view = self.bound_view(&binding, &shape)?;
        let row_limit_hint = limit.filter(|_| one_for_one).and_then(|l| u32::try_from(l).ok());
        Ok(BoundSelect {
            table: Arc::clone(&self.table),
            reads: found.reads,
            reverse,
            fetch: self.fetch.clone(),
            row_limit_hint,
            view,
            probe: found.probe,
            shape: Arc::new(shape),
        })
    }
}

impl Select {
    /// The rows of a view, if they have other keys than in their base.
    fn bound_view(
        &self,
        binding: &Binding<'_>,
        shape: &Shape,
    ) -> Result<Option<Arc<BoundView>>, PlanError> {
        let Some(Seen::Rekeyed(rekeyed)) = &self.seen else { return Ok(None) };
        let mut view = rekeyed.bind(&self.table, binding)?;
        view.one_for_one = shape.is_one_for_one() && shape.per_partition_limit.is_none();
        view.any_order = shape.is_aggregate_of_all() && self.output.is_all_aggregates();
        Ok(Some(Arc::new(view)))
    }
}

fn limit(
    scope: &mut Scope<'_>,
    table: &Table,
    term: Option<&ast::Term>,
    name: &str,
) -> Result<Option<Expr>, PlanError> {
    let Some(term) = term else { return Ok(None) };
    let expr = prepare(scope, term, &pseudo(table, name, CqlType::Int))?;
    if let Expr::Constant(Some(bytes)) = &expr {
        let what = if name == "[limit]" { "LIMIT" } else { "PER PARTITION LIMIT" };
        checked_limit(bytes, what)?;
    }
    Ok(Some(expr))
}

fn bound_limit(
    expr: Option<&Expr>,
    binding: &Binding<'_>,
    what: &str,
) -> Result<Option<u64>, PlanError> {
    match expr.map(|expr| expr.evaluate(binding)).transpose()? {
        None | Some(BoundValue::Unset) => Ok(None),
        Some(BoundValue::Null) => Err(PlanError::invalid("Invalid null value of limit")),
        Some(BoundValue::Bytes(bytes)) => checked_limit(&bytes, what).map(Some),
    }
}

fn checked_limit(bytes: &[u8], what: &str) -> Result<u64, PlanError> {
    let limit = cellar_schema::value::as_i32(bytes)
        .ok_or_else(|| PlanError::invalid(format!("Invalid {what} value")))?;
    match u64::try_from(limit) {
        Ok(limit) if limit > 0 => Ok(limit),
        _ => Err(PlanError::invalid(format!("{what} must be strictly positive"))),
    }
}

fn check_per_partition(distinct: bool, grouped: bool) -> Result<(), PlanError> {
    if distinct {
        return Err(PlanError::invalid(
            "PER PARTITION LIMIT is not allowed with SELECT DISTINCT queries",
        ));
    }
    if !grouped {
        return Err(PlanError::invalid(
            "PER PARTITION LIMIT is not allowed with aggregate queries.",
        ));
    }
    Ok(())
}

/// What is ordered by likeness is rows.
fn check_nearest(
    nearest: &Nearest,
    output: &Output,
    grouped: bool,
    distinct: bool,
) -> Result<(), PlanError> {
    if grouped || !output.aggregates.is_empty() {
        return Err(PlanError::invalid("Top-K queries cannot be run with aggregation"));
    }
    if distinct {
        return Err(not_distinct(&nearest.column.name));
    }
    Ok(())
}

fn not_distinct(column: &str) -> PlanError {
    PlanError::invalid(format!(
        "SELECT DISTINCT queries must only request partition key columns and/or static columns \
         (not {column})"
    ))
}

fn check_distinct(
    table: &Table,
    output: &Output,
    restrictions: &Restrictions,
) -> Result<(), PlanError> {
    if restrictions.chooses_rows() {
        return Err(PlanError::invalid(
            "SELECT DISTINCT with WHERE clause only supports restriction by partition key and/or \
             static columns.",
        ));
    }
    for column in &output.reads {
        if matches!(column.place, Place::Clustering(_) | Place::Regular(_)) {
            return Err(not_distinct(&column.name));
        }
    }
    if !restrictions.is_scan() {
        return Ok(());
    }
    let requested = |name: &str| output.reads.iter().any(|column| column.name == name);
    match table.partition_key().find(|column| !requested(&column.name)) {
        Some(missing) => Err(PlanError::invalid(format!(
            "SELECT DISTINCT queries must request all the partition key columns (missing {})",
            missing.name
        ))),
        None => Ok(()),
    }
}
