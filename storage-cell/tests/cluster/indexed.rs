//! Reads by an index, compared with what a scan shows.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use cellar_metadata_api::{Command, NewIndex};
use cellar_schema::{ColumnKind, IndexPart, IndexProbe, IndexTarget, Row, RowKind, Table, keys};

use super::{Cluster, FakeMetadata, read, tables::Known};

/// Creates an index, unless there is one of this name or the like.
pub fn create_index(metadata: &FakeMetadata, table: &str, name: &str, on: (&str, IndexPart)) {
    let definition = NewIndex {
        keyspace: "ks".to_owned(),
        table: table.to_owned(),
        name: Some(name.to_owned()),
        targets: vec![(on.0.to_owned(), on.1)],
        class: None,
        custom: false,
        options: BTreeMap::default(),
    };
    drop(metadata.run(&Command::CreateIndex { definition, if_not_exists: true }));
}

pub fn drop_index(metadata: &FakeMetadata, name: &str) {
    let (keyspace, name) = ("ks".to_owned(), name.to_owned());
    metadata.run(&Command::DropIndex { keyspace, name, if_exists: true }).unwrap();
}

/// What a read by an index brought.
#[derive(Debug, Default)]
pub struct Probed {
    pub rows: Vec<(Bytes, Row)>,
    pub examined: u64,
    pub pages: usize,
}

impl Cluster {
    /// Everything in a table that a probe leads to, page by page.
    pub async fn probe(&self, table: &Table, probe: &IndexProbe, rows_max: u32) -> Probed {
        let start = keys::position_key(table.id, i64::MIN);
        let mut read = read(start, keys::table_range(table.id).1);
        read.rows_max = rows_max;
        read.probe = Some(probe.clone());
        let mut probed = Probed::default();
        loop {
            let page = self.page(read.clone()).await.unwrap();
            assert!(page.rows.len() <= rows_max as usize);
            probed.rows.extend(page.rows);
            probed.examined += page.examined_rows;
            probed.pages += 1;
            match page.resume {
                Some(resume) => read.start = resume,
                None => return probed,
            }
        }
    }
}

fn kind_of(key: &Bytes) -> (Bytes, RowKind) {
    let (partition, suffix) = keys::split(key).unwrap();
    (partition, keys::kind_of(&suffix).unwrap())
}

/// The keys that a read by this probe has to bring, out of all live rows.
fn wanted(table: &Table, probe: &IndexProbe, rows: &[(Bytes, Row)]) -> BTreeSet<Bytes> {
    let column = table.column_by_id(probe.target.column).unwrap();
    let hits = |(key, row): &&(Bytes, Row)| {
        let terms = table.terms(probe.target, key, row).unwrap();
        let within = |term: &Bytes| probe.ranges.iter().any(|(a, b)| a <= term && term <= b);
        terms.iter().any(within)
    };
    let found: BTreeSet<&Bytes> = rows.iter().filter(hits).map(|(key, _)| key).collect();
    let partitions: BTreeSet<Bytes> = found.iter().map(|key| kind_of(key).0).collect();
    let is_wanted = |key: &Bytes| {
        let (partition, kind) = kind_of(key);
        let with_it = column.kind == ColumnKind::Static || kind == RowKind::Static;
        found.contains(key) || with_it && partitions.contains(&partition)
    };
    rows.iter().map(|(key, _)| key.clone()).filter(is_wanted).collect()
}

/// Compares a read by an index with a scan at the same time; says how many rows were wanted.
pub async fn assert_as_scanned(
    cluster: &Cluster,
    table: &Known,
    probe: &IndexProbe,
    rows_max: u32,
) -> usize {
    let scanned = cluster.table(table.0.id).await;
    let probed = cluster.probe(&table.0, probe, rows_max).await;
    let all: BTreeMap<&Bytes, &Row> = scanned.iter().map(|(key, row)| (key, row)).collect();
    for (key, row) in &probed.rows {
        assert_eq!(all.get(key), Some(&row), "a row that a scan does not show: {key:?}");
    }
    let order: Vec<&Bytes> = probed.rows.iter().map(|(key, _)| key).collect();
    assert!(order.windows(2).all(|pair| pair[0] < pair[1]), "not in order, or twice: {order:?}");
    let wanted = wanted(&table.0, probe, &scanned);
    let found: BTreeSet<Bytes> = order.into_iter().cloned().collect();
    let missing: Vec<&Bytes> = wanted.difference(&found).collect();
    assert!(missing.is_empty(), "{probe:?} does not find {missing:?}");
    wanted.len()
}

/// Waits until a read by an index does not look at other rows.
pub async fn is_answered_by_it(cluster: &Cluster, table: &Table, probe: &IndexProbe, most: u64) {
    super::within("the index has all rows", async || {
        cluster.probe(table, probe, 1_000).await.examined <= most
    })
    .await;
}

/// The target of an index there is.
pub fn target(table: &Known, column: &str, part: IndexPart) -> IndexTarget {
    table.0.index_target(table.column(column), part).unwrap()
}
