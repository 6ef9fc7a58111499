//! `CREATE KEYSPACE` and `ALTER KEYSPACE`.

use std::collections::BTreeMap;

use cellar_metadata_api::Command;

use super::property;
use crate::ast::{AlterKeyspace, CreateKeyspace, KeyspaceChange, Properties, PropertyValue};
use crate::plan::scope::user_keyspace;
use crate::plan::{PlanError, Scope};

/// Cassandra's own keyspaces whose replication operators set there; whoever runs the command
/// answers it without doing anything.
const REPLICATED_BY_OPERATORS: [&str; 3] = ["system_auth", "system_distributed", "system_traces"];

/// What the options of a keyspace say.
struct Settings {
    replication: Option<BTreeMap<String, String>>,
    durable_writes: Option<bool>,
}

pub(super) fn create(scope: &mut Scope<'_>, create: &CreateKeyspace) -> Result<Command, PlanError> {
    let name = create.name.as_str();
    // Cassandra asks for permissions on the keyspace first, where there is one: not here.
    user_keyspace(name).map_err(|_| {
        PlanError::invalid(format!("System keyspace '{name}' is not user-modifiable"))
    })?;
    let settings = settings(scope, &create.properties)?;
    let replication = settings
        .replication
        .ok_or_else(|| PlanError::invalid("Missing mandatory option 'replication'"))?;
    Ok(Command::CreateKeyspace {
        name: create.name.as_str().to_owned(),
        replication,
        durable_writes: settings.durable_writes.unwrap_or(true),
        if_not_exists: create.if_not_exists,
    })
}

pub(super) fn alter(scope: &mut Scope<'_>, alter: &AlterKeyspace) -> Result<Command, PlanError> {
    if !REPLICATED_BY_OPERATORS.contains(&alter.name.as_str()) {
        user_keyspace(alter.name.as_str())?;
    }
    let settings = match &alter.change {
        KeyspaceChange::Properties(properties) => settings(scope, properties)?,
        KeyspaceChange::AddTags(_) | KeyspaceChange::DropTags(_) => {
            return Err(PlanError::not_built("ALTER KEYSPACE with TAGS"));
        }
    };
    Ok(Command::AlterKeyspace {
        name: alter.name.as_str().to_owned(),
        replication: settings.replication,
        durable_writes: settings.durable_writes,
        if_exists: alter.if_exists,
    })
}

fn settings(scope: &mut Scope<'_>, properties: &Properties) -> Result<Settings, PlanError> {
    property::refuse_duplicates(properties)?;
    let mut settings = Settings { replication: None, durable_writes: None };
    let mut ignored = Vec::new();
    for (name, value) in properties {
        match name.as_str() {
            "replication" => settings.replication = Some(replication(value)?),
            "durable_writes" => {
                settings.durable_writes = Some(property::flag("durable_writes", value)?);
            }
            "tablets"
            | "storage"
            | "tags"
            | "fast_path"
            | "consistency"
            | "client_side_timestamps" => {
                ignored.push(name.as_str());
            }
            other => {
                return Err(PlanError::syntax(format!("Unknown property '{other}'")));
            }
        }
    }
    if !ignored.is_empty() {
        scope.warnings.push(format!(
            "These keyspace options have no effect in Cellar: {}",
            ignored.join(", ")
        ));
    }
    Ok(settings)
}

fn replication(value: &PropertyValue) -> Result<BTreeMap<String, String>, PlanError> {
    let invalid = || {
        PlanError::config(format!(
            "Invalid value for property 'replication'. It should be a map, such as \
             {{'class': 'SimpleStrategy', 'replication_factor': 3}}; got {}",
            property::text(value)
        ))
    };
    let PropertyValue::Map(entries) = value else { return Err(invalid()) };
    let mut map = BTreeMap::new();
    for (key, setting) in entries {
        let key = property::plain(key).ok_or_else(invalid)?;
        let setting = property::plain(setting).ok_or_else(invalid)?;
        if map.insert(key.clone(), setting).is_some() {
            return Err(PlanError::syntax(format!("Multiple definitions for property '{key}'")));
        }
    }
    Ok(map)
}
