//! Push streams: order, heartbeats, typed ends, a silent peer, and resuming after a restart.

mod harness;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cellar_rpc::{Router, ServerLimits, StreamError, StreamSender, Subscription};
use harness::{AppError, LONG, client, serve, serve_at};

fn counting() -> Router {
    Router::new()
        .stream("/count", |(from, to): (u64, u64), sender: StreamSender<u64>| async move {
            for n in from..to {
                if sender.send(&n).await.is_err() {
                    break;
                }
            }
            Ok::<_, AppError>(())
        })
        .stream("/fail", |(): (), sender: StreamSender<u64>| async move {
            let _ = sender.send(&1).await;
            Err(AppError::Other("gone".into()))
        })
        .stream("/late", |ms: u64, sender: StreamSender<u64>| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            let _ = sender.send(&ms).await;
            std::future::pending::<Result<(), AppError>>().await
        })
        .stream("/hang", |(): (), _sender: StreamSender<u64>| async move {
            // Blocks the thread of the server: neither frames nor heartbeats leave it.
            std::thread::sleep(Duration::from_millis(1500));
            Ok::<_, AppError>(())
        })
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_arrive_in_order_and_the_end_is_told() {
    let server = serve(counting(), ServerLimits::default()).await;
    let client = client(server.addr);
    let mut stream: Subscription<u64> =
        client.stream("/count", &(0_u64, 50_000_u64), LONG).await.unwrap();
    for n in 0..50_000 {
        assert_eq!(stream.next().await.unwrap(), Some(n));
    }
    assert_eq!(stream.next().await.unwrap(), None);
    assert_eq!(stream.next().await.unwrap(), None);
}

#[tokio::test]
async fn a_typed_error_ends_the_stream_after_its_messages() {
    let server = serve(counting(), ServerLimits::default()).await;
    let mut stream: Subscription<u64> =
        client(server.addr).stream("/fail", &(), LONG).await.unwrap();
    assert_eq!(stream.next().await.unwrap(), Some(1));
    match stream.next().await {
        Err(StreamError::Remote(error)) => {
            assert_eq!(error.decode(), Some(AppError::Other("gone".into())));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn heartbeats_keep_a_quiet_stream_alive() {
    let limits = ServerLimits { heartbeat_ms: 50, ..ServerLimits::default() };
    let server = serve(counting(), limits).await;
    let mut stream: Subscription<u64> =
        client(server.addr).stream("/late", &1000_u64, LONG).await.unwrap();
    // Silence would be called after 150 ms; the message comes after 1,000.
    assert_eq!(stream.next().await.unwrap(), Some(1000));
}

#[test]
fn a_silent_peer_is_noticed() {
    let limits = ServerLimits { heartbeat_ms: 50, ..ServerLimits::default() };
    let theirs =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = theirs.block_on(serve(counting(), limits));
    let ours = tokio::runtime::Runtime::new().unwrap();
    ours.block_on(async {
        let client = client(server.addr);
        let mut quiet: Subscription<u64> = client.stream("/late", &0_u64, LONG).await.unwrap();
        assert_eq!(quiet.next().await.unwrap(), Some(0));
        let hang = client.stream::<_, u64>("/hang", &(), Duration::from_millis(100)).await;
        drop(hang);
        assert!(matches!(quiet.next().await, Err(StreamError::Silent { .. })));
    });
    theirs.shutdown_background();
}

#[tokio::test]
async fn a_subscriber_resumes_after_the_last_message_when_the_server_returns() {
    let pushed = Arc::new(AtomicU64::new(0));
    let router = || {
        let pushed = Arc::clone(&pushed);
        Router::new().stream("/from", move |from: u64, sender: StreamSender<u64>| {
            let pushed = Arc::clone(&pushed);
            async move {
                for n in from..from + 10 {
                    let _ = sender.send(&n).await;
                    pushed.fetch_add(1, Ordering::Relaxed);
                }
                std::future::pending::<Result<(), AppError>>().await
            }
        })
    };
    let first = serve(router(), ServerLimits::default()).await;
    let client = client(first.addr);
    let mut next = 0_u64;
    let mut stream: Subscription<u64> = client.stream("/from", &next, LONG).await.unwrap();
    while next < 10 {
        assert_eq!(stream.next().await.unwrap(), Some(next));
        next += 1;
    }
    first.shutdown.cancel();
    assert!(matches!(stream.next().await, Err(StreamError::GoingAway { .. })));
    first.ended.await.unwrap().unwrap();
    let refused = client.stream::<_, u64>("/from", &next, LONG).await.unwrap_err();
    assert!(matches!(&refused, StreamError::Call(error) if error.did_not_run()), "{refused}");

    let _second = serve_at(first.addr, router(), ServerLimits::default()).await;
    let mut stream: Subscription<u64> = loop {
        match client.stream("/from", &next, LONG).await {
            Ok(stream) => break stream,
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    while next < 20 {
        assert_eq!(stream.next().await.unwrap(), Some(next));
        next += 1;
    }
    assert_eq!(pushed.load(Ordering::Relaxed), 20);
}
