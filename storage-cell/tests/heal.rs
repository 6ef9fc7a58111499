//! Bytes that change on the disk of a node among three: other replicas' rows take their place, by
//! themselves, whoever meets the damage.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_sign_loss,
    reason = "tests fail loudly"
)]

mod cluster;

use std::{fs, time::Duration};

use cellar_cell_api::{AdminAnswer, AdminRequest, CellError, CellService, ReadLevel};
use cellar_schema::{ColumnData, Row, value};
use cluster::trio::Trio;

const ROWS: i32 = 1_200;
/// Tables with so many bytes hold rows in their middle, and no records there.
const ROWS_BYTES_MIN: usize = 64 << 10;

/// What row `k` holds; no pattern that compresses well.
fn text(k: i32, version: u32) -> String {
    let mut state = (k as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(version);
    let mut text = format!("{version}:");
    while text.len() < 250 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(&format!("{state:016x}"));
    }
    text
}

fn holds(row: &Row, expected: &str) -> bool {
    match &row.columns[0].1 {
        ColumnData::Simple(simple) => simple.value == Some(value::text(expected)),
        other => panic!("{other:?}"),
    }
}

async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..6_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within a minute: {what}");
}

/// Three nodes with rows that are on their disks.
async fn with_rows() -> Trio {
    let _ = tracing_subscriber::fmt()
        .with_test_writer()
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .try_init();
    let trio = Trio::start().await;
    write(&trio, 1).await;
    for number in 0..3 {
        trio.has(number, ROWS - 1).await;
        flush(&trio, number).await;
    }
    trio
}

async fn write(trio: &Trio, version: u32) {
    for first in (0..ROWS).step_by(50) {
        let writes = (first..first + 50).map(async |k| {
            trio.write(trio.table.insert(k, 0, &text(k, version))).await;
        });
        futures::future::join_all(writes).await;
    }
}

async fn flush(trio: &Trio, number: usize) {
    let member = trio.members[number].as_ref().unwrap();
    let flushed = member.node.admin(AdminRequest::Flush).await.unwrap();
    assert!(matches!(flushed, AdminAnswer::Done));
}

/// Changes bits in the middle of every table with rows.
fn damage(trio: &Trio, number: usize) {
    let mut flipped = 0;
    for entry in fs::read_dir(trio.disk(number).join("rows/tree/tables")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        if bytes.len() < ROWS_BYTES_MIN {
            continue;
        }
        for part in [3, 5, 6] {
            let at = bytes.len() * part / 10;
            bytes[at] ^= 0x10;
            flipped += 1;
        }
        // In place, as a disk would do it.
        let file = fs::File::options().write(true).open(&path).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).unwrap();
    }
    assert!(flipped > 0, "there are no tables with rows");
}

/// Reads every row at a member; how many were refused.
async fn read(trio: &Trio, number: usize, level: ReadLevel, version: u32) -> u32 {
    let member = trio.members[number].as_ref().unwrap();
    let mut refused = 0;
    for k in 0..ROWS {
        match trio.page(member, level, k).await {
            Ok(page) => {
                assert_eq!(page.rows.len(), 1, "row {k} at member {number}");
                assert!(holds(&page.rows[0].1, &text(k, version)), "row {k} at member {number}");
            }
            Err(
                CellError::Damaged { .. }
                | CellError::NotLeader { .. }
                | CellError::WrongCell { .. },
            ) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    refused
}

/// Waits until a member has said that its damage is healed.
async fn healed(trio: &Trio, number: usize) {
    let id = trio.members[number].as_ref().unwrap().node.id();
    eventually("the member is healed", async || {
        let reports = trio.metadata.reports.lock();
        let last = reports.iter().rev().find(|report| report.node == id);
        last.is_some_and(|report| {
            let blocks = report.damaged_blocks;
            report.healed_cells > 0
                && report.damaged_cells.is_empty()
                && blocks.found > 0
                && (blocks.healed, blocks.waiting) == (blocks.found, 0)
        })
    })
    .await;
}

/// Every member, as the leader, has every row.
async fn all_are_whole(trio: &Trio, version: u32) {
    for number in 0..3 {
        trio.lead(number).await;
        assert_eq!(read(trio, number, ReadLevel::Leader, version).await, 0, "member {number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_follower_whose_reads_meet_damage_gets_its_rows_from_another_and_leads_again() {
    let mut trio = with_rows().await;
    let hurt = (trio.leader().await + 1) % 3;
    trio.members[hurt].take().unwrap().stop().await;
    damage(&trio, hurt);
    trio.restart(hurt).await;
    trio.has(hurt, 0).await;
    assert!(read(&trio, hurt, ReadLevel::Any, 1).await > 0, "no damage was met");
    healed(&trio, hurt).await;
    all_are_whole(&trio, 1).await;
    // What was healed is durable.
    trio.members[hurt].take().unwrap().stop().await;
    trio.restart(hurt).await;
    all_are_whole(&trio, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_leader_whose_reads_meet_damage_lets_another_lead_and_nobody_sees_a_wrong_row() {
    let trio = with_rows().await;
    let hurt = trio.leader().await;
    damage(&trio, hurt);
    for _ in 0..2 {
        for number in 0..3 {
            read(&trio, number, ReadLevel::Leader, 1).await;
        }
    }
    healed(&trio, hurt).await;
    all_are_whole(&trio, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replicas_whose_writes_meet_damage_go_on_when_the_only_whole_one_has_sent_its_rows() {
    let trio = with_rows().await;
    let whole = trio.leader().await;
    let hurt = [(whole + 1) % 3, (whole + 2) % 3];
    for number in hurt {
        damage(&trio, number);
    }
    // Every row is read before it is changed.
    write(&trio, 2).await;
    for number in hurt {
        healed(&trio, number).await;
    }
    all_are_whole(&trio, 2).await;
}
