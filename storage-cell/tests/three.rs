//! Three nodes over the loopback, each cell on all of them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

mod cluster;

use std::{sync::Arc, time::Duration};

use cellar_cell_api::{
    AdminAnswer, AdminRequest, CellError, CellReport, CellService, Page, ReadLevel,
};
use cellar_metadata_api::{Command, NewTable, NodeId, Position};
use cellar_schema::{AgeOf, ChangeKind, TableOptions, TieringPolicy};
use cluster::{tables, trio::Trio, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writes_survive_the_loss_of_the_leader_and_reach_every_replica() {
    let mut trio = Trio::start().await;
    for k in 0..20 {
        trio.write(trio.table.insert(k, 0, "first")).await;
    }
    let leader = trio.leader().await;
    trio.members[leader].take().unwrap().stop().await;
    for k in 20..40 {
        trio.write(trio.table.insert(k, 0, "second")).await;
    }
    let next = trio.leader().await;
    assert_ne!(next, leader);
    for k in 0..40 {
        let leading = trio.members[next].as_ref().unwrap();
        let page = trio.page(leading, ReadLevel::Leader, k).await.unwrap();
        assert_eq!(page.rows.len(), 1, "{k}");
    }
    trio.restart(leader).await;
    for k in 0..40 {
        trio.has(leader, k).await;
    }
    for member in trio.members.into_iter().flatten() {
        member.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cold_rows_are_read_by_every_replica_and_outlive_the_node_that_moved_them() {
    let mut trio = Trio::start().await;
    let wide = Arc::clone(&trio.table.0);
    let columns = wide.columns.iter();
    let tiering = TieringPolicy { age_of: AgeOf::WriteTime, hot_seconds: 1 };
    let definition = NewTable {
        keyspace: "ks".to_owned(),
        name: "tiered".to_owned(),
        uuid: wide.uuid,
        columns: columns.map(|c| (c.name.clone(), c.cql_type.clone(), c.kind)).collect(),
        options: TableOptions { tiering: Some(tiering), ..TableOptions::default() },
        tiering_column: None,
    };
    trio.metadata.run(&Command::CreateTable { definition, if_not_exists: false }).unwrap();
    trio.table = tables::table(&trio.metadata, "tiered");
    for k in 0..30 {
        trio.write(trio.table.insert(k, 0, "x")).await;
    }
    let leader = trio.leader().await;
    let mut moved = 0;
    within("all rows are cold", async || {
        let leading = trio.members[leader].as_ref().unwrap();
        match leading.node.admin(AdminRequest::Tier { cell: None }).await.unwrap() {
            AdminAnswer::Tiered { rows, .. } => moved += rows,
            other => panic!("{other:?}"),
        }
        moved == 30
    })
    .await;
    for number in 0..3 {
        for k in 0..30 {
            trio.has(number, k).await;
        }
        // A row that is still hot there is read, too.
        within("the replica has the segments", async || {
            let cells = trio.members[number].as_ref().unwrap().cells().await;
            cells.iter().map(|cell| cell.cold_rows).sum::<u64>() == 30
        })
        .await;
    }
    trio.members[leader].take().unwrap().stop().await;
    // Late writes to cold rows, by another leader.
    for k in 0..10 {
        trio.write(trio.table.mutation(k, ChangeKind::DeletePartition)).await;
    }
    let next = trio.leader().await;
    trio.restart(leader).await;
    for k in 0..30 {
        let expected = usize::from(k >= 10);
        let leading = trio.members[next].as_ref().unwrap();
        let page = trio.page(leading, ReadLevel::Leader, k).await.unwrap();
        assert_eq!(page.rows.len(), expected, "{k}");
        let back = trio.members[leader].as_ref().unwrap();
        within("the node that was away knows of it", async || {
            let page = trio.page(back, ReadLevel::Any, k).await;
            page.is_ok_and(|page| page.rows.len() == expected)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_split_is_made_by_every_replica_and_the_right_half_has_a_leader() {
    let mut trio = Trio::start().await;
    for k in 0..20 {
        trio.write(trio.table.insert(k, 0, "x")).await;
    }
    let leader = trio.leader().await;
    let leading = trio.members[leader].as_ref().unwrap();
    let cell = leading.cells().await[0].cell;
    let at = Some(Position::new(trio.table.0.id, 0));
    let split = leading.node.admin(AdminRequest::Split { cell, at }).await.unwrap();
    assert!(matches!(split, AdminAnswer::Split(_)));
    for k in 20..40 {
        trio.write(trio.table.insert(k, 0, "x")).await;
    }
    // The one that was away follows, whichever half it reads.
    let away = (leader + 1) % 3;
    trio.members[away].take().unwrap().stop().await;
    for k in 40..60 {
        trio.write(trio.table.insert(k, 0, "x")).await;
    }
    trio.restart(away).await;
    for k in 0..60 {
        trio.has(away, k).await;
    }
    let ranges = |cells: Vec<CellReport>| -> Vec<_> {
        cells.into_iter().map(|cell| (cell.cell, cell.range, cell.epoch)).collect()
    };
    let mut all = Vec::new();
    for member in trio.running() {
        let replicas: Vec<NodeId> = member.cells().await[0].replicas.clone();
        assert_eq!(replicas.len(), 3);
        all.push(ranges(member.cells().await));
    }
    assert_eq!(all[0].len(), 2);
    assert!(all.iter().all(|ranges| *ranges == all[0]), "{all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_that_has_heard_no_leader_for_a_second_answers_no_reads_of_any_level() {
    let mut trio = Trio::start().await;
    trio.write(trio.table.insert(1, 0, "x")).await;
    let leader = trio.leader().await;
    let (left, other) = ((leader + 1) % 3, (leader + 2) % 3);
    for number in 0..3 {
        trio.has(number, 1).await;
    }
    trio.members[leader].take().unwrap().stop().await;
    trio.members[other].take().unwrap().stop().await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let refused = |page: Result<Page, CellError>| {
        assert!(matches!(page, Err(CellError::NotLeader { .. })), "{page:?}");
    };
    refused(trio.page(trio.members[left].as_ref().unwrap(), ReadLevel::Any, 1).await);
    // Nor does it after a restart, when it knows nothing of a leader.
    trio.members[left].take().unwrap().stop().await;
    trio.restart(left).await;
    refused(trio.page(trio.members[left].as_ref().unwrap(), ReadLevel::Any, 1).await);
    trio.restart(other).await;
    for number in [left, other] {
        trio.has(number, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_that_missed_a_split_and_its_log_gets_both_halves_with_all_rows() {
    let mut trio = Trio::start().await;
    for k in 0..20 {
        trio.write(trio.table.insert(k, 0, "x")).await;
    }
    let leader = trio.leader().await;
    let (away, other) = ((leader + 1) % 3, (leader + 2) % 3);
    trio.members[away].take().unwrap().stop().await;
    let leading = trio.members[leader].as_ref().unwrap();
    let cell = leading.cells().await[0].cell;
    let at = Some(Position::new(trio.table.0.id, 0));
    leading.node.admin(AdminRequest::Split { cell, at }).await.unwrap();
    let large = "x".repeat(1 << 20);
    for k in 20..50 {
        trio.write(trio.table.insert(k, 0, &large)).await;
    }
    // The log is looked at once a second.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    trio.restart(away).await;
    for k in 0..50 {
        trio.has(away, k).await;
    }
    trio.members[away].take().unwrap().stop().await;
    trio.restart(away).await;
    trio.members[other].take().unwrap().stop().await;
    for k in 50..60 {
        trio.write(trio.table.insert(k, 0, "x")).await;
        trio.has(away, k).await;
    }
    for k in 0..50 {
        trio.has(away, k).await;
    }
}
