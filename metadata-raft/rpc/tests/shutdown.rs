//! Shutdown: calls in flight finish, new ones are not taken, and what overstays is named.

mod harness;

use std::time::Duration;

use cellar_rpc::{
    CallError, ServerLimits,
    tasks::{Tasks, Unfinished},
};
use harness::{LONG, client, router, serve};

#[tokio::test]
async fn a_graceful_shutdown_finishes_calls_in_flight_and_takes_no_new_ones() {
    let server = serve(router(), ServerLimits::default()).await;
    let client = client(server.addr);
    let flight = client.call::<_, u64>("/sleep", &300_u64, LONG);
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.shutdown.cancel();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let error = client.call::<_, String>("/echo", "late", LONG).await.unwrap_err();
        assert!(error.did_not_run(), "{error}");
        server.ended.await.unwrap()
    };
    let (answer, ended) = tokio::join!(flight, stop);
    assert_eq!(answer.unwrap(), 300);
    assert_eq!(ended, Ok(()));
}

#[tokio::test]
async fn calls_that_overstay_the_drain_are_cut_and_reported() {
    let limits = ServerLimits { drain_ms_max: 100, ..ServerLimits::default() };
    let server = serve(router(), limits).await;
    let client = client(server.addr);
    let flight = client.call::<_, u64>("/sleep", &10_000_u64, LONG);
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.shutdown.cancel();
        server.ended.await.unwrap()
    };
    let (answer, ended) = tokio::join!(flight, stop);
    assert!(matches!(answer, Err(CallError::Unknown { .. })), "{answer:?}");
    let names = ended.unwrap_err().names;
    assert_eq!(names.len(), 1);
    assert!(names[0].starts_with("rpc connection from 127.0.0.1:"), "{names:?}");
}

#[tokio::test]
async fn a_group_of_tasks_names_what_does_not_end() {
    let tasks = Tasks::new();
    let child = tasks.child();
    let token = child.token().clone();
    child.spawn("obedient", async move { token.cancelled().await });
    let stuck = tasks.spawn("stuck", std::future::pending());
    let after = Duration::from_millis(50);
    let names = vec!["stuck".into()];
    assert_eq!(tasks.shutdown(after).await, Err(Unfinished { after, names }));
    assert_eq!(child.wait(LONG).await, Ok(()));
    stuck.abort();
    assert_eq!(tasks.wait(LONG).await, Ok(()));
    assert!(tasks.names().is_empty());
}

#[tokio::test]
async fn a_panic_in_a_task_reaches_the_handler_and_the_group_goes_on() {
    let (report, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let tasks = Tasks::with_panic_handler(move |panic| {
        let _ = report.send(panic.clone());
    });
    tasks.child().spawn("unlucky", async { panic!("at {}", 7) });
    let panic = seen.recv().await.unwrap();
    assert_eq!((&*panic.name, &*panic.message), ("unlucky", "at 7"));
    assert_eq!(tasks.shutdown(LONG).await, Ok(()));
}
