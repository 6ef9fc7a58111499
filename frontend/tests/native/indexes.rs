//! Indexes as clients see them.

use cellar_schema::CqlType::Text;
use cellar_wire::{Response, SchemaChangeKind, SchemaTarget};

use crate::client::Client;

#[tokio::test]
async fn an_index_is_announced_read_and_described_as_cassandra_does() {
    let mut client = Client::connect().await;
    client.run("USE ks").await;
    let response = client.run("CREATE INDEX by_v ON t (v)").await;
    let Response::SchemaChange(change) = response else { panic!("{response:?}") };
    assert_eq!(change.change, SchemaChangeKind::Updated);
    assert_eq!(change.target, SchemaTarget::Table("t".to_owned()));
    client
        .run(
            "CREATE CUSTOM INDEX \"ByKey\" ON t (KEYS(m)) USING 'StorageAttachedIndex' \
             WITH OPTIONS = {'case_sensitive': 'true'}",
        )
        .await;
    let read = "SELECT index_name, kind, options['target'], options['class_name']
                FROM system_schema.indexes WHERE keyspace_name = 'ks' AND table_name = 't'";
    assert_eq!(
        client.rows(read, &[Text, Text, Text, Text]).await,
        [
            ["'ByKey'", "'CUSTOM'", "'keys(m)'", "'StorageAttachedIndex'"],
            ["'by_v'", "'COMPOSITES'", "'v'", "null"],
        ]
    );
    let text = |statement: &str| statement.replace('\'', "''");
    let of_v = "CREATE INDEX by_v ON ks.t (v);";
    let of_key = text(
        "CREATE CUSTOM INDEX \"ByKey\" ON ks.t (keys(m)) USING 'StorageAttachedIndex' \
         WITH OPTIONS = {'case_sensitive': 'true'};",
    );
    let described = client.rows("DESCRIBE INDEX by_v", &[Text, Text, Text, Text]).await;
    assert_eq!(described, [["'ks'", "'index'", "'by_v'", &format!("'{of_v}'")]]);
    let table = client.rows("DESCRIBE TABLE t", &[Text, Text, Text, Text]).await;
    let kinds: Vec<&str> = table.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(kinds, ["'table'", "'index'", "'index'"]);
    assert_eq!(table[2][3], format!("'{of_key}'"));
    let keyspace = client.rows("DESCRIBE KEYSPACE ks", &[Text, Text, Text, Text]).await;
    assert_eq!(keyspace.len(), 4);
    assert!(client.refusal("DESCRIBE INDEX nosuch").await.contains("nosuch"));
}

#[tokio::test]
async fn what_is_prepared_before_an_index_is_planned_again_after_it() {
    let mut client = Client::connect().await;
    client.run("INSERT INTO ks.t (k, c, v) VALUES (1, 2, 3)").await;
    let select = "SELECT k FROM ks.t WHERE v = 3";
    assert!(client.refusal(select).await.contains("ALLOW FILTERING"));
    client.run("CREATE INDEX ON ks.t (v)").await;
    assert_eq!(client.rows(select, &[cellar_schema::CqlType::Int]).await, [["1"]]);
}
