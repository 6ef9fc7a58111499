//! Operations on lists. The key of an element is its position, 16 bytes that never change:
//!
//! | side | time | sequence | index |
//! |---|---|---|---|
//! | 1 byte | 8 bytes, i64 with its sign flipped | 4 bytes | 3 bytes |
//!
//! big endian. The time is the leader's, so that two clients' appends lie in the order in which
//! they were applied, whatever their clocks say; it is moved past what the list already holds.
//! Appended elements have side 0x80. Prepended ones have side 0x40 and their time and sequence
//! inverted, so that later ones come first. Elements of a whole list written at once have side
//! 0x80, the write time and a fingerprint of the list as sequence: the same write twice is one
//! list, and two lists of one time follow each other, as in Cassandra, instead of mixing.

use bytes::Bytes;

use super::{ApplyError, Write, column};
use crate::{Complex, Element, Versioned};

const PREPENDED: u8 = 0x40;
const APPENDED: u8 = 0x80;
const ELEMENTS_MAX: usize = 1 << 24;

/// Where one operation puts its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    time_us: i64,
    sequence: u32,
}

impl Position {
    fn key(self, side: u8, index: u32) -> Bytes {
        let flipped = self.time_us.cast_unsigned() ^ (1 << 63);
        let (time, sequence) = match side {
            PREPENDED => (!flipped, !self.sequence),
            _ => (flipped, self.sequence),
        };
        let mut key = Vec::with_capacity(16);
        key.push(side);
        key.extend_from_slice(&time.to_be_bytes());
        key.extend_from_slice(&sequence.to_be_bytes());
        key.extend(index.to_be_bytes().into_iter().skip(1));
        key.into()
    }

    /// The position of an element, if it is on this side.
    fn of(element: &Element, wanted: u8) -> Option<Self> {
        let (side, rest) = element.key.split_first()?;
        let (time, rest) = rest.split_first_chunk()?;
        let (sequence, _) = rest.split_first_chunk()?;
        let (time, sequence) = (u64::from_be_bytes(*time), u32::from_be_bytes(*sequence));
        let (flipped, sequence) = match wanted {
            PREPENDED => (!time, !sequence),
            _ => (time, sequence),
        };
        let time_us = (flipped ^ (1 << 63)).cast_signed();
        (*side == wanted).then_some(Self { time_us, sequence })
    }

    /// Of the write, moved past the outermost element if need be.
    fn beyond(outermost: Option<Self>, write: Write) -> Self {
        let stamp = write.stamp;
        let position = Self { time_us: stamp.timestamp_us, sequence: stamp.sequence };
        match outermost {
            Some(outermost) if outermost >= position => {
                Self { time_us: outermost.time_us.saturating_add(1), ..position }
            }
            _ => position,
        }
    }
}

pub(super) fn replace(
    complex: &mut Complex,
    values: &[Bytes],
    write: Write,
) -> Result<(), ApplyError> {
    let position = Position { time_us: write.timestamp_us, sequence: fingerprint(values) };
    place(complex, APPENDED, position, values, write)
}

/// FNV-1a of the values' lengths and bytes, in 32 bits.
fn fingerprint(values: &[Bytes]) -> u32 {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    values.iter().fold(0x811c_9dc5, |hash, value| {
        let length = value.len().to_be_bytes();
        value.iter().fold(length.iter().fold(hash, step), step)
    })
}

pub(super) fn append(
    complex: &mut Complex,
    values: &[Bytes],
    write: Write,
) -> Result<(), ApplyError> {
    if is_repeated(complex, APPENDED, write) {
        return Ok(());
    }
    let last = complex.elements.last().and_then(|element| Position::of(element, APPENDED));
    place(complex, APPENDED, Position::beyond(last, write), values, write)
}

pub(super) fn prepend(
    complex: &mut Complex,
    values: &[Bytes],
    write: Write,
) -> Result<(), ApplyError> {
    if is_repeated(complex, PREPENDED, write) {
        return Ok(());
    }
    let first = complex.elements.first().and_then(|element| Position::of(element, PREPENDED));
    place(complex, PREPENDED, Position::beyond(first, write), values, write)
}

/// Whether the list has, or had, elements of this very operation.
fn is_repeated(complex: &Complex, side: u8, write: Write) -> bool {
    let Some(from_us) = write.stamp.repeats_from_us else { return false };
    let mut found = complex.elements.iter().filter_map(|element| Position::of(element, side));
    found.any(|position| position.sequence == write.stamp.sequence && position.time_us >= from_us)
}

fn place(
    complex: &mut Complex,
    side: u8,
    position: Position,
    values: &[Bytes],
    write: Write,
) -> Result<(), ApplyError> {
    if values.len() > ELEMENTS_MAX {
        return Err(ApplyError::TooManyElements { count: values.len(), max: ELEMENTS_MAX });
    }
    for (index, value) in (0_u32..).zip(values) {
        let data = Versioned { live: write.live(), value: Some(value.clone()) };
        let key = position.key(side, index);
        complex.merge_element(Element { key, name: Bytes::new(), data });
    }
    Ok(())
}

pub(super) fn set(
    complex: &mut Complex,
    index: i32,
    value: Option<&Bytes>,
    write: Write,
) -> Result<(), ApplyError> {
    let now_seconds = write.stamp.now_seconds;
    let mut live = complex.elements.iter().filter(|element| element.data.is_live(now_seconds));
    let found = usize::try_from(index).ok().and_then(|index| live.nth(index));
    let Some(key) = found.map(|element| element.key.clone()) else {
        let len = complex.elements.iter().filter(|e| e.data.is_live(now_seconds)).count();
        if len == 0 {
            return Err(ApplyError::NoList { deletes: value.is_none() });
        }
        return Err(ApplyError::ListIndexOutOfBounds { index, len });
    };
    complex.merge_element(match value {
        Some(value) => {
            let data = Versioned { live: write.live(), value: Some(value.clone()) };
            Element { key, name: Bytes::new(), data }
        }
        None => column::removed(&key, write),
    });
    Ok(())
}

pub(super) fn discard(complex: &mut Complex, values: &[Bytes], write: Write) {
    let now_seconds = write.stamp.now_seconds;
    let unwanted = |element: &&Element| {
        element.data.is_live(now_seconds)
            && element.data.value.as_ref().is_some_and(|value| values.contains(value))
    };
    let keys: Vec<Bytes> =
        complex.elements.iter().filter(unwanted).map(|element| element.key.clone()).collect();
    for key in keys {
        complex.merge_element(column::removed(&key, write));
    }
}
