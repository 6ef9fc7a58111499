//! Queries, pages and streams against canned answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

#[allow(dead_code, reason = "each test file uses its part")]
mod server;

use cbor4ii::core::Value;
use cellar_sdk::{Error, Outcome};
use futures::{StreamExt, TryStreamExt};
use serde::Deserialize;
use server::{Answer, Server, map, page, reply, text};

#[derive(Debug, PartialEq, Deserialize)]
struct Reading {
    sensor: String,
    temp: f64,
}

#[tokio::test]
async fn a_query_carries_everything_that_was_set_and_its_rows_are_typed() {
    let server = Server::start(vec![page(&[("a1", 20.5)], None)]).await;
    let rows = server
        .client()
        .query("SELECT sensor, temp FROM readings WHERE sensor = ? AND at > ?")
        .bind("a1")
        .bind(7)
        .keyspace("demo")
        .consistency("LOCAL_ONE")
        .page_size(100)
        .timestamp(5)
        .send()
        .await
        .unwrap();
    assert_eq!(rows.typed::<Reading>().unwrap(), [Reading { sensor: "a1".into(), temp: 20.5 }]);
    assert_eq!(rows.typed::<(String, f32)>().unwrap(), [("a1".to_owned(), 20.5)]);
    assert_eq!(rows.iter().next().unwrap().get::<f64>("temp").unwrap(), 20.5);
    assert_eq!((rows.consumed().read_units, rows.request_id()), (1.5, "request-1"));
    assert_eq!(rows.warnings(), ["careful"]);
    assert_eq!(rows.columns()[1].cql_type, "double");

    let seen = server.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].path.as_str()), ("POST", "/v1/query?rows=array"));
    assert_eq!(seen[0].headers["content-type"], "application/cbor");
    assert!(seen[0].headers["accept"].to_str().unwrap().starts_with("application/cbor"));
    assert_eq!(seen[0].headers["cellar-timeout"].to_str().unwrap().len(), "29750ms".len());
    let expected = map(&[
        ("statement", text("SELECT sensor, temp FROM readings WHERE sensor = ? AND at > ?")),
        ("params", Value::Array(vec![text("a1"), Value::Integer(7)])),
        ("keyspace", text("demo")),
        ("consistency", text("LOCAL_ONE")),
        ("page_size", Value::Integer(100)),
        ("timestamp", Value::Integer(5)),
    ]);
    assert_eq!(seen[0].body, Some(expected));
}

#[tokio::test]
async fn named_values_go_by_name() {
    let server = Server::start(vec![page(&[], None)]).await;
    let query = server.client().query("SELECT * FROM t WHERE a = :a AND b = :b");
    query.bind_named("b", 2).bind_named("a", "x").send().await.unwrap();
    let params = map(&[("b", Value::Integer(2)), ("a", text("x"))]);
    let Some(Value::Map(body)) = &server.seen()[0].body else { panic!("a map") };
    assert_eq!(body[1], (text("params"), params));
}

#[tokio::test]
async fn values_that_cannot_be_sent_are_told_before_anything_is_sent() {
    let server = Server::start(vec![]).await;
    let mixed = server.client().query("SELECT 1").bind(1).bind_named("a", 1);
    let error = mixed.send().await.unwrap_err();
    assert!(matches!(&error, Error::Bind(_)), "{error}");
    assert_eq!((error.outcome(), error.retryable()), (Outcome::None, false));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn send_collects_every_page_and_the_sum_of_their_cost() {
    let pages = vec![
        page(&[("a", 1.0), ("b", 2.0)], Some("p2")),
        page(&[], Some("p3")),
        page(&[("c", 3.0)], None),
    ];
    let server = Server::start(pages).await;
    let rows = server.client().query("SELECT * FROM t").send().await.unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows.consumed().read_units, 4.5);
    assert_eq!(rows.next_page(), None);
    let states: Vec<_> = server
        .seen()
        .iter()
        .map(|seen| match seen.body.as_ref().unwrap() {
            Value::Map(body) => {
                body.iter().find(|(name, _)| *name == text("page_state")).map(|e| e.1.clone())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(states, [None, Some(text("p2")), Some(text("p3"))]);
}

#[tokio::test]
async fn a_page_is_one_request_and_says_where_the_next_one_begins() {
    let server = Server::start(vec![page(&[("a", 1.0)], Some("p2")), page(&[], None)]).await;
    let first = server.client().query("SELECT * FROM t").page().await.unwrap();
    assert_eq!((first.len(), first.next_page(), server.seen().len()), (1, Some("p2"), 1));
    let second = server.client().query("SELECT * FROM t").page_state("p2").page().await.unwrap();
    assert_eq!((second.len(), second.next_page()), (0, None));
}

#[tokio::test]
async fn a_stream_fetches_a_page_only_when_it_is_needed() {
    let pages = vec![page(&[("a", 1.0), ("b", 2.0)], Some("p2")), page(&[("c", 3.0)], None)];
    let server = Server::start(pages).await;
    let mut rows = server.client().query("SELECT * FROM t").stream();
    assert!(server.seen().is_empty());
    assert!(rows.try_next().await.unwrap().is_some());
    assert!(rows.try_next().await.unwrap().is_some());
    assert_eq!(server.seen().len(), 1);
    assert_eq!(rows.consumed().read_units, 1.5);
    let last = rows.try_next().await.unwrap().unwrap();
    assert_eq!(last.typed::<(String, f64)>().unwrap(), ("c".to_owned(), 3.0));
    assert_eq!(server.seen().len(), 2);
    assert!(rows.try_next().await.unwrap().is_none());
    assert!(rows.try_next().await.unwrap().is_none());
    assert_eq!(rows.consumed().read_units, 3.0);
}

#[tokio::test]
async fn a_stream_is_a_futures_stream_of_typed_rows() {
    let pages = vec![page(&[("a", 1.0)], Some("p2")), page(&[("b", 2.0)], None)];
    let server = Server::start(pages).await;
    let rows = server.client().query("SELECT * FROM t").stream().typed::<Reading>();
    let rows: Vec<Reading> = rows.try_collect().await.unwrap();
    assert_eq!(rows[1], Reading { sensor: "b".into(), temp: 2.0 });
}

#[tokio::test]
async fn a_stream_ends_with_its_first_error_and_never_skips_a_page() {
    let pages =
        vec![page(&[("a", 1.0)], Some("p2")), server::problem(500, "CEL-5001", false, "none")];
    let server = Server::start(pages).await;
    let rows: Vec<_> = server.client().query("SELECT * FROM t").stream().collect().await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1].as_ref().unwrap_err().code(), Some("CEL-5001"));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn paging_that_does_not_advance_is_an_error_and_not_an_endless_loop() {
    let pages = vec![page(&[("a", 1.0)], Some("p2")), page(&[("a", 1.0)], Some("p2"))];
    let server = Server::start(pages).await;
    let error = server.client().query("SELECT * FROM t").send().await.unwrap_err();
    assert!(matches!(error, Error::Answer { .. }), "{error}");
}

#[tokio::test]
async fn a_condition_that_did_not_hold_is_told_with_the_row_in_its_way() {
    let column = map(&[("name", text("temp")), ("type", text("int"))]);
    let body = map(&[
        ("columns", Value::Array(vec![column])),
        // As maps, which the server also may send.
        ("rows", Value::Array(vec![map(&[("temp", Value::Integer(5))])])),
        ("next", Value::Null),
        ("applied", Value::Bool(false)),
    ]);
    let server = Server::start(vec![reply(200, &body)]).await;
    let query = server.client().query("UPDATE t SET temp = ? WHERE k = ? IF temp = ?");
    let rows = query.bind(1).bind(2).bind(3).send().await.unwrap();
    assert_eq!((rows.applied(), rows.first::<i32>().unwrap()), (Some(false), Some(5)));
}

#[tokio::test]
async fn a_row_that_does_not_fit_names_its_column() {
    let server = Server::start(vec![page(&[("a1", 20.5)], None)]).await;
    let rows = server.client().query("SELECT * FROM t").send().await.unwrap();
    let error = rows.first::<(i32, f64)>().unwrap_err();
    assert!(error.to_string().contains("\"sensor\""), "{error}");
    assert_eq!(error.outcome(), Outcome::Applied);
    assert!(rows.first::<(String,)>().is_err());
    assert!(rows.first::<String>().is_err());
}

#[tokio::test]
async fn an_answer_that_is_no_answer_is_an_error() {
    for body in [vec![], b"<html>".to_vec(), vec![0x01], vec![0xa1, 0x61]] {
        let empty = body.is_empty();
        let server = Server::start(vec![Answer::Reply(200, vec![], body)]).await;
        let answer = server.client().query("INSERT INTO t (a) VALUES (1)").send().await;
        match answer {
            Ok(rows) => assert!(empty && rows.is_empty()),
            Err(error) => {
                assert!(matches!(error, Error::Answer { .. }), "{error}");
                assert_eq!(error.outcome(), Outcome::Unknown);
            }
        }
    }
}

#[tokio::test]
async fn urls_that_make_no_sense_are_refused() {
    for url in ["", "localhost:8080", "https://x", "http://", "http://x/path", "ftp://x"] {
        let error = cellar_sdk::Client::builder(url).build().unwrap_err();
        assert!(matches!(error, Error::Settings { .. }), "{url}: {error}");
    }
    assert!(cellar_sdk::Client::builder("http://[::1]:8080/").build().is_ok());
}

#[tokio::test]
async fn the_api_key_is_shown_to_the_server_and_to_nobody_else() {
    let server = Server::start(vec![page(&[], None)]).await;
    let client = cellar_sdk::Client::builder(&server.url).api_key("cellar_k_s").build().unwrap();
    client.query("SELECT 1").send().await.unwrap();
    assert_eq!(server.seen()[0].headers["authorization"], "Bearer cellar_k_s");
    assert!(!format!("{client:?}").contains("cellar_k_s"));
}
