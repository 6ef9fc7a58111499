//! Rows whose keys are equal but not the same bytes, such as decimals 1.0 and 1.00: the second is
//! a write to the first, as in Cassandra, and the row keeps the key that it was first written by.

use std::{borrow::Cow, collections::HashMap};

use bytes::Bytes;
use cellar_schema::{ChangeKind, keys};

use crate::{
    apply::{ApplyError, overlay::Layer},
    commands::{Equal, LogWrite},
};

/// The write with every row by the key that it is stored by.
pub(super) fn to_rows_that_are_there<'w>(
    layer: &Layer<'_, '_>,
    write: &'w LogWrite,
) -> Result<Cow<'w, LogWrite>, ApplyError> {
    let mut stored: HashMap<&[u8], Bytes> = HashMap::new();
    let mut others: HashMap<Bytes, Bytes> = HashMap::new();
    for Equal { key, value_bytes } in &write.equals {
        let length = usize::try_from(*value_bytes).unwrap_or(usize::MAX);
        let Some(values) = key.get(..length) else { continue };
        // Of two new rows in one write, which are equal, one is the other.
        let row = match stored.get(values) {
            Some(row) => row.clone(),
            None => {
                let start = key.slice(..length);
                let row = layer.first_row((&start, &keys::after(values)))?;
                let row = row.unwrap_or_else(|| key.clone());
                stored.insert(values, row.clone());
                row
            }
        };
        if row != *key {
            others.insert(key.clone(), row);
        }
    }
    if others.is_empty() {
        return Ok(Cow::Borrowed(write));
    }
    let mut write = write.clone();
    rename(&mut write, &others);
    Ok(Cow::Owned(write))
}

fn rename(write: &mut LogWrite, others: &HashMap<Bytes, Bytes>) {
    let stored = |partition: &Bytes, suffix: &mut Bytes| {
        let key = [partition.as_ref(), suffix.as_ref()].concat();
        if let Some(row) = others.get(key.as_slice()) {
            *suffix = row.slice(partition.len()..);
        }
    };
    for condition in &mut write.conditions {
        stored(&condition.partition, &mut condition.suffix);
    }
    for mutation in &mut write.mutations {
        for change in &mut mutation.changes {
            match &mut change.kind {
                ChangeKind::Upsert(change) => stored(&mutation.partition, &mut change.suffix),
                ChangeKind::DeleteRow { suffix } => stored(&mutation.partition, suffix),
                ChangeKind::DeletePartition | ChangeKind::DeleteRange { .. } => {}
            }
        }
    }
    for (key, _) in write.cold.iter_mut().flat_map(|cold| &mut cold.rows) {
        if let Some(row) = others.get(key) {
            *key = row.clone();
        }
    }
}
