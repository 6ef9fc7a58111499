//! `WRITETIME`, `MAXWRITETIME` and `TTL`.

use std::cmp::Ordering::{self, Equal};

use bytes::{BufMut, Bytes, BytesMut};
use cellar_schema::{ColumnData, CqlType, Element, Frozen, Versioned, value};

use super::eval::Context;
use super::part;
use crate::plan::select::view::ColumnRef;

/// Which of the functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimesKind {
    Write,
    MaxWrite,
    Ttl,
}

/// A call of one of them.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    pub(super) kind: TimesKind,
    pub(super) column: ColumnRef,
    pub(super) part: Part,
}

/// Of what in the column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    /// The element whose key is this term.
    Element(usize),
    /// The elements whose keys are between these terms.
    Slice(Option<usize>, Option<usize>),
    /// The field of this number.
    Field(u16),
}

impl TimesKind {
    /// Its name as Cassandra writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Write => "writetime",
            Self::MaxWrite => "maxwritetime",
            Self::Ttl => "ttl",
        }
    }
}

impl Times {
    /// The type of the result: a list for what is stored element by element.
    pub(super) fn cql_type(&self) -> CqlType {
        let scalar = if self.kind == TimesKind::Ttl { CqlType::Int } else { CqlType::Bigint };
        let parts = matches!(self.part, Part::Whole | Part::Slice(..));
        let several = self.column.cql_type.is_multi_cell() && parts;
        if several && self.kind != TimesKind::MaxWrite {
            return CqlType::List(Box::new(scalar), Frozen::Yes);
        }
        scalar
    }

    pub(super) fn evaluate(&self, context: &Context<'_>) -> Option<Bytes> {
        let data = context.row.data(&self.column)?;
        match (data, self.part) {
            (ColumnData::Simple(versioned), _) => {
                self.is_there(versioned, context).then(|| self.one(versioned, context))?
            }
            (ColumnData::Counter(counter), _) => {
                (self.kind != TimesKind::Ttl).then(|| value::bigint(counter.timestamp_us))
            }
            (ColumnData::Complex(complex), Part::Element(key)) => {
                let wanted = context.term(key)?;
                let is_wanted = |element: &&Element| self.order(element, wanted) == Some(Equal);
                self.one(&complex.elements.iter().find(is_wanted)?.data, context)
            }
            (ColumnData::Complex(complex), Part::Slice(from, to)) => {
                let bound = |index: Option<usize>| index.and_then(|index| context.term(index));
                let (from, to) = (bound(from), bound(to));
                let inside = |element: &&Element| {
                    let order = |bound| self.order(element, bound);
                    from.is_none_or(|from| order(from).is_some_and(Ordering::is_ge))
                        && to.is_none_or(|to| order(to).is_some_and(Ordering::is_le))
                };
                self.several(complex.elements.iter().filter(inside), context)
            }
            (ColumnData::Complex(complex), Part::Field(index)) => {
                let key = index.to_be_bytes();
                let found = complex.elements.iter().find(|element| element.key[..] == key)?;
                self.one(&found.data, context)
            }
            (ColumnData::Complex(complex), Part::Whole) => match &self.column.cql_type {
                CqlType::Udt(udt, _) if self.kind != TimesKind::MaxWrite => {
                    self.fields(udt.fields.len(), &complex.elements, context)
                }
                _ => self.several(complex.elements.iter(), context),
            },
        }
    }

    /// Whether a value that is stored in one piece has the part asked for.
    fn is_there(&self, versioned: &Versioned, context: &Context<'_>) -> bool {
        let Some(bytes) = &versioned.value else { return false };
        let cql_type = &self.column.cql_type;
        let term = |index: Option<usize>| index.and_then(|index| context.term(index));
        match self.part {
            Part::Element(key) => term(Some(key))
                .is_some_and(|key| matches!(part::element(cql_type, bytes, key), Ok(Some(_)))),
            Part::Slice(from, to) => {
                let sliced = part::slice(cql_type, bytes, term(from), term(to));
                let count = |bytes: &Bytes| bytes.first_chunk().map(|n| i32::from_be_bytes(*n));
                matches!(sliced, Ok(Some(found)) if count(&found).is_some_and(|count| count > 0))
            }
            Part::Field(index) => match cql_type {
                CqlType::Udt(udt, _) => value::tuple_fields(udt.fields.len(), bytes)
                    .is_ok_and(|fields| matches!(fields.get(usize::from(index)), Some(Some(_)))),
                _ => false,
            },
            Part::Whole => true,
        }
    }

    /// An entry for each of these elements, or the latest.
    fn several<'e>(
        &self,
        elements: impl Iterator<Item = &'e Element>,
        context: &Context<'_>,
    ) -> Option<Bytes> {
        let live = elements.map(|element| &element.data).filter(|data| data.value.is_some());
        if self.kind == TimesKind::MaxWrite {
            return live.map(|data| data.live.timestamp_us).max().map(value::bigint);
        }
        let each: Vec<_> = live.map(|data| self.one(data, context)).collect();
        if each.is_empty() { None } else { list(&each) }
    }

    /// How the key of a map's entry, or the element of a set, compares with another.
    fn order(&self, element: &Element, other: &Bytes) -> Option<Ordering> {
        let (key_type, key) = match &self.column.cql_type {
            CqlType::Map(key_type, ..) => (key_type, &element.name),
            CqlType::Set(key_type, _) => (key_type, element.data.value.as_ref()?),
            _ => return None,
        };
        Some(value::compare(key_type, key, other))
    }

    /// An entry for each field, null where it is not set.
    fn fields(&self, count: usize, elements: &[Element], context: &Context<'_>) -> Option<Bytes> {
        let mut each = vec![None; count];
        for element in elements {
            let index = element.key.first_chunk().map(|key| u16::from_be_bytes(*key));
            if let Some(slot) = index.and_then(|index| each.get_mut(usize::from(index))) {
                *slot = self.one(&element.data, context);
            }
        }
        let any = elements.iter().any(|element| element.data.value.is_some());
        if any { list(&each) } else { None }
    }

    fn one(&self, data: &Versioned, context: &Context<'_>) -> Option<Bytes> {
        data.value.as_ref()?;
        if self.kind != TimesKind::Ttl {
            return Some(value::bigint(data.live.timestamp_us));
        }
        let left = data.live.expiry?.at_seconds.saturating_sub(context.row.now_seconds);
        i32::try_from(left).ok().filter(|left| *left >= 0).map(value::int)
    }
}

/// A list in which nulls may stand, for elements without time to live.
fn list(parts: &[Option<Bytes>]) -> Option<Bytes> {
    let mut out = BytesMut::new();
    out.put_i32(i32::try_from(parts.len()).ok()?);
    for part in parts {
        match part {
            Some(bytes) => {
                out.put_i32(i32::try_from(bytes.len()).ok()?);
                out.put_slice(bytes);
            }
            None => out.put_i32(-1),
        }
    }
    Some(out.freeze())
}
