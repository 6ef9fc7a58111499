//! `system_views.settings`: what of Cassandra's configuration has a meaning here, as it is.

use cellar_cql::limits;

use super::{Facts, cluster, record::Record};

pub(super) fn settings(facts: &Facts<'_>) -> Vec<Record> {
    let own = facts.identity.cql_address;
    let kib = |bytes: usize| format!("{}KiB", bytes >> 10);
    let counted = [
        ("batch_size_fail_threshold", kib(limits::BATCH_BYTES_MAX)),
        ("batch_size_warn_threshold", kib(limits::BATCH_WARN_BYTES)),
        ("native_transport_port", own.port().to_string()),
        ("rpc_address", own.ip().to_string()),
        (
            "unlogged_batch_across_partitions_warn_threshold",
            limits::UNLOGGED_BATCH_WARN_PARTITIONS.to_string(),
        ),
    ];
    let fixed = [
        ("auto_snapshot", "false"),
        ("cluster_name", cluster::NAME),
        ("compact_tables_enabled", "true"),
        ("default_keyspace_rf", "1"),
        ("drop_compact_storage_enabled", "true"),
        ("dynamic_data_masking_enabled", "false"),
        ("materialized_views_enabled", "true"),
        ("partitioner", cluster::PARTITIONER),
        ("sasi_indexes_enabled", "false"),
        ("scripted_user_defined_functions_enabled", "false"),
        ("storage_compatibility_mode", "NONE"),
        ("transient_replication_enabled", "false"),
        ("user_defined_functions_enabled", "false"),
    ];
    let counted = counted.iter().map(|(name, value)| (*name, value.as_str()));
    let record = |(name, value)| Record::new().text("name", name).text("value", value);
    counted.chain(fixed).map(record).collect()
}
