//! Rows become a Parquet object.

use arrow_array::builder::{ArrayBuilder, make_builder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use bytes::Bytes;
use cellar_schema::{ColumnId, DecodedKey, Row, RowKind, Table, keys};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{BloomFilterPosition, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::decode::rebuild_key;
use super::index::{FORMAT, FORMAT_VERSION, GroupLayout, LAYOUT, Layout};
use super::plain::{Plain, append, exact};
use super::schema::{self, Role};
use super::shape::{span, take_apart};
use super::{META_VERSION, SegmentError, SegmentMeta, SegmentName};
use crate::limits::{GROUP_BYTES, GROUP_ROWS, STRIDE_ROWS};
use crate::store::Checksum;

/// A segment that is not in a store yet.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The object.
    pub body: Bytes,
    /// What must be kept to read it.
    pub meta: SegmentMeta,
}

/// Writes rows of a table, sorted by engine key, as a Parquet object. Deterministic.
///
/// # Errors
/// Rows that cannot be in a segment: see [`SegmentError`].
pub fn encode_segment(
    table: &Table,
    rows: &[(Bytes, Row)],
    name: &SegmentName,
) -> Result<Encoded, SegmentError> {
    let (Some((first_key, _)), Some((last_key, _))) = (rows.first(), rows.last()) else {
        return Err(SegmentError::NoRows);
    };
    if !rows.is_sorted_by(|(left, _), (right, _)| left < right) {
        return Err(SegmentError::NotSorted);
    }
    let mut writer = Writer::new(table)?;
    let mut facts = Facts::default();
    for (key, row) in rows {
        facts.see(row);
        writer.row(key, row)?;
    }
    let (body, index_offset) = writer.finish()?;
    let end = body.get(index_offset..).unwrap_or(&[]);
    let meta = SegmentMeta {
        version: META_VERSION,
        id: name.id,
        table: table.id,
        table_version: table.version,
        generation: name.generation,
        level: 0,
        key: name.key(),
        bytes: wide(body.len()),
        checksum: Checksum::of(&body),
        index_offset: wide(index_offset),
        index_crc: crc32fast::hash(end),
        rows: wide(rows.len()),
        first_key: first_key.clone(),
        last_key: last_key.clone(),
        min_timestamp_us: facts.min_us.unwrap_or(0),
        max_timestamp_us: facts.max_us.unwrap_or(0),
        expires_at: facts.expires_at.filter(|_| !facts.stays),
    };
    Ok(Encoded { body: Bytes::from(body), meta })
}

/// What is known of all rows together.
#[derive(Default)]
struct Facts {
    min_us: Option<i64>,
    max_us: Option<i64>,
    expires_at: Option<i64>,
    /// Some row never expires, or hides others.
    stays: bool,
}

impl Facts {
    fn see(&mut self, row: &Row) {
        let span = span(row);
        self.min_us = Some(self.min_us.map_or(span.min_us, |min| min.min(span.min_us)));
        self.max_us = self.max_us.max(Some(span.max_us));
        self.expires_at = self.expires_at.max(span.expires_at);
        self.stays |= span.deletes || span.expires_at.is_none();
    }
}

/// One column that is being filled.
struct Filling {
    builder: Box<dyn ArrayBuilder>,
    data_type: arrow_schema::DataType,
}

impl Filling {
    fn push(&mut self, value: Option<Plain>) -> Result<(), SegmentError> {
        append(&mut self.builder, &self.data_type, value)
    }
}

struct Writer<'a> {
    table: &'a Table,
    parquet: ArrowWriter<Vec<u8>>,
    schema: SchemaRef,
    columns: Vec<(ColumnId, Filling)>,
    own: Vec<(Role, Filling)>,
    layout: Layout,
    /// Keys of the group being filled, one of each stride.
    keys: Vec<String>,
    rows: usize,
    estimated_bytes: usize,
}

impl<'a> Writer<'a> {
    fn new(table: &'a Table) -> Result<Self, SegmentError> {
        let schema = schema::of_table(table);
        let parquet =
            ArrowWriter::try_new(Vec::new(), SchemaRef::clone(&schema), Some(properties(table)))?;
        let filling = |data_type: arrow_schema::DataType| Filling {
            builder: make_builder(&data_type, GROUP_ROWS),
            data_type,
        };
        let columns = schema::columns(table)
            .map(|column| (column.id, filling(super::plain::data_type(&column.cql_type))))
            .collect();
        let own = Role::ALL.iter().map(|role| (*role, filling(role.data_type()))).collect();
        let layout = Layout { stride_rows: wide(STRIDE_ROWS), groups: Vec::new() };
        Ok(Self {
            table,
            parquet,
            schema,
            columns,
            own,
            layout,
            keys: Vec::new(),
            rows: 0,
            estimated_bytes: 0,
        })
    }

    fn row(&mut self, key: &Bytes, row: &Row) -> Result<(), SegmentError> {
        let decoded = keys::decode(self.table, key)?;
        if decoded.kind != RowKind::Row {
            return Err(SegmentError::NotARow);
        }
        if self.rows.is_multiple_of(STRIDE_ROWS) {
            self.keys.push(hex::encode(key));
        }
        let exists = row.exists(i64::MIN);
        let parts = take_apart(self.table, row.clone());
        let mut values = key_values(self.table, &decoded);
        values.extend(parts.values);
        for (id, filling) in &mut self.columns {
            let at = values.iter().position(|(of, _)| of == id);
            filling.push(at.map(|at| values.swap_remove(at).1))?;
        }
        self.rows += 1;
        self.estimated_bytes += key.len() + row.estimated_bytes();
        let needs_key = rebuild_key(self.table, &self.columns_of(&decoded)).as_ref() != Some(key);
        for (role, filling) in &mut self.own {
            filling.push(match role {
                Role::Token => Some(Plain::Int64(decoded.token)),
                Role::WriteTime => Some(Plain::Int64(parts.write_time_us)),
                Role::ExpiresAt => parts.expires_at.map(Plain::Int64),
                Role::Exists => Some(Plain::Boolean(exists)),
                Role::Key => needs_key.then(|| Plain::Binary(key.clone())),
                Role::Shape => Some(Plain::Binary(parts.shape.clone())),
            })?;
        }
        if self.rows >= GROUP_ROWS || self.estimated_bytes >= GROUP_BYTES {
            self.end_group()?;
        }
        Ok(())
    }

    fn columns_of(&self, key: &DecodedKey) -> Vec<Option<Plain>> {
        let columns = self.table.partition_key().zip(&key.partition_values);
        let columns = columns.chain(self.table.clustering().map(|(c, _)| c).zip(&key.clustering));
        columns.map(|(column, value)| exact(&column.cql_type, value).0).collect()
    }

    fn end_group(&mut self) -> Result<(), SegmentError> {
        if self.rows == 0 {
            return Ok(());
        }
        let columns = self.columns.iter_mut().map(|(_, filling)| filling);
        let all = columns.chain(self.own.iter_mut().map(|(_, filling)| filling));
        let arrays: Vec<ArrayRef> = all.map(|filling| filling.builder.finish()).collect();
        let batch = RecordBatch::try_new(SchemaRef::clone(&self.schema), arrays)?;
        let start = self.parquet.bytes_written();
        self.parquet.write(&batch)?;
        self.parquet.flush()?;
        self.parquet.sync().map_err(|_| NOT_WRITTEN)?;
        let bytes = self.parquet.inner().get(start..).ok_or(NOT_WRITTEN)?;
        self.layout.groups.push(GroupLayout {
            rows: wide(self.rows),
            offset: wide(start),
            bytes: wide(bytes.len()),
            crc32: crc32fast::hash(bytes),
            keys: std::mem::take(&mut self.keys),
        });
        self.rows = 0;
        self.estimated_bytes = 0;
        Ok(())
    }

    /// The object, and where its end begins.
    fn finish(mut self) -> Result<(Vec<u8>, usize), SegmentError> {
        self.end_group()?;
        let index_offset = self.parquet.bytes_written();
        let layout = serde_json::to_string(&self.layout)?;
        let about = [
            (FORMAT, FORMAT_VERSION.to_string()),
            ("cellar.keyspace", self.table.keyspace.clone()),
            ("cellar.table", self.table.name.clone()),
            ("cellar.table_id", self.table.id.0.to_string()),
            ("cellar.table_version", self.table.version.to_string()),
            (LAYOUT, layout),
        ];
        for (key, value) in about {
            self.parquet.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        Ok((self.parquet.into_inner()?, index_offset))
    }
}

const NOT_WRITTEN: SegmentError = SegmentError::Internal { reason: "a group was not written" };

/// Key columns with what is shown of them.
fn key_values(table: &Table, key: &DecodedKey) -> Vec<(ColumnId, Plain)> {
    let columns = table.partition_key().zip(&key.partition_values);
    let columns = columns.chain(table.clustering().map(|(column, _)| column).zip(&key.clustering));
    columns
        .filter_map(|(column, value)| Some((column.id, exact(&column.cql_type, value).0?)))
        .collect()
}

fn properties(table: &Table) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("cellar ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_data_page_row_count_limit(STRIDE_ROWS)
        .set_write_batch_size(STRIDE_ROWS)
        .set_max_row_group_row_count(None)
        .set_bloom_filter_position(BloomFilterPosition::End)
        .set_bloom_filter_for_dictionary_encoded_chunks(true);
    for column in table.partition_key() {
        let path = ColumnPath::new(vec![column.name.clone()]);
        properties = properties.set_column_bloom_filter_enabled(path, true);
    }
    properties.build()
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
