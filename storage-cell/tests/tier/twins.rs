//! A table whose rows become cold and one whose rows stay hot get the same random writes; they
//! must answer alike and hold the same at any time.

use std::sync::Arc;

use bytes::Bytes;
use cellar_cell_api::{AdminRequest, CellError, CellService, Outcome, Write};
use cellar_metadata_api::{Command, NewTable};
use cellar_schema::{
    AgeOf, Change, ChangeKind, ColumnData, ColumnId, Comparison, Condition, Mutation, Operation,
    Row, TableOptions, Test, TieringPolicy, keys, value,
};
use uuid::Uuid;

use crate::cluster::{
    Cluster, FakeMetadata, START_US,
    tables::{Known, table},
};

/// Rows written longer ago are cold.
pub(crate) const HOT_SECONDS: i64 = 100;

/// A table like `wide` whose rows become cold by their write time.
pub(crate) fn create_tiered(metadata: &FakeMetadata, name: &str) -> Known {
    let wide = table(metadata, "wide").0;
    let columns = wide.columns.iter();
    let policy =
        TieringPolicy { age_of: AgeOf::WriteTime, hot_seconds: HOT_SECONDS.unsigned_abs() };
    let definition = NewTable {
        keyspace: "ks".to_owned(),
        name: name.to_owned(),
        uuid: Uuid::from_u128(8),
        columns: columns.map(|c| (c.name.clone(), c.cql_type.clone(), c.kind)).collect(),
        options: TableOptions { tiering: Some(policy), ..TableOptions::default() },
        tiering_column: None,
    };
    metadata.run(&Command::CreateTable { definition, if_not_exists: false }).unwrap();
    table(metadata, name)
}

pub(crate) fn drop_table(metadata: &FakeMetadata, name: &str) {
    let (keyspace, name) = ("ks".to_owned(), name.to_owned());
    metadata.run(&Command::DropTable { keyspace, name, if_exists: false }).unwrap();
}

/// Files in the cold store.
pub(crate) fn objects(cluster: &Cluster) -> usize {
    fn count(folder: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
        entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
    }
    count(&cluster.dir.path().join("cold"))
}

/// Kills the node when an object has just been written.
pub(crate) async fn die_while_moving(cluster: &mut Cluster) {
    let before = objects(cluster);
    let node = Arc::clone(cluster.node());
    let moving = tokio::spawn(async move { node.admin(AdminRequest::Tier { cell: None }).await });
    while objects(cluster) == before && !moving.is_finished() {
        tokio::task::yield_now().await;
    }
    cluster.crash().await;
    drop(moving.await);
}

/// The text in a simple column.
pub(crate) fn text(row: &Row, column: ColumnId) -> String {
    match &row.columns.iter().find(|(id, _)| *id == column).unwrap().1 {
        ColumnData::Simple(simple) => {
            value::as_str(simple.value.as_ref().unwrap()).unwrap().to_owned()
        }
        other => panic!("{other:?}"),
    }
}

/// The list of ints of a row.
pub(crate) fn ints(row: &Row, table: &Known) -> Vec<i32> {
    let id = table.column("l");
    let cql_type = &table.0.column_by_id(id).unwrap().cql_type;
    let list = row.wire_value(id, cql_type);
    let elements = list.map(|list| value::list_elements(&list).unwrap()).unwrap_or_default();
    elements.iter().map(|element| value::as_i32(element).unwrap()).collect()
}

/// What a client sees of a row, without times.
type Seen = (Bytes, bool, Vec<(ColumnId, Bytes)>);

fn seen(table: &Known, key: &Bytes, row: &Row) -> Seen {
    let values = table
        .0
        .columns
        .iter()
        .filter_map(|column| Some((column.id, row.wire_value(column.id, &column.cql_type)?)));
    (key.slice(4..), row.marker.is_some(), values.collect())
}

fn seen_outcome(table: &Known, outcome: &Result<Outcome, CellError>) -> String {
    let rows = |rows: &[Option<Row>]| {
        let nowhere = Bytes::from_static(&[0; 4]);
        rows.iter()
            .map(|row| row.as_ref().map(|row| seen(table, &nowhere, row)))
            .collect::<Vec<_>>()
    };
    match outcome {
        Ok(Outcome::Applied { previous, .. }) => format!("applied {:?}", rows(previous)),
        Ok(Outcome::NotApplied { current, .. }) => format!("not applied {:?}", rows(current)),
        Ok(other @ Outcome::Begun { .. }) => panic!("{other:?}"),
        Err(CellError::Invalid { message }) => format!("invalid {message}"),
        Err(error) => panic!("{error}"),
    }
}

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }

    fn int(&mut self, most: u64) -> i32 {
        i32::try_from(self.below(most)).unwrap()
    }
}

/// One random write, for either table.
fn write(numbers: &mut Numbers) -> impl Fn(&Known) -> Write + use<> {
    let (k, c, n) = (numbers.int(4), numbers.int(6), numbers.int(5));
    let (kind, test, ttl) = (numbers.below(16), numbers.below(9), numbers.below(5));
    let (end, late) = (numbers.int(6), numbers.below(8));
    move |table: &Known| {
        let suffix = table.suffix(c);
        let row = |column, operation| table.upsert(k, suffix.clone(), column, operation);
        let list = vec![value::int(n), value::int(n + 1)];
        let mut mutation: Mutation = match kind {
            0..=3 => table.insert(k, c, &format!("v{n}")),
            4 => table.insert_static(k, &format!("s{n}")),
            5 => table.mutation(k, ChangeKind::DeleteRow { suffix }),
            6 => table.mutation(k, ChangeKind::DeletePartition),
            7 => {
                let (start, end) = (table.suffix(c.min(end)), table.suffix(c.max(end)));
                table.mutation(k, ChangeKind::DeleteRange { start, end })
            }
            8 => row("v", Operation::Delete),
            9 => row("l", Operation::ListAppend(list)),
            10 => row("l", Operation::ListPrepend(list)),
            11 => row("l", Operation::ListReplace(list)),
            12 => row("l", Operation::ListSet(c % 3, Some(value::int(n)))),
            13 => row("l", Operation::ListSet(0, None)),
            14 => row("l", Operation::ListDiscard(list)),
            _ => row("l", Operation::Delete),
        };
        for Change { timestamp_us, kind } in &mut mutation.changes {
            if let ChangeKind::Upsert(change) = kind {
                change.ttl_seconds = if ttl == 0 { 150 } else { 0 };
                change.marker &= n != 0;
            }
            // A client with a clock of its own; conditions take none.
            let own = late == 0 && test >= 3;
            *timestamp_us = own.then_some(START_US + i64::from(n) * 70_000_000);
        }
        let v = |comparison| Test::Column {
            column: table.column("v"),
            cql_type: cellar_schema::CqlType::Text,
            access: cellar_schema::Access::Whole,
            comparison,
        };
        let test = match test {
            0 => Some(Test::Exists),
            1 => Some(Test::NotExists),
            2 => Some(v(Comparison::Equal(Some(value::text(&format!("v{n}")))))),
            _ => None,
        };
        let partition = table.partition(k);
        let condition = |test| Condition { partition, suffix: table.suffix(c), test };
        let conditions = test.map(condition).into_iter().collect();
        Write { id: None, mutations: vec![mutation], conditions, batch: None, now_seconds: None }
    }
}

async fn all(cluster: &Cluster, table: &Known, rows_max: u32) -> Vec<Seen> {
    let start = keys::position_key(table.0.id, i64::MIN);
    let (_, end) = keys::table_range(table.0.id);
    let rows = cluster.span(start, end, rows_max).await;
    rows.iter().map(|(key, row)| seen(table, key, row)).collect()
}

async fn backwards(cluster: &Cluster, table: &Known, k: i32) -> Vec<Seen> {
    let partition = table.partition(k);
    let mut read = crate::cluster::read(partition.clone(), keys::after(&partition));
    (read.reverse, read.rows_max) = (true, 2);
    let mut rows = Vec::new();
    loop {
        // Clients ask the cell that holds the partition.
        let page = cluster.page_of(&partition, read.clone()).await;
        rows.extend(page.rows.iter().map(|(key, row)| seen(table, key, row)));
        match page.resume {
            Some(resume) => read.end = resume,
            None => return rows,
        }
    }
}

async fn run(seed: u64) {
    let mut cluster = Cluster::start().await;
    let tiered = create_tiered(&cluster.metadata, "tiered");
    let hot = table(&cluster.metadata, "wide");
    let mut numbers = Numbers(seed);
    let mut cold = 0;
    for step in 0..250 {
        match numbers.below(12) {
            0 => cluster.clock.advance_us(40_000_000),
            1 => cold += crate::tier(cluster.node()).await,
            2 if numbers.below(8) == 0 => cluster.restart().await,
            3 if numbers.below(8) == 0 => cluster.crash().await,
            4 if numbers.below(20) == 0 => {
                let cell = cluster.placed()[0].id;
                let at = cellar_metadata_api::Position::new(tiered.0.id, 0);
                drop(cluster.split(cell, Some(at)).await);
            }
            _ => {}
        }
        let write = write(&mut numbers);
        let (one, two) = (cluster.write(write(&tiered)).await, cluster.write(write(&hot)).await);
        let (one, two) = (seen_outcome(&tiered, &one), seen_outcome(&hot, &two));
        assert_eq!(one, two, "seed {seed}, step {step}: {:?}", write(&tiered));
        if step % 5 == 0 {
            let (one, two) = (all(&cluster, &tiered, 3).await, all(&cluster, &hot, 1000).await);
            assert_eq!(one, two, "seed {seed}, step {step}");
            let k = numbers.int(4);
            let (one, two) =
                (backwards(&cluster, &tiered, k).await, backwards(&cluster, &hot, k).await);
            assert_eq!(one, two, "seed {seed}, step {step}, backwards");
        }
    }
    assert!(cold > 5, "seed {seed}: only {cold} rows became cold");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_with_cold_rows_cannot_be_told_from_one_without() {
    for seed in 0..6 {
        run(seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_partition_is_hot_and_cold_in_turns_and_reads_in_order_both_ways() {
    let cluster = Cluster::start().await;
    let tiered = create_tiered(&cluster.metadata, "tiered");
    let hot = table(&cluster.metadata, "wide");
    let put_both = async |write: &dyn Fn(&Known) -> Mutation| {
        cluster.put(write(&tiered)).await;
        cluster.put(write(&hot)).await;
    };
    for c in 0..2500 {
        put_both(&|table| table.insert(1, c, "cold")).await;
    }
    cluster.clock.advance_us((HOT_SECONDS + 2) * 1_000_000);
    assert_eq!(crate::tier(cluster.node()).await, 2500);
    for c in (0..2500).step_by(3) {
        match c % 7 {
            0 => put_both(&|table| table.insert(1, c, "hot")).await,
            1 => {
                let row = |table: &Known| ChangeKind::DeleteRow { suffix: table.suffix(c) };
                put_both(&|table| table.mutation(1, row(table))).await;
            }
            2 => put_both(&|table| table.insert(1, c + 10_000, "behind")).await,
            _ => {}
        }
    }
    let slice = |table: &Known| {
        let (start, end) = (table.suffix(700), table.suffix(1900));
        table.mutation(1, ChangeKind::DeleteRange { start, end })
    };
    for deleted in [false, true] {
        if deleted {
            put_both(&slice).await;
        }
        for rows_max in [7, 600, 5000] {
            let (one, two) =
                (all(&cluster, &tiered, rows_max).await, all(&cluster, &hot, rows_max).await);
            assert!(one == two, "{} rows and {} rows", one.len(), two.len());
        }
        let (one, two) =
            (backwards(&cluster, &tiered, 1).await, backwards(&cluster, &hot, 1).await);
        assert!(one == two, "backwards {} rows and {} rows", one.len(), two.len());
    }
}
