//! Requests that are traced.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use cellar_frontend::Traces;
use cellar_metadata_api::Frontend;
use cellar_rpc::{ClientConfig, Pool, Server, ServerLimits, tasks::Tasks};
use cellar_schema::CqlType::{self, Inet, Int, Text};
use uuid::Uuid;

use crate::{client::Client, metadata};

/// A frontend that answers others, and a connection to it.
async fn among_others(number: u8, metadata: &Arc<metadata::InMemory>, tasks: &Tasks) -> Client {
    let (host_id, cql_address) =
        (Uuid::from_bytes([number; 16]), SocketAddr::from(([10, 0, 0, number], 9042)));
    let traces = Traces::among_others(Pool::new(ClientConfig::default(), tasks));
    let anywhere = "127.0.0.1:0".parse().unwrap();
    let routes = traces.routes(cql_address);
    let server =
        Server::bind(anywhere, None, routes, ServerLimits::default(), tasks).await.unwrap();
    let internal_address = Some(server.advertised().to_owned());
    let token = tasks.token().clone();
    tasks.spawn("server", async move {
        let _ = server.run(token).await;
    });
    let (datacenter, rack) = ("dc1".to_owned(), "r1".to_owned());
    metadata.register(Frontend { host_id, cql_address, datacenter, rack, internal_address });
    Client::of(Arc::clone(metadata), host_id, cql_address, traces).await
}

/// The rows once there are so many: a frontend on a busy machine may answer another too late.
async fn enough(
    client: &mut Client,
    text: &str,
    types: &[CqlType],
    count: usize,
) -> Vec<Vec<String>> {
    for _ in 0..40 {
        let rows = client.rows(text, types).await;
        if rows.len() >= count {
            return rows;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("fewer than {count}: {text}")
}

#[tokio::test]
async fn a_trace_is_read_through_another_frontend_than_the_one_that_ran_the_request() {
    let (metadata, tasks) = (metadata::InMemory::new(), Tasks::new());
    let mut one = among_others(1, &metadata, &tasks).await;
    let mut two = among_others(2, &metadata, &tasks).await;
    // One that is known and not there keeps nobody from being answered.
    metadata.register(Frontend {
        host_id: Uuid::from_bytes([3; 16]),
        cql_address: "10.0.0.3:9042".parse().unwrap(),
        datacenter: "dc1".to_owned(),
        rack: "r1".to_owned(),
        internal_address: Some("127.0.0.1:1".to_owned()),
    });
    let id = one.query("SELECT key FROM system.local", true).await.tracing_id.unwrap();
    let session = format!(
        "SELECT coordinator, coordinator_port, parameters['query'], duration \
         FROM system_traces.sessions WHERE session_id = {id}"
    );
    let types = [Inet, Int, Text, Int];
    let told = enough(&mut two, &session, &types, 1).await;
    assert_eq!(told[0][..3], ["'10.0.0.1'", "9042", "'SELECT key FROM system.local'"]);
    assert_eq!(told, one.rows(&session, &types).await);
    let events = format!("SELECT activity FROM system_traces.events WHERE session_id = {id}");
    let events = enough(&mut two, &events, &[Text], 1).await.concat();
    assert!(events.iter().any(|activity| activity.contains("Preparing statement")), "{events:?}");
    assert_eq!(events, activities(&mut one, id).await);
    let own = two.query("SELECT key FROM system.local", true).await.tracing_id.unwrap();
    let all = "SELECT session_id FROM system_traces.sessions";
    let listed = enough(&mut two, all, &[Text], 2).await;
    assert_eq!(listed.len(), 2, "those of both");
    let nobody = Uuid::from_bytes([9; 16]);
    assert!(activities(&mut two, nobody).await.is_empty());
    let own = format!("SELECT activity FROM system_traces.events WHERE session_id = {own}");
    enough(&mut one, &own, &[Text], 1).await;
}

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
