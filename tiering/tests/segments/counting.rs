//! A store that counts what is read of it.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use cellar_tiering::store::{ObjectInfo, ObjectStore, StoreError};
use futures::FutureExt;
use futures::future::BoxFuture;
use uuid::Uuid;

#[derive(Debug)]
pub(crate) struct Counting {
    inner: Arc<dyn ObjectStore>,
    reads: AtomicU64,
    bytes: AtomicU64,
}

impl Counting {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, reads: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    pub(crate) fn read_bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl ObjectStore for Counting {
    fn put_if_absent<'a>(
        &'a self,
        key: &'a str,
        body: Bytes,
        put_id: Uuid,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.put_if_absent(key, body, put_id)
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        self.inner.get(key)
    }

    fn get_range<'a>(
        &'a self,
        key: &'a str,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        async move {
            self.reads.fetch_add(1, Ordering::Relaxed);
            self.bytes.fetch_add(range.end - range.start, Ordering::Relaxed);
            self.inner.get_range(key, range).await
        }
        .boxed()
    }

    fn head<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<ObjectInfo>, StoreError>> {
        self.inner.head(key)
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.delete(key)
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        self.inner.list(prefix)
    }
}
