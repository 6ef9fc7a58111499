//! Pages of tables that are made up by the frontend.

use cellar_schema::CqlType::{Bigint, Int, Text};
use cellar_wire::{Consistency, ErrorBody, Query, QueryParams, Request, Response, RowsContent};

use crate::client::{Client, as_text};

#[tokio::test]
async fn system_tables_are_read_in_pages_that_together_are_the_whole() {
    let mut client = Client::connect().await;
    for (text, types) in [
        ("SELECT keyspace_name, table_name FROM system_schema.tables", &[Text, Text][..]),
        ("SELECT keyspace_name, table_name FROM system_schema.tables LIMIT 11", &[Text, Text]),
        (
            "SELECT table_name, column_name FROM system_schema.columns \
             WHERE keyspace_name IN ('ks', 'system_traces')",
            &[Text, Text],
        ),
        (
            "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'system_schema' \
             ORDER BY table_name DESC",
            &[Text],
        ),
        ("SELECT DISTINCT keyspace_name FROM system_schema.tables", &[Text]),
        ("SELECT keyspace_name FROM system_schema.tables PER PARTITION LIMIT 2", &[Text]),
        ("SELECT count(*) FROM system_schema.columns", &[Bigint]),
        ("SELECT name FROM system_views.settings", &[Text]),
        ("SELECT key FROM system.local", &[Text]),
    ] {
        let whole = client.rows(text, types).await;
        assert!(!whole.is_empty(), "{text}");
        for page_size in [1, 3, 1_000] {
            assert_eq!(client.pages(text, types, page_size).await, whole, "{text}");
        }
    }
}

#[tokio::test]
async fn a_full_page_is_followed_by_another_unless_limit_is_reached() {
    let mut client = Client::connect().await;
    let mut ask = async |text: &str, page_size: i32, state: Option<bytes::Bytes>| {
        let mut params = QueryParams::new(Consistency::One);
        (params.page_size, params.paging_state) = (Some(page_size), state);
        let query = Query { query: text.into(), params };
        match client.ask(Request::Query(query).into()).await.response {
            Response::Rows(result) => {
                let rows = match &result.rows {
                    RowsContent::Rows(rows) => rows.len(),
                    RowsContent::Encoded { count, .. } => usize::try_from(*count).unwrap(),
                };
                (rows, result.metadata.paging_state)
            }
            other => panic!("{text}: {other:?}"),
        }
    };
    let all = "SELECT keyspace_name FROM system_schema.keyspaces";
    let (count, _) = ask(all, 1_000, None).await;
    let size = i32::try_from(count).unwrap();
    let (rows, state) = ask(all, size, None).await;
    assert_eq!(rows, count);
    let (rows, end) = ask(all, size, Some(state.expect("the page is full"))).await;
    assert_eq!((rows, end), (0, None));
    assert_eq!(ask(&format!("{all} LIMIT 1"), 1, None).await, (1, None));
}

#[tokio::test]
async fn a_paging_state_of_a_system_table_is_for_its_own_statement_only() {
    let mut client = Client::connect().await;
    let mut params = QueryParams::new(Consistency::One);
    params.page_size = Some(2);
    let mut ask = async |text: &str, params: &QueryParams| {
        let query = Query { query: text.into(), params: params.clone() };
        client.ask(Request::Query(query).into()).await.response
    };
    let text = "SELECT table_name FROM system_schema.tables";
    let Response::Rows(first) = ask(text, &params).await else { panic!("no rows") };
    let state = first.metadata.paging_state.expect("there are more than two tables");
    params.paging_state = Some(state.clone());
    let elsewhere = ask("SELECT column_name FROM system_schema.columns", &params).await;
    assert!(matches!(elsewhere, Response::Error(ErrorBody::Invalid(_))), "{elsewhere:?}");
    let mut broken = state.to_vec();
    *broken.last_mut().unwrap() ^= 1;
    params.paging_state = Some(broken.into());
    let refused = ask(text, &params).await;
    assert!(matches!(refused, Response::Error(ErrorBody::ProtocolError(_))), "{refused:?}");
    params.paging_state = Some(state);
    assert!(matches!(ask(text, &params).await, Response::Rows(_)));
}

#[tokio::test]
async fn a_page_goes_on_by_another_statement_that_reads_the_same_partition() {
    let mut client = Client::connect().await;
    client.run("CREATE TABLE ks.kinds (p int, kind int, c int, PRIMARY KEY (p, kind, c))").await;
    for row in ["0, 0, 9", "0, 1, 1", "0, 1, 2", "0, 1, 3", "0, 2, 4"] {
        client.run(&format!("INSERT INTO ks.kinds (p, kind, c) VALUES ({row})")).await;
    }
    let mut ask = async |text: &str, page_size: i32, state: Option<bytes::Bytes>| {
        let mut params = QueryParams::new(Consistency::One);
        (params.page_size, params.paging_state) = (Some(page_size), state);
        let query = Query { query: text.into(), params };
        client.ask(Request::Query(query).into()).await.response
    };
    let all = "SELECT c FROM ks.kinds WHERE p = 0 ORDER BY kind ASC";
    for (page_size, expected) in [(1, &["1", "2", "3"][..]), (2, &["2", "3"]), (4, &[])] {
        let Response::Rows(first) = ask(all, page_size, None).await else { panic!("no rows") };
        let state = first.metadata.paging_state.clone();
        let second = ask("SELECT c FROM ks.kinds WHERE p = 0 AND kind = 1", 9, state.clone()).await;
        let Response::Rows(second) = second else { panic!("{second:?}") };
        assert_eq!(as_text(second, &[Int]).concat(), expected, "{page_size}");
        let elsewhere = ask("SELECT c FROM ks.kinds WHERE p = 1", 9, state).await;
        assert!(matches!(elsewhere, Response::Error(ErrorBody::Invalid(_))), "{elsewhere:?}");
    }
}
