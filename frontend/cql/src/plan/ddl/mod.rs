//! Schema changes: statements become commands of the metadata service, which checks them against
//! the schema as it is when they run.

mod alter;
mod checked;
mod create;
mod index;
mod keyspace;
mod options;
mod property;
mod tiering;
mod view;

use cellar_metadata_api::{Command, TypeChange};
use uuid::Uuid;

use super::scope::user_keyspace;
use super::{PlanError, SchemaView, Scope, types};
use crate::ast::{
    self, AlterType, CreateType, DropObject, Ident, ObjectKind, QualifiedName, Routine,
    RoutineAction, RoutineKind, Statement,
};

/// The command that a schema statement means, with warnings for the client. `new_id` names a new
/// table to drivers; `now_us` dates dropped columns.
///
/// # Errors
/// Anything that is wrong whatever the schema, unknown types, features that are not built.
pub fn command(
    view: &dyn SchemaView,
    keyspace: Option<&str>,
    statement: &Statement,
    new_id: Uuid,
    now_us: i64,
) -> Result<(Command, Vec<String>), PlanError> {
    let mut scope = Scope::new(view, keyspace, &[]);
    let command = match statement {
        Statement::CreateKeyspace(create) => keyspace::create(&mut scope, create)?,
        Statement::AlterKeyspace(alter) => keyspace::alter(&mut scope, alter)?,
        Statement::CreateTable(create) => create::table(&mut scope, create, new_id)?,
        Statement::AlterTable(alter) => alter::table(&mut scope, alter, now_us)?,
        Statement::CreateType(create) => create_type(&scope, create)?,
        Statement::AlterType(alter) => alter_type(&scope, alter)?,
        Statement::CreateIndex(create) => index::create(&scope, create)?,
        Statement::CreateView(create) => view::create(&mut scope, create, new_id)?,
        Statement::AlterView(alter) => view::alter(&mut scope, alter)?,
        Statement::Drop(object) => drop_object(&scope, object)?,
        Statement::Routine(routine) => return Err(no_routine(&scope, routine)?),
        _ => return Err(PlanError::not_built("this statement as a schema change")),
    };
    Ok((command, scope.warnings))
}

/// The keyspace a schema object is or will be in; it must exist and be a user's.
fn home(scope: &Scope<'_>, name: &QualifiedName) -> Result<String, PlanError> {
    let keyspace = scope.keyspace_of(name)?;
    user_keyspace(&keyspace)?;
    if scope.view().keyspace(&keyspace).is_none() {
        return Err(scope.unknown_keyspace(&keyspace));
    }
    Ok(keyspace)
}

fn create_type(scope: &Scope<'_>, create: &CreateType) -> Result<Command, PlanError> {
    let keyspace = home(scope, &create.name)?;
    let mut fields: Vec<(String, cellar_schema::CqlType)> = Vec::with_capacity(create.fields.len());
    for (name, written) in &create.fields {
        if fields.iter().any(|(earlier, _)| earlier == name.as_str()) {
            return Err(PlanError::invalid(format!(
                "Duplicate field name '{name}' in type '{}'",
                create.name.name
            )));
        }
        fields.push((name.as_str().to_owned(), field_type(scope, &keyspace, name, written)?));
    }
    Ok(Command::CreateType {
        keyspace,
        name: create.name.name.as_str().to_owned(),
        fields,
        if_not_exists: create.if_not_exists,
    })
}

fn field_type(
    scope: &Scope<'_>,
    keyspace: &str,
    name: &Ident,
    written: &ast::CqlType,
) -> Result<cellar_schema::CqlType, PlanError> {
    let resolved = types::resolve(scope, Some(keyspace), written)?;
    if resolved == cellar_schema::CqlType::Counter {
        return Err(PlanError::invalid("A user type cannot contain counters"));
    }
    if matches!(resolved, cellar_schema::CqlType::Udt(..)) && resolved.is_multi_cell() {
        return Err(PlanError::invalid(format!(
            "A user type cannot contain non-frozen UDTs (field {name})"
        )));
    }
    Ok(resolved)
}

fn alter_type(scope: &Scope<'_>, alter: &AlterType) -> Result<Command, PlanError> {
    let keyspace = home(scope, &alter.name)?;
    let change = match &alter.change {
        ast::TypeChange::Add { if_not_exists, fields } => {
            let [(name, written)] = fields.as_slice() else {
                return Err(PlanError::not_built("ALTER TYPE ADD with several fields at once"));
            };
            TypeChange::Add {
                field: name.as_str().to_owned(),
                cql_type: field_type(scope, &keyspace, name, written)?,
                if_not_exists: *if_not_exists,
            }
        }
        ast::TypeChange::Rename { if_exists, fields } => TypeChange::Rename {
            fields: fields
                .iter()
                .map(|(from, to)| (from.as_str().to_owned(), to.as_str().to_owned()))
                .collect(),
            if_exists: *if_exists,
        },
        ast::TypeChange::Retype(..) => {
            return Err(PlanError::invalid("Altering field types is no longer supported"));
        }
    };
    Ok(Command::AlterType {
        keyspace,
        name: alter.name.name.as_str().to_owned(),
        if_exists: alter.if_exists,
        change,
    })
}

fn drop_object(scope: &Scope<'_>, object: &DropObject) -> Result<Command, PlanError> {
    let name = object.name.name.as_str().to_owned();
    let if_exists = object.if_exists;
    Ok(match object.kind {
        ObjectKind::Keyspace => {
            user_keyspace(&name)?;
            Command::DropKeyspace { name, if_exists }
        }
        ObjectKind::Table => Command::DropTable {
            keyspace: drop_home(scope, &object.name, if_exists)?,
            name,
            if_exists,
        },
        ObjectKind::Type => Command::DropType {
            keyspace: drop_home(scope, &object.name, if_exists)?,
            name,
            if_exists,
        },
        ObjectKind::Index => {
            let keyspace = scope.keyspace_of(&object.name)?;
            user_keyspace(&keyspace)?;
            Command::DropIndex { keyspace, name, if_exists }
        }
        ObjectKind::View => Command::DropView {
            keyspace: drop_home(scope, &object.name, if_exists)?,
            name,
            if_exists,
        },
    })
}

/// Something can be absent together with its keyspace.
fn drop_home(
    scope: &Scope<'_>,
    name: &QualifiedName,
    if_exists: bool,
) -> Result<String, PlanError> {
    let keyspace = scope.keyspace_of(name)?;
    user_keyspace(&keyspace)?;
    if !if_exists && scope.view().keyspace(&keyspace).is_none() {
        return Err(scope.unknown_keyspace(&keyspace));
    }
    Ok(keyspace)
}

/// Why a function, an aggregate or a trigger is not made or dropped.
fn no_routine(scope: &Scope<'_>, routine: &Routine) -> Result<PlanError, PlanError> {
    let (kind, shown) = match routine.kind {
        RoutineKind::Function => ("FUNCTION", "Function"),
        RoutineKind::Aggregate => ("AGGREGATE", "Aggregate"),
        RoutineKind::Trigger => ("TRIGGER", "Trigger"),
    };
    if routine.action == RoutineAction::Create {
        return Ok(PlanError::not_built(format!("CREATE {kind}")));
    }
    // A trigger has its table's keyspace, which is not read.
    let keyspace = match routine.kind {
        RoutineKind::Trigger => String::new(),
        _ => format!("{}.", scope.keyspace_of(&routine.name)?),
    };
    let name = &routine.name.name;
    Ok(PlanError::invalid(format!("{shown} '{keyspace}{name}' doesn't exist")))
}
