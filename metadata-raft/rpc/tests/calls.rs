//! Calls that are answered, by the handler or with a refusal.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod harness;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use cellar_rpc::{
    BindError, CallError, ClientConfig, Pool, Refusal, Router, Server, ServerLimits, UnknownReason,
    tasks::Tasks,
};
use futures::future::try_join_all;
use harness::{AppError, LONG, client, router, serve};

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_concurrent_calls_each_get_their_own_answer() {
    let server = serve(router(), ServerLimits::default()).await;
    let client = client(server.addr);
    let calls = (0..1000).map(|n| {
        let client = client.clone();
        async move {
            let text = format!("{n} {}", "x".repeat(n));
            let answer: String = client.call("/echo", &text, LONG).await?;
            assert_eq!(answer, text);
            Ok::<_, CallError>(())
        }
    });
    try_join_all(calls).await.unwrap();
}

#[tokio::test]
async fn a_large_body_passes_both_ways() {
    let server = serve(router(), ServerLimits::default()).await;
    let text = "y".repeat(20 << 20);
    let answer: String = client(server.addr).call("/echo", &text, LONG).await.unwrap();
    assert!(answer == text);
}

#[tokio::test]
async fn a_typed_error_survives_the_way_back() {
    let server = serve(router(), ServerLimits::default()).await;
    let error = client(server.addr).call::<_, ()>("/fail", &7_u64, LONG).await.unwrap_err();
    assert!(!error.did_not_run());
    assert_eq!(error.remote::<AppError>(), Some(AppError::NotLeader { leader: Some(7) }));
    assert_eq!(error.remote::<u64>(), None);
}

#[tokio::test]
async fn what_the_handler_never_saw_is_refused_with_its_reason() {
    let limits = ServerLimits { body_bytes_max: 1000, ..ServerLimits::default() };
    let server = serve(router(), limits).await;
    let client = client(server.addr);
    let refused = async |path, text: String| {
        let error = client.call::<_, String>(path, &text, LONG).await.unwrap_err();
        assert!(error.did_not_run());
        match error {
            CallError::Refused { refusal, .. } => refusal,
            other => panic!("{other}"),
        }
    };
    assert_eq!(refused("/nothing", String::new()).await, Refusal::UnknownMethod);
    assert_eq!(refused("/sleep", "no number".into()).await, Refusal::Undecodable);
    assert_eq!(refused("/echo", "z".repeat(2000)).await, Refusal::TooLarge);
}

#[tokio::test]
async fn a_panicking_handler_is_reported_and_the_connection_lives_on() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let report = Arc::clone(&seen);
    let tasks = Tasks::with_panic_handler(move |panic| report.lock().unwrap().push(panic.clone()));
    let listen = "127.0.0.1:0".parse().unwrap();
    let server =
        Server::bind(listen, None, router(), ServerLimits::default(), &tasks).await.unwrap();
    let client = client(server.local_addr());
    let token = tasks.token().clone();
    tasks.spawn("server", async move { server.run(token).await.unwrap() });
    let error = client.call::<_, ()>("/panic", &(), LONG).await.unwrap_err();
    let failed =
        matches!(error, CallError::Unknown { reason: UnknownReason::HandlerFailed(_), .. });
    assert!(failed, "{error}");
    let answer: String = client.call("/echo", "still", LONG).await.unwrap();
    assert_eq!(answer, "still");
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!((&*seen[0].name, &*seen[0].message), ("rpc handler /panic", "on purpose"));
}

#[tokio::test]
async fn connections_come_from_the_bound_source() {
    let server = serve(router(), ServerLimits::default()).await;
    let source: IpAddr = "127.0.0.9".parse().unwrap();
    let config = ClientConfig { source: Some(source), ..ClientConfig::default() };
    let client = Pool::new(config, &Tasks::new()).client(&server.addr.to_string());
    let _: String = client.call("/echo", "hello", LONG).await.unwrap();
    assert_eq!(peers_of(server.addr.port()), ["0900007F"]);
}

/// Remote addresses of the established connections of a local port, as the kernel prints them.
fn peers_of(port: u16) -> Vec<String> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!("0100007F:{port:04X}");
    table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|columns| columns[1] == local && columns[3] == "01")
        .map(|columns| columns[2].split(':').next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn two_handlers_of_one_path_and_an_undialable_address_do_not_bind() {
    let bind = async |listen: &str, router| {
        let limits = ServerLimits::default();
        Server::bind(listen.parse().unwrap(), None, router, limits, &Tasks::new()).await
    };
    let twice = router().merge(router());
    assert!(matches!(bind("127.0.0.1:0", twice).await, Err(BindError::DuplicateMethod(_))));
    let wildcard = bind("0.0.0.0:0", Router::new()).await;
    assert!(matches!(wildcard, Err(BindError::NothingToAdvertise(_))));
}
