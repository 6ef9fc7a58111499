//! `system_cellar` and `system.size_estimates`.

use cellar_metadata_api::{CellId, CellLoad, Epoch, Event, HotPartition, NodeReport, Overview};
use cellar_schema::CqlType::{Bigint, Int, Text};

use crate::{client::Client, metadata};

/// As the leader of the metadata service tells it, with the table `ks.t`.
fn overview(client: &Client) -> Overview {
    let catalog = client.metadata.now();
    let table = catalog.table("ks", "t").unwrap().id;
    let load = CellLoad {
        cell: CellId(1),
        epoch: Epoch(1),
        leads: true,
        voters: vec![metadata::NODE],
        applied_index: 9,
        hot_bytes: 10_000,
        cold_bytes: 240,
        reads_per_second: 5,
        writes_per_second: 6,
    };
    let hot = HotPartition { cell: CellId(1), table, token: -7, key: vec![1], per_second: 900 };
    let report = NodeReport {
        node: metadata::NODE,
        cells: vec![load],
        hot_partitions: vec![hot],
        disk_free_bytes: 100,
        disk_total_bytes: 200,
        moved_bytes: 3,
        damaged_cells: Vec::new(),
        healed_cells: 0,
        damaged_blocks: cellar_metadata_api::DamagedBlocks::default(),
    };
    let event = |at_ms, kind: &str| Event {
        at_ms,
        kind: kind.to_owned(),
        cell: Some(CellId(1)),
        epoch: None,
        node: None,
        detail: "of a test".to_owned(),
    };
    Overview {
        nodes: vec![(catalog.nodes[&metadata::NODE].clone(), Some((report, 40)))],
        events: vec![event(1_000, "split.commit"), event(1_000, "leader"), event(500, "late")],
    }
}

#[tokio::test]
async fn cells_and_nodes_are_there_without_an_overview_and_say_more_with_one() {
    let mut client = Client::connect().await;
    let cells = "SELECT cell, epoch, leader, hot_bytes FROM system_cellar.cells";
    let types = [Bigint, Bigint, Bigint, Bigint];
    assert_eq!(client.rows(cells, &types).await, [["1", "1", "null", "null"]]);
    client.metadata.know(overview(&client));
    assert_eq!(client.rows(cells, &types).await, [["1", "1", "1", "10000"]]);
    let nodes = "SELECT node, state, cells_led, reported_ms_ago FROM system_cellar.nodes";
    let types = [Bigint, Text, Int, Bigint];
    assert_eq!(client.rows(nodes, &types).await, [["1", "'up'", "1", "40"]]);
}

#[tokio::test]
async fn what_only_the_overview_knows_is_refused_clearly_without_one() {
    let mut client = Client::connect().await;
    let hot = "SELECT table_name, partition_token, per_second FROM system_cellar.hot_partitions
               WHERE keyspace_name = 'ks'";
    for table in [hot, "SELECT * FROM system_cellar.events"] {
        assert!(client.refusal(table).await.contains("no overview is kept here"), "{table}");
    }
    client.metadata.know(overview(&client));
    let types = [Text, Bigint, Bigint];
    assert_eq!(client.rows(hot, &types).await, [["'t'", "-7", "900"]]);
    let events = "SELECT kind FROM system_cellar.events WHERE scope = 'cluster'";
    let newest_first = [["'leader'"], ["'split.commit'"], ["'late'"]];
    assert_eq!(client.rows(events, &[Text]).await, newest_first);
}

#[tokio::test]
async fn the_tables_of_system_cellar_are_in_the_virtual_schema() {
    let mut client = Client::connect().await;
    let tables = "SELECT table_name FROM system_virtual_schema.tables
                  WHERE keyspace_name = 'system_cellar'";
    let found = client.rows(tables, &[Text]).await.concat();
    assert_eq!(found, ["'cells'", "'events'", "'hot_partitions'", "'nodes'"]);
    let refused = client.refusal("CREATE TABLE system_cellar.x (k int PRIMARY KEY)").await;
    assert!(refused.contains("not user-modifiable"), "{refused}");
}

/// Ranges of a table, as the Spark connector reads them.
async fn ranges(client: &mut Client) -> Vec<(i64, i64, i64, i64)> {
    let text = "SELECT range_start, range_end, partitions_count, mean_partition_size
                FROM system.size_estimates WHERE keyspace_name = 'ks' AND table_name = 't'";
    let rows = client.rows(text, &[Text, Text, Bigint, Bigint]).await;
    let number = |text: &String| text.trim_matches('\'').parse().unwrap();
    let mut ranges: Vec<(i64, i64, i64, i64)> = rows
        .iter()
        .map(|row| (number(&row[0]), number(&row[1]), number(&row[2]), number(&row[3])))
        .collect();
    ranges.sort_unstable();
    ranges
}

#[tokio::test]
async fn size_estimates_cover_the_ring_whatever_the_cells_are() {
    let mut client = Client::connect().await;
    assert_eq!(ranges(&mut client).await, [(i64::MIN, i64::MIN, 0, 0)]);
    client.metadata.know(overview(&client));
    assert_eq!(ranges(&mut client).await, [(i64::MIN, i64::MIN, 10, 1_024)]);
    let table = client.metadata.now().table("ks", "t").unwrap().id;
    // Before the table, at its begin, inside, and after it.
    for (token, right) in [(i64::MIN, 2), (-100, 3), (5_000, 4)] {
        client.metadata.split(table, token, CellId(right));
    }
    client.metadata.split(cellar_schema::TableId(table.0 + 1), 77, CellId(5));
    let found = ranges(&mut client).await;
    let borders: Vec<(i64, i64)> = found.iter().map(|range| (range.0, range.1)).collect();
    assert_eq!(borders, [(i64::MIN, -101), (-101, 4_999), (4_999, i64::MIN)]);
}
