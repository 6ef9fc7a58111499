//! The log against a model, power loss, damage.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail loudly"
)]

mod log_model;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

use bytes::Bytes;
use cellar_raft::{
    disk::{Disk, RealDisk, SimDisk},
    log::{Log, LogEntry, LogError, LogOptions, Position},
};
use log_model::{lives, observe, open, options};

const LIVES: u64 = 250;

#[test]
fn after_any_crash_everything_acknowledged_is_found_and_nothing_that_was_not_asked_for() {
    for seed in 0..LIVES {
        lives(seed, false).unwrap_or_else(|reason| panic!("seed {seed}: {reason}"));
    }
}

#[test]
fn a_disk_that_lies_about_syncs_is_caught_losing_what_was_acknowledged() {
    let reasons: Vec<String> = (0..100).filter_map(|seed| lives(seed, true).err()).collect();
    let lost = reasons.iter().filter(|reason| reason.contains("acknowledged")).count();
    assert!(lost > 0, "{reasons:?}");
}

/// Appends entries one by one and waits for each.
fn append(log: &Log, group: u64, indexes: std::ops::Range<u64>, bytes: usize) {
    for index in indexes {
        let payload = Bytes::from(vec![index as u8; bytes]);
        wait(|done| log.append(group, vec![LogEntry { index, term: 1, tag: 0, payload }], done))
            .unwrap();
    }
}

type Done = Box<dyn FnOnce(Result<(), LogError>) + Send>;

fn wait(start: impl FnOnce(Done)) -> Result<(), LogError> {
    let (tell, told) = mpsc::channel();
    start(Box::new(move |outcome| tell.send(outcome).unwrap()));
    told.recv().unwrap()
}

fn segments(disk: &SimDisk) -> Vec<String> {
    let names = disk.list(Path::new("/log")).unwrap();
    names.into_iter().filter(|name| name.ends_with(".log")).collect()
}

#[test]
fn many_waiters_share_a_sync() {
    let disk = SimDisk::new();
    let log = open(&disk, 1 << 20).unwrap();
    let before = disk.syncs();
    let (tell, told) = mpsc::channel();
    for index in 0..5000 {
        let tell = tell.clone();
        let entry = LogEntry { index, term: 1, tag: 0, payload: Bytes::from_static(b"x") };
        log.append(1, vec![entry], Box::new(move |outcome| tell.send(outcome).unwrap()));
    }
    for _ in 0..5000 {
        told.recv().unwrap().unwrap();
    }
    let syncs = disk.syncs() - before;
    assert!(syncs < 2500, "{syncs} syncs for 5000 appends");
}

#[test]
fn a_segment_goes_when_every_group_has_purged_past_it_and_facts_move_on() {
    let disk = SimDisk::new();
    let log = open(&disk, 8 << 10).unwrap();
    wait(|done| log.save_vote(9, Bytes::from_static(b"old vote"), done)).unwrap();
    append(&log, 1, 0..100, 500);
    append(&log, 2, 0..1, 500);
    let full = segments(&disk).len();
    assert!(full > 5, "{full} segments");
    assert_eq!(log.holding_oldest(), [1]);
    wait(|done| log.purge(1, Position { index: 98, term: 1 }, done)).unwrap();
    log.close();
    assert!(segments(&disk).len() <= 2, "{:?}", segments(&disk));
    let disk = disk.crash(1);
    let log = open(&disk, 8 << 10).unwrap();
    assert_eq!(log.state(9).vote, Some(Bytes::from_static(b"old vote")));
    assert_eq!(log.state(1).purged, Some(Position { index: 98, term: 1 }));
    assert_eq!(log.read(1, 0..u64::MAX, usize::MAX).unwrap()[0].index, 99);
    assert_eq!(log.read(2, 0..u64::MAX, usize::MAX).unwrap().len(), 1);
}

#[test]
fn a_record_larger_than_a_segment_gets_one_of_its_own() {
    let disk = SimDisk::new();
    let log = open(&disk, 4 << 10).unwrap();
    append(&log, 1, 0..3, 100_000);
    log.close();
    let found = open(&disk.crash(0), 4 << 10).unwrap().read(1, 0..9, usize::MAX).unwrap();
    assert_eq!(found.iter().map(|entry| entry.payload.len()).collect::<Vec<_>>(), [100_000; 3]);
}

#[test]
fn damage_to_what_was_synced_is_an_error_and_never_a_silent_loss() {
    let disk = SimDisk::new();
    let log = open(&disk, 8 << 10).unwrap();
    append(&log, 1, 0..70, 300);
    let before = observe(&log).unwrap();
    log.close();
    let names = segments(&disk);
    assert!(names.len() > 2, "{names:?}");
    let mut refused = 0;
    for name in &names {
        let path = Path::new("/log").join(name);
        for offset in (0..8 << 10).step_by(97) {
            let damaged = disk.crash(0);
            damaged.flip(&path, offset).unwrap();
            match open(&damaged, 8 << 10) {
                Err(LogError::Corrupt { .. }) => refused += 1,
                Err(other) => panic!("{other}"),
                // Behind the last record, or in the last record of all, which looks torn.
                Ok(log) => {
                    let found = observe(&log).unwrap();
                    let last = name == names.last().unwrap();
                    assert!(found == before || last, "{name} at {offset}");
                    let lost = before[&1].len() - found[&1].len();
                    assert!(lost <= 1, "{name} at {offset}: {lost} lost");
                }
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn a_missing_segment_is_an_error() {
    let disk = SimDisk::new();
    let log = open(&disk, 8 << 10).unwrap();
    append(&log, 1, 0..60, 300);
    log.close();
    for name in segments(&disk).iter().rev().skip(1) {
        let damaged = disk.crash(0);
        damaged.remove(&Path::new("/log").join(name)).unwrap();
        assert!(matches!(open(&damaged, 8 << 10), Err(LogError::Corrupt { .. })), "{name}");
    }
}

/// A segment with one record, both with right checksums.
fn crafted(first_lsn: u64, kind: u32, index: u64) -> Vec<u8> {
    let mut segment = b"CELLARWL".to_vec();
    segment.extend(1_u32.to_le_bytes());
    for number in [1, first_lsn, 0, 0] {
        segment.extend(number.to_le_bytes());
    }
    segment.extend(crc32fast::hash(&segment).to_le_bytes());
    let mut record = 0_u32.to_le_bytes().to_vec();
    record.extend(kind.to_le_bytes());
    for number in [first_lsn, first_lsn, 7, index, 1] {
        record.extend(number.to_le_bytes());
    }
    segment.extend(crc32fast::hash(&record).to_le_bytes());
    segment.extend(record);
    segment
}

/// Found by `cellar-fuzz log`: numbers near the end of 64 bits made recovery or writing panic.
#[test]
fn numbers_larger_than_any_log_counts_are_damage_and_not_a_panic() {
    let recovered = |segment: &[u8]| {
        let disk = SimDisk::new();
        let dir = Path::new("/log");
        let file = disk.create(&dir.join(format!("{:020}.log", 1)), 0).unwrap();
        file.write_at(0, segment).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir(dir).unwrap();
        let log = open(&disk, 4 << 10);
        log.map(|log| (log.groups(), log.close()).0)
    };
    let (entry, committed, purge, truncate) = (1, 3, 4, 5);
    for kind in [entry, committed, purge, truncate] {
        assert_eq!(recovered(&crafted(1, kind, 0)).unwrap(), [7], "kind {kind}");
        for index in [u64::MAX, u64::MAX - 1] {
            assert!(recovered(&crafted(1, kind, index)).is_err(), "kind {kind} at {index}");
        }
    }
    for lsn in [u64::MAX, u64::MAX - 1] {
        assert!(recovered(&crafted(lsn, entry, 0)).is_err());
    }
}

#[test]
fn an_append_that_leaves_a_hole_is_refused() {
    let log = open(&SimDisk::new(), 8 << 10).unwrap();
    append(&log, 1, 0..2, 10);
    let entry = LogEntry { index: 3, term: 1, tag: 0, payload: Bytes::new() };
    let refused = wait(|done| log.append(1, vec![entry], done));
    assert!(matches!(refused, Err(LogError::Hole { expected: 2, index: 3, .. })), "{refused:?}");
}

#[test]
fn a_failed_write_or_sync_ends_the_log_and_its_owner_is_told_once() {
    for operations in 0..2 {
        let disk = SimDisk::new();
        let told = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&told);
        let log = Log::open(LogOptions {
            on_fatal: Arc::new(move |_| {
                count.fetch_add(1, Ordering::SeqCst);
            }),
            ..options(&disk, 8 << 10)
        })
        .unwrap();
        append(&log, 1, 0..2, 10);
        disk.fail_after(operations);
        for index in 2..4 {
            let entry = LogEntry { index, term: 1, tag: 0, payload: Bytes::new() };
            assert!(wait(|done| log.append(1, vec![entry], done)).is_err());
        }
        log.close();
        assert_eq!(told.load(Ordering::SeqCst), 1);
        let found = open(&disk.crash(5), 8 << 10).unwrap();
        assert!(found.read(1, 0..9, usize::MAX).unwrap().len() >= 2);
    }
}

#[test]
fn a_real_directory_is_for_one_log_at_a_time_and_keeps_what_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let real = || LogOptions {
        disk: Arc::new(RealDisk),
        dir: dir.path().join("log"),
        ..options(&SimDisk::new(), 64 << 10)
    };
    let log = Log::open(real()).unwrap();
    assert!(matches!(Log::open(real()), Err(LogError::Io { action: "lock", .. })));
    append(&log, 1, 0..100, 3000);
    wait(|done| log.purge(1, Position { index: 49, term: 1 }, done)).unwrap();
    log.close();
    let log = Log::open(real()).unwrap();
    let found = log.read(1, 0..u64::MAX, usize::MAX).unwrap();
    assert_eq!(found.iter().map(|entry| entry.index).collect::<Vec<_>>(), Vec::from_iter(50..100));
    assert!(found.iter().all(|entry| entry.payload == vec![entry.index as u8; 3000]));
    log.close();
}

#[test]
fn entries_that_left_the_cache_are_read_from_their_segment() {
    let disk = SimDisk::new();
    let log = open(&disk, 8 << 10).unwrap();
    append(&log, 1, 0..60, 300);
    let found = log.read(1, 3..50, usize::MAX).unwrap();
    assert_eq!(found.len(), 47);
    assert!(found.iter().all(|entry| entry.payload == vec![entry.index as u8; 300]));
    assert_eq!(log.read(1, 3..50, 1000).unwrap().len(), 4);
    assert_eq!(log.read(1, 58..70, usize::MAX).unwrap().len(), 2);
    assert_eq!(log.read(2, 0..70, usize::MAX).unwrap().len(), 0);
}
