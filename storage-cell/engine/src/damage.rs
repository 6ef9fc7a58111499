//! Blocks that cannot be read: where they are, and writing over them.
//!
//! Damage is found block by block, by the checksum of each, so that what lies beside it is still
//! read. A block is only written over when its caller has given up every key that it may have held,
//! [`Damage::start`] to [`Damage::last`]: nobody knows any more what was in it, and older versions
//! of its rows may lie in other tables. So all of these keys are removed first, durably; then the
//! block is replaced, where it lies, by one of the same length that holds nothing of use. A crash
//! at any point leaves a damaged block, or none.

use std::{
    collections::HashMap,
    fs::File,
    ops::Bound::{self, Included},
    os::unix::fs::FileExt,
    sync::MutexGuard,
};

use bytes::Bytes;
use lsm_tree::{
    AbstractTree, CompressionType, Error, InternalValue, Slice, Table, TableId, ValueType,
    table::{Block, BlockHandle, DataBlock, IndexBlock, block::BlockType},
};

use crate::{
    batch::Batch,
    core::Core,
    error::EngineError,
    limits::{DROP_BATCH_KEYS, SUBSTITUTE_TRIES, SUBSTITUTE_ZEROS_MAX},
    sizes::overlaps,
};

/// A stored block that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// No key of the block comes before this one.
    pub start: Bytes,
    /// Its last key.
    pub last: Bytes,
    table: TableId,
    offset: u64,
    size: u32,
}

/// Where a block of rows lies in its table.
struct Place {
    last: Slice,
    handle: BlockHandle,
}

/// The blocks that an index names; its own or those of its parts.
fn places(index: &IndexBlock) -> Vec<Place> {
    let keys = index.as_slice();
    let entries = index.iter().map(|entry| {
        let prefix = entry.prefix.as_ref().and_then(|part| keys.get(part.0..part.1));
        let rest = keys.get(entry.end_key.0..entry.end_key.1).unwrap_or_default();
        let last = Slice::from([prefix.unwrap_or_default(), rest].concat());
        Place { last, handle: BlockHandle::new(entry.offset, entry.size) }
    });
    entries.collect()
}

/// All blocks of rows of a table, in order.
fn blocks(table: &Table, file: &File) -> Result<Vec<Place>, Error> {
    let compression = table.metadata.index_block_compression;
    let index = |handle| Block::from_file(file, handle, compression).map(IndexBlock::new);
    let top = places(&index(table.regions.tli)?);
    if table.regions.index.is_none() {
        return Ok(top);
    }
    let mut all = Vec::new();
    for part in top {
        all.extend(places(&index(part.handle)?));
    }
    Ok(all)
}

/// The blocks of a table that may hold keys from `start` up to and without `end`, and cannot be
/// read.
fn damaged(table: &Table, start: &[u8], end: &[u8]) -> Result<Vec<Damage>, Error> {
    let file = File::open(&*table.path)?;
    let mut before = table.metadata.key_range.min().clone();
    let mut found = Vec::new();
    for Place { last, handle } in blocks(table, &file)? {
        let first = std::mem::replace(&mut before, last.clone());
        if &*last < start || &*first >= end {
            continue;
        }
        let compression = table.metadata.data_block_compression;
        let read = Block::from_file(&file, handle, compression);
        match read.map_err(EngineError::tree("look for damage")) {
            Ok(block) if block.header.block_type == BlockType::Data => {}
            Err(EngineError::Io { source, .. }) => return Err(source.into()),
            Ok(_) | Err(_) => found.push(Damage {
                start: Bytes::copy_from_slice(&first),
                last: Bytes::copy_from_slice(&last),
                table: table.id(),
                offset: *handle.offset(),
                size: handle.size(),
            }),
        }
    }
    Ok(found)
}

impl Core {
    /// The blocks that cannot be read and may hold keys from `start` up to and without `end`.
    pub(crate) fn find_damage(&self, start: &[u8], end: &[u8]) -> Result<Vec<Damage>, EngineError> {
        self.check()?;
        let version = self.tree.current_version();
        let mut found = Vec::new();
        for table in version.iter_tables().filter(|table| overlaps(table, start, end)) {
            found.extend(damaged(table, start, end).map_err(EngineError::tree("look for damage"))?);
        }
        Ok(found)
    }

    /// Removes every key that the blocks may have held, and writes over them.
    pub(crate) fn overwrite(&self, damage: &[Damage]) -> Result<(), EngineError> {
        self.check()?;
        // Tables stay as they are meanwhile.
        let _gate = self.compaction_gate.write();
        let lock = self.tree.get_flush_lock();
        self.check()?;
        self.flush_locked(&lock)?;
        let version = self.tree.current_version();
        let tables: HashMap<TableId, &Table> =
            version.iter_tables().map(|table| (table.id(), table)).collect();
        // Those that were compacted away since are nobody's.
        let there = || damage.iter().filter_map(|one| Some((one, *tables.get(&one.table)?)));
        for (one, _) in there() {
            for table in version.iter_tables() {
                self.bury(table, one, &lock)?;
            }
            let mut batch = Batch::new();
            batch.remove(&one.last);
            self.write(&batch)?;
        }
        self.flush_locked(&lock)?;
        for (one, table) in there() {
            write_over(table, one)?;
            tracing::warn!(table = one.table, offset = one.offset, "a damaged block was given up");
        }
        self.work.mended();
        Ok(())
    }

    /// Writes tombstones for all keys of a table that may have been in a block.
    fn bury(
        &self,
        table: &Table,
        block: &Damage,
        flush: &MutexGuard<'_, ()>,
    ) -> Result<(), EngineError> {
        let end = after(&block.last);
        if !overlaps(table, &block.start, &end) {
            return Ok(());
        }
        let failed = EngineError::tree("look for damage");
        let unreadable = damaged(table, &block.start, &end).map_err(failed)?;
        let mut unreadable = unreadable.iter();
        let mut batch = Batch::with_capacity(DROP_BATCH_KEYS);
        let mut from: Slice = Slice::from(&*block.start);
        loop {
            let range: (Bound<Slice>, Bound<Slice>) =
                (Included(from.clone()), Included(Slice::from(&*block.last)));
            let mut ended = true;
            for row in table.range(range) {
                let Ok(row) = row else {
                    ended = false;
                    break;
                };
                batch.remove(&row.key.user_key);
                from = row.key.user_key;
                if batch.len() >= DROP_BATCH_KEYS {
                    self.write(&batch)?;
                    batch.clear();
                    if self.is_crowded() {
                        self.flush_locked(flush)?;
                    }
                }
            }
            if ended {
                return self.write(&batch);
            }
            // Beyond the block that it stopped at.
            let Some(next) = unreadable.find(|next| *next.last >= *from) else {
                let detail = format!("table {} cannot be read", table.id());
                return Err(EngineError::Corrupt { operation: "look for damage", detail });
            };
            from = Slice::from(after(&next.last));
            if *from > *block.last {
                return self.write(&batch);
            }
        }
    }
}

/// The key right after.
fn after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// Replaces a block where it lies.
fn write_over(table: &Table, block: &Damage) -> Result<(), EngineError> {
    let bytes = usize::try_from(block.size).unwrap_or(usize::MAX);
    let compression = table.metadata.data_block_compression;
    let substitute = substitute(&block.last, bytes, compression).ok_or_else(|| {
        let detail = format!("no other block of {bytes} bytes fits into table {}", table.id());
        EngineError::Corrupt { operation: "write over damage", detail }
    })?;
    let written = File::options().write(true).open(&*table.path).and_then(|file| {
        file.write_all_at(&substitute, block.offset)?;
        file.sync_data()
    });
    written.map_err(EngineError::io("write over damage"))
}

/// A block of exactly so many bytes with one row, older than all others, whose value is noise. How
/// long an encoded block becomes grows in uneven steps, so several forms of it are tried.
fn substitute(key: &[u8], bytes: usize, compression: CompressionType) -> Option<Vec<u8>> {
    let encode = |noise: usize, zeros: usize, twice: bool| -> Option<Vec<u8>> {
        let mut value = noise_of(noise);
        value.resize(noise.saturating_add(zeros), 0);
        let row = |value: &[u8], seqno| {
            InternalValue::from_components(key, Slice::from(value), seqno, ValueType::Value)
        };
        let mut rows = vec![row(&value, 0)];
        if twice {
            rows.insert(0, row(&[], 1));
        }
        let data = DataBlock::encode_into_vec(&rows, 1, 0.0).ok()?;
        let mut block = Vec::with_capacity(bytes);
        Block::write_into(&mut block, &data, BlockType::Data, compression).ok()?;
        Some(block)
    };
    for form in 0..SUBSTITUTE_ZEROS_MAX.saturating_mul(2) {
        let (zeros, twice) = (form / 2, form % 2 == 1);
        let mut noise = bytes.saturating_sub(encode(0, zeros, twice)?.len());
        for _ in 0..SUBSTITUTE_TRIES {
            let block = encode(noise, zeros, twice)?;
            if block.len() == bytes {
                return Some(block);
            }
            noise = noise.saturating_add(bytes).saturating_sub(block.len());
        }
    }
    None
}

/// Bytes that do not compress.
fn noise_of(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(count.saturating_add(8));
    while bytes.len() < count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_substitute_of_every_length_is_found_and_read_back() {
        for compression in [CompressionType::None, CompressionType::Lz4] {
            for bytes in (120..1_000).chain(4_000..4_300).chain([16_500, 70_000, 3 << 20]) {
                let block = substitute(b"the last key", bytes, compression);
                let block = block.unwrap_or_else(|| panic!("{bytes} with {compression:?}"));
                assert_eq!(block.len(), bytes);
                let read = Block::from_reader(&mut &block[..], compression).unwrap();
                let row = DataBlock::new(read).point_read(b"the last key", u64::MAX).unwrap();
                assert_eq!(&*row.key.user_key, b"the last key");
            }
        }
        assert_eq!(substitute(&[7; 500], 400, CompressionType::None), None);
    }
}
