//! Writes of clients: all that waited when the entry was formed.

use bytes::{Buf, Bytes};
use cellar_cell_api::{BatchStep, Write};
use cellar_schema::{Condition, Mutation, RequestId, Row};

use super::{
    CommandError, WRITES,
    batch::{self, put_mutations, take_mutations},
    begin, put, put_count, take, take_count,
};

/// A write has a request id.
const HAS_ID: u8 = 1;
/// A write has conditions.
const HAS_CONDITIONS: u8 = 2;
/// A write brings rows of the cold tier.
const HAS_COLD: u8 = 4;
/// A write is of a batch over several cells.
const HAS_BATCH: u8 = 8;
/// A write says what is now.
const HAS_NOW: u8 = 16;
/// A write is of rows that others may equal.
const HAS_EQUALS: u8 = 32;

/// Writes in one log entry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WriteBatch {
    /// The leader's time in microseconds: the least timestamp of its first write.
    pub(crate) stamp_us: i64,
    /// The leader's time in seconds, for expiry.
    pub(crate) now_seconds: i64,
    /// In order.
    pub(crate) writes: Vec<LogWrite>,
}

/// One write, with what the leader found for it in the cold tier.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogWrite {
    /// Set for a write that must not be applied twice.
    pub(crate) id: Option<RequestId>,
    /// What to change.
    pub(crate) mutations: Vec<Mutation>,
    /// What must hold.
    pub(crate) conditions: Vec<Condition>,
    /// Rows of the cold tier that the outcome depends on, and the version of the cell's manifest
    /// they were read by.
    pub(crate) cold: Option<ColdRows>,
    /// What it is to a batch over several cells.
    pub(crate) batch: Option<BatchStep>,
    /// What is now instead of the entry's time, in seconds.
    pub(crate) now_seconds: Option<i64>,
    /// Rows that it names whose keys may be written in more than one way.
    pub(crate) equals: Vec<Equal>,
}

/// A key of a row, and how much of it rows with the same values have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Equal {
    /// Engine key.
    pub(crate) key: Bytes,
    /// Bytes of it that say which values they are.
    pub(crate) value_bytes: u32,
}

impl LogWrite {
    /// Every partition that it names, as [`Write::partitions`].
    pub(crate) fn partitions(&self) -> impl Iterator<Item = &Bytes> {
        let mutated = self.mutations.iter().map(|mutation| &mutation.partition);
        let tested = self.conditions.iter().map(|condition| &condition.partition);
        mutated.chain(tested).chain(self.ended())
    }

    /// The partition by which it finds the batch that it ends.
    pub(crate) fn ended(&self) -> Option<&Bytes> {
        match &self.batch {
            Some(BatchStep::End { partition, .. }) => Some(partition),
            _ => None,
        }
    }
}

/// Rows of the cold tier by engine key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ColdRows {
    /// Version of the manifest.
    pub(crate) manifest: u64,
    /// The rows.
    pub(crate) rows: Vec<(Bytes, Row)>,
}

/// What the leader found for a write.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) cold: Option<ColdRows>,
    pub(crate) equals: Vec<Equal>,
}

/// Appends one write, as the body of an entry repeats it.
///
/// # Errors
/// Something in it is longer than its length field can say.
pub(crate) fn encode_write(
    out: &mut Vec<u8>,
    write: &Write,
    Found { cold, equals }: &Found,
) -> Result<(), CommandError> {
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    out.push(
        flag(write.id.is_some(), HAS_ID)
            | flag(!write.conditions.is_empty(), HAS_CONDITIONS)
            | flag(cold.is_some(), HAS_COLD)
            | flag(write.batch.is_some(), HAS_BATCH)
            | flag(write.now_seconds.is_some(), HAS_NOW)
            | flag(!equals.is_empty(), HAS_EQUALS),
    );
    if let Some(id) = write.id {
        out.extend_from_slice(&id.0.to_le_bytes());
    }
    put_mutations(out, &write.mutations)?;
    if !write.conditions.is_empty() {
        let conditions = cbor4ii::serde::to_vec(Vec::new(), &write.conditions);
        put(out, &conditions.map_err(CommandError::new)?)?;
    }
    if let Some(cold) = cold {
        out.extend_from_slice(&cold.manifest.to_le_bytes());
        put_count(out, cold.rows.len())?;
        for (key, row) in &cold.rows {
            put(out, key)?;
            put(out, &row.encode())?;
        }
    }
    if let Some(step) = &write.batch {
        batch::encode(out, step)?;
    }
    if let Some(now_seconds) = write.now_seconds {
        out.extend_from_slice(&now_seconds.to_le_bytes());
    }
    if !equals.is_empty() {
        put_count(out, equals.len())?;
        for equal in equals {
            put(out, &equal.key)?;
            out.extend_from_slice(&equal.value_bytes.to_le_bytes());
        }
    }
    Ok(())
}

impl LogWrite {
    fn decode(bytes: &mut Bytes) -> Result<Self, CommandError> {
        let flags = bytes.try_get_u8()?;
        let id = match flags & HAS_ID {
            0 => None,
            _ => Some(RequestId(bytes.try_get_u128_le()?)),
        };
        let known = HAS_ID | HAS_CONDITIONS | HAS_COLD | HAS_BATCH | HAS_NOW | HAS_EQUALS;
        if flags & !known != 0 {
            return Err(CommandError::new(format!("flags {flags} of a write are unknown")));
        }
        let mutations = take_mutations(bytes)?;
        let conditions = match flags & HAS_CONDITIONS {
            0 => Vec::new(),
            _ => cbor4ii::serde::from_slice(&take(bytes)?).map_err(CommandError::new)?,
        };
        let cold = match flags & HAS_COLD {
            0 => None,
            _ => Some(ColdRows::decode(bytes)?),
        };
        let batch = match flags & HAS_BATCH {
            0 => None,
            _ => Some(batch::decode(bytes)?),
        };
        let now_seconds = match flags & HAS_NOW {
            0 => None,
            _ => Some(bytes.try_get_i64_le()?),
        };
        let equals = match flags & HAS_EQUALS {
            0 => Vec::new(),
            _ => Equal::decode_all(bytes)?,
        };
        Ok(Self { id, mutations, conditions, cold, batch, now_seconds, equals })
    }
}

impl Equal {
    fn decode_all(bytes: &mut Bytes) -> Result<Vec<Self>, CommandError> {
        let count = take_count(bytes)?;
        let mut equals = Vec::with_capacity(count);
        for _ in 0..count {
            equals.push(Self { key: take(bytes)?, value_bytes: bytes.try_get_u32_le()? });
        }
        Ok(equals)
    }
}

impl ColdRows {
    fn decode(bytes: &mut Bytes) -> Result<Self, CommandError> {
        let manifest = bytes.try_get_u64_le()?;
        let count = take_count(bytes)?;
        let mut rows = Vec::with_capacity(count);
        for _ in 0..count {
            let key = take(bytes)?;
            rows.push((key, Row::decode(take(bytes)?).map_err(CommandError::new)?));
        }
        Ok(Self { manifest, rows })
    }
}

impl WriteBatch {
    /// An entry of writes that are encoded already.
    ///
    /// # Errors
    /// There are more than a count can say.
    pub(crate) fn assemble<'a>(
        stamp_us: i64,
        now_seconds: i64,
        count: usize,
        encoded: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<Bytes, CommandError> {
        let body: usize = encoded.clone().map(<[u8]>::len).sum();
        let mut out = begin(WRITES, 20 + body);
        out.extend_from_slice(&stamp_us.to_le_bytes());
        out.extend_from_slice(&now_seconds.to_le_bytes());
        put_count(&mut out, count)?;
        for writes in encoded {
            out.extend_from_slice(writes);
        }
        Ok(Bytes::from(out))
    }

    pub(super) fn decode(mut bytes: Bytes) -> Result<Self, CommandError> {
        let stamp_us = bytes.try_get_i64_le()?;
        let now_seconds = bytes.try_get_i64_le()?;
        let count = take_count(&mut bytes)?;
        let mut writes = Vec::with_capacity(count);
        for _ in 0..count {
            writes.push(LogWrite::decode(&mut bytes)?);
        }
        if !bytes.is_empty() {
            return Err(CommandError::new("bytes after the last write"));
        }
        Ok(Self { stamp_us, now_seconds, writes })
    }
}

#[cfg(test)]
mod tests {
    use cellar_cell_api::{BatchStamp, Read, ReadLevel, ReadRequest};
    use cellar_metadata_api::{CellId, Epoch};
    use cellar_schema::{Change, ChangeKind, Test};

    use super::*;
    use crate::commands::Command;

    fn write() -> Write {
        let partition = Bytes::from_static(b"partition");
        Write {
            id: Some(RequestId(77)),
            mutations: vec![Mutation {
                partition: partition.clone(),
                changes: vec![Change { timestamp_us: Some(4), kind: ChangeKind::DeletePartition }],
            }],
            conditions: vec![Condition {
                partition,
                suffix: Bytes::from_static(&[2]),
                test: Test::Exists,
            }],
            batch: None,
            now_seconds: None,
        }
    }

    /// Requests as nodes send them that do not know of a client's now.
    #[derive(serde::Serialize)]
    struct OldRead {
        cell: CellId,
        epoch: Epoch,
        level: ReadLevel,
        reads: Vec<Read>,
    }
    #[derive(serde::Serialize)]
    struct OldWrite {
        id: Option<RequestId>,
        mutations: Vec<Mutation>,
        conditions: Vec<Condition>,
    }

    #[test]
    fn requests_without_a_now_are_read_as_those_of_the_clock() {
        let (cell, epoch, level, reads) = (CellId(3), Epoch(4), ReadLevel::Any, Vec::new());
        let old = OldRead { cell, epoch, level, reads };
        let bytes = cbor4ii::serde::to_vec(Vec::new(), &old).unwrap();
        let read: ReadRequest = cbor4ii::serde::from_slice(&bytes).unwrap();
        assert_eq!((read.cell, read.epoch, read.now_seconds), (CellId(3), Epoch(4), None));
        let Write { id, mutations, conditions, .. } = write();
        let old = OldWrite { id, mutations, conditions };
        let bytes = cbor4ii::serde::to_vec(Vec::new(), &old).unwrap();
        let read: Write = cbor4ii::serde::from_slice(&bytes).unwrap();
        assert_eq!((read.id, read.now_seconds), (Some(RequestId(77)), None));
    }

    #[test]
    fn every_step_of_a_batch_reads_back_and_no_cut_one_is_taken() {
        let partition = Bytes::from_static(b"partition");
        let stamp = BatchStamp { timestamp_us: 8, now_seconds: 9 };
        for step in [
            BatchStep::Begin { others: write().mutations, catalog: 7 },
            BatchStep::Part { batch: RequestId(4), stamp, again: true },
            BatchStep::Part { batch: RequestId(4), stamp, again: false },
            BatchStep::End { partition, batch: RequestId(5) },
        ] {
            let now_seconds = Some(1_600_000_000);
            let batch = Some(step);
            let sent = Write { conditions: Vec::new(), batch, now_seconds, ..write() };
            let mut encoded = Vec::new();
            let key = Bytes::from_static(b"key");
            let equals = vec![Equal { key, value_bytes: 2 }];
            let found = Found { cold: None, equals: equals.clone() };
            encode_write(&mut encoded, &sent, &found).unwrap();
            let parts = std::iter::once(encoded.as_slice());
            let entry = WriteBatch::assemble(5, 6, 1, parts).unwrap();
            let Command::Writes(batch) = Command::decode(entry.clone()).unwrap() else {
                panic!("another kind")
            };
            assert_eq!(batch.writes[0].batch, sent.batch);
            assert_eq!(batch.writes[0].now_seconds, now_seconds);
            assert_eq!(batch.writes[0].equals, equals);
            assert!(batch.writes[0].partitions().eq(sent.partitions()));
            for length in 0..entry.len() {
                assert!(Command::decode(entry.slice(..length)).is_err(), "{length}");
            }
        }
    }

    #[test]
    fn writes_read_back_and_no_cut_entry_is_taken() {
        let cold = ColdRows {
            manifest: 3,
            rows: vec![(Bytes::from_static(b"key"), Row { deletion: Some(8), ..Row::default() })],
        };
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let found = Found { cold: Some(cold.clone()), equals: Vec::new() };
        encode_write(&mut first, &write(), &found).unwrap();
        let plain = Write { id: None, conditions: Vec::new(), ..write() };
        encode_write(&mut second, &plain, &Found::default()).unwrap();
        let parts = [first, second];
        let entry = WriteBatch::assemble(5, 6, 2, parts.iter().map(Vec::as_slice)).unwrap();
        let Command::Writes(batch) = Command::decode(entry.clone()).unwrap() else {
            panic!("another kind")
        };
        assert_eq!((batch.stamp_us, batch.now_seconds, batch.writes.len()), (5, 6, 2));
        assert_eq!(batch.writes[0].id, Some(RequestId(77)));
        assert_eq!(batch.writes[0].conditions, write().conditions);
        assert_eq!(batch.writes[0].cold, Some(cold));
        assert_eq!(batch.writes[1].mutations, write().mutations);
        assert_eq!(batch.writes[1].cold, None);
        assert_eq!(batch.writes[1].now_seconds, None);
        for length in 0..entry.len() {
            assert!(Command::decode(entry.slice(..length)).is_err(), "{length}");
        }
    }
}
