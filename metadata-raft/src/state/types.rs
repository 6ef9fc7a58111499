//! CREATE, ALTER and DROP TYPE, and what user-defined types mean inside other definitions.

use std::{collections::BTreeMap, sync::Arc};

use cellar_metadata_api::{
    Answer, MetadataError, MissingObject, SchemaChangeKind, SchemaTarget, TypeChange,
};
use cellar_schema::{Column, CqlType, Frozen, Keyspace, Table, UserType};

use super::{
    draft::{Draft, duplicate, missing},
    keyspaces::refuse_system,
};
use crate::limits::{NAME_CHARACTERS_MAX, TYPE_DEPTH_MAX, TYPE_FIELDS_MAX};

impl Draft<'_> {
    pub(super) fn create_type(
        &mut self,
        keyspace: &str,
        name: &str,
        fields: &[(String, CqlType)],
        if_not_exists: bool,
    ) -> Result<Answer, MetadataError> {
        refuse_system(keyspace)?;
        let mut new = Keyspace::clone(self.keyspace(keyspace)?);
        if new.types.contains_key(name) {
            if if_not_exists {
                return Ok(self.unchanged());
            }
            return Err(MetadataError::invalid(format!(
                "A user type with name '{name}' already exists"
            )));
        }
        // In quotes it may have any characters, as in Cassandra.
        if name.is_empty() || name.chars().count() > NAME_CHARACTERS_MAX {
            return Err(MetadataError::invalid(format!(
                "Type name must not be empty or more than {NAME_CHARACTERS_MAX} characters long \
                 (got \"{name}\")"
            )));
        }
        let names = fields.iter().map(|(field, _)| field.as_str());
        if let Some(field) = duplicate(names) {
            return Err(MetadataError::invalid(format!(
                "Duplicate field name '{field}' in type '{name}'"
            )));
        }
        let fields: Vec<_> = fields
            .iter()
            .map(|(field, cql_type)| Ok((field.clone(), field_type(&new, cql_type)?)))
            .collect::<Result<_, MetadataError>>()?;
        let user_type = UserType { keyspace: keyspace.to_owned(), name: name.to_owned(), fields };
        check_type(&user_type)?;
        new.types.insert(name.to_owned(), Arc::new(user_type));
        self.put_keyspace(new);
        Ok(self.changed(SchemaChangeKind::Created, SchemaTarget::Type, keyspace, Some(name)))
    }

    pub(super) fn alter_type(
        &mut self,
        keyspace: &str,
        name: &str,
        if_exists: bool,
        change: &TypeChange,
    ) -> Result<Answer, MetadataError> {
        refuse_system(keyspace)?;
        if if_exists && self.before.user_type(keyspace, name).is_none() {
            return Ok(self.unchanged());
        }
        let mut new = Keyspace::clone(self.keyspace(keyspace)?);
        let mut altered = UserType::clone(user_type(&new, name)?);
        match change {
            TypeChange::Add { field, cql_type, if_not_exists } => {
                if altered.fields.iter().any(|(other, _)| other == field) {
                    if *if_not_exists {
                        return Ok(self.unchanged());
                    }
                    return Err(MetadataError::invalid(format!(
                        "Cannot add field {field} to type {keyspace}.{name}: a field with name \
                         {field} already exists"
                    )));
                }
                let cql_type = field_type(&new, cql_type)?;
                refuse_in_keys(&new, name, (field.as_str(), &cql_type))?;
                if refers_to(&cql_type, name) {
                    return Err(MetadataError::invalid(format!(
                        "Cannot add new field {field} of type {cql_type} to user type \
                         {keyspace}.{name} as it would create a circular reference"
                    )));
                }
                altered.fields.push((field.clone(), cql_type));
            }
            TypeChange::Rename { fields, if_exists } => {
                rename_fields(&mut altered, fields, *if_exists)?;
            }
        }
        if new.types.get(name).is_some_and(|before| **before == altered) {
            return Ok(self.unchanged());
        }
        check_type(&altered)?;
        replace_type(&mut new, altered)?;
        self.put_keyspace(new);
        Ok(self.changed(SchemaChangeKind::Updated, SchemaTarget::Type, keyspace, Some(name)))
    }

    pub(super) fn drop_type(
        &mut self,
        keyspace: &str,
        name: &str,
        if_exists: bool,
    ) -> Result<Answer, MetadataError> {
        refuse_system(keyspace)?;
        if if_exists && self.before.user_type(keyspace, name).is_none() {
            return Ok(self.unchanged());
        }
        let mut new = Keyspace::clone(self.keyspace(keyspace)?);
        user_type(&new, name)?;
        let in_use = |what: &str, names: Vec<&str>| {
            Err(MetadataError::invalid(format!(
                "Cannot drop user type '{keyspace}.{name}' as it is still used by {what} {}",
                names.join(", ")
            )))
        };
        let uses = |other: &&Arc<UserType>| other.fields.iter().any(|(_, t)| refers_to(t, name));
        let types: Vec<&str> =
            new.types.values().filter(uses).map(|other| other.name.as_str()).collect();
        if !types.is_empty() {
            return in_use("user types", types);
        }
        let tables: Vec<&str> = new
            .tables
            .values()
            .filter(|table| table.columns.iter().any(|c| refers_to(&c.cql_type, name)))
            .map(|table| table.name.as_str())
            .collect();
        if !tables.is_empty() {
            return in_use("tables", tables);
        }
        new.types.remove(name);
        self.put_keyspace(new);
        Ok(self.changed(SchemaChangeKind::Dropped, SchemaTarget::Type, keyspace, Some(name)))
    }
}

fn user_type<'k>(keyspace: &'k Keyspace, name: &str) -> Result<&'k Arc<UserType>, MetadataError> {
    keyspace
        .types
        .get(name)
        .ok_or_else(|| missing(MissingObject::Type, format!("{}.{name}", keyspace.name)))
}

/// The type with every user-defined type in it as the keyspace has it now.
pub(super) fn resolve(keyspace: &Keyspace, cql_type: &CqlType) -> Result<CqlType, MetadataError> {
    let resolved = resolve_at(keyspace, cql_type, 0)?;
    if depth(&resolved) > TYPE_DEPTH_MAX {
        return Err(too_deep());
    }
    Ok(resolved)
}

fn too_deep() -> MetadataError {
    MetadataError::invalid(format!("types can be nested {TYPE_DEPTH_MAX} levels deep at most"))
}

fn resolve_at(
    keyspace: &Keyspace,
    cql_type: &CqlType,
    depth: usize,
) -> Result<CqlType, MetadataError> {
    if depth >= TYPE_DEPTH_MAX {
        return Err(too_deep());
    }
    let inner = |inner: &CqlType| resolve_at(keyspace, inner, depth.saturating_add(1));
    Ok(match cql_type {
        CqlType::List(element, frozen) => CqlType::List(Box::new(inner(element)?), *frozen),
        CqlType::Set(element, frozen) => CqlType::Set(Box::new(inner(element)?), *frozen),
        CqlType::Map(key, value, frozen) => {
            CqlType::Map(Box::new(inner(key)?), Box::new(inner(value)?), *frozen)
        }
        CqlType::Tuple(fields) => {
            CqlType::Tuple(fields.iter().map(inner).collect::<Result<_, _>>()?)
        }
        CqlType::Vector(element, dimensions) => {
            CqlType::Vector(Box::new(inner(element)?), *dimensions)
        }
        CqlType::Udt(named, frozen) => {
            if named.keyspace != keyspace.name {
                return Err(MetadataError::invalid(format!(
                    "Statement on keyspace {} cannot refer to a user type in keyspace {}; user \
                     types can only be used in the keyspace they are defined in",
                    keyspace.name, named.keyspace
                )));
            }
            let current = keyspace.types.get(&named.name).ok_or_else(|| {
                MetadataError::invalid(format!("Unknown type {}.{}", keyspace.name, named.name))
            })?;
            // A type's own fields are held resolved.
            CqlType::Udt(Arc::clone(current), *frozen)
        }
        scalar => scalar.clone(),
    })
}

/// Whether the user-defined type of this name is in the type, at whatever depth.
pub(super) fn refers_to(cql_type: &CqlType, name: &str) -> bool {
    match cql_type {
        CqlType::List(element, _) | CqlType::Set(element, _) | CqlType::Vector(element, _) => {
            refers_to(element, name)
        }
        CqlType::Map(key, value, _) => refers_to(key, name) || refers_to(value, name),
        CqlType::Tuple(fields) => fields.iter().any(|field| refers_to(field, name)),
        CqlType::Udt(used, _) => {
            used.name == name || used.fields.iter().any(|(_, field)| refers_to(field, name))
        }
        _ => false,
    }
}

/// Refuses another field of a type that keys are made of. Partition keys would be found no more,
/// as in Cassandra; stored clustering keys have the fields that the type had, without their number.
fn refuse_in_keys(
    keyspace: &Keyspace,
    name: &str,
    (field, cql_type): (&str, &CqlType),
) -> Result<(), MetadataError> {
    let refers = |column: &Column| refers_to(&column.cql_type, name);
    let refuse = |part: &str, tables: Vec<String>| match tables.as_slice() {
        [] => Ok(()),
        tables => Err(MetadataError::invalid(format!(
            "Cannot add new field {field} of type {cql_type} to user type {}.{name} as the type \
             is being used in {part} key by the following tables: {}",
            keyspace.name,
            tables.join(", ")
        ))),
    };
    let tables = || keyspace.tables.values();
    let shown = |table: &Arc<Table>| format!("{}.{}", table.keyspace, table.name);
    let partition = tables().filter(|table| table.partition_key().any(refers));
    refuse("partition", partition.map(shown).collect())?;
    let clustering = tables().filter(|table| table.clustering().any(|(column, _)| refers(column)));
    refuse("clustering", clustering.map(shown).collect())
}

fn field_type(keyspace: &Keyspace, cql_type: &CqlType) -> Result<CqlType, MetadataError> {
    if matches!(cql_type, CqlType::Counter) {
        return Err(MetadataError::invalid("A user type cannot contain counters"));
    }
    if matches!(cql_type, CqlType::Udt(_, Frozen::No)) {
        return Err(MetadataError::invalid("A user type cannot contain non-frozen UDTs"));
    }
    let resolved = resolve(keyspace, cql_type)?;
    super::tables::check_nesting(&resolved)?;
    Ok(resolved)
}

fn check_type(user_type: &UserType) -> Result<(), MetadataError> {
    if user_type.fields.len() > TYPE_FIELDS_MAX {
        return Err(MetadataError::invalid(format!(
            "Cannot have more than {TYPE_FIELDS_MAX} fields in type {}",
            user_type.name
        )));
    }
    if depth(&CqlType::Udt(Arc::new(user_type.clone()), Frozen::Yes)) > TYPE_DEPTH_MAX {
        return Err(too_deep());
    }
    Ok(())
}

fn depth(cql_type: &CqlType) -> usize {
    let inner = match cql_type {
        CqlType::List(element, _) | CqlType::Set(element, _) | CqlType::Vector(element, _) => {
            depth(element)
        }
        CqlType::Map(key, value, _) => depth(key).max(depth(value)),
        CqlType::Tuple(fields) => fields.iter().map(depth).max().unwrap_or(0),
        CqlType::Udt(used, _) => {
            let fields = used.fields.iter().map(|(_, t)| depth(t));
            fields.max().unwrap_or(0).saturating_add(1)
        }
        _ => 0,
    };
    inner.saturating_add(1)
}

fn rename_fields(
    altered: &mut UserType,
    renames: &[(String, String)],
    if_exists: bool,
) -> Result<(), MetadataError> {
    let before = altered.clone();
    let of = format!("{}.{}", before.keyspace, before.name);
    for (from, to) in renames {
        let position = before.fields.iter().position(|(field, _)| field == from);
        match position.and_then(|position| altered.fields.get_mut(position)) {
            Some(field) => to.clone_into(&mut field.0),
            None if if_exists => {}
            None => {
                return Err(MetadataError::invalid(format!(
                    "Unknown field {from} in user type {of}"
                )));
            }
        }
    }
    match duplicate(altered.fields.iter().map(|(field, _)| field.as_str())) {
        Some(field) => {
            Err(MetadataError::invalid(format!("Duplicate field name {field} in type {of}")))
        }
        None => Ok(()),
    }
}

/// Puts an altered type everywhere it is used: in other types, in tables, in what tables dropped.
fn replace_type(keyspace: &mut Keyspace, altered: UserType) -> Result<(), MetadataError> {
    let name = altered.name.clone();
    keyspace.types.insert(name.clone(), Arc::new(altered));
    let types = substituted_types(&keyspace.types, &name);
    for user_type in types.values() {
        check_type(user_type)?;
    }
    keyspace.types.extend(types);
    let types = keyspace.types.clone();
    for table in keyspace.tables.values_mut() {
        let uses = |column: &Column| refers_to(&column.cql_type, &name);
        let dropped = table.dropped.iter().any(|column| refers_to(&column.cql_type, &name));
        if dropped || table.columns.iter().any(uses) {
            let table: &mut Table = Arc::make_mut(table);
            table.version = table.version.saturating_add(1);
            let columns = table.columns.iter_mut().map(|column| &mut column.cql_type);
            let dropped = table.dropped.iter_mut().map(|column| &mut column.cql_type);
            for cql_type in columns.chain(dropped) {
                *cql_type = substitute(cql_type, &types);
            }
        }
    }
    Ok(())
}

/// The types that use `name`, with its new definition inside, inner ones first.
fn substituted_types(
    types: &BTreeMap<String, Arc<UserType>>,
    name: &str,
) -> BTreeMap<String, Arc<UserType>> {
    let mut users: Vec<&Arc<UserType>> = types
        .values()
        .filter(|user| user.name != name)
        .filter(|user| user.fields.iter().any(|(_, field)| refers_to(field, name)))
        .collect();
    users.sort_by_key(|user| user.fields.iter().map(|(_, t)| depth(t)).max());
    let mut known = types.clone();
    let mut changed = BTreeMap::new();
    for user in users {
        let mut user = UserType::clone(user);
        for (_, cql_type) in &mut user.fields {
            *cql_type = substitute(cql_type, &known);
        }
        let user = Arc::new(user);
        known.insert(user.name.clone(), Arc::clone(&user));
        changed.insert(user.name.clone(), user);
    }
    changed
}

fn substitute(cql_type: &CqlType, types: &BTreeMap<String, Arc<UserType>>) -> CqlType {
    let inner = |inner: &CqlType| Box::new(substitute(inner, types));
    match cql_type {
        CqlType::List(element, frozen) => CqlType::List(inner(element), *frozen),
        CqlType::Set(element, frozen) => CqlType::Set(inner(element), *frozen),
        CqlType::Map(key, value, frozen) => CqlType::Map(inner(key), inner(value), *frozen),
        CqlType::Tuple(fields) => {
            CqlType::Tuple(fields.iter().map(|field| substitute(field, types)).collect())
        }
        CqlType::Vector(element, dimensions) => CqlType::Vector(inner(element), *dimensions),
        CqlType::Udt(used, frozen) => {
            CqlType::Udt(Arc::clone(types.get(&used.name).unwrap_or(used)), *frozen)
        }
        scalar => scalar.clone(),
    }
}
