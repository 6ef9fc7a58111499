//! What Cassandra's own tests and tools look for beside rows: tables of what is built, settings,
//! warnings of batches, tables of `COMPACT STORAGE`.

use cellar_schema::CqlType::{Int, Text};

use crate::client::Client;

#[tokio::test]
async fn an_index_is_among_those_that_are_built_and_settings_say_what_holds() {
    let mut client = Client::connect().await;
    client.run("CREATE TABLE ks.built (k int PRIMARY KEY, v int)").await;
    client.run("CREATE INDEX by_built ON ks.built (v)").await;
    let built = "SELECT index_name FROM system.\"IndexInfo\" \
                 WHERE table_name = 'ks' AND index_name = 'by_built'";
    assert_eq!(client.rows(built, &[Text]).await, [["'by_built'"]]);
    let setting = "SELECT value FROM system_views.settings WHERE name = 'default_keyspace_rf'";
    assert_eq!(client.rows(setting, &[Text]).await, [["'1'"]]);
}

#[tokio::test]
async fn a_large_batch_warns_and_a_larger_one_is_refused() {
    let mut client = Client::connect().await;
    client.run("CREATE TABLE ks.batched (k int PRIMARY KEY, v text)").await;
    let batch = |bytes: usize| {
        let text = "x".repeat(bytes);
        let insert = |k: i32| format!("INSERT INTO ks.batched (k, v) VALUES ({k}, '{text}');");
        format!("BEGIN BATCH {} {} APPLY BATCH", insert(1), insert(2))
    };
    let envelope = client.query(&batch(4_000), false).await;
    assert!(envelope.warnings[0].contains("exceeding specified threshold of 5120"));
    assert!(client.refusal(&batch(40_000)).await.contains("Batch too large"));
}

#[tokio::test]
async fn a_row_of_compact_storage_goes_with_its_column() {
    let mut client = Client::connect().await;
    client
        .run("CREATE TABLE ks.dense (k int, c int, v int, PRIMARY KEY (k, c)) WITH COMPACT STORAGE")
        .await;
    client.run("INSERT INTO ks.dense (k, c, v) VALUES (1, 1, 1)").await;
    client.run("INSERT INTO ks.dense (k, c, v) VALUES (1, 2, 2)").await;
    client.run("DELETE v FROM ks.dense WHERE k = 1 AND c = 1").await;
    let left = client.rows("SELECT k, c, v FROM ks.dense", &[Int, Int, Int]).await;
    assert_eq!(left, [["1", "2", "2"]]);
}
