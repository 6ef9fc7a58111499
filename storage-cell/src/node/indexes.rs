//! Following the catalog's indexes: entries of new ones are made for the rows that are there, and
//! those of dropped ones removed.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cellar_metadata_api::TableId;
use tokio::time::timeout;

use super::{Inner, NodeError};
use crate::{
    blocking::in_background,
    cell::Cell,
    index::{Built, build_some, remove_orphans, unbuilt},
    limits::{INDEX_CHECK_MS, METADATA_RETRY_MS},
};

impl Inner {
    /// Keeps what is known of indexes as the catalog has it. Errors are logged; it is tried again.
    pub(super) async fn keep_indexes(self: Arc<Self>) {
        let mut catalog = self.metadata.catalog();
        loop {
            catalog.mark_unchanged();
            let pause_ms = match self.work_on_indexes().await {
                Ok(()) => INDEX_CHECK_MS,
                Err(error) => {
                    tracing::warn!(%error, "indexes are not complete yet");
                    METADATA_RETRY_MS
                }
            };
            let woken = async {
                tokio::select! {
                    changed = catalog.changed() => drop(changed),
                    () = self.machines.indexes().woken.notified() => {}
                }
            };
            // Whether it was woken or not, it looks again.
            let _ = timeout(Duration::from_millis(pause_ms), woken).await;
        }
    }

    async fn work_on_indexes(self: &Arc<Self>) -> Result<(), NodeError> {
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        self.in_thread(move |inner| {
            inner.machines.indexes().follow(&inner.engine, &catalog)?;
            Ok(())
        })
        .await?;
        for cell in self.cells.all() {
            self.build_cell(&cell).await?;
        }
        let remove = |inner: &Self| {
            let definitions = inner.machines.indexes().now();
            Ok(remove_orphans(&inner.engine, &definitions)?)
        };
        while self.in_thread(remove).await? {}
        Ok(())
    }

    async fn build_cell(self: &Arc<Self>, cell: &Arc<Cell>) -> Result<(), NodeError> {
        let state = cell.state();
        if state.descriptor.lacks_rows {
            // A snapshot will bring them, with their entries.
            return Ok(());
        }
        let (id, group) = (cell.id(), state.descriptor.group);
        let tables = self.in_thread(move |inner| {
            Ok(unbuilt(&inner.engine, &inner.machines.indexes().now(), id)?)
        });
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        for table in tables.await? {
            // Other groups' cells have none of the table's rows.
            if catalog.group_of(table).is_some_and(|of| of == group) {
                self.build_table(cell, table).await?;
            }
        }
        Ok(())
    }

    async fn build_table(
        self: &Arc<Self>,
        cell: &Arc<Cell>,
        table: TableId,
    ) -> Result<(), NodeError> {
        let mut from = Bytes::new();
        loop {
            let cell = Arc::clone(cell);
            let built =
                self.in_thread(move |inner| Ok(build_some(&cell, &inner.machines, table, &from)?));
            match built.await? {
                Built::Until(next) => from = next,
                Built::All => return Ok(()),
            }
        }
    }

    async fn in_thread<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, NodeError> + Send + 'static,
    ) -> Result<T, NodeError> {
        let inner = Arc::clone(self);
        let done = in_background(move || work(&inner)).await;
        done.map_err(|error| NodeError::Thread(error.to_string()))?
    }
}
