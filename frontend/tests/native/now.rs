//! `now_in_seconds` of protocol v5: what expires and when is judged by what the client says.

use bytes::Bytes;
use cellar_schema::CqlType::{Boolean, Int};
use cellar_wire::{
    Batch, BatchKind, BatchQuery, BatchStatement, Consistency, Execute, QueryParams, Request,
    Response,
};

use crate::client::{Client, as_text};

/// Long before the test runs and long after.
const THEN: u32 = 1_000_000_000;
const FAR: u32 = 3_000_000_000;

async fn client() -> Client {
    let client = Client::connect().await;
    client.of_five().await
}

async fn v_at(client: &mut Client, now_seconds: u32) -> Vec<Vec<String>> {
    let text = "SELECT v, ttl(v) FROM ks.t WHERE k = 1 AND c = 1";
    match client.query_at(text, now_seconds).await {
        Response::Rows(rows) => as_text(rows, &[Int, Int]),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_written_expires_by_the_now_of_its_writer_and_reader() {
    let mut client = client().await;
    let insert = "INSERT INTO ks.t (k, c, v) VALUES (1, 1, 7) USING TTL 100";
    assert_eq!(client.query_at(insert, THEN).await, Response::ResultVoid);
    let nothing: Vec<Vec<String>> = Vec::new();
    assert_eq!(v_at(&mut client, THEN + 1).await, [["7", "99"]]);
    assert_eq!(v_at(&mut client, THEN + 99).await, [["7", "1"]]);
    assert_eq!(v_at(&mut client, THEN + 100).await, nothing);
    let today = "SELECT v FROM ks.t WHERE k = 1 AND c = 1";
    assert_eq!(client.rows(today, &[Int]).await, nothing);
    // Beyond what an i32 says.
    assert_eq!(client.query_at(insert, FAR).await, Response::ResultVoid);
    assert_eq!(v_at(&mut client, FAR + 40).await, [["7", "60"]]);
    assert_eq!(client.rows(today, &[Int]).await, [["7"]]);
}

#[tokio::test]
async fn conditions_batches_and_prepared_statements_have_their_now_too() {
    let mut client = client().await;
    let statement =
        |text: &str| BatchStatement { query: BatchQuery::Text(text.into()), values: Vec::new() };
    let batch = Batch {
        kind: BatchKind::Logged,
        statements: vec![
            statement("INSERT INTO ks.t (k, c, v) VALUES (1, 1, 7) USING TTL 100"),
            statement("INSERT INTO ks.t (k, c, v) VALUES (2, 1, 7) USING TTL 100"),
        ],
        consistency: Consistency::LocalQuorum,
        serial_consistency: None,
        timestamp: None,
        keyspace: None,
        now_in_seconds: Some(THEN.cast_signed()),
    };
    assert_eq!(client.ask(Request::Batch(batch).into()).await.response, Response::ResultVoid);
    assert_eq!(v_at(&mut client, THEN + 99).await, [["7", "1"]]);
    let guarded = "UPDATE ks.t SET v = 8 WHERE k = 1 AND c = 1 IF v = 7";
    let applied = |response| match response {
        Response::Rows(rows) => as_text(rows, &[Boolean])[0][0].clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(applied(client.query_at(guarded, THEN + 100).await), "false");
    assert_eq!(applied(client.query_at(guarded, THEN + 99).await), "true");
    let prepared = client.prepare("SELECT c FROM ks.t WHERE k = 2").await;
    for (now_seconds, rows) in [(THEN + 99, 1), (THEN + 100, 0)] {
        let mut params = QueryParams::new(Consistency::LocalQuorum);
        params.now_in_seconds = Some(now_seconds.cast_signed());
        let result_id = prepared.result_metadata_id.map(|id| Bytes::copy_from_slice(&id));
        let (id, result_metadata_id) = (prepared.id.clone(), result_id);
        let execute = Request::Execute(Execute { id, result_metadata_id, params });
        match client.ask(execute.into()).await.response {
            Response::Rows(found) => assert_eq!(as_text(found, &[Int]).len(), rows),
            other => panic!("{other:?}"),
        }
    }
}
