//! The service over the network: what one client does, all see; restarts and absences.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

mod harness;

use std::{sync::Arc, time::Duration};

use cellar_metadata_api::{
    Answer, Catalog, Command, Metadata, MetadataError, NodeId, NodeState, protocol::Identity,
};
use cellar_schema::CqlType;
use harness::{
    service::{Member, User, frontend, user},
    *,
};
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(20);

async fn do_it(user: &User, command: Command) -> Answer {
    user.client.submit(command).await.unwrap()
}

async fn until(metadata: &impl Metadata, holds: impl FnMut(&Arc<Catalog>) -> bool) -> Arc<Catalog> {
    let mut catalog = metadata.catalog();
    let seen = timeout(LONG, catalog.wait_for(holds)).await.expect("in time");
    Arc::clone(&seen.unwrap())
}

fn now(user: &User) -> Arc<Catalog> {
    Arc::clone(&user.client.catalog().borrow())
}

fn table(name: &str) -> Command {
    create_table(name, &[("k", CqlType::Int, KEY)])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_frontend_created_the_other_serves_when_the_first_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let member = Member::start(dir.path(), None).await;
    let first = user(member.address, Identity::Frontend(frontend(1))).await;
    let second = user(member.address, Identity::Frontend(frontend(2))).await;
    do_it(&first, node("a:1", "dc1", "r1")).await;
    do_it(&first, create_keyspace("ks", simple("1"))).await;
    assert!(now(&second).keyspace("ks").is_some());
    for number in 0..50 {
        let name = format!("t{number}");
        let (one, other) = if number % 2 == 0 { (&first, &second) } else { (&second, &first) };
        do_it(one, table(&name)).await;
        assert!(now(other).table("ks", &name).is_some(), "{name} is not served by the other");
        assert!(now(one).table("ks", &name).is_some(), "{name} is not served by its creator");
    }
    assert_eq!(now(&first).to_update(), now(&second).to_update());
    let in_process = Arc::clone(&member.service.catalog().borrow());
    assert_eq!(now(&first).schema_version(), in_process.schema_version());
    let refused = second.client.submit(table("t0")).await.unwrap_err();
    let (keyspace, t0) = ("ks".to_owned(), Some("t0".to_owned()));
    assert_eq!(refused, MetadataError::AlreadyExists { keyspace, table: t0 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_everything_and_clients_come_back_by_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let member = Member::start(dir.path(), None).await;
    let address = member.address;
    let one = user(address, Identity::Frontend(frontend(1))).await;
    do_it(&one, node("a:1", "dc1", "r1")).await;
    do_it(&one, create_keyspace("ks", simple("1"))).await;
    do_it(&one, table("t")).await;
    let before = now(&one);
    member.stop().await;
    assert_eq!(now(&one).to_update(), before.to_update(), "the catalog stays while nobody serves");

    let member = Member::start(dir.path(), Some(address)).await;
    let back = Arc::clone(&member.service.catalog().borrow());
    assert_eq!(back.keyspaces, before.keyspaces);
    assert_eq!(back.placements, before.placements);
    do_it(&one, table("u")).await;
    assert!(now(&one).table("ks", "t").is_some() && now(&one).table("ks", "u").is_some());
    let ids: Vec<_> = now(&one).keyspaces["ks"].tables.values().map(|table| table.id.0).collect();
    assert_eq!(ids, [16, 17], "ids go on where they were");

    // Once more, with the state in the snapshot file and a short log behind it.
    member.service.group().compact().await.unwrap();
    do_it(&one, table("v")).await;
    let before = now(&one);
    member.stop().await;
    let member = Member::start(dir.path(), Some(address)).await;
    let back = Arc::clone(&member.service.catalog().borrow());
    assert_eq!(back.keyspaces, before.keyspaces);
    do_it(&one, table("w")).await;
    let newcomer = user(address, Identity::Frontend(frontend(2))).await;
    assert_eq!(
        now(&newcomer).to_update(),
        until(&one.client, |c| c.frontends.len() == 2).await.to_update()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_service_commands_fail_definitely_and_the_catalog_stays() {
    let dir = tempfile::tempdir().unwrap();
    let member = Member::start(dir.path(), None).await;
    let one = user(member.address, Identity::Observer("test".to_owned())).await;
    do_it(&one, create_keyspace("ks", simple("1"))).await;
    member.stop().await;
    let error = timeout(LONG, one.client.submit(table("t"))).await.expect("in time").unwrap_err();
    assert!(matches!(error, MetadataError::Unavailable { .. }), "{error}");
    assert!(now(&one).keyspace("ks").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_creations_if_not_exists_one_creates_and_all_agree() {
    let dir = tempfile::tempdir().unwrap();
    let member = Member::start(dir.path(), None).await;
    let mut users = Vec::new();
    for number in 0..4 {
        users.push(user(member.address, Identity::Frontend(frontend(number))).await);
    }
    do_it(&users[0], create_keyspace("ks", simple("1"))).await;
    for round in 0..10 {
        let name = format!("t{round}");
        let attempts = users.iter().enumerate().map(|(number, user)| {
            let mut definition = new_table(&name, &[("k", CqlType::Int, KEY)]);
            definition.uuid = uuid::Uuid::from_u128(u128::try_from(number).unwrap());
            let command = Command::CreateTable { definition, if_not_exists: true };
            async move {
                let answer = do_it(user, command).await;
                let table = Arc::clone(now(user).table("ks", &name_of(round)).unwrap());
                (event(&answer).is_some(), table)
            }
        });
        let seen = futures::future::join_all(attempts).await;
        assert_eq!(seen.iter().filter(|(created, _)| *created).count(), 1, "{name}");
        let (_, first) = &seen[0];
        assert!(seen.iter().all(|(_, table)| table == first), "{name}: {seen:?}");
    }
}

fn name_of(round: i32) -> String {
    format!("t{round}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frontend_that_does_not_follow_delays_a_change_only_so_long_and_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let member = Member::start_with(dir.path(), None, |options| options.served_ms_max = 300).await;
    let one = user(member.address, Identity::Frontend(frontend(1))).await;
    // A watch that is read and never acknowledged, as by a process that hangs after reading.
    let tasks = cellar_rpc::tasks::Tasks::new();
    let pool = cellar_rpc::Pool::new(cellar_rpc::ClientConfig::default(), &tasks);
    let mut stuck = frontend(2);
    stuck.cql_address = "127.0.0.2:9042".parse().unwrap();
    let request = cellar_metadata_api::protocol::WatchRequest {
        identity: Identity::Frontend(stuck),
        watch: 7,
        version: 0,
        takes_cells: true,
    };
    let stream: cellar_rpc::Subscription<cellar_metadata_api::Update> = pool
        .client(&member.address.to_string())
        .stream(cellar_metadata_api::protocol::WATCH, &request, LONG)
        .await
        .unwrap();
    until(&one.client, |catalog| catalog.frontends.len() == 2).await;
    let Answer::Schema { warnings, change, .. } =
        do_it(&one, create_keyspace("ks", simple("1"))).await
    else {
        panic!("not a change of the schema")
    };
    assert!(change.is_some());
    assert!(warnings.iter().any(|text| text.contains("127.0.0.2:9042")), "{warnings:?}");
    drop(stream);
    let settled = async {
        loop {
            let name = format!("ks{}", fastrand_name());
            match do_it(&one, create_keyspace(&name, simple("1"))).await {
                Answer::Schema { warnings, .. } if warnings.is_empty() => return,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    timeout(LONG, settled).await.expect("nobody waits for a frontend that is gone");
}

fn fastrand_name() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_out_of_touch_are_marked_and_frontends_removed_and_both_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let member = Member::start_with(dir.path(), None, |options| options.absent_ms_max = 700).await;
    let operator = user(member.address, Identity::Observer("test".to_owned())).await;
    do_it(&operator, node("a:1", "dc1", "r1")).await;
    let state = |wanted: NodeState| {
        move |catalog: &Arc<Catalog>| {
            catalog.nodes.get(&NodeId(1)).is_some_and(|node| node.state == wanted)
        }
    };
    until(&operator.client, state(NodeState::Down)).await;
    let a = user(member.address, Identity::Node(NodeId(1))).await;
    until(&operator.client, state(NodeState::Up)).await;
    let f = user(member.address, Identity::Frontend(frontend(1))).await;
    until(&operator.client, |catalog| catalog.frontends.len() == 1).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(now(&operator).frontends.len(), 1, "one that watches is not removed");
    assert!(state(NodeState::Up)(&now(&operator)));
    a.tasks.token().cancel();
    f.tasks.token().cancel();
    until(&operator.client, state(NodeState::Down)).await;
    until(&operator.client, |catalog| catalog.frontends.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_one_process_the_service_itself_is_the_metadata() {
    let dir = tempfile::tempdir().unwrap();
    let member = Member::start_with(dir.path(), None, |options| options.absent_ms_max = 300).await;
    let registered = member.service.submit(node("a:1", "dc1", "r1")).await.unwrap();
    assert_eq!(registered, Answer::Node(NodeId(1)));
    let frontend = Command::RegisterFrontend { frontend: frontend(1) };
    member.service.submit(frontend).await.unwrap();
    member.service.submit(create_keyspace("ks", simple("1"))).await.unwrap();
    assert!(member.service.catalog().borrow().keyspace("ks").is_some());
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let catalog = Arc::clone(&member.service.catalog().borrow());
    assert_eq!(catalog.frontends.len(), 1, "a local frontend needs no watch");
    assert!(catalog.nodes.values().all(|node| node.state == NodeState::Up));
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_reach_the_leader_and_the_overview_has_them_with_what_happened() {
    let dir = tempfile::tempdir().unwrap();
    let member = Member::start(dir.path(), None).await;
    let one = user(member.address, Identity::Observer("test".to_owned())).await;
    do_it(&one, node("a:1", "dc1", "r1")).await;
    do_it(&one, create_keyspace("ks", simple("1"))).await;
    let report = cellar_metadata_api::NodeReport {
        node: NodeId(1),
        cells: Vec::new(),
        hot_partitions: Vec::new(),
        disk_free_bytes: 5,
        disk_total_bytes: 10,
        moved_bytes: 0,
        damaged_cells: Vec::new(),
        healed_cells: 0,
        damaged_blocks: cellar_metadata_api::DamagedBlocks::default(),
    };
    one.client.report(report.clone()).await.unwrap();
    let told = async {
        loop {
            let overview = one.client.overview().await.unwrap();
            let kinds: Vec<&str> = overview.events.iter().map(|e| e.kind.as_str()).collect();
            if kinds.contains(&"node.joined") && kinds.contains(&"cell.created") {
                return overview;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let overview = timeout(LONG, told).await.expect("the events are told");
    let (node, said) = &overview.nodes[0];
    assert_eq!(node.id, NodeId(1));
    assert_eq!(said.as_ref().map(|(report, _)| report), Some(&report));
    assert!(overview.events.iter().all(|event| event.at_ms > 0));
    let here = member.service.overview().await.unwrap();
    assert!(here.events.len() >= overview.events.len(), "in the same process as well");
}
