//! CREATE statements of schema objects, laid out as Cassandra's.

use std::{collections::BTreeMap, fmt::Write as _};

use cellar_schema::{Column, ColumnKind, CqlType, DroppedColumn, Keyspace, Order, Table, UserType};

use super::options;
use crate::system::{
    is_virtual_in_cassandra,
    text::{literal, quoted},
};

/// CREATE KEYSPACE; what nobody can create is shown in a comment, as Cassandra does.
pub(super) fn keyspace(keyspace: &Keyspace, replication: &BTreeMap<String, String>) -> String {
    if is_virtual_in_cassandra(&keyspace.name) {
        let name = quoted(&keyspace.name);
        return format!(
            "/*\nWarning: Keyspace {name} is a virtual keyspace and cannot be recreated with CQL.\n\
             Structure, for reference:*/\n-- VIRTUAL KEYSPACE {name};"
        );
    }
    let mut pairs: Vec<String> = Vec::new();
    // The class comes first, as everybody writes it.
    if let Some(class) = replication.get("class") {
        pairs.push(format!("'class': {}", literal(class)));
    } else {
        pairs.push("'class': 'LocalStrategy'".to_owned());
    }
    for (option, value) in replication.iter().filter(|(option, _)| *option != "class") {
        pairs.push(format!("{}: {}", literal(option), literal(value)));
    }
    format!(
        "CREATE KEYSPACE {} WITH replication = {{{}}}  AND durable_writes = {};",
        quoted(&keyspace.name),
        pairs.join(", "),
        keyspace.durable_writes
    )
}

/// The types of a keyspace so that each comes after those it uses.
pub(super) fn in_order(keyspace: &Keyspace) -> Vec<&UserType> {
    let mut waiting: Vec<&UserType> = keyspace.types.values().map(AsRef::as_ref).collect();
    let mut ordered: Vec<&UserType> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let (ready, rest): (Vec<&UserType>, Vec<&UserType>) =
            waiting.iter().copied().partition(|user_type| {
                let uses = |other: &&UserType| {
                    other.name != user_type.name
                        && user_type.fields.iter().any(|(_, field)| mentions(field, &other.name))
                };
                !waiting.iter().any(uses)
            });
        if ready.is_empty() {
            // A cycle cannot be made; whatever it is, print it rather than nothing.
            ordered.extend(rest);
            break;
        }
        ordered.extend(ready);
        waiting = rest;
    }
    ordered
}

fn mentions(cql_type: &CqlType, name: &str) -> bool {
    match cql_type {
        CqlType::Udt(user_type, _) => user_type.name == name,
        CqlType::List(of, _) | CqlType::Set(of, _) | CqlType::Vector(of, _) => mentions(of, name),
        CqlType::Map(key, value, _) => mentions(key, name) || mentions(value, name),
        CqlType::Tuple(parts) => parts.iter().any(|part| mentions(part, name)),
        _ => false,
    }
}

/// CREATE TYPE.
pub(super) fn user_type(user_type: &UserType) -> String {
    let fields: Vec<String> = user_type
        .fields
        .iter()
        .map(|(name, cql_type)| format!("    {} {cql_type}", quoted(name)))
        .collect();
    format!(
        "CREATE TYPE {}.{} (\n{}\n);",
        quoted(&user_type.keyspace),
        quoted(&user_type.name),
        fields.join(",\n")
    )
}

/// CREATE TABLE.
pub(super) fn table(table: &Table, internals: bool) -> String {
    if is_virtual_in_cassandra(&table.keyspace) {
        let name = format!("{}.{}", quoted(&table.keyspace), quoted(&table.name));
        let warning = format!(
            "/*\nWarning: Table {name} is a virtual table and cannot be recreated with CQL.\n\
             Structure, for reference:\n"
        );
        let text = stored_table(table, internals).replacen("CREATE", "VIRTUAL", 1);
        return format!("{warning}{text}\n*/");
    }
    stored_table(table, internals)
}

fn stored_table(table: &Table, internals: bool) -> String {
    let mut text = format!("CREATE TABLE {}.{} (\n", quoted(&table.keyspace), quoted(&table.name));
    let partition: Vec<String> = table.partition_key().map(|column| quoted(&column.name)).collect();
    let clustering: Vec<(String, Order)> =
        table.clustering().map(|(column, order)| (quoted(&column.name), order)).collect();
    let simple = partition.len() == 1 && clustering.is_empty();
    let gone = if internals { dropped(table) } else { BTreeMap::new() };
    let mut columns: Vec<String> = in_print_order(table)
        .iter()
        .filter(|column| !gone.contains_key(column.name.as_str()))
        .map(|column| definition(column, simple))
        .collect();
    columns.extend(gone.values().map(|column| was_defined(column)));
    text.push_str(&columns.join(",\n"));
    if !simple {
        let first = match partition.as_slice() {
            [one] => one.clone(),
            several => format!("({})", several.join(", ")),
        };
        let key: Vec<String> =
            std::iter::once(first).chain(clustering.iter().map(|(name, _)| name.clone())).collect();
        // Writing to a String cannot fail, here and below.
        let _ = write!(text, ",\n    PRIMARY KEY ({})", key.join(", "));
    }
    text.push_str("\n) WITH ");
    if internals {
        let _ = write!(text, "ID = {}\n    AND ", table.uuid);
    }
    if table.is_compact() {
        text.push_str("COMPACT STORAGE\n    AND ");
    }
    if !clustering.is_empty() {
        let order: Vec<String> = clustering
            .iter()
            .map(|(name, order)| match order {
                Order::Asc => format!("{name} ASC"),
                Order::Desc => format!("{name} DESC"),
            })
            .collect();
        let _ = write!(text, "CLUSTERING ORDER BY ({})\n    AND ", order.join(", "));
    }
    text.push_str(&options::of(table).join("\n    AND "));
    text.push(';');
    for column in gone.values() {
        text.push_str(&dropping(table, column));
    }
    text
}

/// The columns that were dropped, each as it was the last time, by name.
fn dropped(table: &Table) -> BTreeMap<&str, &DroppedColumn> {
    let mut last: BTreeMap<&str, &DroppedColumn> = BTreeMap::new();
    for column in &table.dropped {
        let known = last.entry(&column.name).or_insert(column);
        if known.dropped_at_us <= column.dropped_at_us {
            *known = column;
        }
    }
    last
}

fn was_defined(column: &DroppedColumn) -> String {
    let suffix = if column.is_static { " static" } else { "" };
    format!("    {} {}{suffix}", quoted(&column.name), column.cql_type)
}

/// What makes of a column that was created one that is dropped, or dropped and added again, so
/// that old data stay hidden.
fn dropping(table: &Table, column: &DroppedColumn) -> String {
    let name = format!("{}.{}", quoted(&table.keyspace), quoted(&table.name));
    let (gone, at_us) = (quoted(&column.name), column.dropped_at_us);
    let drop = format!("\nALTER TABLE {name} DROP {gone} USING TIMESTAMP {at_us};");
    match table.column(&column.name) {
        Some(again) => {
            let again = definition(again, false);
            format!("{drop}\nALTER TABLE {name} ADD {};", again.trim_start())
        }
        None => drop,
    }
}

fn definition(column: &Column, simple: bool) -> String {
    let suffix = match column.kind {
        ColumnKind::PartitionKey(_) if simple => " PRIMARY KEY",
        ColumnKind::Static => " static",
        _ => "",
    };
    format!("    {} {}{suffix}", quoted(&column.name), column.cql_type)
}

/// Key columns in key order, then static and regular ones: of each first those that are stored in
/// one piece, by name.
fn in_print_order(table: &Table) -> Vec<&Column> {
    let mut columns: Vec<&Column> = table.columns.iter().collect();
    let place = |column: &Column| match column.kind {
        ColumnKind::PartitionKey(position) => (0_u8, position),
        ColumnKind::Clustering(position, _) => (1, position),
        ColumnKind::Static => (2, u16::from(column.cql_type.is_multi_cell())),
        ColumnKind::Regular => (3, u16::from(column.cql_type.is_multi_cell())),
    };
    columns.sort_by(|left, right| {
        place(left).cmp(&place(right)).then_with(|| left.name.cmp(&right.name))
    });
    columns
}

#[cfg(test)]
mod tests {
    use cellar_schema::{ColumnId, Frozen, TableId, TableOptions, Tables};

    use super::*;

    #[test]
    fn what_nobody_can_create_is_shown_in_a_comment_and_system_keyspaces_are_local() {
        let of = |name: &str| Keyspace {
            name: name.to_owned(),
            replication: BTreeMap::new(),
            durable_writes: true,
            tables: Tables::default(),
            types: BTreeMap::new(),
        };
        assert!(
            keyspace(&of("system_views"), &BTreeMap::new())
                .contains("-- VIRTUAL KEYSPACE system_views;")
        );
        let local = "CREATE KEYSPACE system WITH replication = {'class': 'LocalStrategy'}";
        assert!(keyspace(&of("system"), &BTreeMap::new()).starts_with(local));
    }

    #[test]
    fn columns_in_one_piece_come_before_those_in_parts() {
        let list = |frozen| CqlType::List(Box::new(CqlType::Int), frozen);
        let column = |id, name: &str, cql_type, kind| Column {
            id: ColumnId(id),
            name: name.to_owned(),
            cql_type,
            kind,
        };
        let of = Table {
            id: TableId(16),
            uuid: uuid::Uuid::nil(),
            keyspace: "ks".to_owned(),
            name: "t".to_owned(),
            version: 1,
            next_column: ColumnId(6),
            columns: vec![
                column(1, "k", CqlType::Int, ColumnKind::PartitionKey(0)),
                column(2, "a", list(Frozen::No), ColumnKind::Regular),
                column(3, "b", CqlType::Text, ColumnKind::Regular),
                column(4, "c", list(Frozen::Yes), ColumnKind::Regular),
                column(5, "d", list(Frozen::No), ColumnKind::Static),
                column(6, "e", CqlType::Int, ColumnKind::Static),
            ],
            dropped: Vec::new(),
            options: TableOptions::default(),
        };
        let names: Vec<&str> = in_print_order(&of).iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["k", "e", "d", "b", "c", "a"]);
    }

    #[test]
    fn internals_tell_of_dropped_columns_how_they_come_to_be_dropped() {
        let column = |id, name: &str, kind| Column {
            id: ColumnId(id),
            name: name.to_owned(),
            cql_type: CqlType::Int,
            kind,
        };
        let gone = |id, name: &str, is_static, dropped_at_us| DroppedColumn {
            id: ColumnId(id),
            name: name.to_owned(),
            cql_type: CqlType::Int,
            is_static,
            dropped_at_us,
        };
        let of = Table {
            id: TableId(16),
            uuid: uuid::Uuid::nil(),
            keyspace: "ks".to_owned(),
            name: "T".to_owned(),
            version: 1,
            next_column: ColumnId(9),
            columns: vec![
                column(1, "k", ColumnKind::PartitionKey(0)),
                column(8, "again", ColumnKind::Static),
                column(3, "v", ColumnKind::Regular),
            ],
            dropped: vec![
                gone(2, "again", true, 7),
                gone(4, "old", false, 9),
                gone(5, "again", true, 8),
            ],
            options: TableOptions::default(),
        };
        let shown = table(&of, true);
        let columns = "    k int PRIMARY KEY,\n    v int,\n    again int static,\n    old int\n)";
        assert!(shown.contains(columns), "{shown}");
        let end = ";\nALTER TABLE ks.\"T\" DROP again USING TIMESTAMP 8;\
                   \nALTER TABLE ks.\"T\" ADD again int static;\
                   \nALTER TABLE ks.\"T\" DROP old USING TIMESTAMP 9;";
        assert!(shown.ends_with(end), "{shown}");
        let plain = table(&of, false);
        assert!(!plain.contains("old int") && !plain.contains("ALTER"), "{plain}");
    }
}
