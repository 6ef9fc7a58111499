//! Descriptions of columns: `<flags int><count int>[paging state bytes][new id short bytes]
//! [<keyspace><table>]?<column>…`. Keyspace and table stand once when all columns share them.

use std::sync::Arc;

use bytes::Bytes;

use super::TypeSpec;
use crate::Version;
use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;

const GLOBAL_TABLE: u32 = 0x01;
const MORE_PAGES: u32 = 0x02;
const NO_METADATA: u32 = 0x04;
const METADATA_CHANGED: u32 = 0x08;
/// Of markers: the statement is conditional. What `SCYLLA_LWT_ADD_METADATA_MARK` is told to be.
pub(crate) const CONDITIONAL: u32 = 0x8000_0000;

/// Bytes the shortest column takes: empty name and type id.
const COLUMN_BYTES_MIN: usize = 4;

/// Columns to make room for before they have been seen; one takes far more memory than wire.
const COLUMNS_RESERVED_MAX: usize = 1_024;

/// A column of a result, or a marker of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Keyspace of its table.
    pub keyspace: Arc<str>,
    /// Its table.
    pub table: Arc<str>,
    /// Its name or alias.
    pub name: String,
    /// Its type.
    pub type_spec: TypeSpec,
}

impl ColumnSpec {
    /// A column; names shared between columns are best given as clones of one `Arc`.
    pub fn new(
        keyspace: impl Into<Arc<str>>,
        table: impl Into<Arc<str>>,
        name: impl Into<String>,
        type_spec: TypeSpec,
    ) -> Self {
        Self { keyspace: keyspace.into(), table: table.into(), name: name.into(), type_spec }
    }
}

/// What a client needs to read rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultMetadata {
    /// The columns; empty when received with `no_metadata`.
    pub columns: Arc<[ColumnSpec]>,
    /// Where the next page begins, if there is one.
    pub paging_state: Option<Bytes>,
    /// The client asked to leave the columns out; their number is still sent.
    pub no_metadata: bool,
    /// The columns are not those the client knows; from v5 or with the extension.
    pub new_metadata_id: Option<[u8; 16]>,
}

impl ResultMetadata {
    /// Columns in full, no further page.
    pub fn new(columns: impl Into<Arc<[ColumnSpec]>>) -> Self {
        Self {
            columns: columns.into(),
            paging_state: None,
            no_metadata: false,
            new_metadata_id: None,
        }
    }

    /// The metadata and the number of columns, which is sent even when they are not.
    pub(super) fn read(
        reader: &mut Reader,
        version: Version,
    ) -> Result<(Self, usize), DecodeError> {
        let flags = reader.u32()?;
        let count = reader.length("number of columns")?;
        let paging_state = if flags & MORE_PAGES == 0 { None } else { reader.bytes()? };
        let mut new_metadata_id = None;
        if reader.has_metadata_ids(version) && flags & METADATA_CHANGED != 0 {
            new_metadata_id = Some(reader.metadata_id()?);
        }
        let no_metadata = flags & NO_METADATA != 0;
        let columns = if no_metadata {
            Arc::default()
        } else {
            read_columns(reader, count, flags & GLOBAL_TABLE != 0)?
        };
        Ok((Self { columns, paging_state, no_metadata, new_metadata_id }, count))
    }

    pub(super) fn write(&self, count: usize, writer: &mut Writer<'_>) {
        let new_metadata_id = self.new_metadata_id.as_ref().filter(|_| writer.has_metadata_ids());
        let no_metadata = self.no_metadata && new_metadata_id.is_none();
        let global = !no_metadata && shares_table(&self.columns);
        let mut flags = if global { GLOBAL_TABLE } else { 0 };
        flags |= if self.paging_state.is_some() { MORE_PAGES } else { 0 };
        flags |= if no_metadata { NO_METADATA } else { 0 };
        flags |= if new_metadata_id.is_some() { METADATA_CHANGED } else { 0 };
        writer.u32(flags);
        writer.int_count("columns", count);
        if let Some(paging_state) = &self.paging_state {
            writer.bytes(paging_state);
        }
        if let Some(id) = new_metadata_id {
            writer.short_bytes(id);
        }
        if !no_metadata {
            write_columns(&self.columns, global, writer);
        }
    }
}

/// The markers, the indexes of the partition key, and whether the statement is conditional.
type Markers = (Arc<[ColumnSpec]>, Vec<u16>, bool);

/// The columns of a PREPARE's markers: `<flags><count>[<n int><index short>…]<columns>`; the
/// indexes from v4.
pub(super) fn read_markers(reader: &mut Reader, version: Version) -> Result<Markers, DecodeError> {
    let flags = reader.u32()?;
    let count = reader.length("number of markers")?;
    let mut pk_indexes = Vec::new();
    if version >= Version::V4 {
        let count = reader.int_count("partition key indexes", 2)?;
        pk_indexes = (0..count).map(|_| reader.u16()).collect::<Result<_, _>>()?;
    }
    let columns = read_columns(reader, count, flags & GLOBAL_TABLE != 0)?;
    Ok((columns, pk_indexes, flags & CONDITIONAL != 0))
}

pub(super) fn write_markers(
    columns: &[ColumnSpec],
    pk_indexes: &[u16],
    conditional: bool,
    writer: &mut Writer<'_>,
) {
    let global = shares_table(columns);
    let global_flag = if global { GLOBAL_TABLE } else { 0 };
    writer.u32(global_flag | if conditional { CONDITIONAL } else { 0 });
    writer.int_count("markers", columns.len());
    if writer.version() >= Version::V4 {
        writer.int_count("partition key indexes", pk_indexes.len());
        for index in pk_indexes {
            writer.u16(*index);
        }
    }
    write_columns(columns, global, writer);
}

fn shares_table(columns: &[ColumnSpec]) -> bool {
    let same = |a: &Arc<str>, b: &Arc<str>| Arc::ptr_eq(a, b) || a == b;
    columns.split_first().is_some_and(|(first, rest)| {
        rest.iter().all(|column| {
            same(&column.table, &first.table) && same(&column.keyspace, &first.keyspace)
        })
    })
}

fn read_columns(
    reader: &mut Reader,
    count: usize,
    global: bool,
) -> Result<Arc<[ColumnSpec]>, DecodeError> {
    let mut table = None;
    if global {
        table = Some((Arc::<str>::from(reader.string()?), Arc::<str>::from(reader.string()?)));
    }
    reader.counted("columns", count, COLUMN_BYTES_MIN)?;
    let mut columns = Vec::with_capacity(count.min(COLUMNS_RESERVED_MAX));
    for _ in 0..count {
        let (keyspace, table) = match &table {
            Some(table) => table.clone(),
            None => (reader.string()?.into(), reader.string()?.into()),
        };
        columns.push(ColumnSpec {
            keyspace,
            table,
            name: reader.string()?,
            type_spec: TypeSpec::read(reader)?,
        });
    }
    Ok(columns.into())
}

fn write_columns(columns: &[ColumnSpec], global: bool, writer: &mut Writer<'_>) {
    if let Some(first) = columns.first().filter(|_| global) {
        writer.string(&first.keyspace);
        writer.string(&first.table);
    }
    for column in columns {
        if !global {
            writer.string(&column.keyspace);
            writer.string(&column.table);
        }
        writer.string(&column.name);
        column.type_spec.write(writer);
    }
}
