//! [`Row`] as bytes, version 1, described in `FORMAT.md`. Timestamps are differences from the
//! first one in the row, and usually cost nothing, because most columns of a row were written
//! together.

use bytes::Bytes;

use super::{ColumnData, Complex, CounterState, Element, Expiry, Liveness, Row, Versioned};
use crate::ColumnId;
use crate::codec::{FormatError, Reader, Writer};

const ROW_MARKER: u8 = 0x01;
const ROW_DELETION: u8 = 0x02;

const KIND_BITS: u8 = 0x03;
const SIMPLE: u8 = 0x00;
const COMPLEX: u8 = 0x01;
const COUNTER: u8 = 0x02;
/// A tombstone; of a complex column or a counter, that a deletion time follows.
const DELETED: u8 = 0x04;
const EXPIRING: u8 = 0x08;
/// Same timestamp as the first of the row.
const FIRST_TIMESTAMP: u8 = 0x10;
/// Same expiry as the first of the row.
const FIRST_EXPIRY: u8 = 0x20;
/// An element with a name.
const NAMED: u8 = 0x40;

impl Row {
    /// The row's stored form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer =
            RowWriter { to: Writer::new(self.estimated_bytes()), first: First::default() };
        writer.row(self);
        writer.to.finish()
    }

    /// Reads the stored form; values are slices of `bytes`.
    ///
    /// # Errors
    /// When `bytes` is not a row, or one of a later version.
    pub fn decode(bytes: Bytes) -> Result<Self, FormatError> {
        let from = Reader::new("row", bytes)?;
        let mut reader = RowReader { from, first: First::default() };
        let row = reader.row()?;
        reader.from.finish()?;
        Ok(row)
    }

    /// About how long the stored form is, without writing it.
    #[must_use]
    pub fn estimated_bytes(&self) -> usize {
        let columns = self.columns.iter().map(|(_, data)| match data {
            ColumnData::Simple(versioned) => 6 + versioned.value.as_ref().map_or(8, Bytes::len),
            ColumnData::Complex(complex) => complex
                .elements
                .iter()
                .map(|e| {
                    8 + e.key.len() + e.name.len() + e.data.value.as_ref().map_or(8, Bytes::len)
                })
                .sum::<usize>()
                .saturating_add(16),
            ColumnData::Counter(_) => 24,
        });
        columns.fold(32, usize::saturating_add)
    }
}

/// What later fields of a row refer to.
#[derive(Default)]
struct First {
    timestamp_us: Option<i64>,
    expiry: Option<Expiry>,
}

struct RowWriter {
    to: Writer,
    first: First,
}

impl RowWriter {
    fn row(&mut self, row: &Row) {
        let marker = if row.marker.is_some() { ROW_MARKER } else { 0 };
        let deletion = if row.deletion.is_some() { ROW_DELETION } else { 0 };
        self.to.u8(marker | deletion);
        if let Some(marker) = &row.marker {
            self.to.u8(self.flags(marker));
            self.liveness(marker);
        }
        if let Some(deletion) = row.deletion {
            self.timestamp(deletion);
        }
        self.to.count(row.columns.len());
        let mut previous = 0_u32;
        for (id, data) in &row.columns {
            self.to.unsigned(u64::from(id.0.wrapping_sub(previous)));
            previous = id.0;
            match data {
                ColumnData::Simple(versioned) => {
                    self.to.u8(SIMPLE | self.versioned_flags(versioned));
                    self.versioned(versioned);
                }
                ColumnData::Complex(complex) => self.complex(complex),
                ColumnData::Counter(counter) => self.counter(counter),
            }
        }
    }

    fn complex(&mut self, complex: &Complex) {
        self.to.u8(COMPLEX | if complex.deletion.is_some() { DELETED } else { 0 });
        if let Some(deletion) = complex.deletion {
            self.timestamp(deletion);
        }
        self.to.count(complex.elements.len());
        for element in &complex.elements {
            let named = if element.name.is_empty() { 0 } else { NAMED };
            self.to.u8(named | self.versioned_flags(&element.data));
            self.to.bytes(&element.key);
            if named != 0 {
                self.to.bytes(&element.name);
            }
            self.versioned(&element.data);
        }
    }

    fn counter(&mut self, counter: &CounterState) {
        let same =
            if self.first.timestamp_us == Some(counter.timestamp_us) { FIRST_TIMESTAMP } else { 0 };
        self.to.u8(COUNTER | same | if counter.deletion.is_some() { DELETED } else { 0 });
        if same == 0 {
            self.timestamp(counter.timestamp_us);
        }
        if let Some(deletion) = counter.deletion {
            self.timestamp(deletion);
        }
        self.to.signed(counter.total);
    }

    fn versioned_flags(&self, versioned: &Versioned) -> u8 {
        self.flags(&versioned.live) | if versioned.value.is_none() { DELETED } else { 0 }
    }

    fn flags(&self, live: &Liveness) -> u8 {
        let mut flags = 0;
        if self.first.timestamp_us == Some(live.timestamp_us) {
            flags |= FIRST_TIMESTAMP;
        }
        if live.expiry.is_some() {
            flags |= EXPIRING;
            if self.first.expiry == live.expiry {
                flags |= FIRST_EXPIRY;
            }
        }
        flags
    }

    fn versioned(&mut self, versioned: &Versioned) {
        self.liveness(&versioned.live);
        if let Some(value) = &versioned.value {
            self.to.bytes(value);
        }
    }

    fn liveness(&mut self, live: &Liveness) {
        if self.first.timestamp_us != Some(live.timestamp_us) {
            self.timestamp(live.timestamp_us);
        }
        if let Some(expiry) = live.expiry
            && self.first.expiry != live.expiry
        {
            self.to.unsigned(u64::from(expiry.ttl_seconds));
            self.to.signed(expiry.at_seconds);
            self.first.expiry.get_or_insert(expiry);
        }
    }

    fn timestamp(&mut self, timestamp_us: i64) {
        self.to.signed(timestamp_us.wrapping_sub(self.first.timestamp_us.unwrap_or(0)));
        self.first.timestamp_us.get_or_insert(timestamp_us);
    }
}

struct RowReader {
    from: Reader,
    first: First,
}

impl RowReader {
    fn row(&mut self) -> Result<Row, FormatError> {
        let flags = self.flags(ROW_MARKER | ROW_DELETION)?;
        let marker = if flags & ROW_MARKER != 0 {
            let flags = self.flags(EXPIRING | FIRST_TIMESTAMP | FIRST_EXPIRY)?;
            Some(self.liveness(flags)?)
        } else {
            None
        };
        let deletion = if flags & ROW_DELETION != 0 { Some(self.timestamp()?) } else { None };
        let count = self.from.count()?;
        let mut columns: Vec<(ColumnId, ColumnData)> = Vec::with_capacity(count.min(1024));
        let mut previous = 0_u32;
        for index in 0..count {
            let step = self.from.u32("column id")?;
            let id = previous.checked_add(step).filter(|id| index == 0 || *id > previous);
            previous = id.ok_or_else(|| self.from.invalid("column id"))?;
            columns.push((ColumnId(previous), self.column()?));
        }
        Ok(Row { marker, deletion, columns })
    }

    fn column(&mut self) -> Result<ColumnData, FormatError> {
        let flags = self.from.u8()?;
        let allowed = match flags & KIND_BITS {
            SIMPLE => DELETED | EXPIRING | FIRST_TIMESTAMP | FIRST_EXPIRY,
            COMPLEX => COMPLEX | DELETED,
            COUNTER => COUNTER | DELETED | FIRST_TIMESTAMP,
            _ => 0,
        };
        self.check(flags, allowed)?;
        match flags & KIND_BITS {
            SIMPLE => Ok(ColumnData::Simple(self.versioned(flags)?)),
            COMPLEX => Ok(ColumnData::Complex(self.complex(flags)?)),
            _ => Ok(ColumnData::Counter(self.counter(flags)?)),
        }
    }

    fn complex(&mut self, flags: u8) -> Result<Complex, FormatError> {
        let deletion = if flags & DELETED != 0 { Some(self.timestamp()?) } else { None };
        let count = self.from.count()?;
        let mut elements: Vec<Element> = Vec::with_capacity(count.min(1024));
        for _ in 0..count {
            let allowed = DELETED | EXPIRING | FIRST_TIMESTAMP | FIRST_EXPIRY | NAMED;
            let flags = self.flags(allowed)?;
            let key = self.from.bytes()?;
            if elements.last().is_some_and(|last| last.key >= key) {
                return Err(self.from.invalid("element order"));
            }
            let name = if flags & NAMED != 0 { self.from.bytes()? } else { Bytes::new() };
            elements.push(Element { key, name, data: self.versioned(flags)? });
        }
        Ok(Complex { deletion, elements })
    }

    fn counter(&mut self, flags: u8) -> Result<CounterState, FormatError> {
        let timestamp_us = self.timestamp_unless_first(flags)?;
        let deletion = if flags & DELETED != 0 { Some(self.timestamp()?) } else { None };
        Ok(CounterState { total: self.from.signed()?, timestamp_us, deletion })
    }

    fn versioned(&mut self, flags: u8) -> Result<Versioned, FormatError> {
        let live = self.liveness(flags)?;
        let value = if flags & DELETED == 0 { Some(self.from.bytes()?) } else { None };
        Ok(Versioned { live, value })
    }

    fn liveness(&mut self, flags: u8) -> Result<Liveness, FormatError> {
        let timestamp_us = self.timestamp_unless_first(flags)?;
        let expiry = match (flags & EXPIRING != 0, flags & FIRST_EXPIRY != 0) {
            (false, false) => None,
            (true, false) => {
                let ttl_seconds = self.from.u32("ttl")?;
                let expiry = Expiry { ttl_seconds, at_seconds: self.from.signed()? };
                self.first.expiry.get_or_insert(expiry);
                Some(expiry)
            }
            (true, true) if self.first.expiry.is_some() => self.first.expiry,
            (_, true) => return Err(self.from.invalid("expiry flag")),
        };
        Ok(Liveness { timestamp_us, expiry })
    }

    fn timestamp_unless_first(&mut self, flags: u8) -> Result<i64, FormatError> {
        if flags & FIRST_TIMESTAMP == 0 {
            return self.timestamp();
        }
        self.first.timestamp_us.ok_or_else(|| self.from.invalid("timestamp flag"))
    }

    fn timestamp(&mut self) -> Result<i64, FormatError> {
        let difference = self.from.signed()?;
        let timestamp_us = self.first.timestamp_us.unwrap_or(0).wrapping_add(difference);
        self.first.timestamp_us.get_or_insert(timestamp_us);
        Ok(timestamp_us)
    }

    fn flags(&mut self, allowed: u8) -> Result<u8, FormatError> {
        let flags = self.from.u8()?;
        self.check(flags, allowed)?;
        Ok(flags)
    }

    fn check(&self, flags: u8, allowed: u8) -> Result<(), FormatError> {
        if flags & !allowed == 0 { Ok(()) } else { Err(self.from.invalid("flags")) }
    }
}
