//! A client that keeps what it hears: a start without the service.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]

mod harness;

use std::{net::SocketAddr, path::Path, time::Duration};

use cellar_metadata_api::{Client, Metadata, protocol::Identity};
use cellar_rpc::{ClientConfig, Pool, tasks::Tasks};
use harness::{service::Member, *};
use tokio::time::sleep;

fn keeping(address: SocketAddr, file: &Path) -> (Client, Tasks) {
    let tasks = Tasks::new();
    let pool = Pool::new(ClientConfig::default(), &tasks);
    let who = Identity::Observer("test".to_owned());
    let client = Client::connect_keeping(&pool, &[address.to_string()], who, file, &tasks);
    (client, tasks)
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..6_000 {
        if holds() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("not within a minute: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_catalog_is_served_when_asked_for_and_only_until_the_service_is_heard() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = first.path().join("catalog");
    let member = Member::start(first.path(), None).await;
    let address = member.address;
    let (client, tasks) = keeping(address, &file);
    assert!(client.kept().is_none());
    client.submit(node("a:1", "dc1", "r1")).await.unwrap();
    for name in ["ks", "other", "third"] {
        client.submit(create_keyspace(name, simple("1"))).await.unwrap();
    }
    let version = client.catalog().borrow().version;
    // Another reader of the file knows when it is complete.
    until("everything is kept", || {
        let (reader, tasks) = keeping("127.0.0.1:1".parse().unwrap(), &file);
        assert!(reader.kept().is_none(), "it is of another service");
        tasks.token().cancel();
        let (reader, tasks) = keeping(address, &file);
        tasks.token().cancel();
        reader.kept().is_some_and(|kept| kept.version == version)
    })
    .await;
    tasks.shutdown(Duration::from_secs(30)).await.unwrap();
    member.stop().await;

    let (client, tasks) = keeping(address, &file);
    let catalog = client.catalog();
    assert_eq!(catalog.borrow().version, 0, "not by itself");
    assert!(client.serve_kept());
    assert!(catalog.borrow().keyspace("third").is_some());
    // A service that begins anew is behind what was kept, and it alone is right.
    let member = Member::start(second.path(), Some(address)).await;
    until("the service is heard", || catalog.borrow().version < version).await;
    assert!(client.serve_kept(), "there is a catalog");
    assert!(catalog.borrow().keyspaces.is_empty(), "and it is that of the service");
    tasks.shutdown(Duration::from_secs(30)).await.unwrap();
    member.stop().await;
}
