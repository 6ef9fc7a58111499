//! `ORDER BY`: the order of the clustering key or its reverse, and sorting where several
//! partitions come together.

use cellar_schema::{ColumnKind, Order, Table};

use super::restrict::Restrictions;
use super::view::{ColumnRef, Place};
use crate::ast::{self, Ident};
use crate::plan::{PlanError, column};

/// How rows are ordered.
#[derive(Clone, Debug, Default)]
pub(super) struct Ordering {
    /// Partitions are read backwards.
    pub(super) reverse: bool,
    /// What the result is sorted by when all of it is there, and whether the largest comes
    /// first; empty if reading in order is enough.
    pub(super) sort: Vec<(ColumnRef, bool)>,
}

/// Plans `ORDER BY`.
pub(super) fn plan(
    table: &Table,
    order_by: &[(Ident, ast::Ordering)],
    restrictions: &Restrictions,
) -> Result<Ordering, PlanError> {
    if order_by.is_empty() {
        return Ok(Ordering::default());
    }
    if restrictions.is_indexed() {
        return Err(PlanError::invalid(
            "ORDER BY with 2ndary indexes is not supported, except for ANN queries.",
        ));
    }
    if restrictions.is_scan() {
        return Err(PlanError::invalid(
            "ORDER BY is only supported when the partition key is restricted by an EQ or an IN.",
        ));
    }
    let mut next = 0;
    let mut reverse = None;
    let mut sort = Vec::new();
    for (name, ordering) in once_each(order_by) {
        let found = column(table, name)?;
        let ColumnKind::Clustering(at, order) = found.kind else {
            return Err(PlanError::invalid(format!(
                "Order by is currently only supported on the clustered columns of the PRIMARY \
                 KEY, got {name}"
            )));
        };
        let at = usize::from(at);
        if at < next {
            return Err(out_of_order());
        }
        while next < at {
            if !restrictions.is_fixed(Place::Clustering(next)) {
                return Err(out_of_order());
            }
            next += 1;
        }
        next += 1;
        let descending = *ordering == ast::Ordering::Descending;
        let backwards = descending != (order == Order::Desc);
        if *reverse.get_or_insert(backwards) != backwards {
            return Err(PlanError::invalid("Unsupported order by relation"));
        }
        sort.push((ColumnRef::of(found), descending));
    }
    if !restrictions.several_partitions() {
        sort.clear();
    }
    Ok(Ordering { reverse: reverse.unwrap_or(false), sort })
}

/// A column named again keeps its place and takes the later direction.
fn once_each(order_by: &[(Ident, ast::Ordering)]) -> Vec<(&Ident, &ast::Ordering)> {
    let mut each: Vec<(&Ident, &ast::Ordering)> = Vec::with_capacity(order_by.len());
    for (name, ordering) in order_by {
        match each.iter_mut().find(|(earlier, _)| *earlier == name) {
            Some((_, earlier)) => *earlier = ordering,
            None => each.push((name, ordering)),
        }
    }
    each
}

fn out_of_order() -> PlanError {
    PlanError::invalid(
        "Order by currently only supports the ordering of columns following their declared order \
         in the PRIMARY KEY",
    )
}
