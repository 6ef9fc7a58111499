//! `GROUP BY`: rows whose primary keys start alike.

use bytes::Bytes;
use cellar_schema::{ColumnKind, Table};

use super::restrict::Restrictions;
use super::selector::{Context, Sel};
use super::view::{ColumnRef, Place};
use crate::plan::PlanError;

/// One entry of `GROUP BY`: a column, or a function of one.
#[derive(Clone, Debug)]
pub(super) struct GroupItem {
    pub(super) column: ColumnRef,
    pub(super) function: Option<Sel>,
}

/// What rows of one group have in common; always the partition.
#[derive(Clone, Debug)]
pub(super) struct GroupBy {
    /// So many of the first clustering columns.
    pub(super) clustering: usize,
    /// And this.
    pub(super) function: Option<Sel>,
}

/// What makes two rows one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GroupKey {
    partition: Bytes,
    values: Vec<Option<Bytes>>,
}

const ORDER: &str = "Group by currently only support groups of columns following their declared order in the \
     PRIMARY KEY";

impl GroupBy {
    /// Checks `GROUP BY` against the primary key; columns that have one value may be left out.
    pub(super) fn plan(
        table: &Table,
        items: &[GroupItem],
        restrictions: &Restrictions,
        distinct: bool,
    ) -> Result<Option<Self>, PlanError> {
        if items.is_empty() {
            return Ok(None);
        }
        let key: Vec<ColumnRef> = table
            .partition_key()
            .chain(table.clustering().map(|(column, _)| column))
            .map(ColumnRef::of)
            .collect();
        let width =
            table.columns.iter().filter(|c| matches!(c.kind, ColumnKind::PartitionKey(_))).count();
        let mut at = 0;
        let mut function = None;
        for item in items {
            if function.is_some() {
                return Err(PlanError::invalid(
                    "Functions are only supported on the last element of the GROUP BY clause",
                ));
            }
            if !item.column.is_key() {
                return Err(PlanError::invalid(format!(
                    "Group by is currently only supported on the columns of the PRIMARY KEY, got \
                     {}",
                    item.column.name
                )));
            }
            loop {
                let Some(column) = key.get(at) else { return Err(PlanError::invalid(ORDER)) };
                at += 1;
                if column.place == item.column.place {
                    break;
                }
                if !restrictions.is_fixed(column.place) {
                    return Err(PlanError::invalid(ORDER));
                }
            }
            function.clone_from(&item.function);
        }
        if at < width {
            return Err(PlanError::invalid(
                "Group by is not supported on only a part of the partition key",
            ));
        }
        let clustering = at.saturating_sub(width);
        if clustering > 0 && distinct {
            return Err(PlanError::invalid(
                "Grouping on clustering columns is not allowed for SELECT DISTINCT queries",
            ));
        }
        // The column that a function looks at is not compared itself.
        let clustering = clustering.saturating_sub(usize::from(function.is_some()));
        Ok(Some(Self { clustering, function }))
    }

    /// Whether a row belongs to this group.
    pub(super) fn holds(&self, key: &GroupKey, context: &Context<'_>) -> Result<bool, PlanError> {
        let row = &context.row;
        let mut values = key.values.iter();
        let same = *row.prefix == key.partition
            && (0..self.clustering)
                .all(|at| values.next().is_some_and(|v| v.as_ref() == row.clustering.get(at)));
        Ok(match &self.function {
            Some(function) if same => values.next() == Some(&function.evaluate(context)?),
            _ => same,
        })
    }

    /// The group of a row.
    pub(super) fn key(&self, context: &Context<'_>) -> Result<GroupKey, PlanError> {
        let row = &context.row;
        let mut values: Vec<Option<Bytes>> =
            (0..self.clustering).map(|at| row.clustering.get(at).cloned()).collect();
        if let Some(function) = &self.function {
            values.push(function.evaluate(context)?);
        }
        Ok(GroupKey { partition: row.prefix.clone(), values })
    }
}

impl GroupItem {
    /// Whether it reads the clustering key.
    pub(super) fn is_clustering(&self) -> bool {
        matches!(self.column.place, Place::Clustering(_))
    }
}
