//! `WHERE` of a `SELECT`: which partitions are read, which rows of them, and what is only found
//! by looking at every row (`ALLOW FILTERING`).

mod analyzed;
mod bind;
mod filter;
mod indexed;
mod onto;
mod operand;
mod pattern;
mod probe;
mod relation;
mod text;
mod token;
mod whole;

use std::sync::Arc;

use cellar_schema::{ColumnKind, Table};

pub(super) use filter::BoundFilter;
use indexed::{Indexes, Restricted};
pub(super) use onto::is_key;
pub(super) use relation::{Restriction, Test};
pub(crate) use text::symbol;
use token::TokenRange;

use super::view::{ColumnRef, Place};
use crate::ast::{Relation, Target};
use crate::plan::{PlanError, Scope};

/// What Cassandra says, word for word: applications and people search for it.
pub(crate) const FILTERING: &str = "Cannot execute this query as it might involve data filtering \
     and thus may have unpredictable performance. If you want to execute this query despite the \
     performance unpredictability, use ALLOW FILTERING";

/// The restrictions of a statement, sorted by what they are good for.
#[derive(Clone, Debug)]
pub(super) struct Restrictions {
    table: Arc<Table>,
    /// One for each partition key column, in key order, if all have values.
    partition: Option<Vec<Restriction>>,
    token: TokenRange,
    /// Values of the first clustering columns, in key order.
    clustering: Vec<Restriction>,
    /// A range over the columns after those.
    slice: Option<Restriction>,
    /// What rows are tested for.
    filters: Vec<Restriction>,
    /// Whether a clustering or a regular column is restricted at all.
    rows_chosen: bool,
    /// Whether Cassandra would read through an index.
    indexed: bool,
}

impl Restrictions {
    /// Plans the relations; `use_of` is the vector that rows are ordered by, if they are, and
    /// whether `ALLOW FILTERING` is written.
    pub(super) fn plan(
        scope: &mut Scope<'_>,
        table: &Arc<Table>,
        relations: &[Relation],
        (nearest, allow_filtering): (Option<&ColumnRef>, bool),
    ) -> Result<Self, PlanError> {
        let mut sorter = Sorter { table, nearest, allow_filtering, parts: Vec::new() };
        let mut token = TokenRange::default();
        for relation in relations {
            match &relation.target {
                Target::Token(columns) => token.add(scope, table, columns, &relation.test)?,
                _ => sorter.add(Restriction::plan(scope, table, relation)?)?,
            }
        }
        sorter.sort(token)
    }

    /// Whether the partition key is not known, so that a range of the ring is read.
    pub(super) fn is_scan(&self) -> bool {
        self.partition.is_none()
    }

    /// Whether the partition key is restricted in any way.
    pub(super) fn restricts_partition(&self) -> bool {
        let mut filters = self.filters.iter().flat_map(|part| &part.columns);
        let filtered = filters.any(|column| matches!(column.place, Place::Partition(_)));
        self.partition.is_some() || self.token.is_given() || filtered
    }

    /// Whether several partitions are named.
    pub(super) fn several_partitions(&self) -> bool {
        let is_in = |part: &Restriction| !part.is_equal();
        self.partition.as_ref().is_some_and(|parts| parts.iter().any(is_in))
    }

    /// Whether clustering or regular columns are restricted, so that partitions with nothing but
    /// static columns are not wanted.
    pub(super) fn chooses_rows(&self) -> bool {
        self.rows_chosen
    }

    /// Whether Cassandra would read through an index, and so refuses to reverse the order.
    pub(super) fn is_indexed(&self) -> bool {
        self.indexed
    }

    /// Whether clustering columns are restricted.
    pub(super) fn chooses_clustering(&self) -> bool {
        let filters = self.filters.iter().any(|part| part.clustering_position().is_some());
        filters || !self.clustering.is_empty() || self.slice.is_some()
    }

    /// Whether this column has exactly one value in all rows.
    pub(super) fn is_fixed(&self, place: Place) -> bool {
        let partition = self.partition.iter().flatten();
        partition
            .chain(&self.clustering)
            .chain(&self.filters)
            .any(|part| part.is_equal() && part.columns.iter().any(|c| c.place == place))
    }

    /// The columns that rows are tested by.
    pub(super) fn filtered_columns(&self) -> impl Iterator<Item = &ColumnRef> {
        self.filters.iter().flat_map(|filter| &filter.columns)
    }

    /// The variables that are the partition key, in key order, if it is nothing else.
    pub(super) fn partition_key_variables(&self) -> Vec<u16> {
        let parts = self.partition.iter().flatten();
        let markers: Option<Vec<u16>> = parts.map(Restriction::marker_index).collect();
        markers.unwrap_or_default()
    }
}

impl Restriction {
    fn marker_index(&self) -> Option<u16> {
        match self.values()? {
            operand::Values::One(operand) => operand.marker_index(),
            _ => None,
        }
    }
}

struct Sorter<'t> {
    table: &'t Arc<Table>,
    nearest: Option<&'t ColumnRef>,
    allow_filtering: bool,
    parts: Vec<Restriction>,
}

impl Sorter<'_> {
    /// Adds a restriction, joining it with one on the same columns.
    fn add(&mut self, restriction: Restriction) -> Result<(), PlanError> {
        let overlaps = |part: &&mut Restriction| {
            part.columns
                .iter()
                .any(|column| restriction.columns.iter().any(|other| other.place == column.place))
        };
        match self.parts.iter_mut().find(overlaps) {
            Some(part) => part.join(restriction),
            None => {
                self.parts.push(restriction);
                Ok(())
            }
        }
    }

    fn sort(self, token: TokenRange) -> Result<Restrictions, PlanError> {
        let Self { table, nearest, allow_filtering, parts } = self;
        let mut partition: Vec<Restriction> = Vec::new();
        let mut clustering: Vec<Restriction> = Vec::new();
        let mut filters: Vec<Restriction> = Vec::new();
        let mut rows_chosen = false;
        for part in parts {
            let place = part.columns.first().map(|column| column.place);
            rows_chosen |= matches!(place, Some(Place::Clustering(_) | Place::Regular(_)));
            match place {
                Some(Place::Partition(_)) => partition.push(part),
                Some(Place::Clustering(_)) => clustering.push(part),
                _ => filters.push(part),
            }
        }
        let columns = table.columns.iter();
        let key_width = columns.filter(|c| matches!(c.kind, ColumnKind::PartitionKey(_))).count();
        let known =
            partition.len() == key_width && partition.iter().all(|part| part.values().is_some());
        partition.sort_by_key(|part| match part.columns.first().map(|column| column.place) {
            Some(Place::Partition(at)) => at,
            _ => usize::MAX,
        });
        let ordered = Clustering::sort(clustering);
        ordered.refuse_tuples()?;
        let restricted = Restricted {
            partition: &partition,
            known,
            token: token.is_given(),
            clustering: &ordered,
            rest: &filters,
            nearest,
        };
        let indexes = Indexes::of(table);
        let indexed = indexes.check(&restricted, allow_filtering)?;
        for part in &mut filters {
            part.ignores_case = indexes.ignores_case(part);
            part.analyzer = indexes.analyzer(part);
            part.by_index = !allow_filtering && matches!(part.test, Test::Like(_));
            part.prefixes = !allow_filtering && indexes.knows_prefixes_only(part);
        }
        filters.extend(ordered.filters);
        let mut restrictions = Restrictions {
            table: Arc::clone(table),
            partition: None,
            token,
            clustering: ordered.values,
            slice: ordered.slice,
            filters,
            rows_chosen,
            indexed,
        };
        if known {
            restrictions.partition = Some(partition);
        } else {
            // Nothing is known of where rows are, so that every restriction is a filter.
            let clustering = std::mem::take(&mut restrictions.clustering);
            let rest = partition.into_iter().chain(clustering).chain(restrictions.slice.take());
            restrictions.filters.extend(rest);
        }
        Ok(restrictions)
    }
}

/// Restrictions of clustering columns.
struct Clustering {
    values: Vec<Restriction>,
    slice: Option<Restriction>,
    filters: Vec<Restriction>,
}

impl Clustering {
    fn sort(mut parts: Vec<Restriction>) -> Self {
        parts.sort_by_key(Restriction::clustering_position);
        let mut sorted = Self { values: Vec::new(), slice: None, filters: Vec::new() };
        let mut width = 0;
        for part in parts {
            let follows = part.clustering_position() == Some(width)
                && sorted.slice.is_none()
                && sorted.filters.is_empty();
            match &part.test {
                Test::Values(_) if follows => {
                    width += part.columns.len();
                    sorted.values.push(part);
                }
                Test::Slice(_) if follows => sorted.slice = Some(part),
                _ => sorted.filters.push(part),
            }
        }
        sorted
    }

    fn all(&self) -> impl Iterator<Item = &Restriction> {
        self.values.iter().chain(&self.slice).chain(&self.filters)
    }

    fn is_empty(&self) -> bool {
        self.values.is_empty() && self.slice.is_none() && self.filters.is_empty()
    }

    /// What is written as a tuple can choose a range; rows are not tested for it.
    fn refuse_tuples(&self) -> Result<(), PlanError> {
        for part in self.filters.iter().filter(|part| part.tuple) {
            let message = match &part.test {
                Test::Slice(_) => "Multi-column slice restrictions cannot be used for filtering.",
                Test::Values(values) if values.is_in() && part.columns.len() > 1 => {
                    "Multicolumn IN filters are not supported"
                }
                _ => continue,
            };
            return Err(PlanError::invalid(message));
        }
        Ok(())
    }

    /// Without `ALLOW FILTERING` every restriction must choose a range.
    fn refuse_filtering(&self, table: &Table) -> Result<(), PlanError> {
        let Some(first) = self.filters.first() else { return Ok(()) };
        let name = first.first_name();
        if let Some(slice) = &self.slice {
            return Err(PlanError::invalid(format!(
                "Clustering column \"{name}\" cannot be restricted (preceding column \"{}\" is \
                 restricted by a non-EQ relation)",
                slice.first_name()
            )));
        }
        if self.filters.iter().any(|part| matches!(part.test, Test::Elements(_))) {
            return Err(PlanError::invalid(
                "Clustering columns can only be restricted with CONTAINS with a secondary index \
                 or filtering",
            ));
        }
        let width: usize = self.values.iter().map(|part| part.columns.len()).sum();
        let missing = table.clustering().nth(width).map_or("", |(c, _)| c.name.as_str());
        Err(PlanError::invalid(format!(
            "PRIMARY KEY column \"{name}\" cannot be restricted as preceding column \"{missing}\" \
             is not restricted"
        )))
    }
}
