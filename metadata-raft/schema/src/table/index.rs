//! Secondary indexes of a table, as they are defined. An index says which restrictions a SELECT
//! may have without ALLOW FILTERING; `term.rs` says what its entries are filed under.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::Table;
use crate::ColumnId;

/// A secondary index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Name, case kept; used once in a keyspace.
    pub name: String,
    /// The column.
    pub column: ColumnId,
    /// Which part of the column's values.
    pub part: IndexPart,
    /// What sort of index.
    pub class: IndexClass,
    /// Options of WITH OPTIONS.
    pub options: BTreeMap<String, String>,
}

/// Which part of a column's values is indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum IndexPart {
    /// The value of a column that is no collection.
    Simple,
    /// The values of a collection.
    Values,
    /// The keys of a map.
    Keys,
    /// The entries of a map.
    Entries,
    /// A whole frozen collection.
    Full,
}

/// What sort of index it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IndexClass {
    /// `CREATE INDEX`: equality.
    Local,
    /// An index of a class, as it was written: storage-attached (equality, ranges, several at
    /// once) or SASI.
    StorageAttached(String),
}

impl IndexPart {
    /// As CQL writes it before the column in parentheses; nothing for a simple index.
    #[must_use]
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Simple => None,
            Self::Values => Some("values"),
            Self::Keys => Some("keys"),
            Self::Entries => Some("entries"),
            Self::Full => Some("full"),
        }
    }
}

impl fmt::Display for IndexPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word().unwrap_or("simple"))
    }
}

impl Index {
    /// Whether it is a storage-attached index.
    #[must_use]
    pub fn is_storage_attached(&self) -> bool {
        matches!(self.class, IndexClass::StorageAttached(_)) && !self.is_sasi()
    }

    /// Whether it is a SASI index, which allows LIKE.
    #[must_use]
    pub fn is_sasi(&self) -> bool {
        matches!(&self.class, IndexClass::StorageAttached(class) if class.ends_with("SASIIndex"))
    }

    /// Whether both index the same in the same way, whatever their names.
    #[must_use]
    pub fn is_same_but_for_name(&self, other: &Self) -> bool {
        self.column == other.column
            && self.part == other.part
            && self.class == other.class
            && self.options == other.options
    }
}

impl Table {
    /// The index of this name.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<&Index> {
        self.options.indexes.iter().find(|index| index.name == name)
    }

    /// The indexes of a column.
    pub fn indexes_of(&self, column: ColumnId) -> impl Iterator<Item = &Index> {
        self.options.indexes.iter().filter(move |index| index.column == column)
    }
}
