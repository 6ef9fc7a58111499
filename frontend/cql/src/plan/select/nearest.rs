//! `ORDER BY vector ANN OF [...] LIMIT n`: the rows whose vectors are most like one. Exact: every
//! row that is read is compared, and the best are kept.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use bytes::Bytes;
use cellar_schema::{CqlType, Table};

use super::view::{ColumnRef, RowView};
use crate::ast::{self, Term};
use crate::limits::NEAREST_ROWS_MAX;
use crate::plan::function::vector::{Similarity, read, similarity};
use crate::plan::term::{Expr, prepare};
use crate::plan::{Binding, PlanError, Scope, column, receiver};

/// What rows are compared with.
#[derive(Clone, Debug)]
pub(super) struct Nearest {
    pub(super) column: ColumnRef,
    dimensions: u16,
    query: Expr,
    similarity: Similarity,
}

/// What rows are compared with, with its value.
#[derive(Clone, Debug)]
pub(super) struct BoundNearest {
    column: ColumnRef,
    dimensions: u16,
    query: Vec<f64>,
    similarity: Similarity,
}

impl Nearest {
    /// Plans the ordering, if it is one by likeness.
    pub(super) fn plan(
        scope: &mut Scope<'_>,
        table: &Table,
        written: &ast::Select,
    ) -> Result<Option<Self>, PlanError> {
        let near = |(_, ordering): &&(_, ast::Ordering)| {
            matches!(ordering, ast::Ordering::NearestTo { .. })
        };
        if !written.order_by.iter().any(|ordering| near(&ordering)) {
            return Ok(None);
        }
        let [(name, ast::Ordering::NearestTo { vector, descending })] = written.order_by.as_slice()
        else {
            let all = written.order_by.iter().all(|ordering| near(&ordering));
            return Err(PlanError::invalid(match all {
                true => "Cannot specify more than one ANN ordering",
                false => "ANN ordering does not support any other ordering",
            }));
        };
        if *descending {
            return Err(PlanError::invalid("Descending ANN ordering is not supported"));
        }
        if written.limit.is_none() {
            return Err(PlanError::invalid(
                "Top-K queries must have a limit specified and the limit must be less than the \
                 query page size",
            ));
        }
        if written.per_partition_limit.is_some() {
            return Err(PlanError::invalid("Top-K queries do not support per-partition limits"));
        }
        Self::of(scope, table, name, vector).map(Some)
    }

    fn of(
        scope: &mut Scope<'_>,
        table: &Table,
        name: &ast::Ident,
        term: &Term,
    ) -> Result<Self, PlanError> {
        let found = column(table, name)?;
        let dimensions = match &found.cql_type {
            CqlType::Vector(element, dimensions) if **element == CqlType::Float => *dimensions,
            _ => {
                return Err(PlanError::invalid(
                    "ANN ordering is only supported on float vector indexes",
                ));
            }
        };
        let mut attached = table.indexes_of(found.id).filter(|index| index.is_storage_attached());
        let Some(index) = attached.next() else {
            return Err(PlanError::invalid(
                "ANN ordering by vector requires the column to be indexed",
            ));
        };
        let function = index.options.get("similarity_function").map(String::as_str);
        let function = function.unwrap_or("cosine").to_ascii_lowercase();
        let similarity = similarity(&format!("similarity_{function}"))
            .ok_or_else(|| PlanError::invalid(format!("Unknown similarity function {function}")))?;
        let query = prepare(scope, term, &receiver(table, found))?;
        Ok(Self { column: ColumnRef::of(found), dimensions, query, similarity })
    }

    /// Binds the vector, and checks that no more rows are asked for than may be.
    pub(super) fn bind(
        &self,
        binding: &Binding<'_>,
        limit: Option<u64>,
    ) -> Result<BoundNearest, PlanError> {
        let most = u64::try_from(NEAREST_ROWS_MAX).unwrap_or(u64::MAX);
        if limit.is_none_or(|limit| limit > most) {
            let asked = limit.map_or_else(|| "NO LIMIT".to_owned(), |limit| limit.to_string());
            return Err(PlanError::invalid(format!(
                "Use of ANN OF in an ORDER BY clause requires a LIMIT that is not greater than \
                 {NEAREST_ROWS_MAX}. LIMIT was {asked}"
            )));
        }
        let name = &self.column.name;
        let query = self.query.evaluate_set(binding, &format!("column {name}"))?;
        let query = query.and_then(|bytes| read(self.dimensions, &bytes)).ok_or_else(|| {
            PlanError::invalid(format!("Unsupported null value for column {name}"))
        })?;
        if (self.similarity)(&query, &query).is_none() {
            return Err(PlanError::invalid(
                "Zero vectors cannot be indexed or queried with cosine similarity",
            ));
        }
        let (column, similarity) = (self.column.clone(), self.similarity);
        Ok(BoundNearest { column, dimensions: self.dimensions, query, similarity })
    }
}

impl BoundNearest {
    /// How like the row's vector is; nothing if it has none that can be compared.
    pub(super) fn likeness(&self, row: &RowView<'_>) -> Option<f64> {
        let vector = read(self.dimensions, &row.value(&self.column)?)?;
        (self.similarity)(&vector, &self.query)
    }
}

/// The best rows so far.
#[derive(Debug, Default)]
pub(super) struct Best {
    heap: BinaryHeap<Candidate>,
    seen: u64,
}

/// A row; the one that is left out first is the greatest.
#[derive(Debug)]
struct Candidate {
    likeness: f64,
    /// Of rows that are as like as each other the first stay.
    number: u64,
    row: Vec<Option<Bytes>>,
}

impl Best {
    /// Whether a row would be among the best `most`.
    pub(super) fn wants(&self, likeness: f64, most: usize) -> bool {
        let better = |worst: &Candidate| likeness.total_cmp(&worst.likeness).is_gt();
        self.heap.len() < most || self.heap.peek().is_some_and(better)
    }

    /// Adds a row.
    pub(super) fn add(&mut self, likeness: f64, row: Vec<Option<Bytes>>, most: usize) {
        self.seen = self.seen.saturating_add(1);
        self.heap.push(Candidate { likeness, number: self.seen, row });
        if self.heap.len() > most {
            self.heap.pop();
        }
    }

    /// The rows, the best first.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Vec<Option<Bytes>>> {
        std::mem::take(&mut self.heap).into_sorted_vec().into_iter().map(|candidate| candidate.row)
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        let likeness = other.likeness.total_cmp(&self.likeness);
        likeness.then(self.number.cmp(&other.number))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}
