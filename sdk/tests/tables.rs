//! Rows by key against canned answers.
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
use cellar_sdk::Outcome;
use serde::{Deserialize, Serialize};
use server::{Answer, Server, map, page, problem, problem_with, reply, text};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    sensor: String,
    temp: f64,
}

fn row() -> Value {
    map(&[("sensor", text("a1")), ("temp", Value::Float(20.5))])
}

#[tokio::test]
async fn a_row_is_found_by_its_key() {
    let server = Server::start(vec![reply(200, &row())]).await;
    let found = server.client().table("De mo", "t/x").get::<Reading>(("a1", 7)).await.unwrap();
    assert_eq!(found.row, Some(Reading { sensor: "a1".into(), temp: 20.5 }));
    assert_eq!((found.consumed.read_units, found.request_id.as_str()), (1.5, "request-1"));
    let seen = server.seen();
    assert_eq!(seen[0].method, "GET");
    assert_eq!(seen[0].path, "/v1/keyspaces/De%20mo/tables/t%2Fx/rows/a1/7");
}

#[tokio::test]
async fn a_row_that_is_not_there_is_no_error_but_a_missing_table_is() {
    let missing =
        [problem(404, "CEL-4043", false, "none"), problem(404, "CEL-4041", false, "none")];
    let server = Server::start(missing.to_vec()).await;
    let table = server.client().table("ks", "t");
    let found = table.get::<Reading>("a1").await.unwrap();
    assert_eq!((found.row, found.consumed.read_units), (None, 0.5));
    assert_eq!(table.get::<Reading>("a1").await.unwrap_err().code(), Some("CEL-4041"));
}

#[tokio::test]
async fn put_sends_the_whole_row_and_patch_what_changes() {
    let done = || Answer::Reply(200, vec![("cellar-consumed", "ru=0, wu=1".into())], vec![]);
    let server = Server::start(vec![done(), done(), done()]).await;
    let table = server.client().table("ks", "t");
    let reading = Reading { sensor: "a1".into(), temp: 20.5 };
    let written = table.put("a1", &reading).ttl(60).timestamp(9).send().await.unwrap();
    assert!(written.applied);
    assert_eq!(written.consumed.write_units, 1.0);
    table.patch("a1", &serde_json::json!({ "temp": null })).send().await.unwrap();
    table.delete(("a1", 1)).send().await.unwrap();
    let seen = server.seen();
    let shown: Vec<_> = seen.iter().map(|s| format!("{} {}", s.method, s.path)).collect();
    let path = "/v1/keyspaces/ks/tables/t/rows/a1";
    assert_eq!(shown[0], format!("PUT {path}?ttl=60&timestamp=9"));
    assert_eq!(shown[1], format!("PATCH {path}"));
    assert_eq!(shown[2], format!("DELETE {path}/1"));
    assert_eq!(seen[0].body, Some(row()));
    assert_eq!(seen[1].body, Some(map(&[("temp", Value::Null)])));
    assert_eq!(seen[2].body, None);
}

#[tokio::test]
async fn a_condition_that_does_not_hold_is_an_answer_with_the_row_in_its_way() {
    let refused = problem_with(412, "CEL-4120", false, "none", &[("current", row())]);
    let gone = problem_with(412, "CEL-4120", false, "none", &[("current", Value::Null)]);
    let server = Server::start(vec![refused, gone]).await;
    let table = server.client().table("ks", "t");
    let reading = Reading { sensor: "a1".into(), temp: 1.0 };
    let written = table.put("a1", &reading).if_not_exists().send().await.unwrap();
    assert!(!written.applied);
    assert_eq!(written.current.unwrap().typed::<Reading>().unwrap().temp, 20.5);
    assert_eq!(written.consumed.read_units, 0.5);
    let written = table.delete("a1").if_exists().send().await.unwrap();
    assert_eq!((written.applied, written.current), (false, None));
    let seen = server.seen();
    assert_eq!(seen[0].headers["if-none-match"], "*");
    assert_eq!(seen[1].headers["if-match"], "*");
}

#[tokio::test]
async fn only_an_idempotent_put_is_sent_again_when_its_outcome_is_unknown() {
    let answers = || vec![Answer::Cut, Answer::Reply(200, vec![], vec![])];
    let reading = Reading { sensor: "a1".into(), temp: 1.0 };
    let server = Server::start(answers()).await;
    let put = server.client().table("ks", "t").put("a1", &reading);
    assert_eq!(put.send().await.unwrap_err().outcome(), Outcome::Unknown);
    assert_eq!(server.seen().len(), 1);

    let server = Server::start(answers()).await;
    let put = server.client().table("ks", "t").put("a1", &reading);
    assert!(put.idempotent().send().await.unwrap().applied);
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen[0].path.contains("?timestamp="));
    assert_eq!(seen[0].path, seen[1].path);
}

#[tokio::test]
async fn rows_of_a_key_prefix_come_page_after_page() {
    let pages = vec![page(&[("a1", 1.0)], Some("p_2")), page(&[("a1", 2.0)], None)];
    let server = Server::start(pages).await;
    let mut rows = server.client().table("ks", "t").rows("a1").typed::<Reading>();
    assert_eq!(rows.try_next().await.unwrap().unwrap().temp, 1.0);
    assert_eq!(rows.try_next().await.unwrap().unwrap().temp, 2.0);
    assert_eq!(rows.try_next().await.unwrap(), None);
    let path = "/v1/keyspaces/ks/tables/t/rows/a1";
    let seen = server.seen();
    assert_eq!(
        (seen[0].path.as_str(), seen[1].path.clone()),
        (path, format!("{path}?page_state=p_2"))
    );
}

#[tokio::test]
async fn a_whole_key_as_prefix_gives_its_row_or_nothing() {
    // With columns that are called like the members of a page.
    let row = map(&[("rows", text("r")), ("columns", Value::Integer(1))]);
    let Answer::Reply(status, mut headers, body) = reply(200, &row) else { panic!("a reply") };
    headers.push(("etag", "\"1\"".to_owned()));
    let one = Answer::Reply(status, headers, body);
    let server = Server::start(vec![one, problem(404, "CEL-4043", false, "none")]).await;
    let table = server.client().table("ks", "t");
    let mut rows = table.rows(("a1", 1));
    let found = rows.try_next().await.unwrap().unwrap();
    assert_eq!(found.get::<String>("rows").unwrap(), "r");
    assert!(rows.try_next().await.unwrap().is_none());
    let mut rows = table.rows(("a1", 2));
    assert!(rows.try_next().await.unwrap().is_none());
    assert_eq!(rows.consumed().read_units, 0.5);
}

#[tokio::test]
async fn a_key_that_is_none_is_told_before_anything_is_sent() {
    let server = Server::start(vec![]).await;
    let table = server.client().table("ks", "t");
    assert_eq!(table.get::<Reading>(()).await.unwrap_err().outcome(), Outcome::None);
    assert!(table.put(None::<i32>, &1).send().await.is_err());
    assert!(table.rows(Vec::<i32>::new()).try_next().await.is_err());
    assert!(server.seen().is_empty());
}
