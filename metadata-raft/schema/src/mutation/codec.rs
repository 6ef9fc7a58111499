//! [`Mutation`] as bytes, version 1, described in `FORMAT.md`: the content of messages to cells
//! and of log entries.

use bytes::Bytes;

use super::{Addable, Change, ChangeKind, Mutation, NewElement, Operation, RowChange};
use crate::ColumnId;
use crate::codec::{FormatError, Reader, Writer};

const KIND_BITS: u8 = 0x07;
const DELETE_PARTITION: u8 = 0;
const DELETE_RANGE: u8 = 1;
const DELETE_ROW: u8 = 2;
const UPSERT: u8 = 3;
const TIMESTAMP: u8 = 0x10;
const MARKER: u8 = 0x20;
const TTL: u8 = 0x40;

const SET: u8 = 0;
const DELETE: u8 = 1;
const REPLACE: u8 = 2;
const PUT: u8 = 3;
const REMOVE: u8 = 4;
const LIST_REPLACE: u8 = 5;
const LIST_APPEND: u8 = 6;
const LIST_PREPEND: u8 = 7;
const LIST_SET: u8 = 8;
const LIST_DISCARD: u8 = 9;
const ADD: u8 = 10;
const LIST_UNSET: u8 = 11;
const PLUS: u8 = 12;

const ELEMENT_VALUE: u8 = 0x01;
const ELEMENT_NAME: u8 = 0x02;

impl Mutation {
    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::new(64 + self.partition.len());
        to.bytes(&self.partition);
        to.count(self.changes.len());
        for change in &self.changes {
            write_change(&mut to, change);
        }
        to.finish()
    }

    /// Reads the stored form; keys and values are slices of `bytes`.
    ///
    /// # Errors
    /// When `bytes` is not a mutation, or one of a later version.
    pub fn decode(bytes: Bytes) -> Result<Self, FormatError> {
        let mut from = Reader::new("mutation", bytes)?;
        let partition = from.bytes()?;
        let changes = from.many(read_change)?;
        from.finish()?;
        Ok(Self { partition, changes })
    }
}

fn write_change(to: &mut Writer, change: &Change) {
    let (kind, flags) = match &change.kind {
        ChangeKind::DeletePartition => (DELETE_PARTITION, 0),
        ChangeKind::DeleteRange { .. } => (DELETE_RANGE, 0),
        ChangeKind::DeleteRow { .. } => (DELETE_ROW, 0),
        ChangeKind::Upsert(row) => {
            let marker = if row.marker { MARKER } else { 0 };
            (UPSERT, marker | if row.ttl_seconds != 0 { TTL } else { 0 })
        }
    };
    to.u8(kind | flags | if change.timestamp_us.is_some() { TIMESTAMP } else { 0 });
    if let Some(timestamp_us) = change.timestamp_us {
        to.signed(timestamp_us);
    }
    match &change.kind {
        ChangeKind::DeletePartition => {}
        ChangeKind::DeleteRange { start, end } => {
            to.bytes(start);
            to.bytes(end);
        }
        ChangeKind::DeleteRow { suffix } => to.bytes(suffix),
        ChangeKind::Upsert(row) => {
            to.bytes(&row.suffix);
            if row.ttl_seconds != 0 {
                to.unsigned(u64::from(row.ttl_seconds));
            }
            to.count(row.operations.len());
            for (column, operation) in &row.operations {
                to.unsigned(u64::from(column.0));
                write_operation(to, operation);
            }
        }
    }
}

fn write_operation(to: &mut Writer, operation: &Operation) {
    match operation {
        Operation::Set(value) => {
            to.u8(SET);
            to.bytes(value);
        }
        Operation::Delete => to.u8(DELETE),
        Operation::Replace(elements) => write_elements(to, REPLACE, elements),
        Operation::Put(elements) => write_elements(to, PUT, elements),
        Operation::Remove(keys) => write_values(to, REMOVE, keys),
        Operation::ListReplace(values) => write_values(to, LIST_REPLACE, values),
        Operation::ListAppend(values) => write_values(to, LIST_APPEND, values),
        Operation::ListPrepend(values) => write_values(to, LIST_PREPEND, values),
        Operation::ListSet(index, value) => {
            to.u8(if value.is_some() { LIST_SET } else { LIST_UNSET });
            to.signed(i64::from(*index));
            if let Some(value) = value {
                to.bytes(value);
            }
        }
        Operation::ListDiscard(values) => write_values(to, LIST_DISCARD, values),
        Operation::Add(amount) => {
            to.u8(ADD);
            to.signed(*amount);
        }
        Operation::Plus(kind, value) => {
            to.u8(PLUS);
            to.u8(kind.code());
            to.bytes(value);
        }
    }
}

fn write_values(to: &mut Writer, tag: u8, values: &[Bytes]) {
    to.u8(tag);
    to.count(values.len());
    for value in values {
        to.bytes(value);
    }
}

fn write_elements(to: &mut Writer, tag: u8, elements: &[NewElement]) {
    to.u8(tag);
    to.count(elements.len());
    for element in elements {
        let value = if element.value.is_some() { ELEMENT_VALUE } else { 0 };
        to.u8(value | if element.name.is_empty() { 0 } else { ELEMENT_NAME });
        to.bytes(&element.key);
        if !element.name.is_empty() {
            to.bytes(&element.name);
        }
        if let Some(value) = &element.value {
            to.bytes(value);
        }
    }
}

fn read_change(from: &mut Reader) -> Result<Change, FormatError> {
    let flags = from.u8()?;
    let kind = flags & KIND_BITS;
    let allowed = KIND_BITS | TIMESTAMP | if kind == UPSERT { MARKER | TTL } else { 0 };
    if flags & !allowed != 0 {
        return Err(from.invalid("change flags"));
    }
    let timestamp_us = if flags & TIMESTAMP != 0 { Some(from.signed()?) } else { None };
    let kind = match kind {
        DELETE_PARTITION => ChangeKind::DeletePartition,
        DELETE_RANGE => ChangeKind::DeleteRange { start: from.bytes()?, end: from.bytes()? },
        DELETE_ROW => ChangeKind::DeleteRow { suffix: from.bytes()? },
        UPSERT => {
            let suffix = from.bytes()?;
            let ttl_seconds = if flags & TTL != 0 { from.u32("ttl")? } else { 0 };
            let operations = from.many(|from| {
                let column = ColumnId(from.u32("column id")?);
                Ok((column, read_operation(from)?))
            })?;
            let marker = flags & MARKER != 0;
            ChangeKind::Upsert(RowChange { suffix, marker, ttl_seconds, operations })
        }
        _ => return Err(from.invalid("change kind")),
    };
    Ok(Change { timestamp_us, kind })
}

fn read_operation(from: &mut Reader) -> Result<Operation, FormatError> {
    Ok(match from.u8()? {
        SET => Operation::Set(from.bytes()?),
        DELETE => Operation::Delete,
        REPLACE => Operation::Replace(from.many(read_element)?),
        PUT => Operation::Put(from.many(read_element)?),
        REMOVE => Operation::Remove(from.many(Reader::bytes)?),
        LIST_REPLACE => Operation::ListReplace(from.many(Reader::bytes)?),
        LIST_APPEND => Operation::ListAppend(from.many(Reader::bytes)?),
        LIST_PREPEND => Operation::ListPrepend(from.many(Reader::bytes)?),
        LIST_SET => Operation::ListSet(read_index(from)?, Some(from.bytes()?)),
        LIST_UNSET => Operation::ListSet(read_index(from)?, None),
        LIST_DISCARD => Operation::ListDiscard(from.many(Reader::bytes)?),
        ADD => Operation::Add(from.signed()?),
        PLUS => {
            let kind = Addable::from_code(from.u8()?);
            Operation::Plus(kind.ok_or_else(|| from.invalid("kind of a sum"))?, from.bytes()?)
        }
        _ => return Err(from.invalid("operation")),
    })
}

fn read_index(from: &mut Reader) -> Result<i32, FormatError> {
    let index = from.signed()?;
    i32::try_from(index).map_err(|_| from.invalid("list index"))
}

fn read_element(from: &mut Reader) -> Result<NewElement, FormatError> {
    let flags = from.u8()?;
    if flags & !(ELEMENT_VALUE | ELEMENT_NAME) != 0 {
        return Err(from.invalid("element flags"));
    }
    let key = from.bytes()?;
    let name = if flags & ELEMENT_NAME != 0 { from.bytes()? } else { Bytes::new() };
    let value = if flags & ELEMENT_VALUE != 0 { Some(from.bytes()?) } else { None };
    Ok(NewElement { key, name, value })
}
