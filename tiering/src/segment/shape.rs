//! What plain columns do not say of a row: times, expiries, deletions, elements of collections.
//!
//! A row is taken apart into its values, which go to the plain columns, and its shape: the same
//! row without those values, all times relative to the row's own. Rows that were written alike
//! have the same shape byte for byte, so a whole column of shapes costs next to nothing.

use bytes::Bytes;
use cellar_schema::value::as_i64;
use cellar_schema::{ColumnData, ColumnId, CounterState, CqlType, Liveness, Row, Table};

use super::SegmentError;
use super::plain::{self, Plain};

/// A row taken apart.
#[derive(Debug)]
pub(super) struct Parts {
    /// Newest time in the row, microseconds; the shape's times count from it.
    pub(super) write_time_us: i64,
    /// When the last of the row's values expires, if all do; the shape's expiries count from it.
    pub(super) expires_at: Option<i64>,
    /// The rest, encoded as a row.
    pub(super) shape: Bytes,
    /// What plain columns show, in the order of the row's columns.
    pub(super) values: Vec<(ColumnId, Plain)>,
}

/// Oldest and newest time in a row, whether it deletes anything and when it is gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) min_us: i64,
    pub(super) max_us: i64,
    pub(super) deletes: bool,
    /// See [`Parts::expires_at`].
    pub(super) expires_at: Option<i64>,
}

/// In a shape: the value is in the plain column.
const IN_PLAIN_COLUMN: &[u8] = b"";

/// In a shape, before a value that is kept here.
const VERBATIM: u8 = 0;

/// Takes a row apart.
pub(super) fn take_apart(table: &Table, mut row: Row) -> Parts {
    let write_time_us = row.newest_us().unwrap_or(0);
    let expires_at = expires_at(&row);
    let mut values = Vec::with_capacity(row.columns.len());
    for (id, data) in &mut row.columns {
        let column = table.column_by_id(*id);
        if let Some(shown) = column.and_then(|column| hollow(&column.cql_type, data)) {
            values.push((*id, shown));
        } else if let (None, ColumnData::Simple(simple)) = (column, data) {
            simple.value = simple.value.as_deref().map(verbatim);
        }
    }
    shift(&mut row, write_time_us.wrapping_neg(), expires_at.unwrap_or(0).wrapping_neg());
    Parts { write_time_us, expires_at, shape: Bytes::from(row.encode()), values }
}

/// Leaves in `data` what the plain column cannot say, and returns what it shows.
fn hollow(cql_type: &CqlType, data: &mut ColumnData) -> Option<Plain> {
    match data {
        ColumnData::Simple(simple) => {
            let value = simple.value.as_ref()?;
            let (shown, exact) = plain::exact(cql_type, value);
            simple.value =
                Some(if exact { Bytes::from_static(IN_PLAIN_COLUMN) } else { verbatim(value) });
            shown
        }
        ColumnData::Counter(counter) if counter.is_live() => {
            Some(Plain::Int64(std::mem::take(&mut counter.total)))
        }
        ColumnData::Counter(_) => None,
        ColumnData::Complex(_) => plain::plain(cql_type, &data.wire_value(cql_type)?),
    }
}

fn verbatim(value: &[u8]) -> Bytes {
    Bytes::from([&[VERBATIM], value].concat())
}

/// What the plain column of a column holds.
pub(super) enum Shown {
    /// This, as wire bytes; nothing for null.
    Value(Option<Bytes>),
    /// It was not read, because nobody wants it.
    Unread,
}

/// Puts a row together again. Columns the table does not have (any more) are left out; those that
/// were not read keep their times and get an empty value.
pub(super) fn put_together(
    table: &Table,
    (write_time_us, expires_at): (i64, Option<i64>),
    shape: Bytes,
    shown: impl Fn(ColumnId) -> Shown,
) -> Result<Row, SegmentError> {
    let mut row = Row::decode(shape)?;
    shift(&mut row, write_time_us, expires_at.unwrap_or(0));
    row.columns.retain(|(id, _)| table.column_by_id(*id).is_some());
    for (id, data) in &mut row.columns {
        match data {
            ColumnData::Simple(simple) => {
                let Some(kept) = &simple.value else { continue };
                simple.value = Some(if kept.is_empty() {
                    match shown(*id) {
                        Shown::Value(Some(value)) => value,
                        Shown::Value(None) => {
                            return Err(SegmentError::Corrupt { reason: "a value is missing" });
                        }
                        Shown::Unread => Bytes::new(),
                    }
                } else {
                    kept.slice(1..)
                });
            }
            ColumnData::Counter(counter) => {
                if let Shown::Value(Some(total)) = shown(*id) {
                    counter.total = as_i64(&total).unwrap_or(counter.total);
                }
            }
            ColumnData::Complex(_) => {}
        }
    }
    Ok(row)
}

/// Times of a row.
pub(super) fn span(row: &Row) -> Span {
    let newest = row.newest_us().unwrap_or(0);
    let (deletes, expires_at) = (row.deletion.is_some(), expires_at(row));
    let mut span = Span { min_us: newest, max_us: newest, deletes, expires_at };
    let mut oldest = |at: i64| span.min_us = span.min_us.min(at);
    let mut deletes = false;
    row.marker.iter().for_each(|marker| oldest(marker.timestamp_us));
    row.deletion.iter().for_each(|at| oldest(*at));
    for (_, data) in &row.columns {
        match data {
            ColumnData::Simple(simple) => {
                oldest(simple.live.timestamp_us);
                deletes |= simple.value.is_none();
            }
            ColumnData::Counter(counter) => {
                oldest(counter.timestamp_us);
                counter.deletion.iter().for_each(|at| oldest(*at));
                deletes |= counter.deletion.is_some();
            }
            ColumnData::Complex(complex) => {
                complex.deletion.iter().for_each(|at| oldest(*at));
                deletes |= complex.deletion.is_some();
                for element in &complex.elements {
                    oldest(element.data.live.timestamp_us);
                    deletes |= element.data.value.is_none();
                }
            }
        }
    }
    span.deletes |= deletes;
    span
}

/// From when on nothing of the row is visible, because all has expired.
fn expires_at(row: &Row) -> Option<i64> {
    let mut last = None;
    let mut all = true;
    let mut see = |live: &Liveness| match live.expiry {
        Some(expiry) => last = last.max(Some(expiry.at_seconds)),
        None => all = false,
    };
    row.marker.iter().for_each(&mut see);
    for (_, data) in &row.columns {
        match data {
            ColumnData::Simple(simple) if simple.value.is_some() => see(&simple.live),
            ColumnData::Complex(complex) => {
                let alive = complex.elements.iter().filter(|element| element.data.value.is_some());
                alive.for_each(|element| see(&element.data.live));
            }
            ColumnData::Counter(counter) if counter.is_live() => {
                see(&Liveness { timestamp_us: counter.timestamp_us, expiry: None });
            }
            _ => {}
        }
    }
    last.filter(|_| all)
}

/// Moves every time and every expiry of a row. Wraps, so that it can always be undone.
fn shift(row: &mut Row, by_us: i64, by_seconds: i64) {
    let time = |at: &mut i64| *at = at.wrapping_add(by_us);
    let live = |live: &mut Liveness| {
        time(&mut live.timestamp_us);
        if let Some(expiry) = &mut live.expiry {
            expiry.at_seconds = expiry.at_seconds.wrapping_add(by_seconds);
        }
    };
    row.marker.iter_mut().for_each(live);
    row.deletion.iter_mut().for_each(time);
    for (_, data) in &mut row.columns {
        match data {
            ColumnData::Simple(simple) => live(&mut simple.live),
            ColumnData::Counter(CounterState { timestamp_us, deletion, .. }) => {
                time(timestamp_us);
                deletion.iter_mut().for_each(time);
            }
            ColumnData::Complex(complex) => {
                complex.deletion.iter_mut().for_each(time);
                complex.elements.iter_mut().for_each(|element| live(&mut element.data.live));
            }
        }
    }
}
