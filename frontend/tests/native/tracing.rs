//! Requests that are traced.

use cellar_schema::CqlType::{Int, Text};

use crate::client::Client;

async fn activities(client: &mut Client, id: uuid::Uuid) -> Vec<String> {
    let text = format!("SELECT activity FROM system_traces.events WHERE session_id = {id}");
    client.rows(&text, &[Text]).await.concat()
}

#[tokio::test]
async fn a_traced_request_answers_with_the_id_of_a_session_that_can_be_read() {
    let mut client = Client::connect().await;
    let insert = "INSERT INTO ks.t (k, c, v) VALUES (1, 2, 3)";
    let id = client.query(insert, true).await.tracing_id.unwrap();
    let told = activities(&mut client, id).await;
    assert!(told[0].contains("Preparing statement"), "{told:?}");
    assert!(told[1].contains("Writing to cell-1 at node-1"), "{told:?}");
    assert!(told[2].contains("cell-1 at node-1 has applied it"), "{told:?}");
    let session = format!(
        "SELECT request, coordinator_port, parameters['query'], duration
         FROM system_traces.sessions WHERE session_id = {id}"
    );
    let row = client.rows(&session, &[Text, Int, Text, Int]).await.remove(0);
    assert_eq!(row[..3], ["'Execute CQL3 query'", "9042", &format!("'{insert}'")]);
    assert!(row[3].parse::<i32>().unwrap() >= 0);
}

#[tokio::test]
async fn a_traced_read_says_what_was_read_and_a_traced_error_why() {
    let mut client = Client::connect().await;
    client.run("INSERT INTO ks.t (k, c, v) VALUES (1, 2, 3)").await;
    let id = client.query("SELECT * FROM ks.t WHERE k = 1", true).await.tracing_id.unwrap();
    let told = activities(&mut client, id).await;
    assert!(told.iter().any(|activity| activity.contains("answered with 1 rows")), "{told:?}");
    let refused = client.query("SELECT nothing FROM ks.t", true).await;
    let id = refused.tracing_id.expect("errors have traces too");
    assert!(activities(&mut client, id).await.len() <= 1);
}

#[tokio::test]
async fn a_request_that_is_not_traced_has_no_id_and_leaves_nothing() {
    let mut client = Client::connect().await;
    assert_eq!(client.query("SELECT * FROM ks.t", false).await.tracing_id, None);
    assert!(client.rows("SELECT activity FROM system_traces.events", &[Text]).await.is_empty());
}
