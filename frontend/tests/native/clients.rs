//! What a frontend tells of its own clients.

use std::time::Duration;

use cellar_schema::CqlType::{Bigint, Blob, Boolean, Inet, Int, Text};

use crate::client::Client;

#[tokio::test]
async fn a_connection_is_listed_with_what_its_client_said_until_it_is_closed() {
    let mut client = Client::connect().await;
    let said = [("DRIVER_NAME", "a driver"), ("DRIVER_VERSION", "1.2"), ("APPLICATION_NAME", "x")];
    let mut other = client.another(&said).await;
    other.run("USE ks").await;
    let port = other.port();
    let text = format!(
        "SELECT hostname, connection_stage, driver_name, driver_version, keyspace_name, username, \
         protocol_version, request_count, ssl_enabled, ssl_protocol, \
         client_options['APPLICATION_NAME'] \
         FROM system_views.clients WHERE address = '127.0.0.1' AND port = {port}"
    );
    let types = [Text, Text, Text, Text, Text, Text, Int, Bigint, Boolean, Text, Text];
    let expected = [
        "'127.0.0.1'",
        "'ready'",
        "'a driver'",
        "'1.2'",
        "'ks'",
        "'anonymous'",
        "4",
        "2",
        "False",
        "null",
        "'x'",
    ];
    let row = client.rows(&text, &types).await.remove(0);
    assert_eq!(row.join(" ").to_lowercase(), expected.join(" ").to_lowercase());
    let all = "SELECT address, port FROM system_views.clients";
    assert_eq!(client.rows(all, &[Inet, Int]).await.len(), 2);
    drop(other);
    while client.rows(all, &[Inet, Int]).await.len() > 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let own = client.port().to_string();
    assert_eq!(client.rows(all, &[Inet, Int]).await, [["'127.0.0.1'", &own]]);
}

#[tokio::test]
async fn prepared_statements_are_listed_but_never_those_with_passwords() {
    let mut client = Client::connect().await;
    let text = "SELECT v FROM ks.t WHERE k = ?";
    let id = client.prepare(text).await.id;
    client.run("USE ks").await;
    client.prepare("SELECT c FROM t WHERE k = ?").await;
    client.prepare("CREATE ROLE r WITH PASSWORD = 'secret'").await;
    let list = "SELECT prepared_id, logged_keyspace, query_string FROM system.prepared_statements";
    let listed = client.rows(list, &[Blob, Text, Text]).await;
    assert_eq!(listed.len(), 2, "{listed:?}");
    let hexed: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let (id, quoted) = (format!("0x{hexed}"), format!("'{text}'"));
    assert!(listed.contains(&vec![id, "null".to_owned(), quoted]), "{listed:?}");
    assert!(listed.iter().any(|row| row[1] == "'ks'"), "{listed:?}");
}

#[tokio::test]
async fn a_prepared_statement_is_not_listed_once_its_table_changes_until_it_is_prepared_again() {
    let mut client = Client::connect().await;
    let list = "SELECT query_string FROM system.prepared_statements";
    let text = "SELECT v FROM ks.t WHERE k = ?";
    let changes: [&[&str]; 2] = [
        &["ALTER TABLE ks.t ADD added int"],
        &["DROP TABLE ks.t", "CREATE TABLE ks.t (k int, c int, v int, PRIMARY KEY (k, c))"],
    ];
    for change in changes {
        client.prepare(text).await;
        assert_eq!(client.rows(list, &[Text]).await, [[format!("'{text}'")]]);
        for statement in change {
            client.run(statement).await;
        }
        assert_eq!(client.rows(list, &[Text]).await.len(), 0, "{change:?}");
    }
}

#[tokio::test]
async fn there_are_no_sstable_tasks_but_tools_that_ask_find_the_table() {
    let mut client = Client::connect().await;
    let tasks = "SELECT keyspace_name FROM system_views.sstable_tasks";
    assert_eq!(client.rows(tasks, &[Text]).await.len(), 0);
    let columns = "SELECT column_name FROM system_virtual_schema.columns
                   WHERE keyspace_name = 'system_views' AND table_name = 'sstable_tasks'";
    assert_eq!(client.rows(columns, &[Text]).await.len(), 10);
}
