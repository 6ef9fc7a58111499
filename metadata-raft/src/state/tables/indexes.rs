//! CREATE INDEX and DROP INDEX, with the words of Cassandra where it refuses.

use std::collections::BTreeMap;

use cellar_metadata_api::{Answer, MetadataError, NewIndex, SchemaChangeKind, SchemaTarget};
use cellar_schema::{
    Column, ColumnKind, CqlType, Frozen, Index, IndexClass, IndexPart, Keyspace, Table,
};

use super::vectors;
use crate::state::{
    draft::{Draft, is_valid_name},
    keyspaces::refuse_system,
};

/// The class of plain indexes; nobody has to write it.
const LOCAL: &str = "legacy_local_table";
/// Options of storage-attached indexes that change which texts are equal.
const ANALYSIS: [&str; 3] = ["ascii", "case_sensitive", "normalize"];
/// Options of storage-attached indexes on vectors.
const VECTOR: [&str; 4] = [
    vectors::BEAM_WIDTH,
    vectors::NODE_CONNECTIONS,
    vectors::OPTIMIZE_FOR,
    vectors::SIMILARITY_FUNCTION,
];

fn invalid<T>(message: impl Into<String>) -> Result<T, MetadataError> {
    Err(MetadataError::invalid(message))
}

impl Draft<'_> {
    pub(in crate::state) fn create_index(
        &mut self,
        new: &NewIndex,
        if_not_exists: bool,
    ) -> Result<Answer, MetadataError> {
        refuse_system(&new.keyspace)?;
        let Some(keyspace) = self.before.keyspace(&new.keyspace) else {
            return invalid(format!("Keyspace '{}' doesn't exist", new.keyspace));
        };
        let Some(table) = keyspace.tables.get(&new.table) else {
            if keyspace.view(&new.table).is_some() {
                return invalid("Secondary indexes on materialized views aren't supported");
            }
            return invalid(format!("Table '{}' doesn't exist", new.table));
        };
        if let Some(name) = new.name.as_ref().filter(|name| indexed(keyspace, name).is_some()) {
            if if_not_exists {
                return Ok(self.unchanged());
            }
            return invalid(format!("Index '{name}' already exists"));
        }
        let index = define(keyspace, table, new)?;
        let same = table.options.indexes.iter().find(|other| other.is_same_but_for_name(&index));
        if let Some(same) = same {
            if if_not_exists {
                return Ok(self.unchanged());
            }
            return invalid(format!(
                "Index {} is a duplicate of existing index {}",
                index.name, same.name
            ));
        }
        if let (true, Some(column)) = (index.is_storage_attached(), column_of(table, &index)) {
            check_attached(table, column, &index)?;
        }
        if !is_valid_name(&index.name) {
            return Err(MetadataError::config(format!("Illegal index name {}", index.name)));
        }
        let mut table = Table::clone(table);
        table.options.indexes.push(index);
        Ok(self.reindexed(table))
    }

    pub(in crate::state) fn drop_index(
        &mut self,
        keyspace: &str,
        name: &str,
        if_exists: bool,
    ) -> Result<Answer, MetadataError> {
        refuse_system(keyspace)?;
        match self.before.keyspace(keyspace).and_then(|found| indexed(found, name)) {
            Some(table) => {
                let mut table = Table::clone(table);
                table.options.indexes.retain(|index| index.name != name);
                Ok(self.reindexed(table))
            }
            None if if_exists => Ok(self.unchanged()),
            None => invalid(format!("Index '{keyspace}.{name}' doesn't exist")),
        }
    }

    fn reindexed(&mut self, mut table: Table) -> Answer {
        table.version = table.version.saturating_add(1);
        let (keyspace, name) = (table.keyspace.clone(), table.name.clone());
        self.put_table(&keyspace, &name, Some(table));
        self.changed(SchemaChangeKind::Updated, SchemaTarget::Table, &keyspace, Some(&name))
    }
}

/// Refuses a change of a column that is indexed.
pub(super) fn refuse_change(
    table: &Table,
    column: &Column,
    change: &str,
) -> Result<(), MetadataError> {
    let names: Vec<&str> = table.indexes_of(column.id).map(|index| index.name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    invalid(format!(
        "{change} column {} because it has dependent secondary indexes ({})",
        column.name,
        names.join(", ")
    ))
}

/// The table that has the index of this name.
fn indexed<'k>(keyspace: &'k Keyspace, name: &str) -> Option<&'k Table> {
    keyspace.tables.values().map(AsRef::as_ref).find(|table| table.index(name).is_some())
}

fn column_of<'t>(table: &'t Table, index: &Index) -> Option<&'t Column> {
    table.column_by_id(index.column)
}

/// The index that a definition means, checked but for the rules of its class.
fn define(keyspace: &Keyspace, table: &Table, new: &NewIndex) -> Result<Index, MetadataError> {
    if table.is_counter() {
        return invalid("Secondary indexes on counter tables aren't supported");
    }
    let custom = new.custom || new.class.as_ref().is_some_and(|class| class != LOCAL);
    let mut targets = Vec::with_capacity(new.targets.len());
    for (name, part) in &new.targets {
        let Some(column) = table.column(name) else {
            return invalid(format!(
                "Undefined column name {name} in table {}.{}",
                table.keyspace, table.name
            ));
        };
        let simple = *part == IndexPart::Simple && column.cql_type.is_collection();
        targets.push((column, if simple { IndexPart::Values } else { *part }));
    }
    if targets.len() > 1 {
        refuse_several(&targets, custom)?;
    }
    for (column, part) in &targets {
        check_target(table, column, *part)?;
    }
    let class = class(new, custom)?;
    let (column, part) = match targets.as_slice() {
        [target] => *target,
        [] if custom => return invalid("Failed to retrieve target column for: "),
        [] => {
            return invalid(
                "Only CUSTOM indexes can be created without specifying a target column",
            );
        }
        several => {
            let names: Vec<&str> = several.iter().map(|(column, _)| column.name.as_str()).collect();
            return invalid(format!(
                "A storage-attached index cannot be created over multiple columns: {}",
                names.join(", ")
            ));
        }
    };
    let name = new.name.clone().unwrap_or_else(|| free_name(keyspace, table, column));
    let options = new.options.clone();
    Ok(Index { name, column: column.id, part, class, options })
}

fn refuse_several(targets: &[(&Column, IndexPart)], custom: bool) -> Result<(), MetadataError> {
    if !custom {
        return invalid("Only CUSTOM indexes support multiple columns");
    }
    let mut seen = BTreeMap::new();
    match targets.iter().find(|(column, _)| seen.insert(column.id, ()).is_some()) {
        Some((column, _)) => {
            invalid(format!("Duplicate column '{}' in index target list", column.name))
        }
        None => Ok(()),
    }
}

fn class(new: &NewIndex, custom: bool) -> Result<IndexClass, MetadataError> {
    if !custom {
        return Ok(IndexClass::Local);
    }
    let written = new.class.as_deref().unwrap_or(LOCAL);
    let short = written.to_ascii_lowercase();
    match written {
        "org.apache.cassandra.index.sai.StorageAttachedIndex" => {}
        _ if short == "sai" || short == "storageattachedindex" => {}
        "org.apache.cassandra.index.sasi.SASIIndex" | "SASIIndex" => {}
        _ => {
            return Err(MetadataError::config(format!(
                "Unable to find custom indexer class '{written}'"
            )));
        }
    }
    Ok(IndexClass::StorageAttached(written.to_owned()))
}

/// `table_column_idx` without what a name cannot have, and a number if that is taken.
fn free_name(keyspace: &Keyspace, table: &Table, column: &Column) -> String {
    let word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let base: String = format!("{}_{}_idx", table.name, column.name).chars().filter(word).collect();
    let numbered = (1_u32..).map(|number| format!("{base}_{number}"));
    let mut candidates = std::iter::once(base.clone()).chain(numbered);
    candidates.find(|name| indexed(keyspace, name).is_none()).unwrap_or(base)
}

/// Whether the column can be indexed so, in any class.
fn check_target(table: &Table, column: &Column, part: IndexPart) -> Result<(), MetadataError> {
    let cql_type = &column.cql_type;
    if holds_durations(cql_type) {
        return invalid(format!(
            "Secondary indexes are not supported on {}",
            match cql_type {
                CqlType::Duration => "duration columns",
                CqlType::Tuple(_) => "tuples containing durations",
                CqlType::Udt(..) => "UDTs containing durations",
                _ => "collections containing durations",
            }
        ));
    }
    let partition_key = matches!(column.kind, ColumnKind::PartitionKey(_));
    if partition_key && table.partition_key().count() == 1 {
        return invalid(format!(
            "Cannot create secondary index on the only partition key column {}",
            column.name
        ));
    }
    let name = &column.name;
    let frozen_collection = cql_type.is_collection() && !cql_type.is_multi_cell();
    if frozen_collection && part != IndexPart::Full {
        return invalid(format!(
            "Cannot create {part}() index on frozen column {name}. Frozen collections are \
             immutable and must be fully indexed by using the 'full({name})' modifier"
        ));
    }
    if !frozen_collection && part == IndexPart::Full {
        return invalid("full() indexes can only be created on frozen collections");
    }
    if !cql_type.is_collection() && part != IndexPart::Simple {
        return invalid(format!(
            "Cannot create {part}() index on {name}. Non-collection columns only support simple \
             indexes"
        ));
    }
    let map = matches!(cql_type, CqlType::Map(_, _, Frozen::No));
    if !map && matches!(part, IndexPart::Keys | IndexPart::Entries) {
        return invalid(format!(
            "Cannot create index on {part} of column {name} with non-map type"
        ));
    }
    if matches!(cql_type, CqlType::Udt(_, Frozen::No)) {
        return invalid(format!("Cannot create index on non-frozen UDT column {name}"));
    }
    Ok(())
}

fn holds_durations(cql_type: &CqlType) -> bool {
    match cql_type {
        CqlType::Duration => true,
        CqlType::List(of, _) | CqlType::Set(of, _) | CqlType::Vector(of, _) => holds_durations(of),
        CqlType::Map(key, value, _) => holds_durations(key) || holds_durations(value),
        CqlType::Tuple(parts) => parts.iter().any(holds_durations),
        CqlType::Udt(user_type, _) => user_type.fields.iter().any(|(_, of)| holds_durations(of)),
        _ => false,
    }
}

/// The rules of storage-attached indexes.
fn check_attached(table: &Table, column: &Column, index: &Index) -> Result<(), MetadataError> {
    let vector = matches!(column.cql_type, CqlType::Vector(..));
    let known = |name: &str| ANALYSIS.contains(&name) || (vector && VECTOR.contains(&name));
    let unknown: Vec<&str> =
        index.options.keys().map(String::as_str).filter(|name| !known(name)).collect();
    if !unknown.is_empty() {
        return Err(MetadataError::config(format!(
            "Properties specified [{}] are not understood by StorageAttachedIndex",
            unknown.join(", ")
        )));
    }
    let attached = |other: &Index| other.is_storage_attached() && other.part == index.part;
    if table.indexes_of(column.id).any(attached) {
        return invalid(format!(
            "Cannot create more than one storage-attached index on the same column: {}",
            column.name
        ));
    }
    let analysis: Vec<(&String, &String)> =
        index.options.iter().filter(|(name, _)| ANALYSIS.contains(&name.as_str())).collect();
    if !analysis.is_empty() {
        check_analysis(column, &analysis)?;
    }
    if let CqlType::Vector(element, dimensions) = &column.cql_type {
        vectors::check(element, *dimensions, index)?;
    }
    let indexed = match (&column.cql_type, index.part) {
        (CqlType::List(of, _) | CqlType::Set(of, _), IndexPart::Values) => of,
        (CqlType::Map(_, of, _), IndexPart::Values) => of,
        (CqlType::Map(of, ..), IndexPart::Keys) => of,
        (CqlType::Map(..), IndexPart::Entries) | (_, IndexPart::Full) => return Ok(()),
        (whole, _) => whole,
    };
    match indexed {
        CqlType::Blob | CqlType::Counter => invalid(format!("Unsupported type: {indexed}")),
        _ => Ok(()),
    }
}

fn check_analysis(column: &Column, options: &[(&String, &String)]) -> Result<(), MetadataError> {
    if matches!(column.kind, ColumnKind::PartitionKey(_) | ColumnKind::Clustering(..)) {
        let shown: Vec<String> =
            options.iter().map(|(name, value)| format!("'{name}': '{value}'")).collect();
        return invalid(format!(
            "Analysis options are not supported on primary key columns, but found {{{}}}",
            shown.join(", ")
        ));
    }
    if !matches!(column.cql_type, CqlType::Text | CqlType::Ascii) {
        return invalid(format!("CQL type {} cannot be analyzed.", column.cql_type));
    }
    for (name, value) in options {
        match value.to_ascii_lowercase().as_str() {
            "true" if *name != "case_sensitive" => {
                return invalid(format!(
                    "The option '{name}' of storage-attached indexes is not supported by Cellar"
                ));
            }
            "true" | "false" => {}
            _ => return invalid(format!("Illegal value for boolean option '{name}': {value}")),
        }
    }
    Ok(())
}
