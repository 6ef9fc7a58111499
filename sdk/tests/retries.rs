//! What is sent again and what is not, and what is told about the outcome.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

#[allow(dead_code, reason = "each test file uses its part")]
mod server;

use std::time::{Duration, Instant};

use cbor4ii::core::Value;
use cellar_sdk::{Client, Error, Outcome, limits::ATTEMPTS_MAX};
use server::{Answer, Seen, Server, page, problem, problem_with, text};

const READ: &str = "SELECT * FROM t";
const WRITE: &str = "INSERT INTO t (a) VALUES (1)";

fn timestamp(seen: &Seen) -> Option<&Value> {
    match seen.body.as_ref().unwrap() {
        Value::Map(body) => body.iter().find(|(name, _)| *name == text("timestamp")).map(|e| &e.1),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_was_certainly_not_applied_is_sent_again_even_if_it_writes() {
    for (status, code) in [(503, "CEL-5030"), (503, "CEL-5031"), (429, "CEL-4290")] {
        let answers = vec![
            problem(status, code, true, "none"),
            problem(status, code, true, "none"),
            page(&[], None),
        ];
        let server = Server::start(answers).await;
        server.client().query(WRITE).send().await.unwrap();
        assert_eq!(server.seen().len(), 3);
    }
}

#[tokio::test]
async fn a_write_of_unknown_outcome_is_not_sent_again_and_the_error_says_so() {
    for answer in [problem(504, "CEL-5040", true, "unknown"), Answer::Cut] {
        let server = Server::start(vec![answer, page(&[], None)]).await;
        let error = server.client().query(WRITE).send().await.unwrap_err();
        assert_eq!((error.outcome(), error.retryable()), (Outcome::Unknown, true), "{error}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_read_is_sent_again_whatever_became_of_it() {
    for answer in [problem(504, "CEL-5040", true, "unknown"), Answer::Cut] {
        let server = Server::start(vec![answer, page(&[("a", 1.0)], None)]).await;
        let rows = server.client().query(READ).send().await.unwrap();
        assert_eq!((rows.len(), server.seen().len()), (1, 2));
    }
}

#[tokio::test]
async fn an_idempotent_write_is_sent_again_with_the_same_timestamp() {
    let answers = vec![problem(504, "CEL-5040", true, "unknown"), Answer::Cut, page(&[], None)];
    let server = Server::start(answers).await;
    server.client().query(WRITE).idempotent().send().await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert!(timestamp(&seen[0]).is_some());
    assert_eq!(timestamp(&seen[0]), timestamp(&seen[1]));
    assert_eq!(timestamp(&seen[0]), timestamp(&seen[2]));
}

#[tokio::test]
async fn a_plain_write_leaves_the_timestamp_to_the_server() {
    let server = Server::start(vec![page(&[], None)]).await;
    server.client().query(WRITE).send().await.unwrap();
    assert_eq!(timestamp(&server.seen()[0]), None);
}

#[tokio::test]
async fn what_is_not_retryable_is_told_at_once_with_all_that_the_server_said() {
    let hint = [("hint", text("did you mean readings?"))];
    let answers = vec![problem_with(404, "CEL-4041", false, "none", &hint), page(&[], None)];
    let server = Server::start(answers).await;
    let error = server.client().query(READ).send().await.unwrap_err();
    assert_eq!(error.code(), Some("CEL-4041"));
    assert_eq!((error.outcome(), error.retryable()), (Outcome::None, false));
    assert_eq!(error.hint(), Some("did you mean readings?"));
    assert_eq!(error.request_id(), Some("request-2"));
    let shown = "CEL-4041 a title: a detail (did you mean readings?)";
    assert_eq!(error.to_string(), shown);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn attempts_end_and_the_last_error_is_told() {
    let answers = vec![problem(503, "CEL-5030", true, "none"); 20];
    let server = Server::start(answers).await;
    let error = server.client().query(WRITE).send().await.unwrap_err();
    assert_eq!((error.code(), error.outcome()), (Some("CEL-5030"), Outcome::None));
    assert_eq!(server.seen().len(), usize::try_from(ATTEMPTS_MAX).unwrap());
}

#[tokio::test]
async fn a_refusal_after_an_unknown_attempt_leaves_the_outcome_unknown() {
    let answers =
        vec![problem(504, "CEL-5040", true, "unknown"), problem(422, "CEL-4220", false, "none")];
    let server = Server::start(answers).await;
    let error = server.client().query(WRITE).idempotent().send().await.unwrap_err();
    assert_eq!((error.code(), error.outcome()), (Some("CEL-4220"), Outcome::Unknown));
}

#[tokio::test]
async fn the_server_may_ask_for_a_longer_wait() {
    let wait = [("retry_after_ms", Value::Integer(150))];
    let answers = vec![problem_with(429, "CEL-4290", true, "none", &wait), page(&[], None)];
    let server = Server::start(answers).await;
    let started = Instant::now();
    server.client().query(WRITE).send().await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(150));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_wait_that_is_longer_than_the_time_left_is_not_begun() {
    let wait = [("retry_after_ms", Value::Integer(60_000))];
    let answers = vec![problem_with(429, "CEL-4290", true, "none", &wait), page(&[], None)];
    let server = Server::start(answers).await;
    let query = server.client().query(WRITE).timeout(Duration::from_secs(2));
    let started = Instant::now();
    let error = query.send().await.unwrap_err();
    assert_eq!(error.code(), Some("CEL-4290"));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn silence_ends_with_the_callers_time() {
    for (statement, outcome) in [(READ, Outcome::None), (WRITE, Outcome::Unknown)] {
        let server = Server::start(vec![Answer::Silence]).await;
        let query = server.client().query(statement).timeout(Duration::from_millis(100));
        let error = query.send().await.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error}");
        assert_eq!(error.outcome(), outcome);
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_was_sent_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::builder(&url).timeout(Duration::from_millis(200)).build().unwrap();
    let error = client.query(WRITE).send().await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error}");
    assert_eq!((error.outcome(), error.retryable()), (Outcome::None, true));
    assert!(Client::connect(&url).await.is_err());
}

#[tokio::test]
async fn a_server_in_trouble_gets_less_and_less_of_it() {
    let answers = vec![problem(503, "CEL-5030", true, "none"); 10_000];
    let server = Server::start(answers).await;
    let client = server.client();
    let requests = (0..60).map(|_| client.query(READ).send());
    let answers = futures::future::join_all(requests).await;
    assert!(answers.iter().all(Result::is_err));
    // The budget pays for a hundred retries; without it there were three hundred.
    assert_eq!(server.seen().len(), 160);
}

#[tokio::test]
async fn an_answer_of_something_else_on_the_way_is_judged_by_its_status() {
    let bad_gateway =
        Answer::Reply(502, vec![("content-type", "text/html".into())], b"no".to_vec());
    let server = Server::start(vec![bad_gateway.clone(), page(&[], None)]).await;
    let error = server.client().query(WRITE).send().await.unwrap_err();
    assert_eq!((error.code(), error.outcome()), (None, Outcome::Unknown));
    let server = Server::start(vec![bad_gateway, page(&[], None)]).await;
    server.client().query(READ).send().await.unwrap();
}
