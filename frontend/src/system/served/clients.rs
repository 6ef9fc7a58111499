//! `system_views.clients` and `system.prepared_statements`: what this frontend, as each node of
//! Cassandra, knows of its own clients.

use super::super::{Facts, record::Record};

pub(in crate::system) fn clients(facts: &Facts<'_>) -> Vec<Record> {
    let clients = facts.learnt.clients.iter();
    clients
        .map(|client| {
            let option = |name: &str| client.options.get(name).map(String::as_str);
            let optional = [
                ("driver_name", option("DRIVER_NAME")),
                ("driver_version", option("DRIVER_VERSION")),
                ("keyspace_name", client.keyspace.as_deref()),
                ("username", client.username.as_deref()),
            ];
            let record = Record::new()
                .inet("address", client.peer.ip())
                .int("port", i32::from(client.peer.port()))
                .text_map("client_options", &client.options)
                .text("connection_stage", client.stage)
                .text("hostname", &client.peer.ip().to_string())
                .int("protocol_version", i32::from(client.version))
                .bigint("request_count", i64::try_from(client.requests).unwrap_or(i64::MAX))
                .boolean("ssl_enabled", false);
            optional.into_iter().fold(record, |record, (name, value)| match value {
                Some(value) => record.text(name, value),
                None => record,
            })
        })
        .collect()
}

pub(in crate::system) fn statements(facts: &Facts<'_>) -> Vec<Record> {
    let statements = facts.learnt.statements.iter();
    statements
        .map(|statement| {
            let record = Record::new()
                .with("prepared_id", bytes::Bytes::copy_from_slice(&statement.id))
                .text("query_string", statement.text());
            match statement.keyspace() {
                Some(keyspace) => record.text("logged_keyspace", keyspace),
                None => record,
            }
        })
        .collect()
}
