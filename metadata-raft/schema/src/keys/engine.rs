//! The whole engine key: table, token, routing key, suffix.

use bytes::Bytes;

use super::order::write_escaped;
use super::order_read::Reader;
use super::{KeyError, after, suffix};
use crate::limits::ENGINE_KEY_BYTES_MAX;
use crate::token::token;
use crate::{Table, TableId};

/// Bytes before the routing key: table and token.
const POSITION_BYTES: usize = 12;

/// What a record of a partition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowKind {
    /// The partition's deletions ([`crate::PartitionMarks`]).
    Marks,
    /// The static columns.
    Static,
    /// One row.
    Row,
}

/// An engine key taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedKey {
    /// Place of the partition on the ring.
    pub token: i64,
    /// The routing key, as drivers compute it.
    pub routing: Bytes,
    /// Wire bytes of the partition key columns.
    pub partition_values: Vec<Bytes>,
    /// What the record is.
    pub kind: RowKind,
    /// Wire bytes of the clustering columns; empty unless it is a row.
    pub clustering: Vec<Bytes>,
}

/// The key prefix of a partition; a suffix appended to it makes an engine key.
#[must_use]
pub fn partition(table: TableId, routing: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(POSITION_BYTES + routing.len() + 2);
    out.extend_from_slice(&position(table, token(routing)));
    write_escaped(&mut out, routing);
    Bytes::from(out)
}

/// The engine key of a record of a partition.
///
/// # Errors
/// When both together are longer than an engine key may be.
pub fn engine_key(partition: &[u8], suffix: &[u8]) -> Result<Bytes, KeyError> {
    let bytes = partition.len() + suffix.len();
    if bytes > ENGINE_KEY_BYTES_MAX {
        return Err(KeyError::TooLong { bytes, limit_bytes: ENGINE_KEY_BYTES_MAX });
    }
    Ok(Bytes::from([partition, suffix].concat()))
}

/// The routing key of these partition key values: one raw, several each as u16 length, bytes,
/// 0x00. No component may be longer than [`crate::limits::KEY_COMPONENT_BYTES_MAX`].
#[must_use]
pub fn routing(components: &[&[u8]]) -> Bytes {
    if let [only] = components {
        return Bytes::copy_from_slice(only);
    }
    let mut out = Vec::with_capacity(components.iter().map(|part| part.len() + 3).sum());
    for part in components {
        out.extend_from_slice(&u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
        out.extend_from_slice(part);
        out.push(0x00);
    }
    Bytes::from(out)
}

/// The partition key values of a routing key with `count` components.
///
/// # Errors
/// When the bytes are no such routing key.
pub fn routing_components(count: usize, routing: &Bytes) -> Result<Vec<Bytes>, KeyError> {
    if count == 1 {
        return Ok(vec![routing.clone()]);
    }
    let corrupt = KeyError::Corrupt { reason: "routing key components" };
    let mut rest = routing.as_ref();
    let mut components = Vec::with_capacity(count);
    for _ in 0..count {
        let (length, tail) = rest.split_first_chunk::<2>().ok_or_else(|| corrupt.clone())?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (part, tail) = tail.split_at_checked(length).ok_or_else(|| corrupt.clone())?;
        components.push(routing.slice_ref(part));
        rest = tail.strip_prefix(&[0x00]).ok_or_else(|| corrupt.clone())?;
    }
    if rest.is_empty() { Ok(components) } else { Err(corrupt) }
}

/// Cuts an engine key into partition and suffix.
///
/// # Errors
/// When the bytes are no engine key.
pub fn split(engine_key: &Bytes) -> Result<(Bytes, Bytes), KeyError> {
    let mut rest = engine_key
        .get(POSITION_BYTES..)
        .ok_or(KeyError::Corrupt { reason: "shorter than table and token" })?;
    loop {
        let zero = rest.iter().position(|byte| *byte == 0);
        let tail = zero.and_then(|at| rest.get(at + 1..)).and_then(<[u8]>::split_first);
        match tail {
            Some((0x01, suffix)) => {
                let cut = engine_key.len() - suffix.len();
                return Ok((engine_key.slice(..cut), engine_key.slice(cut..)));
            }
            Some((0xff, tail)) => rest = tail,
            _ => return Err(KeyError::Corrupt { reason: "routing key without end" }),
        }
    }
}

/// The table of an engine key.
///
/// # Errors
/// When the key is too short.
pub fn table_of(engine_key: &[u8]) -> Result<TableId, KeyError> {
    let (table, _) = engine_key
        .split_first_chunk::<4>()
        .ok_or(KeyError::Corrupt { reason: "shorter than a table" })?;
    Ok(TableId(u32::from_be_bytes(*table)))
}

/// The token of an engine key.
///
/// # Errors
/// When the key is too short.
pub fn token_of(engine_key: &[u8]) -> Result<i64, KeyError> {
    let (token, _) = engine_key
        .get(4..)
        .and_then(|rest| rest.split_first_chunk::<8>())
        .ok_or(KeyError::Corrupt { reason: "shorter than table and token" })?;
    Ok(i64::from_be_bytes(*token) ^ i64::MIN)
}

/// Takes an engine key of this table apart.
///
/// # Errors
/// When the bytes are no key of this table.
pub fn decode(table: &Table, engine_key: &Bytes) -> Result<DecodedKey, KeyError> {
    if table_of(engine_key)? != table.id {
        return Err(KeyError::Corrupt { reason: "key of another table" });
    }
    let (partition, rest) = split(engine_key)?;
    let escaped = partition.get(POSITION_BYTES..).unwrap_or(&[]);
    let routing = Bytes::from(Reader::new(escaped).escaped()?);
    let kind = suffix::kind_of(&rest)?;
    let clustering = match kind {
        RowKind::Row => suffix::clustering_of(table, &rest)?,
        RowKind::Marks | RowKind::Static if rest.len() == 1 => Vec::new(),
        RowKind::Marks | RowKind::Static => {
            return Err(KeyError::Corrupt { reason: "bytes after the kind" });
        }
    };
    Ok(DecodedKey {
        token: token_of(engine_key)?,
        partition_values: routing_components(table.partition_key().count(), &routing)?,
        routing,
        kind,
        clustering,
    })
}

/// Start and end (exclusive) of the keys with tokens after `after_token` up to and with `through`.
#[must_use]
pub fn token_range(
    table: TableId,
    after_token: Option<i64>,
    through: Option<i64>,
) -> (Bytes, Bytes) {
    let (first, end) = table_range(table);
    let start = after_token.map_or(first, |token| after(&position(table, token)));
    (start, through.map_or(end, |token| after(&position(table, token))))
}

/// Start and end (exclusive) of all keys of a table.
#[must_use]
pub fn table_range(table: TableId) -> (Bytes, Bytes) {
    (position_key(table, i64::MIN), after(&table.0.to_be_bytes()))
}

/// The first key a partition with this token may have.
#[must_use]
pub fn position_key(table: TableId, token: i64) -> Bytes {
    Bytes::copy_from_slice(&position(table, token))
}

fn position(table: TableId, token: i64) -> [u8; POSITION_BYTES] {
    let token = (token ^ i64::MIN).cast_unsigned();
    let whole = (u128::from(table.0) << 64) | u128::from(token);
    let mut out = [0; POSITION_BYTES];
    for (byte, from) in out.iter_mut().zip(whole.to_be_bytes().into_iter().skip(4)) {
        *byte = from;
    }
    out
}
