//! One row as selectors and filters see it, and where the columns of a table are found in it.

use bytes::Bytes;
use cellar_schema::{Column, ColumnData, ColumnId, ColumnKind, CqlType, Row, value};

/// A column resolved when the statement is planned.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ColumnRef {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) cql_type: CqlType,
}

/// Where the value of a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The token of the partition, which relations compare like a column.
    Token,
    Partition(usize),
    Clustering(usize),
    Static(ColumnId),
    Regular(ColumnId),
}

impl ColumnRef {
    pub(super) fn of(column: &Column) -> Self {
        let place = match column.kind {
            ColumnKind::PartitionKey(at) => Place::Partition(usize::from(at)),
            ColumnKind::Clustering(at, _) => Place::Clustering(usize::from(at)),
            ColumnKind::Static => Place::Static(column.id),
            ColumnKind::Regular => Place::Regular(column.id),
        };
        Self { place, name: column.name.clone(), cql_type: column.cql_type.clone() }
    }

    /// Whether it is part of the primary key.
    pub(super) fn is_key(&self) -> bool {
        matches!(self.place, Place::Token | Place::Partition(_) | Place::Clustering(_))
    }

    /// Its id, unless it is part of the primary key.
    pub(super) fn stored(&self) -> Option<ColumnId> {
        match self.place {
            Place::Static(id) | Place::Regular(id) => Some(id),
            Place::Token | Place::Partition(_) | Place::Clustering(_) => None,
        }
    }
}

/// A row with all that a result may show of it. Without `row` it is a partition that has only
/// static columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowView<'a> {
    /// Engine key prefix of the partition.
    pub(super) prefix: &'a Bytes,
    pub(super) partition: &'a [Bytes],
    pub(super) token: Option<i64>,
    pub(super) clustering: &'a [Bytes],
    pub(super) statics: Option<&'a Row>,
    pub(super) row: Option<&'a Row>,
    pub(super) now_seconds: i64,
}

/// A row that is kept while others come; the default is no row at all.
#[derive(Clone, Debug, Default)]
pub(super) struct KeptRow {
    prefix: Bytes,
    partition: Vec<Bytes>,
    token: Option<i64>,
    clustering: Vec<Bytes>,
    statics: Option<Row>,
    row: Option<Row>,
    now_seconds: i64,
}

impl RowView<'_> {
    /// The value of a column, null if the row has none.
    pub(super) fn value(&self, column: &ColumnRef) -> Option<Bytes> {
        match column.place {
            Place::Token => self.token.map(value::bigint),
            Place::Partition(at) => self.partition.get(at).cloned(),
            Place::Clustering(at) => self.clustering.get(at).cloned(),
            Place::Static(_) | Place::Regular(_) => self.data(column)?.wire_value(&column.cql_type),
        }
    }

    /// What is stored of a column outside the key.
    pub(super) fn data(&self, column: &ColumnRef) -> Option<&ColumnData> {
        match column.place {
            Place::Static(id) => self.statics?.column(id),
            Place::Regular(id) => self.row?.column(id),
            Place::Token | Place::Partition(_) | Place::Clustering(_) => None,
        }
    }

    /// A copy that outlives the row.
    pub(super) fn keep(&self) -> KeptRow {
        KeptRow {
            prefix: self.prefix.clone(),
            partition: self.partition.to_vec(),
            token: self.token,
            clustering: self.clustering.to_vec(),
            statics: self.statics.cloned(),
            row: self.row.cloned(),
            now_seconds: self.now_seconds,
        }
    }
}

impl KeptRow {
    /// The row.
    pub(super) fn view(&self) -> RowView<'_> {
        RowView {
            prefix: &self.prefix,
            partition: &self.partition,
            token: self.token,
            clustering: &self.clustering,
            statics: self.statics.as_ref(),
            row: self.row.as_ref(),
            now_seconds: self.now_seconds,
        }
    }
}
