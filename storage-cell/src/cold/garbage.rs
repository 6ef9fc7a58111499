//! Removing objects that nobody needs: segments whose writer died before they were committed, and
//! those of dropped tables.
//!
//! What to remove stands in the cell's log, by name; a listing of the store decides nothing. An
//! object goes only some time after its name was noted, when no reader can be in it any more.

use cellar_cell_api::CellError;
use cellar_tiering::SegmentName;

use super::failed;
use crate::{
    cell::Cell,
    commands::ChangeSegments,
    limits::GARBAGE_GRACE_US,
    records::{self, Garbage, Kind},
};

impl Cell {
    /// Removes objects that were given up long enough ago. Only under the lock of
    /// [`Cell::tier`]: names noted by a move that goes on are not garbage.
    pub(super) async fn remove_garbage(&self) -> Result<(), CellError> {
        let epoch = self.state().descriptor.epoch;
        let mut forget = Vec::new();
        for name in self.garbage()? {
            let deleted = self.cold().store.delete_named(&name).await;
            deleted.map_err(|error| failed(&error))?;
            forget.push(name.id);
        }
        if !forget.is_empty() {
            self.change_segments(&ChangeSegments { forget, ..self.no_change(epoch) }).await?;
        }
        Ok(())
    }

    /// Names that were given up long enough ago.
    fn garbage(&self) -> Result<Vec<SegmentName>, CellError> {
        let unavailable = |reason: String| CellError::Unavailable { reason };
        let (start, end) = records::under(&records::cell_key(Kind::Garbage, self.id()));
        let since = self.now_seconds().saturating_mul(1_000_000).saturating_sub(GARBAGE_GRACE_US);
        let mut names = Vec::new();
        for found in self.engine().snapshot().scan(start..end, false) {
            let (_, value) = found.map_err(|error| unavailable(error.to_string()))?;
            let garbage =
                Garbage::decode(&value).map_err(|error| unavailable(error.to_string()))?;
            if garbage.since_us <= since {
                names.push(garbage.name);
            }
        }
        Ok(names)
    }
}
