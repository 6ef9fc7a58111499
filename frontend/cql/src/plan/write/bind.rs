//! Binding: values in, mutations and conditions out.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{
    Change, ChangeKind, ColumnId, ColumnKind, Condition, KeyError, Mutation, Operation, RowChange,
    Table, Test, keys, limits,
};

use super::bound::TestedRow;
use super::condition::{ColumnCondition, Conditions};
use super::indexed;
use super::key::{Bound, KeyPart, combinations, partition_key};
use super::operation::ColumnWrite;
use super::{Action, BoundWrite, Rows, Write};
use crate::plan::error::invalid;
use crate::plan::{Binding, BoundValue, Env, PlanError};

/// Which rows of a partition, with values.
enum BoundRows {
    Partition,
    Statics,
    /// Clustering values and suffix of each row.
    Keys(Vec<(Vec<Bytes>, Bytes)>),
    Ranges(Vec<(Bytes, Bytes)>),
}

impl Write {
    /// The mutations and conditions for these values.
    ///
    /// # Errors
    /// Values that are not of their type, nulls and unset values in keys, TTLs out of range.
    pub fn bind(&self, values: &[BoundValue], env: &Env) -> Result<BoundWrite, PlanError> {
        self.bind_in(&Binding::new(values, self.markers, env)?)
    }

    /// As [`Write::bind`], with the values of a whole batch.
    pub(crate) fn bind_in(&self, binding: &Binding<'_>) -> Result<BoundWrite, PlanError> {
        let Some(document) = &self.document else { return self.bound(binding) };
        let json = document.read(&self.table, binding)?;
        self.bound(&Binding { json: &json, ..*binding })
    }

    fn bound(&self, binding: &Binding<'_>) -> Result<BoundWrite, PlanError> {
        let own_timestamp = self.attributes.timestamp_us(binding)?;
        let counter = self.table.is_counter();
        let timestamp_us = if counter || self.is_conditional() {
            None
        } else {
            own_timestamp.or(binding.env.default_timestamp_us)
        };
        let partition_values = combinations(&self.partition, binding)?;
        let rows = self.bound_rows(binding)?;
        let changes: Vec<Change> = self
            .change_kinds(&rows, binding)?
            .into_iter()
            .map(|kind| Change { timestamp_us, kind })
            .collect();
        let mut write = BoundWrite {
            table: Arc::clone(&self.table),
            mutations: Vec::with_capacity(partition_values.len()),
            conditions: Vec::new(),
            counter,
            idempotent: self.idempotent,
            logged: false,
            own_timestamp: own_timestamp.is_some(),
            writes_statics: !self.statics.is_empty(),
            batch: false,
            tested: Vec::new(),
            warnings: Vec::new(),
        };
        for values in &partition_values {
            let partition = partition_key(&self.table, values)?;
            indexed::check_key(&self.table, self.table.partition_key(), values)?;
            if self.is_conditional() {
                self.add_conditions(&mut write, &partition, values, &rows, binding)?;
            }
            if !changes.is_empty() {
                write.mutations.push(Mutation { partition, changes: changes.clone() });
            }
        }
        Ok(write)
    }

    fn bound_rows(&self, binding: &Binding<'_>) -> Result<BoundRows, PlanError> {
        Ok(match &self.rows {
            Rows::Partition => BoundRows::Partition,
            Rows::Statics => BoundRows::Statics,
            Rows::Keys(parts) => {
                let suffixed = |values: Vec<Bytes>| {
                    refuse_empty(&self.table, &values)?;
                    let bytes = values.iter().map(Bytes::len).sum();
                    if bytes > limits::KEY_COMPONENT_BYTES_MAX {
                        let limit_bytes = limits::KEY_COMPONENT_BYTES_MAX;
                        return Err(invalid(KeyError::TooLong { bytes, limit_bytes }));
                    }
                    let suffix = keys::row_suffix(&self.table, &values).map_err(invalid)?;
                    let columns = self.table.clustering().map(|(column, _)| column);
                    indexed::check_key(&self.table, columns, &values)?;
                    Ok((values, suffix))
                };
                let rows = combinations(parts, binding)?.into_iter().map(suffixed);
                BoundRows::Keys(rows.collect::<Result<_, PlanError>>()?)
            }
            Rows::Range { prefix, lower, upper } => {
                BoundRows::Ranges(self.ranges(prefix, lower.as_ref(), upper.as_ref(), binding)?)
            }
        })
    }

    fn ranges(
        &self,
        prefix: &[KeyPart],
        lower: Option<&Bound>,
        upper: Option<&Bound>,
        binding: &Binding<'_>,
    ) -> Result<Vec<(Bytes, Bytes)>, PlanError> {
        let end = |bound: Option<&Bound>| -> Result<Option<(Vec<Bytes>, bool)>, PlanError> {
            let Some(bound) = bound else { return Ok(None) };
            Ok(Some((bound.choice.values(&bound.names, binding)?, bound.inclusive)))
        };
        let (lower, upper) = (end(lower)?, end(upper)?);
        let mut ranges = Vec::new();
        for equal in combinations(prefix, binding)? {
            let tuple = |bound: &Option<(Vec<Bytes>, bool)>| match bound {
                Some((values, inclusive)) => {
                    Some(([equal.as_slice(), values.as_slice()].concat(), *inclusive))
                }
                None if equal.is_empty() => None,
                None => Some((equal.clone(), true)),
            };
            let (first, last) = (tuple(&lower), tuple(&upper));
            let first = first.as_ref().map(|(values, inside)| (values.as_slice(), *inside));
            let last = last.as_ref().map(|(values, inside)| (values.as_slice(), *inside));
            let found = keys::suffix_range_tuple(&self.table, first, last).map_err(invalid)?;
            ranges.extend(found);
        }
        Ok(ranges)
    }

    fn change_kinds(
        &self,
        rows: &BoundRows,
        binding: &Binding<'_>,
    ) -> Result<Vec<ChangeKind>, PlanError> {
        if self.action == Action::DeleteRows {
            return Ok(deletions(rows));
        }
        // No row is named, by an empty IN: then static columns stay too.
        if matches!(rows, BoundRows::Keys(found) if found.is_empty()) {
            return Ok(Vec::new());
        }
        let ttl_seconds = match self.action {
            Action::Insert | Action::Update if !self.table.is_counter() => {
                self.attributes.ttl_seconds(binding)?
            }
            _ => 0,
        };
        let mut kinds = Vec::with_capacity(2);
        let statics = operations(&self.table, &self.statics, binding)?;
        if !statics.is_empty() {
            kinds.push(ChangeKind::Upsert(RowChange {
                suffix: keys::static_suffix(),
                marker: false,
                ttl_seconds,
                operations: statics,
            }));
        }
        let BoundRows::Keys(found) = rows else { return Ok(kinds) };
        let regular = operations(&self.table, &self.regular, binding)?;
        // A row of COMPACT STORAGE is its column, if it has one.
        let marked = !self.table.is_compact() || !has_regular(&self.table);
        let marker = self.action == Action::Insert && marked;
        if marker || !regular.is_empty() {
            let upsert = |suffix: &Bytes| {
                ChangeKind::Upsert(RowChange {
                    suffix: suffix.clone(),
                    marker,
                    ttl_seconds,
                    operations: regular.clone(),
                })
            };
            kinds.extend(found.iter().map(|(_, suffix)| upsert(suffix)));
        }
        Ok(kinds)
    }

    fn add_conditions(
        &self,
        write: &mut BoundWrite,
        partition: &Bytes,
        partition_values: &[Bytes],
        rows: &BoundRows,
        binding: &Binding<'_>,
    ) -> Result<(), PlanError> {
        let (clustering, suffix) = match rows {
            BoundRows::Keys(found) => match found.as_slice() {
                [(values, suffix)] => (values.as_slice(), suffix.clone()),
                _ => return Err(PlanError::invalid("A condition needs exactly one row")),
            },
            _ => (&[][..], keys::static_suffix()),
        };
        let ids = self.table.partition_key().map(|column| column.id);
        let clustering_ids = self.table.clustering().map(|(column, _)| column.id);
        let key: Vec<(ColumnId, Bytes)> = ids
            .zip(partition_values.iter().cloned())
            .chain(clustering_ids.zip(clustering.iter().cloned()))
            .collect();
        let add = |write: &mut BoundWrite, suffix: Bytes, test: Test| {
            write.conditions.push(Condition { partition: partition.clone(), suffix, test });
        };
        let mut statics = vec![suffix == keys::static_suffix()];
        let shown = match &self.conditions {
            Conditions::None => return Ok(()),
            Conditions::Exists => {
                add(write, suffix.clone(), Test::Exists);
                None
            }
            Conditions::NotExists => {
                add(write, suffix.clone(), Test::NotExists);
                None
            }
            Conditions::Columns(columns) => {
                statics = columns.iter().map(|condition| condition.is_static).collect();
                let any_static = statics.contains(&true);
                let first = columns.iter().position(|c| c.is_static == any_static);
                for (at, condition) in columns.iter().enumerate() {
                    let place =
                        if condition.is_static { keys::static_suffix() } else { suffix.clone() };
                    add(write, place, condition.bind(binding, first == Some(at))?);
                }
                Some(shown(columns))
            }
        };
        write.tested.push(TestedRow { partition: partition.clone(), key, suffix, shown, statics });
        write.look_at_statics();
        Ok(())
    }
}

/// Where `COMPACT STORAGE` has one clustering column, its value is the name of a cell.
fn refuse_empty(table: &Table, clustering: &[Bytes]) -> Result<(), PlanError> {
    let mut columns = table.clustering();
    let (true, Some((only, _)), None) = (table.is_compact(), columns.next(), columns.next()) else {
        return Ok(());
    };
    if clustering.iter().any(Bytes::is_empty) {
        return Err(PlanError::invalid(format!(
            "Invalid empty or null value for column {}",
            only.name
        )));
    }
    Ok(())
}

fn has_regular(table: &Table) -> bool {
    table.columns.iter().any(|column| column.kind == ColumnKind::Regular)
}

/// Regular columns go before static ones.
fn shown(columns: &[ColumnCondition]) -> Vec<ColumnId> {
    let of = |statics: bool| columns.iter().filter(move |condition| condition.is_static == statics);
    of(false).chain(of(true)).map(|condition| condition.column).collect()
}

fn deletions(rows: &BoundRows) -> Vec<ChangeKind> {
    match rows {
        BoundRows::Partition => vec![ChangeKind::DeletePartition],
        BoundRows::Statics => vec![ChangeKind::DeleteRow { suffix: keys::static_suffix() }],
        BoundRows::Keys(found) => found
            .iter()
            .map(|(_, suffix)| ChangeKind::DeleteRow { suffix: suffix.clone() })
            .collect(),
        BoundRows::Ranges(ranges) => ranges
            .iter()
            .map(|(start, end)| ChangeKind::DeleteRange { start: start.clone(), end: end.clone() })
            .collect(),
    }
}

fn operations(
    table: &Table,
    writes: &[(ColumnId, ColumnWrite)],
    binding: &Binding<'_>,
) -> Result<Vec<(ColumnId, Operation)>, PlanError> {
    let mut out = Vec::with_capacity(writes.len());
    for (column, write) in writes {
        if let Some(operation) = write.bind(binding)? {
            out.push((*column, operation));
        }
    }
    indexed::check_operations(table, &out)?;
    Ok(out)
}
