//! Where rows of the result are made: filtered, counted against the limits, sorted.

use std::cmp::Ordering;

use bytes::Bytes;
use cellar_schema::value;

use super::bound::Shape;
use super::reader::{Flow, Progress};
use super::selector::Context;
use super::view::RowView;
use crate::plan::PlanError;

type ResultRow = Vec<Option<Bytes>>;

/// The result so far.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) rows: Vec<ResultRow>,
    pub(super) progress: Progress,
    /// Rows that wait to be sorted, with the values they are sorted by.
    unsorted: Vec<(ResultRow, ResultRow)>,
}

impl Sink {
    pub(super) fn new(progress: Progress) -> Self {
        Self { rows: Vec::new(), progress, unsorted: Vec::new() }
    }

    /// Whether `LIMIT` is reached. What is sorted first is cut when it is sorted.
    pub(super) fn is_full(&self, shape: &Shape) -> bool {
        shape.sort.is_empty() && shape.limit.is_some_and(|limit| self.progress.returned >= limit)
    }

    /// Whether nothing more of the partition is wanted.
    pub(super) fn is_partition_full(&self, shape: &Shape) -> bool {
        let reached = |limit| self.progress.in_partition >= limit;
        shape.per_partition_limit.is_some_and(reached)
            || (shape.distinct && self.progress.partition_seen)
    }

    /// Takes a row of the table.
    pub(super) fn accept(
        &mut self,
        shape: &Shape,
        row: &RowView<'_>,
    ) -> Result<Flow, PlanError> {
        self.progress.partition_seen = true;
        if !shape.filters.iter().all(|filter| filter.passes(row)) {
            // A partition is one row of DISTINCT, whatever rows it has.
            return Ok(if shape.distinct { Flow::SkipPartition } else { Flow::More });
        }
        let context = Context { row: *row, terms: &shape.terms, aggregates: &[], env: &shape.env };
        let made = shape.output.row(&context)?;
        self.progress.returned += 1;
        self.progress.in_partition += 1;
        if shape.sort.is_empty() {
            self.rows.push(made);
        } else {
            let by = shape.sort.iter().map(|(column, _)| row.value(column)).collect();
            self.unsorted.push((by, made));
        }
        Ok(if self.is_full(shape) {
            Flow::Done
        } else if self.is_partition_full(shape) {
            Flow::SkipPartition
        } else {
            Flow::More
        })
    }

    /// Ends the result.
    pub(super) fn finish(&mut self, shape: &Shape) -> Result<(), PlanError> {
        let mut unsorted = std::mem::take(&mut self.unsorted);
        unsorted.sort_by(|(a, _), (b, _)| by_columns(shape, a, b));
        if let Some(limit) = shape.limit {
            unsorted.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        self.rows.extend(unsorted.into_iter().map(|(_, row)| row));
        Ok(())
    }
}

fn by_columns(shape: &Shape, a: &ResultRow, b: &ResultRow) -> Ordering {
    let pairs = shape.sort.iter().zip(a.iter().zip(b));
    pairs.fold(Ordering::Equal, |order, ((column, descending), (a, b))| {
        order.then_with(|| {
            let compared = match (a, b) {
                (Some(a), Some(b)) => value::compare(&column.cql_type, a, b),
                // A partition without rows comes first, as Cassandra sorts null.
                (a, b) => a.is_some().cmp(&b.is_some()),
            };
            if *descending { compared.reverse() } else { compared }
        })
    })
}
