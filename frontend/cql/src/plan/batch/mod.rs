//! Batches: several writes that become one request, written as one statement or sent as a
//! `BATCH` message of the protocol.

mod rows;
mod size;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{Change, CqlType, Mutation, TableId, limits};

use super::write::{Attributes, BoundWrite, Write, plan_delete, plan_insert, plan_update};
use super::{Binding, BoundValue, ColumnSpec, Env, PlanError, Scope};
pub use crate::ast::BatchKind;
use crate::ast::{self, Modification};

/// A planned `BEGIN BATCH ... APPLY BATCH`.
#[derive(Clone, Debug)]
pub struct Batch {
    kind: BatchKind,
    attributes: Attributes,
    writes: Vec<Write>,
    markers: usize,
}

/// Plans a batch.
///
/// # Errors
/// Anything wrong with one of its statements, or statements that cannot go together.
pub fn plan(scope: &mut Scope<'_>, batch: &ast::Batch) -> Result<Batch, PlanError> {
    if batch.using.ttl.is_some() {
        return Err(PlanError::invalid("Global TTL on the BATCH statement is not supported."));
    }
    let place = ColumnSpec {
        keyspace: Arc::from(""),
        table: Arc::from(""),
        name: String::new(),
        cql_type: CqlType::Bigint,
    };
    let attributes = Attributes::plan_timestamp(scope, &place, &batch.using)?;
    let mut writes = Vec::with_capacity(batch.statements.len());
    for statement in &batch.statements {
        writes.push(match statement {
            Modification::Insert(insert) => plan_insert(scope, insert)?,
            Modification::Update(update) => plan_update(scope, update)?,
            Modification::Delete(delete) => plan_delete(scope, delete)?,
        });
    }
    let planned = Batch { kind: batch.kind, attributes, writes, markers: scope.marker_count() };
    planned.check()?;
    Ok(planned)
}

impl Batch {
    /// The tables written to, each once.
    #[must_use]
    pub fn tables(&self) -> Vec<Arc<cellar_schema::Table>> {
        let mut tables: Vec<Arc<cellar_schema::Table>> = Vec::new();
        for write in &self.writes {
            if !tables.iter().any(|table| table.id == write.table().id) {
                tables.push(Arc::clone(write.table()));
            }
        }
        tables
    }

    /// Its statements.
    #[must_use]
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// Which variables make up the partition key of the first statement, in key order.
    #[must_use]
    pub fn partition_key_variables(&self) -> Vec<u16> {
        self.writes.first().map(Write::partition_key_variables).unwrap_or_default()
    }

    /// The one request that the batch is; nothing for an empty batch.
    ///
    /// # Errors
    /// Whatever [`Write::bind`] refuses, and what [`combine`] refuses.
    pub fn bind(&self, values: &[BoundValue], env: &Env) -> Result<Option<BoundWrite>, PlanError> {
        let binding = Binding::new(values, self.markers, env)?;
        let timestamp_us = self.attributes.timestamp_us(&binding)?;
        let writes = self
            .writes
            .iter()
            .map(|write| write.bind_in(&binding))
            .collect::<Result<Vec<_>, _>>()?;
        combine(self.kind, writes, timestamp_us)
    }

    fn check(&self) -> Result<(), PlanError> {
        let conditional = self.writes.iter().any(Write::is_conditional);
        if self.attributes.timestamp.is_none() {
            return Ok(());
        }
        if self.writes.iter().any(Write::has_timestamp) {
            return Err(two_timestamps());
        }
        if conditional {
            return Err(PlanError::invalid(
                "Cannot provide custom timestamp for conditional BATCH",
            ));
        }
        if self.kind == BatchKind::Counter {
            return Err(PlanError::invalid("Cannot provide custom timestamp for counter BATCH"));
        }
        if self.writes.iter().any(|write| write.table().is_counter()) {
            return Err(PlanError::invalid(
                "Cannot provide custom timestamp for a BATCH containing counters",
            ));
        }
        Ok(())
    }
}

fn two_timestamps() -> PlanError {
    PlanError::invalid("Timestamp must be set either on BATCH or individual statements")
}

/// Makes one request of several bound writes. `timestamp_us` is the batch's own `USING
/// TIMESTAMP`; without it every write keeps the time it was bound with.
///
/// # Errors
/// Counters among other writes, conditions about several partitions or tables, timestamps both on
/// the batch and on a write.
pub fn combine(
    kind: BatchKind,
    writes: Vec<BoundWrite>,
    timestamp_us: Option<i64>,
) -> Result<Option<BoundWrite>, PlanError> {
    check_counters(kind, &writes)?;
    if timestamp_us.is_some() && writes.iter().any(|write| write.own_timestamp) {
        return Err(two_timestamps());
    }
    if writes.iter().any(|write| !write.conditions.is_empty()) {
        check_conditional(&writes, timestamp_us)?;
        rows::refuse_mixed(&writes)?;
    }
    let conditional = writes.iter().any(|write| !write.conditions.is_empty());
    let tested = writes.iter().find(|write| !write.conditions.is_empty()).or(writes.first());
    let Some(table) = tested.map(|write| Arc::clone(&write.table)) else { return Ok(None) };
    let mut all = BoundWrite {
        table,
        mutations: Vec::with_capacity(writes.len()),
        conditions: Vec::new(),
        counter: kind == BatchKind::Counter || writes.iter().any(|write| write.counter),
        idempotent: writes.iter().all(|write| write.idempotent),
        logged: kind == BatchKind::Logged,
        own_timestamp: timestamp_us.is_some(),
        writes_statics: writes.iter().any(|write| write.writes_statics),
        batch: true,
        tested: Vec::new(),
        warnings: Vec::new(),
    };
    let tables = size::tables(&writes);
    // Changes to one partition are one mutation, in the order of the statements.
    let mut places: HashMap<Bytes, usize> = HashMap::with_capacity(writes.len());
    for write in writes {
        all.conditions.extend(write.conditions);
        all.tested.extend(write.tested);
        for mutation in write.mutations {
            let stamp = |change: Change| {
                let timestamp_us =
                    if conditional { None } else { timestamp_us.or(change.timestamp_us) };
                Change { timestamp_us, ..change }
            };
            let changes = mutation.changes.into_iter().map(stamp);
            match places.get(&mutation.partition).and_then(|at| all.mutations.get_mut(*at)) {
                Some(earlier) => earlier.changes.extend(changes),
                None => {
                    places.insert(mutation.partition.clone(), all.mutations.len());
                    let changes = changes.collect();
                    all.mutations.push(Mutation { partition: mutation.partition, changes });
                }
            }
        }
    }
    if conditional {
        for mutation in &mut all.mutations {
            let changes = std::mem::take(&mut mutation.changes);
            mutation.changes = rows::deletions_first(&all.table, changes);
        }
    }
    all.look_at_statics();
    let changes: usize = all.mutations.iter().map(|mutation| mutation.changes.len()).sum();
    if changes > limits::MUTATION_CHANGES_MAX {
        return Err(PlanError::invalid(format!(
            "Batch too large: {changes} changes, the maximum is {}",
            limits::MUTATION_CHANGES_MAX
        )));
    }
    if !conditional {
        all.warnings = size::check(&tables, &all.mutations, kind == BatchKind::Logged)?;
    }
    Ok(Some(all))
}

fn check_counters(kind: BatchKind, writes: &[BoundWrite]) -> Result<(), PlanError> {
    let counters = writes.iter().filter(|write| write.counter).count();
    let message = match kind {
        BatchKind::Logged if counters > 0 => "Cannot include a counter statement in a logged batch",
        BatchKind::Counter if counters < writes.len() => {
            "Cannot include non-counter statement in a counter batch"
        }
        BatchKind::Unlogged if counters > 0 && counters < writes.len() => {
            "Counter and non-counter mutations cannot exist in the same batch"
        }
        _ => return Ok(()),
    };
    Err(PlanError::invalid(message))
}

/// Conditions are decided where one partition is, so all of the batch must be there.
fn check_conditional(writes: &[BoundWrite], timestamp_us: Option<i64>) -> Result<(), PlanError> {
    if timestamp_us.is_some() || writes.iter().any(|write| write.own_timestamp) {
        return Err(PlanError::invalid("Cannot provide custom timestamp for conditional BATCH"));
    }
    let mut tables = writes.iter().map(|write| write.table.id);
    let first: Option<TableId> = tables.next();
    if tables.any(|table| Some(table) != first) {
        return Err(PlanError::invalid("Batch with conditions cannot span multiple tables"));
    }
    let mut partitions = writes.iter().flat_map(|write| {
        let tested = write.conditions.iter().map(|condition| &condition.partition);
        tested.chain(write.mutations.iter().map(|mutation| &mutation.partition))
    });
    let first = partitions.next();
    if partitions.any(|partition| Some(partition) != first) {
        return Err(PlanError::invalid("Batch with conditions cannot span multiple partitions"));
    }
    Ok(())
}
