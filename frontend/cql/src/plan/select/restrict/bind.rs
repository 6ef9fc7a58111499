//! Bound values turn restrictions into reads and filters.

use bytes::Bytes;
use cellar_schema::{IndexClass, IndexProbe, KeyError, Table, keys, limits, value};

use super::Restrictions;
use super::filter::BoundFilter;
use super::probe;
use super::relation::{End, Restriction, Slice, Test};
use super::token::BoundTokens;
use crate::limits::{INDEXED_BYTES_MAX, SELECT_KEYS_MAX};
use crate::plan::error::invalid;
use crate::plan::select::view::ColumnRef;
use crate::plan::select::{PartitionRead, Reads};
use crate::plan::{Binding, PlanError};

/// What is read, and what rows are tested for.
#[derive(Clone, Debug)]
pub(crate) struct BoundRestrictions {
    pub(crate) reads: Reads,
    pub(crate) filters: Vec<BoundFilter>,
    /// What can be looked up in an index to find the rows.
    pub(crate) probe: Option<IndexProbe>,
}

impl Restrictions {
    /// Binds; `statics` and `reverse` are for the reads.
    pub(crate) fn bind(
        &self,
        binding: &Binding<'_>,
        statics: bool,
        reverse: bool,
    ) -> Result<BoundRestrictions, PlanError> {
        let tokens = self.token.bind(binding)?;
        let filters = self
            .filters
            .iter()
            .map(|filter| BoundFilter::bind(filter, binding))
            .collect::<Result<Vec<_>, _>>()?;
        if self.indexed {
            refuse_long(&self.table, &filters)?;
        }
        let probe = probe::probe(&self.table, &filters);
        let Some(partition) = &self.partition else {
            let (start, end) = tokens.range(self.table.id);
            let reads = Reads::Scan { start, end, statics };
            return Ok(BoundRestrictions { reads, filters, probe });
        };
        let partitions = self.partitions(partition, tokens, binding)?;
        let mut ranges = self.ranges(binding)?;
        if reverse {
            ranges.reverse();
        }
        let read = |partition| PartitionRead { partition, ranges: ranges.clone(), statics };
        let reads = Reads::Partitions(partitions.into_iter().map(read).collect());
        // Of one partition, reading a part may be cheaper than looking up more than one value.
        let probe = probe.filter(|probe| !reverse && probe::is_one_value(probe));
        Ok(BoundRestrictions { reads, filters, probe })
    }

    /// The partitions in order of their keys' values.
    fn partitions(
        &self,
        parts: &[Restriction],
        tokens: BoundTokens,
        binding: &Binding<'_>,
    ) -> Result<Vec<Bytes>, PlanError> {
        let mut partitions = Vec::new();
        for values in combinations(parts, binding)? {
            let partition = partition_key(&self.table, &values)?;
            if tokens.holds(keys::token_of(&partition).map_err(invalid)?) {
                partitions.push(partition);
            }
        }
        Ok(partitions)
    }

    /// Ranges of the rows in clustering order.
    fn ranges(&self, binding: &Binding<'_>) -> Result<Vec<(Bytes, Bytes)>, PlanError> {
        if self.clustering.is_empty() && self.slice.is_none() {
            return Ok(vec![(keys::rows_start(), keys::rows_end())]);
        }
        let slice = match &self.slice {
            Some(Restriction { columns, test: Test::Slice(slice), .. }) => {
                let bind = |end: &Option<End>| -> Result<Option<(Vec<Bytes>, bool)>, PlanError> {
                    let Some(end) = end else { return Ok(None) };
                    let columns = columns.get(..end.width).unwrap_or(columns);
                    Ok(Some((end.operand.bind(columns, binding)?, end.inclusive)))
                };
                let Slice { lower, upper } = slice;
                Some((bind(lower)?, bind(upper)?))
            }
            _ => None,
        };
        let mut ranges = Vec::new();
        for prefix in combinations(&self.clustering, binding)? {
            // No row has a key of such a value.
            if prefix.iter().any(|value| value.len() > limits::KEY_COMPONENT_BYTES_MAX) {
                continue;
            }
            let found = match &slice {
                None => keys::suffix_range(&self.table, &prefix, None, None).map(|r| vec![r]),
                Some((lower, upper)) => sliced(&self.table, &prefix, lower, upper),
            };
            ranges.extend(found.map_err(invalid)?);
        }
        ranges.retain(|(start, end)| start < end);
        ranges.sort();
        ranges.dedup();
        Ok(ranges)
    }
}

/// What is looked up in an index of `CREATE INDEX` is a key there, and keys are not so long.
fn refuse_long(table: &Table, filters: &[BoundFilter]) -> Result<(), PlanError> {
    let is_local = |column: &ColumnRef| {
        let stored = table.column(&column.name);
        let mut indexes = stored.into_iter().flat_map(|stored| table.indexes_of(stored.id));
        indexes.any(|index| index.class == IndexClass::Local)
    };
    let long = |filter: &&BoundFilter| {
        filter.longest() > INDEXED_BYTES_MAX && filter.columns.iter().any(is_local)
    };
    match filters.iter().find(long) {
        Some(_) => Err(PlanError::invalid("Index expression values may not be larger than 64K")),
        None => Ok(()),
    }
}

type TupleEnd = Option<(Vec<Bytes>, bool)>;

/// Ranges of rows with these first values and the next ones between the ends.
fn sliced(
    table: &Table,
    prefix: &[Bytes],
    lower: &TupleEnd,
    upper: &TupleEnd,
) -> Result<Vec<(Bytes, Bytes)>, KeyError> {
    let wide = |end: &TupleEnd| end.as_ref().is_some_and(|(values, _)| values.len() > 1);
    if !wide(lower) && !wide(upper) {
        let one = |end: &TupleEnd| {
            end.as_ref().and_then(|(values, inclusive)| Some((values.first()?.clone(), *inclusive)))
        };
        return Ok(vec![keys::suffix_range(table, prefix, one(lower), one(upper))?]);
    }
    // An end that is missing is the prefix itself, included.
    let whole = |end: &TupleEnd| match end {
        Some((values, inclusive)) => Some(([prefix, values.as_slice()].concat(), *inclusive)),
        None if prefix.is_empty() => None,
        None => Some((prefix.to_vec(), true)),
    };
    let (lower, upper) = (whole(lower), whole(upper));
    fn borrowed(end: &TupleEnd) -> Option<(&[Bytes], bool)> {
        end.as_ref().map(|(values, inclusive)| (values.as_slice(), *inclusive))
    }
    keys::suffix_range_tuple(table, borrowed(&lower), borrowed(&upper))
}

/// Every combination of the restrictions' values, each once, in order of the values.
fn combinations(
    parts: &[Restriction],
    binding: &Binding<'_>,
) -> Result<Vec<Vec<Bytes>>, PlanError> {
    let mut all: Vec<Vec<Bytes>> = vec![Vec::new()];
    for part in parts {
        let Some(values) = part.values() else { continue };
        let mut choices = values.bind(&part.columns, binding)?;
        if values.is_in() {
            choices.sort_by(|a, b| {
                let pairs = part.columns.iter().zip(a.iter().zip(b));
                pairs.fold(std::cmp::Ordering::Equal, |order, (column, (a, b))| {
                    order.then_with(|| value::compare(&column.cql_type, a, b))
                })
            });
            choices.dedup();
        }
        if all.len().saturating_mul(choices.len()) > SELECT_KEYS_MAX {
            return Err(PlanError::invalid(format!(
                "IN restrictions select more than {SELECT_KEYS_MAX} keys for one query"
            )));
        }
        let extend = |row: Vec<Bytes>| {
            let with = |choice: &Vec<Bytes>| [row.as_slice(), choice.as_slice()].concat();
            choices.iter().map(with).collect::<Vec<_>>()
        };
        all = all.into_iter().flat_map(extend).collect();
    }
    Ok(all)
}

/// The engine key of the partition with these values.
fn partition_key(table: &Table, values: &[Bytes]) -> Result<Bytes, PlanError> {
    if let [only] = values
        && only.is_empty()
    {
        return Err(PlanError::invalid("Key may not be empty"));
    }
    let components: Vec<&[u8]> = values.iter().map(AsRef::as_ref).collect();
    let bytes: usize = components.iter().map(|part| part.len()).sum();
    if bytes > limits::KEY_COMPONENT_BYTES_MAX {
        return Err(PlanError::invalid(format!(
            "Key length of {bytes} is longer than maximum of {}",
            limits::KEY_COMPONENT_BYTES_MAX
        )));
    }
    Ok(keys::partition(table.id, &keys::routing(&components)))
}
