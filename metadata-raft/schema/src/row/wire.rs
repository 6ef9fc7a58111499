//! What a column of a live row is on the wire: collections assembled from their elements.

use bytes::Bytes;

use super::{ColumnData, Complex, Element, Row};
use crate::value::{bigint, build_list, build_map, build_tuple};
use crate::{ColumnId, CqlType};

impl Row {
    /// The CQL wire bytes of a column; nothing for null. To be asked of a live view
    /// ([`Row::live`]): expiry and deletions are not looked at here.
    #[must_use]
    pub fn wire_value(&self, column: ColumnId, cql_type: &CqlType) -> Option<Bytes> {
        self.column(column)?.wire_value(cql_type)
    }
}

impl ColumnData {
    /// The CQL wire bytes of a column of this type; nothing for null.
    #[must_use]
    pub fn wire_value(&self, cql_type: &CqlType) -> Option<Bytes> {
        match self {
            Self::Simple(simple) => simple.value.clone(),
            Self::Counter(counter) => counter.is_live().then(|| bigint(counter.total)),
            Self::Complex(complex) => complex.wire_value(cql_type),
        }
    }
}

impl Complex {
    fn wire_value(&self, cql_type: &CqlType) -> Option<Bytes> {
        if !self.elements.iter().any(|element| element.data.value.is_some()) {
            return None;
        }
        match cql_type {
            CqlType::List(..) | CqlType::Set(..) => {
                let values: Vec<&Bytes> =
                    self.elements.iter().filter_map(|e| e.data.value.as_ref()).collect();
                Some(build_list(&values))
            }
            CqlType::Map(..) => {
                let entry = |element: &'_ Element| {
                    Some((element.name.clone(), element.data.value.clone()?))
                };
                let entries: Vec<(Bytes, Bytes)> = self.elements.iter().filter_map(entry).collect();
                Some(build_map(&entries))
            }
            CqlType::Udt(user_type, _) => {
                let fields: Vec<Option<Bytes>> = (0_u16..)
                    .zip(&user_type.fields)
                    .map(|(index, _)| self.field(index).cloned())
                    .collect();
                Some(build_tuple(&fields))
            }
            _ => None,
        }
    }

    /// The value of a field of a user-defined type.
    pub(crate) fn field(&self, index: u16) -> Option<&Bytes> {
        let key = index.to_be_bytes();
        let at = self.elements.binary_search_by(|e| e.key.as_ref().cmp(key.as_slice())).ok()?;
        self.elements.get(at)?.data.value.as_ref()
    }
}
