//! Members come and go while the service runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail loudly")]

mod harness;

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    path::Path,
    time::Duration,
};

use cellar_metadata_api::{Members, MembersRequest, Metadata, MetadataError, protocol::Identity};
use cellar_schema::CqlType;
use harness::{
    service::{Member, User, user_of},
    *,
};
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(60);

struct Cluster {
    addresses: BTreeMap<u64, SocketAddr>,
    running: BTreeMap<u64, Member>,
}

impl Cluster {
    async fn start(dir: &Path, count: u64) -> Self {
        let ports: Vec<TcpListener> =
            (0..4).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let addresses = (1..).zip(ports.iter().map(|port| port.local_addr().unwrap())).collect();
        drop(ports);
        let mut cluster = Self { addresses, running: BTreeMap::new() };
        for number in (1..=count).rev() {
            cluster.start_one(dir, number).await;
        }
        cluster
    }

    /// Each is told of the first three, whoever it is.
    async fn start_one(&mut self, dir: &Path, number: u64) {
        let dir = dir.join(number.to_string());
        std::fs::create_dir_all(&dir).unwrap();
        let first = self.addresses.iter().filter(|(id, _)| **id <= 3);
        let members: BTreeMap<u64, String> =
            first.map(|(id, address)| (*id, address.to_string())).collect();
        let change = |options: &mut cellar_metadata_raft::ServiceOptions| options.members = members;
        let listen = self.addresses.get(&number).copied();
        self.running.insert(number, Member::start_as(number, &dir, listen, change).await);
    }

    fn address(&self, number: u64) -> String {
        self.addresses.get(&number).unwrap().to_string()
    }

    async fn stop(&mut self, number: u64) {
        self.running.remove(&number).unwrap().stop().await;
    }
}

/// Creates a table, whatever leader changes come in between.
async fn create(user: &User, name: &str) {
    let created = async {
        loop {
            match user.client.submit(create_table(name, &[("k", CqlType::Int, KEY)])).await {
                Ok(_) | Err(MetadataError::AlreadyExists { .. }) => return,
                Err(MetadataError::Unknown { .. } | MetadataError::Unavailable { .. }) => {}
                Err(other) => panic!("{name}: {other}"),
            }
        }
    };
    timeout(LONG, created).await.expect("in time");
}

/// Asks until it is answered; every request may be repeated.
async fn ask(user: &User, request: MembersRequest) -> Members {
    let answered = async {
        loop {
            match user.client.members(request.clone()).await {
                Ok(members) => return members,
                Err(MetadataError::Unknown { .. } | MetadataError::Unavailable { .. }) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(other) => panic!("{request:?}: {other}"),
            }
        }
    };
    timeout(LONG, answered).await.expect("in time")
}

fn voters(members: &Members) -> Vec<u64> {
    members.members.iter().filter(|member| member.votes).map(|member| member.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_member_takes_the_place_of_another_and_counts() {
    let dir = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::start(dir.path(), 3).await;
    let known: Vec<String> = (1..=3).map(|number| cluster.address(number)).collect();
    let user = user_of(&known, Identity::Observer("test".to_owned())).await;
    user.client.submit(node("a:1", "dc1", "r1")).await.unwrap();
    user.client.submit(create_keyspace("ks", simple("1"))).await.unwrap();
    create(&user, "before").await;
    // The log no longer reaches back to the beginning: a newcomer needs the snapshot.
    for member in cluster.running.values() {
        let _ = member.service.group().compact().await;
    }
    assert_eq!(voters(&ask(&user, MembersRequest::Show).await), [1, 2, 3]);

    cluster.start_one(dir.path(), 4).await;
    let add = MembersRequest::Add { id: 4, address: cluster.address(4) };
    assert_eq!(voters(&ask(&user, add.clone()).await), [1, 2, 3, 4]);
    assert_eq!(voters(&ask(&user, add).await), [1, 2, 3, 4], "asking again changes nothing");
    let members = ask(&user, MembersRequest::Remove { id: 1 }).await;
    assert_eq!(voters(&members), [2, 3, 4]);
    assert_ne!(members.leader, Some(1));
    cluster.stop(1).await;
    create(&user, "without").await;

    // Of the three that vote now one is lost: the newcomer's vote is needed.
    cluster.stop(2).await;
    create(&user, "after").await;
    let mut catalog = cluster.running.get(&4).unwrap().service.catalog();
    let complete = catalog.wait_for(|catalog| {
        ["before", "without", "after"].iter().all(|name| catalog.table("ks", name).is_some())
    });
    timeout(LONG, complete).await.expect("in time").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_would_end_the_service_or_mix_members_up_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::start(dir.path(), 3).await;
    let known: Vec<String> = (1..=3).map(|number| cluster.address(number)).collect();
    let user = user_of(&known, Identity::Observer("test".to_owned())).await;
    ask(&user, MembersRequest::Show).await;
    let mut refused = Vec::new();
    for (id, number) in [(3, 4), (4, 3)] {
        let add = MembersRequest::Add { id, address: cluster.address(number) };
        refused.push(user.client.members(add).await.unwrap_err());
    }
    cluster.stop(3).await;
    // Two would be left, one of them lost.
    let remove = async {
        loop {
            match user.client.members(MembersRequest::Remove { id: 2 }).await {
                Err(error @ MetadataError::Invalid { .. }) => return error,
                Err(MetadataError::Unknown { .. } | MetadataError::Unavailable { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    refused.push(timeout(LONG, remove).await.expect("in time"));
    for error in refused {
        assert!(matches!(error, MetadataError::Invalid { .. }), "{error}");
    }
    assert_eq!(voters(&ask(&user, MembersRequest::Remove { id: 3 }).await), [1, 2]);
}
