//! Two neighbours become one: the right half is frozen by its own log, then the left one's log
//! takes it over. Two more entries undo the first when the second did not happen.

use bytes::Bytes;
use cellar_metadata_api::{CellId, Epoch};
use serde::{Deserialize, Serialize};

use super::{CommandError, FREEZE, MERGE, TOUCH, UNFREEZE, begin, change, put, take};
use crate::records::Frozen;

/// In the right half's log: it serves nothing until it is taken over or [`Unfreeze`] comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Freeze {
    /// Its own epoch; refused if it has moved on.
    pub(crate) epoch: Epoch,
    /// By whom it is to be taken over.
    pub(crate) by: Frozen,
}

/// In the right half's log: the merge does not come; it serves again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unfreeze {
    /// The merge that does not come; nothing changes if it is frozen for another.
    pub(crate) by: Frozen,
}

/// In the left half's log: it takes over its right neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Merge {
    /// Its own epoch; refused if it has moved on.
    pub(crate) epoch: Epoch,
    /// Who goes.
    pub(crate) right: CellId,
    /// The frozen right half as a snapshot.
    pub(crate) content: Bytes,
}

/// In the left half's log: its epoch moves on, so that a merge planned before fits no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Touch {
    /// Its own epoch; nothing changes if it has moved on.
    pub(crate) epoch: Epoch,
}

/// The fixed part of [`Merge`].
#[derive(Serialize, Deserialize)]
struct Head {
    epoch: Epoch,
    right: CellId,
}

impl Freeze {
    /// The entry.
    pub(crate) fn encode(&self) -> Result<Bytes, CommandError> {
        change::encode(FREEZE, self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, CommandError> {
        change::decode(bytes)
    }
}

impl Unfreeze {
    /// The entry.
    pub(crate) fn encode(&self) -> Result<Bytes, CommandError> {
        change::encode(UNFREEZE, self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, CommandError> {
        change::decode(bytes)
    }
}

impl Touch {
    /// The entry.
    pub(crate) fn encode(&self) -> Result<Bytes, CommandError> {
        change::encode(TOUCH, self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, CommandError> {
        change::decode(bytes)
    }
}

impl Merge {
    /// The entry.
    pub(crate) fn encode(&self) -> Result<Bytes, CommandError> {
        let head = Head { epoch: self.epoch, right: self.right };
        let head = cbor4ii::serde::to_vec(Vec::new(), &head).map_err(CommandError::new)?;
        let mut out = begin(MERGE, 8 + head.len() + self.content.len());
        put(&mut out, &head)?;
        put(&mut out, &self.content)?;
        Ok(Bytes::from(out))
    }

    pub(super) fn decode(mut bytes: Bytes) -> Result<Self, CommandError> {
        let head: Head = change::decode(&take(&mut bytes)?)?;
        let content = take(&mut bytes)?;
        if !bytes.is_empty() {
            return Err(CommandError::new("too long"));
        }
        Ok(Self { epoch: head.epoch, right: head.right, content })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Command;

    #[test]
    fn the_steps_of_a_merge_read_back() {
        let by = Frozen { left: CellId(3), left_epoch: Epoch(8) };
        let (freeze, unfreeze) = (Freeze { epoch: Epoch(4), by }, Unfreeze { by });
        let content = Bytes::from_static(b"rows");
        let merge = Merge { epoch: Epoch(8), right: CellId(9), content };
        let touch = Touch { epoch: Epoch(8) };
        let read = |entry: Result<Bytes, CommandError>| Command::decode(entry.unwrap()).unwrap();
        assert_eq!(read(freeze.encode()), Command::Freeze(freeze));
        assert_eq!(read(unfreeze.encode()), Command::Unfreeze(unfreeze));
        assert_eq!(read(merge.encode()), Command::Merge(merge.clone()));
        assert_eq!(read(touch.encode()), Command::Touch(touch));
        let entry = merge.encode().unwrap();
        assert!(Command::decode(entry.slice(..entry.len() - 1)).is_err());
    }
}
