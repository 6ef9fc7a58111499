//! What every store promises, and how lost answers are settled.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail loudly")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cellar_tiering::store::{
    self, Checksum, FaultPlan, FaultyStore, FileStore, ObjectStore, StoreError, put_settled,
};
use uuid::Uuid;

fn directory() -> (tempfile::TempDir, Arc<dyn ObjectStore>) {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(FileStore::open(directory.path()).unwrap());
    (directory, store)
}

#[tokio::test]
async fn an_object_reads_back_whole_and_in_part() {
    let (_directory, store) = directory();
    let body = Bytes::from_static(b"0123456789");
    store.put_if_absent("a/b.parquet", body.clone(), Uuid::new_v4()).await.unwrap();
    assert_eq!(store.get("a/b.parquet").await.unwrap(), body);
    assert_eq!(store.get_range("a/b.parquet", 2..5).await.unwrap(), "234");
    assert!(store.get_range("a/b.parquet", 8..12).await.is_err(), "a short read is an error");
    let info = store.head("a/b.parquet").await.unwrap().unwrap();
    assert_eq!((info.bytes, info.checksum), (10, Some(Checksum::of(&body))));
    assert_eq!(store.list("a/").await.unwrap(), ["a/b.parquet"]);
}

#[tokio::test]
async fn an_object_is_never_overwritten() {
    let (_directory, store) = directory();
    store.put_if_absent("x", Bytes::from_static(b"one"), Uuid::new_v4()).await.unwrap();
    let again = store.put_if_absent("x", Bytes::from_static(b"two"), Uuid::new_v4()).await;
    assert!(matches!(again, Err(StoreError::AlreadyThere { .. })));
    assert_eq!(store.get("x").await.unwrap(), "one");
}

#[tokio::test]
async fn of_many_writers_of_one_key_one_wins() {
    let (_directory, store) = directory();
    let writers = (0..16_u8).map(|writer| {
        let store = Arc::clone(&store);
        async move {
            store.put_if_absent("x", Bytes::from(vec![writer; 1000]), Uuid::new_v4()).await.is_ok()
        }
    });
    let won = futures::future::join_all(writers).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    let body = store.get("x").await.unwrap();
    let winner = won.iter().position(|won| *won).unwrap();
    assert!(body.iter().all(|byte| usize::from(*byte) == winner) && body.len() == 1000);
}

#[tokio::test]
async fn what_is_not_there_is_no_error_to_ask_for_or_remove() {
    let (_directory, store) = directory();
    assert_eq!(store.head("a/b").await.unwrap(), None);
    store.delete("a/b").await.unwrap();
    assert!(matches!(store.get("a/b").await, Err(StoreError::NotThere { .. })));
    store.put_if_absent("a/b", Bytes::new(), Uuid::new_v4()).await.unwrap();
    store.delete("a/b").await.unwrap();
    assert_eq!(store.head("a/b").await.unwrap(), None);
}

#[tokio::test]
async fn keys_that_leave_the_directory_are_refused() {
    let (_directory, store) = directory();
    for key in ["", "/etc/passwd", "../x", "a/../x", ".staging/x", "a//b", "a b", "ä"] {
        assert!(matches!(store.get(key).await, Err(StoreError::BadKey { .. })), "{key:?}");
    }
}

#[tokio::test]
async fn half_written_files_of_a_crash_are_removed_at_a_later_start() {
    let (directory, store) = directory();
    store.put_if_absent("kept", Bytes::from_static(b"k"), Uuid::new_v4()).await.unwrap();
    let staged = directory.path().join(".staging/half");
    std::fs::write(&staged, b"ha").unwrap();
    FileStore::open(directory.path()).unwrap();
    assert!(staged.exists(), "another process may be writing it");
    let file = std::fs::File::options().write(true).open(&staged).unwrap();
    let old = file.metadata().unwrap().modified().unwrap() - Duration::from_secs(3600);
    file.set_modified(old).unwrap();
    let store = FileStore::open(directory.path()).unwrap();
    assert!(!staged.exists());
    assert_eq!(store.list("").await.unwrap(), ["kept"]);
}

#[tokio::test]
async fn addresses_say_which_store() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("file:{}", directory.path().display());
    assert!(store::open(&url, None).await.is_ok());
    for url in ["", "file:", "s3://", "http://x", "/tmp"] {
        assert!(matches!(store::open(url, None).await, Err(StoreError::BadUrl { .. })), "{url}");
    }
}

/// Puts under many seeds; what was said to be written is there, byte for byte.
#[tokio::test]
async fn lost_answers_and_errors_are_settled_by_asking() {
    let (_directory, inner) = directory();
    let (mut written, mut faults) = (0, 0);
    for seed in 0..200 {
        let plan = FaultPlan {
            seed,
            lost_answers_percent: 30,
            errors_percent: 20,
            ..FaultPlan::default()
        };
        let faulty = FaultyStore::new(Arc::clone(&inner), plan);
        let key = format!("object-{seed}");
        let body = Bytes::from(key.clone().into_bytes());
        let put = put_settled(&faulty, &key, body.clone(), Uuid::new_v4()).await;
        faults += faulty.faults();
        match put {
            Ok(checksum) => {
                written += 1;
                assert_eq!(checksum, Checksum::of(&body));
                assert_eq!(inner.get(&key).await.unwrap(), body);
            }
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
    }
    assert!(faults > 100 && written > 180, "{faults} faults, {written} written");
}

#[tokio::test]
async fn the_key_of_another_write_is_never_taken_for_ones_own() {
    let (_directory, inner) = directory();
    for seed in 0..100 {
        let key = format!("object-{seed}");
        inner.put_if_absent(&key, Bytes::from_static(b"theirs"), Uuid::new_v4()).await.unwrap();
        let plan = FaultPlan { seed, lost_answers_percent: 40, ..FaultPlan::default() };
        let faulty = FaultyStore::new(Arc::clone(&inner), plan);
        let put = put_settled(&faulty, &key, Bytes::from_static(b"mine"), Uuid::new_v4()).await;
        assert!(put.is_err());
        assert_eq!(inner.get(&key).await.unwrap(), "theirs");
    }
}

#[tokio::test]
async fn a_torn_write_is_not_reported_as_written() {
    let (_directory, inner) = directory();
    let plan = FaultPlan { torn_puts_percent: 100, ..FaultPlan::default() };
    let faulty = FaultyStore::new(Arc::clone(&inner), plan);
    let put = put_settled(&faulty, "x", Bytes::from_static(b"0123"), Uuid::new_v4()).await;
    assert!(matches!(put, Err(StoreError::AlreadyThere { .. } | StoreError::Damaged { .. })));
    assert_eq!(inner.get("x").await.unwrap(), "01");
}
