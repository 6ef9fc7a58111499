//! Three members: clients follow the leader, and one lost member costs nothing but a moment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail loudly")]

mod harness;

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use cellar_metadata_api::{Metadata, MetadataError, protocol::Identity};
use cellar_schema::CqlType;
use harness::{
    service::{Member, User, frontend, user_of},
    *,
};
use tokio::time::timeout;

/// Submits until it is certain what happened: an outcome may be unknown while leaders change.
async fn certainly(user: &User, name: &str) {
    for _ in 0..50 {
        match user.client.submit(create_table(name, &[("k", CqlType::Int, KEY)])).await {
            Ok(_) | Err(MetadataError::AlreadyExists { .. }) => return,
            Err(MetadataError::Unknown { .. } | MetadataError::Unavailable { .. }) => {}
            Err(other) => panic!("{name}: {other}"),
        }
    }
    panic!("{name} was never created");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_follow_the_leader_and_no_table_is_lost_when_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let ports: Vec<TcpListener> =
        (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let addresses: BTreeMap<u64, SocketAddr> =
        (1..).zip(ports.iter().map(|port| port.local_addr().unwrap())).collect();
    drop(ports);
    let members: BTreeMap<u64, String> =
        addresses.iter().map(|(number, address)| (*number, address.to_string())).collect();
    let start = |number: u64| {
        let (dir, members) = (dir.path().join(number.to_string()), members.clone());
        let listen = addresses.get(&number).copied();
        async move {
            std::fs::create_dir_all(&dir).unwrap();
            let change =
                |options: &mut cellar_metadata_raft::ServiceOptions| options.members = members;
            Member::start_as(number, &dir, listen, change).await
        }
    };
    let mut running = BTreeMap::new();
    for number in [3, 2, 1] {
        running.insert(number, start(number).await);
    }
    let all: Vec<String> = members.values().cloned().collect();
    let one = user_of(&all, Identity::Frontend(frontend(1))).await;
    let other = user_of(&all, Identity::Frontend(frontend(2))).await;
    one.client.submit(node("a:1", "dc1", "r1")).await.unwrap();
    one.client.submit(create_keyspace("ks", simple("1"))).await.unwrap();
    certainly(&one, "before").await;

    let leader = running.iter().find(|(_, member)| member.service.is_leader());
    let leader = *leader.expect("one leads").0;
    running.remove(&leader).unwrap().stop().await;
    certainly(&other, "without").await;
    let restarted = start(leader).await;
    certainly(&one, "after").await;
    for user in [&one, &other] {
        let mut catalog = user.client.catalog();
        let complete = catalog.wait_for(|catalog| {
            ["before", "without", "after"].iter().all(|name| catalog.table("ks", name).is_some())
        });
        timeout(Duration::from_secs(10), complete).await.expect("in time").unwrap();
    }
    let mut theirs = restarted.service.catalog();
    let caught_up = theirs.wait_for(|catalog| catalog.table("ks", "after").is_some());
    let caught_up =
        Arc::clone(&timeout(Duration::from_secs(10), caught_up).await.unwrap().unwrap());
    let table = |name| caught_up.table("ks", name).map(|table| table.id);
    let seen = one.client.catalog().borrow().clone();
    for name in ["before", "without", "after"] {
        assert_eq!(table(name), seen.table("ks", name).map(|table| table.id));
    }
}
