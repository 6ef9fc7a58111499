//! `CREATE INDEX` and `DROP INDEX`.

use std::collections::BTreeMap;

use cellar_metadata_api::{Command, NewIndex};
use cellar_schema::{IndexPart, Table};

use super::property;
use crate::ast::{CreateIndex, IndexTarget, Properties, PropertyValue};
use crate::plan::scope::user_keyspace;
use crate::plan::{PlanError, Scope};

/// Options that Cassandra writes itself.
const RESERVED: [&str; 2] = ["class_name", "target"];

pub(super) fn create(scope: &Scope<'_>, create: &CreateIndex) -> Result<Command, PlanError> {
    let name = match &create.name {
        None => None,
        Some(name) if name.keyspace.is_none() => Some(name.name.as_str().to_owned()),
        Some(_) => return Err(PlanError::syntax("the name of an index has no keyspace")),
    };
    let keyspace = scope.keyspace_of(&create.table)?;
    user_keyspace(&keyspace)?;
    if let Some(table) = scope.view().table(&keyspace, create.table.name.as_str()) {
        refuse_compact(&table, &create.targets)?;
    }
    let options = options(&create.properties)?;
    let plain = create.class.as_deref().is_none_or(|class| class == "legacy_local_table");
    if !create.custom && plain && !options.is_empty() {
        return Err(PlanError::invalid("Cannot specify options for a non-CUSTOM index"));
    }
    if let Some(reserved) = RESERVED.iter().find(|name| options.contains_key(**name)) {
        return Err(PlanError::invalid(format!("Cannot specify {reserved} as a CUSTOM option")));
    }
    let definition = NewIndex {
        keyspace,
        table: create.table.name.as_str().to_owned(),
        name,
        targets: create.targets.iter().map(target).collect::<Result<_, _>>()?,
        class: create.class.as_deref().map(str::to_owned),
        custom: create.custom,
        options,
    };
    Ok(Command::CreateIndex { definition, if_not_exists: create.if_not_exists })
}

/// Tables of `COMPACT STORAGE` have indexes only where their rows are named columns.
fn refuse_compact(table: &Table, targets: &[IndexTarget]) -> Result<(), PlanError> {
    if !table.is_compact() {
        return Ok(());
    }
    if table.clustering().next().is_some() {
        return Err(PlanError::invalid(
            "Secondary indexes are not supported on COMPACT STORAGE tables that have clustering \
             columns",
        ));
    }
    let on_key = targets.iter().any(|target| match target {
        IndexTarget::Column(name) => table.partition_key().any(|key| key.name == name.as_str()),
        _ => false,
    });
    if on_key {
        return Err(PlanError::invalid(
            "Secondary indexes are not supported on PRIMARY KEY columns in COMPACT STORAGE tables",
        ));
    }
    Ok(())
}

fn target(target: &IndexTarget) -> Result<(String, IndexPart), PlanError> {
    let (column, part) = match target {
        IndexTarget::Column(column) => (column, IndexPart::Simple),
        IndexTarget::Values(column) => (column, IndexPart::Values),
        IndexTarget::Keys(column) => (column, IndexPart::Keys),
        IndexTarget::Entries(column) => (column, IndexPart::Entries),
        IndexTarget::Full(column) => (column, IndexPart::Full),
        IndexTarget::PartitionKey(_) => {
            return Err(PlanError::not_built("an index over a partition key and a column"));
        }
    };
    Ok((column.as_str().to_owned(), part))
}

fn options(properties: &Properties) -> Result<BTreeMap<String, String>, PlanError> {
    property::refuse_duplicates(properties)?;
    let mut options = BTreeMap::new();
    for (name, value) in properties {
        if name.as_str() != "options" {
            return Err(PlanError::syntax(format!("Unknown property '{}'", name.as_str())));
        }
        let no_map =
            || PlanError::syntax("Invalid value for property 'options'. It should be a map.");
        let entries = match value {
            PropertyValue::Map(entries) => entries.as_slice(),
            // `{}` is an empty set as well.
            PropertyValue::Set(items) if items.is_empty() => &[],
            _ => return Err(no_map()),
        };
        for (key, value) in entries {
            let plain = |value: &PropertyValue| property::plain(value).ok_or_else(no_map);
            options.insert(plain(key)?, plain(value)?);
        }
    }
    Ok(options)
}
