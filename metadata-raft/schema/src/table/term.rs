//! Terms: what an index files rows under. A term is the order-preserving form of a value, cut to
//! a length, so that rows found by terms are those wanted and perhaps a few more: whoever looks
//! them up tests them again. Frontends make terms of what is asked, cells of what is stored; both
//! by the functions here, so that they agree.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Column, ColumnKind, IndexPart, Table};
use crate::keys::{self, KeyError, RowKind, element_key};
use crate::limits::TERM_BYTES_MAX;
use crate::{ColumnData, ColumnId, CqlType, Row, value};

/// Where values of no valid form are filed: after all others, as they are compared.
const LAST: &[u8] = &[0xff];

/// What the entries of an index are of. Indexes with the same target have the same entries,
/// whatever their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IndexTarget {
    /// The column.
    pub column: ColumnId,
    /// Which part of its values.
    pub part: IndexPart,
    /// Whether letters are filed in lower case.
    pub folded: bool,
}

/// What is looked up in an index: rows with a term in one of the ranges, and perhaps others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexProbe {
    /// In which entries.
    pub target: IndexTarget,
    /// First and last term of each range, both included; the same for one value.
    pub ranges: Vec<(Bytes, Bytes)>,
}

impl Table {
    /// Where a part of a column is indexed, if it is and if its type can be.
    #[must_use]
    pub fn index_target(&self, column: ColumnId, part: IndexPart) -> Option<IndexTarget> {
        self.indexes_of(column).find(|index| index.part == part)?;
        let cql_type = &self.columns.iter().find(|found| found.id == column)?.cql_type;
        is_filed(cql_type).then(|| IndexTarget { column, part, folded: self.ignores_case(column) })
    }

    /// Every target of the table's indexes, each once.
    #[must_use]
    pub fn index_targets(&self) -> Vec<IndexTarget> {
        let mut targets = Vec::new();
        for index in &self.options.indexes {
            match self.index_target(index.column, index.part) {
                Some(target) if !targets.contains(&target) => targets.push(target),
                _ => {}
            }
        }
        targets
    }

    /// Whether an index of the column says that letters match in either case.
    #[must_use]
    pub fn ignores_case(&self, column: ColumnId) -> bool {
        let folds = |value: &String| value.eq_ignore_ascii_case("false");
        self.indexes_of(column).any(|index| index.options.get("case_sensitive").is_some_and(folds))
    }

    /// The terms of a stored row, or of the static columns of a partition: at least those of
    /// everything that a reader may see in it, now or when more of it has expired.
    ///
    /// # Errors
    /// The engine key is none of this table.
    pub fn terms(
        &self,
        target: IndexTarget,
        key: &Bytes,
        row: &Row,
    ) -> Result<Vec<Bytes>, KeyError> {
        let Some(column) = self.columns.iter().find(|column| column.id == target.column) else {
            return Ok(Vec::new());
        };
        let mut terms = match column.kind {
            ColumnKind::PartitionKey(at) => {
                let values = keys::decode(self, key)?.partition_values;
                let value = values.get(usize::from(at));
                value.map(|value| target.whole(column, value)).into_iter().collect()
            }
            ColumnKind::Clustering(at, _) => {
                let decoded = keys::decode(self, key)?;
                let value = decoded.clustering.get(usize::from(at));
                let is_row = decoded.kind == RowKind::Row;
                let value = value.filter(|_| is_row);
                value.map_or_else(Vec::new, |value| target.of_value(column, value))
            }
            ColumnKind::Static | ColumnKind::Regular => match row.column(target.column) {
                Some(data) => target.of_data(column, data),
                None => Vec::new(),
            },
        };
        terms.sort_unstable();
        terms.dedup();
        Ok(terms)
    }
}

impl IndexTarget {
    /// Rows whose column, or a value or key in it, is this.
    #[must_use]
    pub fn equal(self, cql_type: &CqlType, bytes: &[u8]) -> IndexProbe {
        let term = self.term(cql_type, bytes);
        IndexProbe { target: self, ranges: vec![(term.clone(), term)] }
    }

    /// Rows whose map has this entry.
    #[must_use]
    pub fn entry(self, types: (&CqlType, &CqlType), entry: (&[u8], &[u8])) -> IndexProbe {
        let term = entry_term(types, entry);
        IndexProbe { target: self, ranges: vec![(term.clone(), term)] }
    }

    /// Rows whose column is not less than one value and not more than another.
    #[must_use]
    pub fn between(
        self,
        cql_type: &CqlType,
        lower: Option<&[u8]>,
        upper: Option<&[u8]>,
    ) -> IndexProbe {
        let first = lower.map_or_else(Bytes::new, |value| self.term(cql_type, value));
        let last = upper.map_or(Bytes::from_static(LAST), |value| self.term(cql_type, value));
        IndexProbe { target: self, ranges: vec![(first, last)] }
    }

    /// The term of one value.
    fn term(self, cql_type: &CqlType, bytes: &[u8]) -> Bytes {
        let folded: String;
        let bytes = match (self.folded, cql_type) {
            (true, CqlType::Text | CqlType::Ascii) => {
                folded = String::from_utf8_lossy(bytes).to_lowercase();
                folded.as_bytes()
            }
            _ => bytes,
        };
        element_key(cql_type, bytes).map_or(Bytes::from_static(LAST), cut)
    }

    fn whole(self, column: &Column, bytes: &[u8]) -> Bytes {
        self.term(&column.cql_type, bytes)
    }

    /// The terms of a value that is stored as a whole.
    fn of_value(self, column: &Column, bytes: &Bytes) -> Vec<Bytes> {
        let pairs = || value::map_entries(bytes).unwrap_or_default();
        let elements = || value::list_elements(bytes).unwrap_or_default();
        match (self.part, &column.cql_type) {
            (IndexPart::Values, CqlType::List(part, _) | CqlType::Set(part, _)) => {
                elements().iter().map(|element| self.term(part, element)).collect()
            }
            (IndexPart::Values, CqlType::Map(_, part, _)) => {
                pairs().iter().map(|(_, value)| self.term(part, value)).collect()
            }
            (IndexPart::Keys, CqlType::Map(part, ..)) => {
                pairs().iter().map(|(key, _)| self.term(part, key)).collect()
            }
            (IndexPart::Entries, CqlType::Map(key, value, _)) => {
                pairs().iter().map(|(k, v)| entry_term((key, value), (k, v))).collect()
            }
            _ => vec![self.whole(column, bytes)],
        }
    }

    fn of_data(self, column: &Column, data: &ColumnData) -> Vec<Bytes> {
        let complex = match data {
            ColumnData::Simple(simple) => {
                let value = simple.value.as_ref();
                return value.map_or_else(Vec::new, |value| self.of_value(column, value));
            }
            ColumnData::Counter(_) => return Vec::new(),
            ColumnData::Complex(complex) => complex,
        };
        let present = complex.elements.iter().filter_map(|element| {
            let value = element.data.value.as_ref()?;
            Some((&element.name, value))
        });
        let term = |(name, bytes): (&Bytes, &Bytes)| match (self.part, &column.cql_type) {
            (
                IndexPart::Values,
                CqlType::List(part, _) | CqlType::Set(part, _) | CqlType::Map(_, part, _),
            ) => Some(self.term(part, bytes)),
            (IndexPart::Keys, CqlType::Map(part, ..)) => Some(self.term(part, name)),
            (IndexPart::Entries, CqlType::Map(key, value, _)) => {
                Some(entry_term((key, value), (name, bytes)))
            }
            _ => None,
        };
        present.filter_map(term).collect()
    }
}

/// Both forms end where they say, so that one after the other is in order of key, then value.
fn entry_term((key, value): (&CqlType, &CqlType), (k, v): (&[u8], &[u8])) -> Bytes {
    match (element_key(key, k), element_key(value, v)) {
        (Ok(k), Ok(v)) => cut(Bytes::from([k, v].concat())),
        _ => Bytes::from_static(LAST),
    }
}

fn cut(mut term: Bytes) -> Bytes {
    term.truncate(TERM_BYTES_MAX);
    term
}

/// Whether values of a type can be filed: those of a user-defined type get another form when a
/// field is added to it, and nobody asks for vectors by their value.
fn is_filed(cql_type: &CqlType) -> bool {
    match cql_type {
        CqlType::Udt(..) | CqlType::Vector(..) | CqlType::Counter => false,
        CqlType::List(part, _) | CqlType::Set(part, _) => is_filed(part),
        CqlType::Map(key, value, _) => is_filed(key) && is_filed(value),
        CqlType::Tuple(parts) => parts.iter().all(is_filed),
        _ => true,
    }
}
