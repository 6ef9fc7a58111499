//! The network and the peer fail, and the error says what is known about the handler.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod harness;

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use cellar_rpc::{
    CallError, ClientConfig, ClientLimits, NotSentReason, Pool, Refusal, Router, ServerLimits,
    UnknownReason, tasks::Tasks,
};
use harness::{
    LONG, client,
    proxy::{Mischief, relay},
    router, serve, serve_at,
};
use tokio::net::TcpListener;

async fn free_address() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn without_a_listener_nothing_is_sent_and_the_client_recovers_when_one_appears() {
    let addr = free_address().await;
    let limits =
        ClientLimits { connections_per_peer: 1, backoff_ms_min: 100, ..ClientLimits::default() };
    let config = ClientConfig { limits, ..ClientConfig::default() };
    let client = Pool::new(config, &Tasks::new()).client(&addr.to_string());
    let mut reasons = Vec::new();
    for _ in 0..2 {
        match client.call::<_, String>("/echo", "x", LONG).await {
            Err(CallError::NotSent { reason, .. }) => reasons.push(reason),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(reasons[..], [NotSentReason::Connect(_), NotSentReason::BackingOff { .. }]));
    let _server = serve_at(addr, router(), ServerLimits::default()).await;
    let begun = Instant::now();
    while client.call::<_, String>("/echo", "x", LONG).await.is_err() {
        assert!(begun.elapsed() < LONG);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn a_server_killed_in_flight_leaves_the_outcome_unknown() {
    let theirs = tokio::runtime::Runtime::new().unwrap();
    let server = theirs.block_on(serve(router(), ServerLimits::default()));
    let ours = tokio::runtime::Runtime::new().unwrap();
    ours.block_on(async {
        let client = client(server.addr);
        let _: String = client.call("/echo", "connected", LONG).await.unwrap();
        let call = client.call::<_, u64>("/sleep", &10_000_u64, LONG);
        let kill = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            theirs.shutdown_background();
        };
        let (error, ()) = tokio::join!(call, kill);
        let error = error.unwrap_err();
        assert!(!error.did_not_run());
        let lost =
            matches!(error, CallError::Unknown { reason: UnknownReason::ConnectionLost(_), .. });
        assert!(lost, "{error}");
        // The killed runtime closes its listener a moment later; until then a call may be lost.
        let begun = Instant::now();
        loop {
            let error = client.call::<_, String>("/echo", "x", LONG).await.unwrap_err();
            if matches!(error, CallError::NotSent { .. }) {
                break;
            }
            assert!(begun.elapsed() < LONG, "{error}");
        }
    });
}

#[tokio::test]
async fn a_deadline_tells_whether_the_request_had_left() {
    let server = serve(router(), ServerLimits::default()).await;
    let short = Duration::from_millis(50);
    let error = client(server.addr).call::<_, u64>("/sleep", &5000_u64, short).await.unwrap_err();
    assert!(matches!(error, CallError::Deadline { sent: true, .. }), "{error}");
    let error = client(server.addr).call::<_, u64>("/sleep", &1_u64, Duration::ZERO).await;
    assert!(matches!(error, Err(CallError::Deadline { sent: false, .. })), "{error:?}");
}

#[tokio::test]
async fn a_request_changed_on_the_way_does_not_reach_the_handler() {
    let server = serve(router(), ServerLimits::default()).await;
    let mischief = Mischief { request: Some("fragile"), ..Mischief::default() };
    let client = client(relay(server.addr, mischief).await);
    let sound: String = client.call("/echo", "sound", LONG).await.unwrap();
    assert_eq!(sound, "sound");
    let error = client.call::<_, String>("/echo", "fragile", LONG).await.unwrap_err();
    let corrupt = matches!(error, CallError::Refused { refusal: Refusal::Corrupt, .. });
    assert!(corrupt, "{error}");
}

#[tokio::test]
async fn an_answer_changed_on_the_way_does_not_reach_the_caller() {
    let server = serve(router(), ServerLimits::default()).await;
    let mischief = Mischief { answer: Some("fragile"), ..Mischief::default() };
    let client = client(relay(server.addr, mischief).await);
    let error = client.call::<_, String>("/echo", "fragile", LONG).await.unwrap_err();
    let corrupt = matches!(error, CallError::Unknown { reason: UnknownReason::CorruptAnswer, .. });
    assert!(corrupt, "{error}");
}

#[tokio::test]
async fn a_connection_into_the_void_is_found_dead_and_replaced() {
    let server = serve(router(), ServerLimits::default()).await;
    let mischief = Mischief::default();
    let hole = std::sync::Arc::clone(&mischief.black_hole);
    let addr = relay(server.addr, mischief).await;
    let limits = ClientLimits {
        connections_per_peer: 1,
        ping_interval_ms: 50,
        ping_ms_max: 100,
        ..ClientLimits::default()
    };
    let config = ClientConfig { limits, ..ClientConfig::default() };
    let client = Pool::new(config, &Tasks::new()).client(&addr.to_string());
    let _: String = client.call("/echo", "before", LONG).await.unwrap();
    hole.store(true, Ordering::Relaxed);
    let error = client.call::<_, String>("/echo", "lost", LONG).await.unwrap_err();
    assert!(matches!(error, CallError::Unknown { .. }), "{error}");
    hole.store(false, Ordering::Relaxed);
    let _: String = client.call("/echo", "after", LONG).await.unwrap();
}

#[tokio::test]
async fn a_caller_that_gives_up_stops_the_handler() {
    struct Dropped(tokio::sync::mpsc::UnboundedSender<()>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (sender, mut dropped) = tokio::sync::mpsc::unbounded_channel();
    let router = Router::new().call("/wait", move |(): ()| {
        let guard = Dropped(sender.clone());
        async move {
            let _guard = guard;
            std::future::pending::<Result<(), ()>>().await
        }
    });
    let server = serve(router, ServerLimits::default()).await;
    let short = Duration::from_millis(50);
    let error = client(server.addr).call::<_, ()>("/wait", &(), short).await.unwrap_err();
    assert!(matches!(error, CallError::Deadline { sent: true, .. }), "{error}");
    tokio::time::timeout(LONG, dropped.recv()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_closed_pool_sends_nothing() {
    let server = serve(router(), ServerLimits::default()).await;
    let pool = Pool::new(ClientConfig::default(), &Tasks::new());
    let client = pool.client(&server.addr.to_string());
    let _: String = client.call("/echo", "open", LONG).await.unwrap();
    let flight = client.call::<_, u64>("/sleep", &200_u64, LONG);
    let close = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        pool.close();
        tokio::time::sleep(Duration::from_millis(20)).await;
        for _ in 0..4 {
            let error = client.call::<_, String>("/echo", "late", LONG).await.unwrap_err();
            assert!(matches!(error, CallError::NotSent { .. }), "{error}");
        }
    };
    let (answer, ()) = tokio::join!(flight, close);
    assert_eq!(answer.unwrap(), 200);
}
