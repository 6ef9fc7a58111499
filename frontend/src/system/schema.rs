//! `system_schema` and `system_virtual_schema`: the schema as drivers read it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use cellar_metadata_api::Catalog;
use cellar_schema::{Column, ColumnKind, Keyspace, Order, Table, value};

use super::{Facts, record::Record};
use crate::describe;

pub(super) fn keyspaces(facts: &Facts<'_>) -> Vec<Record> {
    let local = BTreeMap::from([(
        "class".to_owned(),
        "org.apache.cassandra.locator.LocalStrategy".to_owned(),
    )]);
    let record = |keyspace: &Keyspace, replication: &BTreeMap<String, String>| {
        Record::new()
            .text("keyspace_name", &keyspace.name)
            .boolean("durable_writes", keyspace.durable_writes)
            .text_map("replication", &in_full(replication))
    };
    let stored = facts.catalog.keyspaces.values();
    let stored = stored.map(|ks| record(ks, &by_datacenter(facts.catalog, &ks.replication)));
    let made_up = system_keyspaces(facts).map(|keyspace| record(keyspace, &local));
    stored.chain(made_up).collect()
}

/// The settings with a number for each data centre, as Cassandra resolves `replication_factor` of
/// `NetworkTopologyStrategy`; drivers take it for the name of a data centre.
pub(super) fn by_datacenter(
    catalog: &Catalog,
    replication: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut shown = replication.clone();
    let topology = shown.get("class").is_some_and(|c| c.ends_with("NetworkTopologyStrategy"));
    let nodes = catalog.nodes.values().map(|node| &node.datacenter);
    let frontends = catalog.frontends.values().map(|frontend| &frontend.datacenter);
    let datacenters: BTreeSet<&String> = nodes.chain(frontends).collect();
    if topology
        && !datacenters.is_empty()
        && let Some(factor) = shown.remove("replication_factor")
    {
        for datacenter in datacenters {
            shown.entry(datacenter.clone()).or_insert_with(|| factor.clone());
        }
        shown.retain(|_, factor| factor != "0");
    }
    shown
}

/// Drivers know the strategies by their classes, however they were written.
fn in_full(replication: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut shown = replication.clone();
    if let Some(class) = shown.get_mut("class")
        && matches!(class.as_str(), "SimpleStrategy" | "NetworkTopologyStrategy")
    {
        class.insert_str(0, "org.apache.cassandra.locator.");
    }
    shown
}

/// Virtual keyspaces that Cassandra stores, and so shows in `system_schema`.
fn system_keyspaces<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = &'a Arc<Keyspace>> {
    facts.virtual_keyspaces.values().filter(|keyspace| !is_virtual_in_cassandra(&keyspace.name))
}

/// Whether Cassandra keeps such a keyspace in memory only.
pub(crate) fn is_virtual_in_cassandra(keyspace: &str) -> bool {
    matches!(keyspace, "system_virtual_schema" | "system_views" | "system_cellar")
}

fn all_tables<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = &'a Arc<Table>> {
    let wanted = facts.wanted;
    let stored = facts.catalog.keyspaces.values();
    let keyspaces = stored.chain(system_keyspaces(facts));
    keyspaces
        .filter_map(move |keyspace| Some((keyspace, wanted.partition(&keyspace.name)?)))
        .flat_map(|(keyspace, rows)| {
            keyspace.tables.values().filter(move |table| rows.row(&table.name))
        })
}

pub(super) fn tables(facts: &Facts<'_>) -> Vec<Record> {
    all_tables(facts).map(|table| table_record(table)).collect()
}

pub(super) fn table_record(table: &Table) -> Record {
    let options = &table.options;
    let map = |name: &str, default: &[(&str, &str)]| -> BTreeMap<String, String> {
        let parsed = options.text.get(name).and_then(|text| cellar_cql::literal_map(text));
        parsed.unwrap_or_else(|| {
            default.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        })
    };
    // Numbers may have been written in quotes.
    let bare = |name: &str| options.text.get(name).map(|text| text.trim_matches('\''));
    let number =
        |name: &str, default: i32| bare(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let fraction =
        |name: &str, default: f64| bare(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let text = |name: &str, default: &str| {
        let given = options.text.get(name).map(|text| text.trim_matches('\'').to_owned());
        given.unwrap_or_else(|| default.to_owned())
    };
    let flags: Vec<String> = flags(table).map(str::to_owned).collect();
    let gc = options.gc_grace_seconds.map_or(864_000, |s| i32::try_from(s).unwrap_or(i32::MAX));
    let ttl = i32::try_from(options.default_ttl_seconds).unwrap_or(i32::MAX);
    let compaction = map(
        "compaction",
        &[
            ("class", "org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy"),
            ("max_threshold", "32"),
            ("min_threshold", "4"),
        ],
    );
    let mut compression = map(
        "compression",
        &[
            ("chunk_length_in_kb", "16"),
            ("class", "org.apache.cassandra.io.compress.LZ4Compressor"),
        ],
    );
    if compression.is_empty() {
        compression.insert("enabled".to_owned(), "false".to_owned());
    }
    let caching = map("caching", &[("keys", "ALL"), ("rows_per_partition", "NONE")]);
    Record::new()
        .text("keyspace_name", &table.keyspace)
        .text("table_name", &table.name)
        .text("additional_write_policy", &text("additional_write_policy", "99p"))
        .boolean("allow_auto_snapshot", true)
        .double("bloom_filter_fp_chance", fraction("bloom_filter_fp_chance", 0.01))
        .text_map("caching", &caching)
        .boolean("cdc", options.text.get("cdc").is_some_and(|text| text == "true"))
        .text("comment", &options.comment)
        .text_map("compaction", &compaction)
        .text_map("compression", &compression)
        .double("crc_check_chance", fraction("crc_check_chance", 1.0))
        .double("dclocal_read_repair_chance", 0.0)
        .int("default_time_to_live", ttl)
        .with("extensions", extensions(table))
        .texts("flags", &flags)
        .int("gc_grace_seconds", gc)
        .uuid("id", table.uuid)
        .boolean("incremental_backups", true)
        .int("max_index_interval", number("max_index_interval", 2048))
        .text("memtable", &text("memtable", "default"))
        .int("memtable_flush_period_in_ms", number("memtable_flush_period_in_ms", 0))
        .int("min_index_interval", number("min_index_interval", 128))
        .text("read_repair", &text("read_repair", "BLOCKING"))
        .double("read_repair_chance", 0.0)
        .text("speculative_retry", &text("speculative_retry", "99p"))
}

/// What drivers tell the kinds of tables by.
fn flags(table: &Table) -> impl Iterator<Item = &'static str> {
    let (compact, width) = (table.is_compact(), table.clustering().count());
    // Without `compound` drivers take a table for one of COMPACT STORAGE.
    let compound = (!compact || width > 1).then_some("compound");
    let counter = table.is_counter().then_some("counter");
    let dense = (compact && width > 0).then_some("dense");
    [compound, counter, dense].into_iter().flatten()
}

/// Cellar's own options travel in `extensions`, which drivers keep without understanding it.
fn extensions(table: &Table) -> bytes::Bytes {
    let entries: Vec<(&[u8], &[u8])> = table
        .options
        .text
        .get("custom_properties")
        .map(|text| (&b"custom_properties"[..], text.as_bytes()))
        .into_iter()
        .collect();
    value::build_map(&entries)
}

pub(super) fn columns(facts: &Facts<'_>) -> Vec<Record> {
    let records = |table: &Arc<Table>| {
        let record = |column: &Column| column_record(table, column);
        table.columns.iter().map(record).collect::<Vec<_>>()
    };
    all_tables(facts).flat_map(records).collect()
}

pub(super) fn column_record(table: &Table, column: &Column) -> Record {
    let (kind, position, order) = match column.kind {
        ColumnKind::PartitionKey(position) => ("partition_key", i32::from(position), "none"),
        ColumnKind::Clustering(position, Order::Asc) => ("clustering", i32::from(position), "asc"),
        ColumnKind::Clustering(position, Order::Desc) => {
            ("clustering", i32::from(position), "desc")
        }
        ColumnKind::Static => ("static", -1, "none"),
        ColumnKind::Regular => ("regular", -1, "none"),
    };
    Record::new()
        .text("keyspace_name", &table.keyspace)
        .text("table_name", &table.name)
        .text("column_name", &column.name)
        .text("clustering_order", order)
        .text("column_name_bytes", &column.name)
        .text("kind", kind)
        .int("position", position)
        .text("type", &column.cql_type.to_string())
}

pub(super) fn dropped_columns(facts: &Facts<'_>) -> Vec<Record> {
    let records = |table: &Arc<Table>| {
        let record = |dropped: &cellar_schema::DroppedColumn| {
            let at_ms = dropped.dropped_at_us.div_euclid(1000);
            Record::new()
                .text("keyspace_name", &table.keyspace)
                .text("table_name", &table.name)
                .text("column_name", &dropped.name)
                .with("dropped_time", bytes::Bytes::copy_from_slice(&at_ms.to_be_bytes()))
                .text("kind", if dropped.is_static { "static" } else { "regular" })
                .text("type", &dropped.cql_type.to_string())
        };
        table.dropped.iter().map(record).collect::<Vec<_>>()
    };
    all_tables(facts).flat_map(records).collect()
}

pub(super) fn indexes(facts: &Facts<'_>) -> Vec<Record> {
    let records = |table: &Arc<Table>| {
        let record = |index: &cellar_schema::Index| {
            let (kind, options) = describe::stored_index(table, index);
            Record::new()
                .text("keyspace_name", &table.keyspace)
                .text("table_name", &table.name)
                .text("index_name", &index.name)
                .text("kind", kind)
                .text_map("options", &options)
        };
        table.options.indexes.iter().map(record).collect::<Vec<_>>()
    };
    all_tables(facts).flat_map(records).collect()
}

pub(super) fn types(facts: &Facts<'_>) -> Vec<Record> {
    let types = facts.catalog.keyspaces.values().flat_map(|keyspace| keyspace.types.values());
    types
        .map(|user_type| {
            let (names, texts): (Vec<String>, Vec<String>) = user_type
                .fields
                .iter()
                .map(|(name, cql_type)| (name.clone(), cql_type.to_string()))
                .unzip();
            Record::new()
                .text("keyspace_name", &user_type.keyspace)
                .text("type_name", &user_type.name)
                .texts("field_names", &names)
                .texts("field_types", &texts)
        })
        .collect()
}

fn virtual_tables<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = &'a Arc<Table>> {
    let virtual_keyspaces = facts.virtual_keyspaces.values();
    virtual_keyspaces
        .filter(|keyspace| is_virtual_in_cassandra(&keyspace.name))
        .flat_map(|keyspace| keyspace.tables.values())
}

pub(super) fn virtual_keyspaces(facts: &Facts<'_>) -> Vec<Record> {
    let names = facts.virtual_keyspaces.keys().filter(|name| is_virtual_in_cassandra(name));
    names.map(|name| Record::new().text("keyspace_name", name)).collect()
}

pub(super) fn virtual_table_list(facts: &Facts<'_>) -> Vec<Record> {
    virtual_tables(facts)
        .map(|table| {
            Record::new()
                .text("keyspace_name", &table.keyspace)
                .text("table_name", &table.name)
                .text("comment", &table.options.comment)
        })
        .collect()
}

pub(super) fn virtual_columns(facts: &Facts<'_>) -> Vec<Record> {
    let records = |table: &Arc<Table>| {
        let record = |column: &Column| column_record(table, column);
        table.columns.iter().map(record).collect::<Vec<_>>()
    };
    virtual_tables(facts).flat_map(records).collect()
}

/// For tables that are always empty here.
pub(super) fn none(_: &Facts<'_>) -> Vec<Record> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, net::SocketAddr};

    use cellar_metadata_api::{Catalog, Frontend};
    use uuid::Uuid;

    #[test]
    fn a_factor_for_all_data_centres_is_shown_for_each_but_those_named_and_those_without_copies() {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let mut catalog = Catalog::default();
        let class = ("class", "NetworkTopologyStrategy");
        let every = map(&[class, ("replication_factor", "3"), ("east", "1"), ("south", "0")]);
        assert_eq!(super::by_datacenter(&catalog, &every), every, "nobody is there to be named");
        for (number, datacenter) in [(1, "east"), (2, "west"), (3, "south")] {
            let host_id = Uuid::from_u128(number);
            let cql_address = SocketAddr::from(([127, 0, 0, 1], 9042));
            let (datacenter, rack) = (datacenter.to_owned(), "rack1".to_owned());
            let internal_address = None;
            let frontend = Frontend { host_id, cql_address, datacenter, rack, internal_address };
            catalog.frontends.insert(host_id, frontend);
        }
        let shown = super::by_datacenter(&catalog, &every);
        assert_eq!(shown, map(&[class, ("east", "1"), ("west", "3")]));
        let simple = map(&[("class", "SimpleStrategy"), ("replication_factor", "3")]);
        assert_eq!(super::by_datacenter(&catalog, &simple), simple);
    }

    #[test]
    fn drivers_read_the_full_name_of_a_strategy_however_it_was_written() {
        for class in ["SimpleStrategy", "org.apache.cassandra.locator.SimpleStrategy"] {
            let written = BTreeMap::from([("class".to_owned(), class.to_owned())]);
            let shown = super::in_full(&written);
            let class = shown.get("class").map(String::as_str);
            assert_eq!(class, Some("org.apache.cassandra.locator.SimpleStrategy"));
        }
    }
}
