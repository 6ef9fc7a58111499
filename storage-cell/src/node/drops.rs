//! Removing the rows of dropped tables: first every cell decides to take no more writes to the
//! table, then its rows go, then the metadata service is told.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use cellar_metadata_api::{Command, GroupId, Position, TableId};
use cellar_schema::keys;
use tokio::time::sleep;

use super::Inner;
use crate::{blocking::in_background, cell::Cell, commands::DropTable, limits::METADATA_RETRY_MS};

impl Inner {
    /// Removes tables as the catalog names them.
    pub(super) async fn remove_dropped_tables(self: Arc<Self>) {
        // Removed here; the catalog names them until every other node has done so, too.
        let mut removed = BTreeSet::new();
        loop {
            let catalog = Arc::clone(&self.metadata.catalog().borrow());
            removed.retain(|table| catalog.dropped.contains_key(table));
            let mut left = false;
            for (table, group) in &catalog.dropped {
                if removed.contains(table) {
                    continue;
                }
                match self.remove_table(*table, *group).await {
                    Ok(false) => {}
                    Ok(true) => drop(removed.insert(*table)),
                    Err(reason) => {
                        tracing::warn!(table = table.0, reason, "a dropped table stays for now");
                        left = true;
                    }
                }
            }
            if left {
                sleep(Duration::from_millis(METADATA_RETRY_MS)).await;
            } else {
                self.drops.notified().await;
            }
        }
    }

    /// Says whether there was something to do here, and is no more.
    async fn remove_table(&self, table: TableId, group: GroupId) -> Result<bool, String> {
        let mut waits = false;
        let mut holds = false;
        for cell in self.cells.all().iter().filter(|cell| reaches(cell, table, group)) {
            holds = true;
            if cell.state().dropped.contains(&table) {
                continue;
            }
            if cell.group().is_leader() {
                let entry = DropTable { table }.encode();
                cell.group().propose(entry).await.map_err(|error| error.to_string())?;
                // One that is about to be taken over decides nothing.
                waits |= !cell.state().dropped.contains(&table);
            } else {
                waits = true;
            }
        }
        if waits {
            return Err("its cells have not all decided yet".to_owned());
        }
        if !holds {
            return Ok(false);
        }
        self.remove_rows(table).await?;
        let command = Command::ForgetTable { table, node: self.id };
        self.metadata.submit(command).await.map_err(|error| error.to_string())?;
        Ok(true)
    }

    /// A split in the meantime changes nothing: both halves have inherited the decision.
    async fn remove_rows(&self, table: TableId) -> Result<(), String> {
        let engine = self.engine.clone();
        let removing = move || {
            // The decision must not be forgotten while rows go.
            engine.flush()?;
            let (start, end) = keys::table_range(table);
            engine.drop_range(&start, &end)
        };
        match in_background(removing).await {
            Ok(removed) => removed.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Whether a cell may hold rows of a table.
fn reaches(cell: &Cell, table: TableId, group: GroupId) -> bool {
    let state = cell.state();
    let range = state.descriptor.range;
    state.descriptor.group == group
        && range.start <= Position::new(table, i64::MAX)
        && range.end.is_none_or(|end| Position::new(table, i64::MIN) < end)
}
