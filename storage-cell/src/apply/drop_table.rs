//! The drop of a table, applied: from here on the cell takes no write to it, so that its rows can
//! be removed from the engine outside the log.

use std::sync::Arc;

use bytes::Bytes;
use cellar_metadata_api::TableId;

use super::{Applier, ApplyError, Event, overlay::Overlay};
use crate::{
    commands::DropTable,
    records::{self, Kind},
};

impl Applier {
    pub(super) fn drop_table(
        &mut self,
        overlay: &mut Overlay<'_>,
        drop: DropTable,
        events: &mut Vec<Event>,
    ) -> Result<Bytes, ApplyError> {
        if self.state.descriptor.frozen.is_some() {
            // Who takes the cell over may have its rows already. It is asked again.
            return Ok(Bytes::new());
        }
        self.forget_table(overlay, drop.table)?;
        events.push(Event::TableDropped(drop.table));
        Ok(Bytes::new())
    }

    /// Takes no more writes to a table.
    pub(super) fn forget_table(
        &mut self,
        overlay: &mut Overlay<'_>,
        table: TableId,
    ) -> Result<(), ApplyError> {
        let cell = self.state.descriptor.cell;
        overlay.put_record(records::table_key(Kind::Dropped, cell, table), vec![1]);
        overlay.remove(records::table_key(Kind::Table, cell, table));
        Arc::make_mut(&mut self.state.dropped).insert(table);
        Arc::make_mut(&mut self.state.tables).remove(&table);
        // Nobody reads a dropped table: its objects need not wait.
        let now_us = self.progress.stamp_us;
        self.give_up(overlay, now_us, |segment| segment.table == table)
    }
}
