//! The drop of a table, applied: from here on the cell takes no write to it, so that its rows can
//! be removed from the engine outside the log.

use std::sync::Arc;

use bytes::Bytes;

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
        let cell = self.state.descriptor.cell;
        let table = drop.table;
        overlay.put_record(records::table_key(Kind::Dropped, cell, table), vec![1]);
        overlay.remove(records::table_key(Kind::Table, cell, table));
        Arc::make_mut(&mut self.state.dropped).insert(table);
        Arc::make_mut(&mut self.state.tables).remove(&table);
        // Nobody reads a dropped table: its objects need not wait.
        let now_us = self.progress.stamp_us;
        self.give_up(overlay, now_us, |segment| segment.table == table)?;
        events.push(Event::TableDropped(table));
        Ok(Bytes::new())
    }
}
