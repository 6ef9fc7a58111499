//! The virtual tables: CQL text beside the function that fills each.

use std::{collections::BTreeMap, sync::Arc};

use cellar_cql::{parse_statement, plan::PlanError, plan::SchemaView, plan::ddl};
use cellar_metadata_api::{Command, NewTable};
use cellar_schema::{Column, ColumnId, ColumnKind, Keyspace, Table, TableId, TableOptions, Tables};
use uuid::Uuid;

use super::{
    FIRST_VIRTUAL, Fill, access, builds, cellar, cluster, estimates, schema, served, settings,
    views,
};
use crate::error::RequestError;

type Defined = (BTreeMap<String, Arc<Keyspace>>, BTreeMap<TableId, Fill>);

/// Keyspace, definition, rows.
const TABLES: &[(&str, &str, Fill)] = &[
    (
        "system",
        "CREATE TABLE local (key text PRIMARY KEY, bootstrapped text, broadcast_address inet, \
         broadcast_port int, cluster_name text, cql_version text, data_center text, \
         gossip_generation int, host_id uuid, listen_address inet, listen_port int, \
         native_protocol_version text, partitioner text, rack text, release_version text, \
         rpc_address inet, rpc_port int, schema_version uuid, tokens set<text>, \
         truncated_at map<uuid, blob>)",
        cluster::local,
    ),
    (
        "system",
        "CREATE TABLE peers (peer inet PRIMARY KEY, data_center text, host_id uuid, \
         preferred_ip inet, rack text, release_version text, rpc_address inet, \
         schema_version uuid, tokens set<text>)",
        cluster::peers,
    ),
    (
        "system",
        "CREATE TABLE peers_v2 (peer inet, peer_port int, data_center text, host_id uuid, \
         native_address inet, native_port int, preferred_ip inet, preferred_port int, rack text, \
         release_version text, schema_version uuid, tokens set<text>, \
         PRIMARY KEY (peer, peer_port))",
        cluster::peers_v2,
    ),
    (
        "system",
        "CREATE TABLE size_estimates (keyspace_name text, table_name text, range_start text, \
         range_end text, mean_partition_size bigint, partitions_count bigint, \
         PRIMARY KEY (keyspace_name, table_name, range_start, range_end))",
        estimates::sizes,
    ),
    (
        "system",
        "CREATE TABLE table_estimates (keyspace_name text, table_name text, range_type text, \
         range_start text, range_end text, mean_partition_size bigint, partitions_count bigint, \
         PRIMARY KEY (keyspace_name, table_name, range_type, range_start, range_end))",
        estimates::tables,
    ),
    (
        "system",
        "CREATE TABLE built_views (keyspace_name text, view_name text, \
         status_replicated boolean, PRIMARY KEY (keyspace_name, view_name))",
        views::built,
    ),
    (
        "system",
        "CREATE TABLE prepared_statements (prepared_id blob PRIMARY KEY, logged_keyspace text, \
         query_string text)",
        served::clients::statements,
    ),
    (
        "system_traces",
        "CREATE TABLE sessions (session_id uuid PRIMARY KEY, client inet, command text, \
         coordinator inet, coordinator_port int, duration int, parameters map<text, text>, \
         request text, started_at timestamp)",
        served::traces::sessions,
    ),
    (
        "system_traces",
        "CREATE TABLE events (session_id uuid, event_id timeuuid, activity text, source inet, \
         source_elapsed int, source_port int, thread text, PRIMARY KEY (session_id, event_id))",
        served::traces::events,
    ),
    (
        "system_schema",
        "CREATE TABLE keyspaces (keyspace_name text PRIMARY KEY, durable_writes boolean, \
         replication frozen<map<text, text>>)",
        schema::keyspaces,
    ),
    (
        "system_schema",
        "CREATE TABLE tables (keyspace_name text, table_name text, additional_write_policy text, \
         allow_auto_snapshot boolean, bloom_filter_fp_chance double, \
         caching frozen<map<text, text>>, cdc boolean, comment text, \
         compaction frozen<map<text, text>>, compression frozen<map<text, text>>, \
         crc_check_chance double, dclocal_read_repair_chance double, default_time_to_live int, \
         extensions frozen<map<text, blob>>, flags frozen<set<text>>, gc_grace_seconds int, \
         id uuid, incremental_backups boolean, max_index_interval int, memtable text, \
         memtable_flush_period_in_ms int, min_index_interval int, read_repair text, \
         read_repair_chance double, speculative_retry text, \
         PRIMARY KEY (keyspace_name, table_name))",
        schema::tables,
    ),
    ("system_schema", COLUMNS, views::columns),
    (
        "system_schema",
        "CREATE TABLE dropped_columns (keyspace_name text, table_name text, column_name text, \
         dropped_time timestamp, kind text, type text, \
         PRIMARY KEY (keyspace_name, table_name, column_name))",
        schema::dropped_columns,
    ),
    (
        "system_schema",
        "CREATE TABLE column_masks (keyspace_name text, table_name text, column_name text, \
         function_argument_nulls frozen<list<boolean>>, \
         function_argument_types frozen<list<text>>, \
         function_argument_values frozen<list<text>>, function_keyspace text, function_name text, \
         PRIMARY KEY (keyspace_name, table_name, column_name))",
        schema::none,
    ),
    (
        "system_schema",
        "CREATE TABLE types (keyspace_name text, type_name text, field_names frozen<list<text>>, \
         field_types frozen<list<text>>, PRIMARY KEY (keyspace_name, type_name))",
        schema::types,
    ),
    (
        "system_schema",
        "CREATE TABLE indexes (keyspace_name text, table_name text, index_name text, kind text, \
         options frozen<map<text, text>>, \
         PRIMARY KEY (keyspace_name, table_name, index_name))",
        schema::indexes,
    ),
    (
        "system_schema",
        "CREATE TABLE triggers (keyspace_name text, table_name text, trigger_name text, \
         options frozen<map<text, text>>, \
         PRIMARY KEY (keyspace_name, table_name, trigger_name))",
        schema::none,
    ),
    (
        "system_schema",
        "CREATE TABLE views (keyspace_name text, view_name text, base_table_id uuid, \
         base_table_name text, where_clause text, include_all_columns boolean, \
         additional_write_policy text, allow_auto_snapshot boolean, \
         bloom_filter_fp_chance double, caching frozen<map<text, text>>, cdc boolean, \
         comment text, compaction frozen<map<text, text>>, \
         compression frozen<map<text, text>>, crc_check_chance double, \
         dclocal_read_repair_chance double, default_time_to_live int, \
         extensions frozen<map<text, blob>>, gc_grace_seconds int, id uuid, \
         incremental_backups boolean, max_index_interval int, memtable text, \
         memtable_flush_period_in_ms int, min_index_interval int, read_repair text, \
         read_repair_chance double, speculative_retry text, \
         PRIMARY KEY (keyspace_name, view_name))",
        views::views,
    ),
    (
        "system_schema",
        "CREATE TABLE functions (keyspace_name text, function_name text, \
         argument_types frozen<list<text>>, argument_names frozen<list<text>>, body text, \
         called_on_null_input boolean, language text, return_type text, \
         PRIMARY KEY (keyspace_name, function_name, argument_types))",
        schema::none,
    ),
    (
        "system_schema",
        "CREATE TABLE aggregates (keyspace_name text, aggregate_name text, \
         argument_types frozen<list<text>>, final_func text, initcond text, return_type text, \
         state_func text, state_type text, \
         PRIMARY KEY (keyspace_name, aggregate_name, argument_types))",
        schema::none,
    ),
    (
        "system_virtual_schema",
        "CREATE TABLE keyspaces (keyspace_name text PRIMARY KEY)",
        schema::virtual_keyspaces,
    ),
    (
        "system_virtual_schema",
        "CREATE TABLE tables (keyspace_name text, table_name text, comment text, \
         PRIMARY KEY (keyspace_name, table_name))",
        schema::virtual_table_list,
    ),
    ("system_virtual_schema", COLUMNS, schema::virtual_columns),
    (
        "system_cellar",
        "CREATE TABLE cells (cell bigint PRIMARY KEY, applied_index bigint, cold_bytes bigint, \
         end_table text, end_token bigint, epoch bigint, hot_bytes bigint, keyspaces set<text>, \
         leader bigint, placement_group bigint, reads_per_second bigint, \
         replicas frozen<list<bigint>>, start_table text, start_token bigint, \
         target frozen<list<bigint>>, writes_per_second bigint)",
        cellar::cells,
    ),
    (
        "system_cellar",
        "CREATE TABLE nodes (node bigint PRIMARY KEY, address text, cells int, cells_led int, \
         cql_address text, data_center text, disk_free_bytes bigint, disk_total_bytes bigint, \
         moved_bytes bigint, rack text, region text, reported_ms_ago bigint, state text)",
        cellar::nodes,
    ),
    (
        "system_cellar",
        "CREATE TABLE hot_partitions (keyspace_name text, table_name text, partition_token bigint, \
         node bigint, cell bigint, per_second bigint, routing_key blob, \
         PRIMARY KEY (keyspace_name, table_name, partition_token, node))",
        cellar::hot_partitions,
    ),
    (
        "system_cellar",
        "CREATE TABLE events (scope text, at timestamp, number int, cell bigint, detail text, \
         epoch bigint, kind text, node bigint, PRIMARY KEY (scope, at, number)) \
         WITH CLUSTERING ORDER BY (at DESC, number DESC)",
        cellar::events,
    ),
    (
        "system_auth",
        "CREATE TABLE roles (role text PRIMARY KEY, can_login boolean, is_superuser boolean, \
         member_of set<text>, salted_hash text)",
        access::roles,
    ),
    (
        "system_auth",
        "CREATE TABLE role_members (role text, member text, PRIMARY KEY (role, member))",
        access::members,
    ),
    (
        "system_auth",
        "CREATE TABLE role_permissions (role text, resource text, permissions set<text>, \
         PRIMARY KEY (role, resource))",
        access::permissions,
    ),
    (
        "system_auth",
        "CREATE TABLE resource_role_permissons_index (resource text, role text, \
         PRIMARY KEY (resource, role))",
        access::resources,
    ),
    (
        "system_auth",
        "CREATE TABLE network_permissions (role text PRIMARY KEY, dcs frozen<set<text>>)",
        access::datacenters,
    ),
    (
        "system",
        "CREATE TABLE \"IndexInfo\" (table_name text, index_name text, value blob, \
         PRIMARY KEY (table_name, index_name))",
        builds::indexes,
    ),
    (
        "system_distributed",
        "CREATE TABLE view_build_status (keyspace_name text, view_name text, host_id uuid, \
         status text, PRIMARY KEY ((keyspace_name, view_name), host_id))",
        builds::view_status,
    ),
    (
        "system_views",
        "CREATE TABLE clients (address inet, port int, client_options frozen<map<text, text>>, \
         connection_stage text, driver_name text, driver_version text, hostname text, \
         keyspace_name text, protocol_version int, request_count bigint, ssl_cipher_suite text, \
         ssl_enabled boolean, ssl_protocol text, username text, PRIMARY KEY (address, port))",
        served::clients::clients,
    ),
    (
        "system_views",
        "CREATE TABLE settings (name text PRIMARY KEY, value text)",
        settings::settings,
    ),
    (
        "system_views",
        "CREATE TABLE sstable_tasks (keyspace_name text, table_name text, task_id timeuuid, \
         completion_ratio double, kind text, progress bigint, sstables int, \
         target_directory text, total bigint, unit text, \
         PRIMARY KEY (keyspace_name, table_name, task_id))",
        schema::none,
    ),
];

const COLUMNS: &str = "CREATE TABLE columns (keyspace_name text, table_name text, \
    column_name text, clustering_order text, column_name_bytes blob, kind text, position int, \
    type text, PRIMARY KEY (keyspace_name, table_name, column_name))";

/// Parses every definition.
pub(super) fn define() -> Result<Defined, RequestError> {
    let mut keyspaces: BTreeMap<String, Keyspace> = BTreeMap::new();
    let mut fills = BTreeMap::new();
    for ((keyspace, text, fill), number) in TABLES.iter().zip(FIRST_VIRTUAL..) {
        let owner = keyspaces.entry((*keyspace).to_owned()).or_insert_with(|| empty(keyspace));
        let table = table(owner, text, TableId(number))?;
        fills.insert(table.id, *fill);
        owner.tables.insert(table.name.clone(), Arc::new(table));
    }
    Ok((keyspaces.into_iter().map(|(name, keyspace)| (name, Arc::new(keyspace))).collect(), fills))
}

fn empty(name: &str) -> Keyspace {
    Keyspace {
        name: name.to_owned(),
        replication: BTreeMap::new(),
        durable_writes: true,
        tables: Tables::default(),
        types: BTreeMap::new(),
    }
}

/// One keyspace, seen by the planner of definitions.
struct Only<'a>(&'a Keyspace);

impl SchemaView for Only<'_> {
    fn keyspace(&self, name: &str) -> Option<Arc<Keyspace>> {
        (self.0.name == name).then(|| Arc::new(self.0.clone()))
    }

    fn keyspace_names(&self) -> Vec<String> {
        vec![self.0.name.clone()]
    }
}

fn table(keyspace: &Keyspace, text: &str, id: TableId) -> Result<Table, RequestError> {
    let parsed = parse_statement(text).map_err(PlanError::from)?;
    // The same table has the same id in every process and for ever.
    let name = format!("{}.{text}", keyspace.name);
    let hash = xxhash_rust::xxh3::xxh3_128(name.as_bytes());
    let uuid = uuid::Builder::from_random_bytes(hash.to_be_bytes()).into_uuid();
    // The planner lets nobody create tables in system keyspaces, so they are planned elsewhere.
    let nursery = empty("definitions");
    let (command, _) =
        ddl::command(&Only(&nursery), Some(&nursery.name), &parsed.statement, uuid, 0)?;
    let Command::CreateTable { definition, .. } = command else {
        return Err(RequestError::internal("a virtual table is not defined by CREATE TABLE"));
    };
    Ok(built(keyspace, definition, id, uuid))
}

fn built(keyspace: &Keyspace, definition: NewTable, id: TableId, uuid: Uuid) -> Table {
    let mut columns = definition.columns;
    columns.sort_by(|left, right| place(left.2).cmp(&place(right.2)).then(left.0.cmp(&right.0)));
    let columns: Vec<Column> = columns
        .into_iter()
        .zip(0_u32..)
        .map(|((name, cql_type, kind), number)| Column {
            id: ColumnId(number),
            name,
            cql_type,
            kind,
        })
        .collect();
    let next = u32::try_from(columns.len()).unwrap_or(u32::MAX);
    Table {
        id,
        uuid,
        keyspace: keyspace.name.clone(),
        name: definition.name,
        version: 1,
        columns,
        next_column: ColumnId(next),
        dropped: Vec::new(),
        options: TableOptions::default(),
    }
}

fn place(kind: ColumnKind) -> (u8, u16) {
    match kind {
        ColumnKind::PartitionKey(position) => (0, position),
        ColumnKind::Clustering(position, _) => (1, position),
        ColumnKind::Static => (2, 0),
        ColumnKind::Regular => (3, 0),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_definition_is_valid_cql() {
        let (keyspaces, fills) = super::define().expect("definitions");
        assert_eq!(fills.len(), super::TABLES.len());
        assert!(keyspaces.contains_key("system"));
    }
}
