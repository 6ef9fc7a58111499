//! A table was dropped or truncated: its rows are gone, and no write to it is taken any more.

use bytes::{Buf, Bytes};
use cellar_metadata_api::TableId;

use super::{CommandError, DROP_TABLE, begin};

/// The drop of a table in one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DropTable {
    /// The table; its id is never used again.
    pub(crate) table: TableId,
}

impl DropTable {
    /// The entry.
    pub(crate) fn encode(self) -> Bytes {
        let mut out = begin(DROP_TABLE, 4);
        out.extend_from_slice(&self.table.0.to_le_bytes());
        Bytes::from(out)
    }

    pub(super) fn decode(mut bytes: Bytes) -> Result<Self, CommandError> {
        let table = TableId(bytes.try_get_u32_le()?);
        if bytes.is_empty() { Ok(Self { table }) } else { Err(CommandError::new("too long")) }
    }
}
