//! What Cassandra builds in the background and tells of when it is done: indexes and views. Here
//! they answer from the moment they are defined on.

use super::{Facts, record::Record};

/// `system."IndexInfo"`, whose `table_name` is the keyspace.
pub(super) fn indexes(facts: &Facts<'_>) -> Vec<Record> {
    let keyspaces = facts.catalog.keyspaces.values();
    let tables = keyspaces.flat_map(|keyspace| keyspace.tables.values());
    tables
        .flat_map(|table| table.options.indexes.iter().map(move |index| (table, index)))
        .map(|(table, index)| {
            Record::new().text("table_name", &table.keyspace).text("index_name", &index.name)
        })
        .collect()
}

/// `system_distributed.view_build_status`.
pub(super) fn view_status(facts: &Facts<'_>) -> Vec<Record> {
    let own = facts.identity.host_id;
    let keyspaces = facts.catalog.keyspaces.values();
    let views = keyspaces.flat_map(|keyspace| keyspace.views());
    views
        .map(|(base, view)| {
            Record::new()
                .text("keyspace_name", &base.keyspace)
                .text("view_name", &view.name)
                .uuid("host_id", own)
                .text("status", "SUCCESS")
        })
        .collect()
}
