//! The planner: a syntax tree and a schema become a checked [`Plan`], and bound values turn a
//! plan into mutations or reads. No I/O, no async; the schema comes through [`SchemaView`].
//!
//! Start at [`plan`]. Planning does all typing, so that binding a prepared statement only checks
//! and copies bytes.

pub mod batch;
pub mod ddl;
mod error;
pub mod function;
mod json_text;
mod schema_view;
mod scope;
pub mod select;
pub mod term;
pub mod types;
mod value;
pub mod write;

pub use error::PlanError;
pub use schema_view::SchemaView;
pub use scope::{Scope, column, pseudo, receiver, select_order};
pub use select::{BoundSelect, BoundView, Flow, PartitionRead, Progress, Reads, RowReader, Select};
pub use value::{Binding, BoundValue, ColumnSpec, Env, ResultColumn, Variable};

use std::sync::Arc;

use cellar_schema::{Table, TableId};
use uuid::Uuid;

use crate::ast::{Describe, Marker, Statement};

/// A planned statement with what a client must know to execute it.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What to do.
    pub plan: Plan,
    /// One for each bind marker, in text order.
    pub variables: Vec<Variable>,
    /// Which variables make up the partition key, in key order; empty unless all of it is bound.
    pub partition_key_variables: Vec<u16>,
    /// Columns of the result, where the statement always has one.
    pub columns: Option<Arc<[ResultColumn]>>,
    /// The tables planned against; the plan is void when one of them changes.
    pub tables: Vec<(TableId, u64)>,
    /// For the client.
    pub warnings: Vec<String>,
}

/// What a statement asks for.
#[derive(Clone, Debug)]
pub enum Plan {
    /// Read rows.
    Select(Box<select::Select>),
    /// `INSERT`, `UPDATE`, `DELETE`.
    Write(Box<write::Write>),
    /// `BEGIN BATCH ... APPLY BATCH`.
    Batch(Box<batch::Batch>),
    /// A schema change; [`ddl::command`] makes the command when it is executed.
    Schema(Box<Statement>),
    /// Make this keyspace the session's.
    Use(String),
    /// Remove all rows.
    Truncate(Arc<Table>),
    /// Describe schema objects.
    Describe(Describe),
    /// Roles and permissions.
    Access(Box<Statement>),
}

/// Plans a statement whose markers the parser found.
///
/// # Errors
/// Anything wrong with the statement against this schema.
pub fn plan(
    view: &dyn SchemaView,
    keyspace: Option<&str>,
    statement: &Statement,
    markers: &[Marker],
) -> Result<Planned, PlanError> {
    let mut scope = Scope::new(view, keyspace, markers);
    match statement {
        Statement::Select(select) => select::plan(scope, select),
        Statement::Insert(insert) => {
            write::plan_insert(&mut scope, insert).and_then(|write| planned_write(scope, write))
        }
        Statement::Update(update) => {
            write::plan_update(&mut scope, update).and_then(|write| planned_write(scope, write))
        }
        Statement::Delete(delete) => {
            write::plan_delete(&mut scope, delete).and_then(|write| planned_write(scope, write))
        }
        Statement::Batch(batch) => {
            let batch = batch::plan(&mut scope, batch)?;
            let keys = batch.partition_key_variables();
            finish(scope, Plan::Batch(Box::new(batch)), keys)
        }
        other => {
            let plan = plan_other(&mut scope, other)?;
            finish(scope, plan, Vec::new())
        }
    }
}

fn planned_write(scope: Scope<'_>, write: write::Write) -> Result<Planned, PlanError> {
    let keys = write.partition_key_variables();
    finish(scope, Plan::Write(Box::new(write)), keys)
}

fn plan_other(scope: &mut Scope<'_>, statement: &Statement) -> Result<Plan, PlanError> {
    Ok(match statement {
        Statement::Use(keyspace) => {
            if scope.view().keyspace(keyspace.as_str()).is_none() {
                return Err(scope.unknown_keyspace(keyspace.as_str()));
            }
            Plan::Use(keyspace.as_str().to_owned())
        }
        Statement::Truncate(truncate) => match scope.source(&truncate.table)? {
            (_, None) => Plan::Truncate(scope.writable_table(&truncate.table)?),
            (_, Some(_)) => {
                return Err(PlanError::invalid(
                    "Cannot TRUNCATE materialized view directly; must truncate base table instead",
                ));
            }
        },
        Statement::Describe(describe) => Plan::Describe(describe.clone()),
        Statement::CreateRole(_)
        | Statement::AlterRole(_)
        | Statement::DropRole(_)
        | Statement::RoleMembership(_)
        | Statement::Permission(_)
        | Statement::List(_)
        | Statement::Identity(_) => Plan::Access(Box::new(statement.clone())),
        Statement::Routine(routine) if routine.is_nothing() => {
            Plan::Schema(Box::new(statement.clone()))
        }
        other => {
            let (_, warnings) =
                ddl::command(scope.view(), scope.keyspace(), other, Uuid::nil(), 0)?;
            scope.warnings.extend(warnings);
            Plan::Schema(Box::new(other.clone()))
        }
    })
}

fn finish(
    mut scope: Scope<'_>,
    plan: Plan,
    partition_key_variables: Vec<u16>,
) -> Result<Planned, PlanError> {
    Ok(Planned {
        plan,
        variables: scope.take_variables()?,
        partition_key_variables,
        columns: None,
        tables: scope.tables,
        warnings: scope.warnings,
    })
}

impl Planned {
    /// Puts values given by name in the order of the variables; variables of one name share a
    /// value.
    ///
    /// # Errors
    /// A variable without a value.
    pub fn ordered(&self, named: &[(String, BoundValue)]) -> Result<Vec<BoundValue>, PlanError> {
        let find = |variable: &Variable| {
            named
                .iter()
                .find(|(name, _)| *name == variable.name)
                .map(|(_, value)| value.clone())
                .ok_or_else(|| {
                    PlanError::invalid(format!(
                        "Invalid amount of bind variables: no value for '{}'",
                        variable.name
                    ))
                })
        };
        self.variables.iter().map(find).collect()
    }
}
