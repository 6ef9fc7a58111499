//! Where rows of the result are made: filtered, grouped, counted against the limits, sorted.

use std::cmp::Ordering;

use bytes::Bytes;
use cellar_schema::value;

use super::aggregate::Accumulator;
use super::bound::Shape;
use super::group::GroupKey;
use super::nearest::{Best, BoundNearest};
use super::reader::{Flow, Progress};
use super::selector::Context;
use super::view::{KeptRow, RowView};
use crate::plan::PlanError;

type ResultRow = Vec<Option<Bytes>>;

/// The result so far.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) rows: Vec<ResultRow>,
    pub(super) progress: Progress,
    /// The group that rows go to.
    group: Option<Group>,
    /// Rows that wait to be sorted, with the values they are sorted by.
    unsorted: Vec<(ResultRow, ResultRow)>,
    /// The rows that are most like the vector of `ANN OF`.
    best: Best,
}

/// A group while its rows come.
#[derive(Debug)]
struct Group {
    /// Nothing if all rows are one group.
    key: Option<GroupKey>,
    /// What selectors outside of aggregates show.
    first: KeptRow,
    accumulators: Vec<Accumulator>,
}

impl Sink {
    pub(super) fn new(progress: Progress) -> Self {
        Self {
            rows: Vec::new(),
            progress,
            group: None,
            unsorted: Vec::new(),
            best: Best::default(),
        }
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
    pub(super) fn accept(&mut self, shape: &Shape, row: &RowView<'_>) -> Result<Flow, PlanError> {
        self.progress.partition_seen = true;
        if !shape.filters.iter().all(|filter| filter.passes(row)) {
            // A partition is one row of DISTINCT, whatever rows it has.
            return Ok(if shape.distinct { Flow::SkipPartition } else { Flow::More });
        }
        let context = Context { row: *row, terms: &shape.terms, aggregates: &[], env: &shape.env };
        if let Some(nearest) = &shape.nearest {
            return self.compare(shape, nearest, &context);
        }
        if !shape.is_grouping() {
            let made = shape.output.row(&context)?;
            self.add(shape, row, made);
            return Ok(self.flow(shape));
        }
        if !self.is_in_group(shape, &context)? {
            self.close_group(shape)?;
            let flow = self.flow(shape);
            return Ok(if flow == Flow::More { Flow::Again } else { flow });
        }
        let calls = &shape.output.aggregates;
        let group = match &mut self.group {
            Some(group) => group,
            none => none.insert(Group {
                key: shape.group_by.as_ref().map(|by| by.key(&context)).transpose()?,
                first: row.keep(),
                accumulators: calls.iter().map(|call| call.start()).collect(),
            }),
        };
        for (call, accumulator) in calls.iter().zip(&mut group.accumulators) {
            call.add(accumulator, &context)?;
        }
        // One row tells all there is to a partition of DISTINCT.
        Ok(if shape.distinct { Flow::SkipPartition } else { Flow::More })
    }

    /// Keeps the row if it is among the most alike.
    fn compare(
        &mut self,
        shape: &Shape,
        nearest: &BoundNearest,
        context: &Context<'_>,
    ) -> Result<Flow, PlanError> {
        let most = shape.limit.map_or(0, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        if let Some(likeness) = nearest.likeness(&context.row)
            && self.best.wants(likeness, most)
        {
            self.best.add(likeness, shape.output.row(context)?, most);
        }
        Ok(Flow::More)
    }

    /// Whether the row goes to the group that is open; true if none is.
    fn is_in_group(&self, shape: &Shape, context: &Context<'_>) -> Result<bool, PlanError> {
        let open = self.group.as_ref().and_then(|group| group.key.as_ref());
        match (&shape.group_by, open) {
            (Some(by), Some(key)) => by.holds(key, context),
            _ => Ok(true),
        }
    }

    /// Whether rows are in a group that is not in the result yet.
    pub(super) fn has_open_group(&self) -> bool {
        self.group.is_some()
    }

    /// Ends the partition: no group goes on in the next one, unless all rows are one.
    pub(super) fn end_of_partition(&mut self, shape: &Shape) -> Result<(), PlanError> {
        if shape.group_by.is_some() {
            self.close_group(shape)?;
        }
        Ok(())
    }

    fn close_group(&mut self, shape: &Shape) -> Result<(), PlanError> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let row = group.first.view();
        let mut results = Vec::with_capacity(group.accumulators.len());
        for (call, accumulator) in shape.output.aggregates.iter().zip(&group.accumulators) {
            results.push(call.finish(accumulator)?);
        }
        let (terms, env) = (&shape.terms, &shape.env);
        let made = shape.output.row(&Context { row, terms, aggregates: &results, env })?;
        self.add(shape, &row, made);
        Ok(())
    }

    fn add(&mut self, shape: &Shape, row: &RowView<'_>, made: ResultRow) {
        self.progress.returned = self.progress.returned.saturating_add(1);
        self.progress.in_partition = self.progress.in_partition.saturating_add(1);
        if shape.sort.is_empty() {
            self.rows.push(made);
        } else {
            let by = shape.sort.iter().map(|(column, _)| row.value(column)).collect();
            self.unsorted.push((by, made));
        }
    }

    fn flow(&self, shape: &Shape) -> Flow {
        if self.is_full(shape) {
            Flow::Done
        } else if self.is_partition_full(shape) {
            Flow::SkipPartition
        } else {
            Flow::More
        }
    }

    /// Ends the result.
    pub(super) fn finish(&mut self, shape: &Shape) -> Result<(), PlanError> {
        if shape.is_aggregate_of_all() && self.group.is_none() {
            let calls = &shape.output.aggregates;
            let accumulators = calls.iter().map(|call| call.start()).collect();
            self.group = Some(Group { key: None, first: KeptRow::default(), accumulators });
        }
        self.close_group(shape)?;
        let mut unsorted = std::mem::take(&mut self.unsorted);
        unsorted.sort_by(|(a, _), (b, _)| by_columns(shape, a, b));
        if let Some(limit) = shape.limit {
            unsorted.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        self.rows.extend(unsorted.into_iter().map(|(_, row)| row));
        self.rows.extend(self.best.take());
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
