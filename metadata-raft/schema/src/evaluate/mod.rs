//! Deciding conditions of lightweight transactions on a row, as Cassandra does: null equals null
//! and differs from everything else; no other comparison holds for null; an empty element-wise
//! collection is null, and so neither less nor greater than another.

mod part;

use std::cmp::Ordering;

use bytes::Bytes;

use crate::{Access, Comparison, CqlType, Row, Test, value};

/// Whether a test holds for a row, given as its live view ([`Row::live`]); `None` if the row does
/// not exist.
#[must_use]
pub fn evaluate(test: &Test, row: Option<&Row>) -> bool {
    match test {
        Test::Exists => row.is_some(),
        Test::NotExists => row.is_none(),
        Test::Column { column, cql_type, access, comparison } => {
            let data = row.and_then(|row| row.column(*column));
            let (part_type, part) = part::of(data, cql_type, access);
            let empty_is_null = cql_type.is_multi_cell() && *access == Access::Whole;
            Compared { cql_type: part_type, value: part, empty_is_null }.satisfies(comparison)
        }
    }
}

/// The left side of a comparison.
struct Compared<'t> {
    cql_type: &'t CqlType,
    value: Option<Bytes>,
    empty_is_null: bool,
}

impl Compared<'_> {
    fn satisfies(&self, comparison: &Comparison) -> bool {
        match comparison {
            Comparison::Equal(wanted) => self.equals(wanted.as_ref()),
            Comparison::NotEqual(wanted) => !self.equals(wanted.as_ref()),
            Comparison::Less(bound) => self.order(bound).is_some_and(Ordering::is_lt),
            Comparison::LessOrEqual(bound) => self.order(bound).is_some_and(Ordering::is_le),
            Comparison::Greater(bound) => self.order(bound).is_some_and(Ordering::is_gt),
            Comparison::GreaterOrEqual(bound) => self.order(bound).is_some_and(Ordering::is_ge),
            Comparison::In(any) => any.iter().any(|wanted| self.equals(wanted.as_ref())),
            Comparison::Contains(element) => self.contains(element),
            Comparison::ContainsKey(key) => self.contains_key(key),
        }
    }

    fn equals(&self, wanted: Option<&Bytes>) -> bool {
        match wanted.filter(|wanted| !self.is_null(wanted)) {
            None => self.value.is_none(),
            Some(wanted) => self.order(wanted).is_some_and(Ordering::is_eq),
        }
    }

    /// Whether these bytes stand for a collection that is not there.
    fn is_null(&self, bytes: &[u8]) -> bool {
        self.empty_is_null
            && self.cql_type.is_collection()
            && bytes.iter().all(|byte| *byte == 0)
            && bytes.len() <= size_of::<i32>()
    }

    fn order(&self, bound: &[u8]) -> Option<Ordering> {
        Some(value::compare(self.cql_type, self.value.as_ref()?, bound))
    }

    fn contains(&self, wanted: &[u8]) -> bool {
        let Some(value) = &self.value else { return false };
        match self.cql_type {
            CqlType::List(element, _) | CqlType::Set(element, _) => {
                let elements = value::list_elements(value).unwrap_or_default();
                elements.iter().any(|present| value::compare(element, present, wanted).is_eq())
            }
            CqlType::Map(_, element, _) => {
                let entries = value::map_entries(value).unwrap_or_default();
                entries.iter().any(|(_, present)| value::compare(element, present, wanted).is_eq())
            }
            _ => false,
        }
    }

    fn contains_key(&self, wanted: &[u8]) -> bool {
        let (Some(value), CqlType::Map(key, ..)) = (&self.value, self.cql_type) else {
            return false;
        };
        let entries = value::map_entries(value).unwrap_or_default();
        entries.iter().any(|(present, _)| value::compare(key, present, wanted).is_eq())
    }
}
