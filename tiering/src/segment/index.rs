//! Where what is in a segment: row groups with their checksums, and the key of every so many rows.
//! Lives in the footer's key-value metadata, so that one read of the object's end finds it.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{Column, ColumnId, CqlType, DecodedKey, Table, keys};
use parquet::DecodeResult;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataPushDecoder};
use serde::{Deserialize, Serialize};

use super::plain::{self, Plain};
use super::{SegmentError, SegmentMeta};

/// Key of the metadata that holds an [`Layout`] as JSON.
pub(super) const LAYOUT: &str = "cellar.index";

/// Key of the metadata that holds the format's version.
pub(super) const FORMAT: &str = "cellar.format";

/// The format written today.
pub(super) const FORMAT_VERSION: u16 = 1;

/// What is written down.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Layout {
    /// Rows between two keys of `keys`.
    pub(super) stride_rows: u64,
    /// Row groups in order.
    pub(super) groups: Vec<GroupLayout>,
}

/// One row group.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GroupLayout {
    /// Rows in it.
    pub(super) rows: u64,
    /// Where its bytes begin.
    pub(super) offset: u64,
    /// How many they are.
    pub(super) bytes: u64,
    /// CRC-32 of them.
    pub(super) crc32: u32,
    /// Engine key of its first row and of every `stride_rows`-th after it, hex.
    pub(super) keys: Vec<String>,
}

/// A row group as readers need it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    /// Its number.
    pub(crate) number: usize,
    /// Where its bytes begin.
    pub(crate) offset: u64,
    /// How many they are.
    pub(crate) bytes: u64,
    /// CRC-32 of them.
    pub(crate) crc32: u32,
}

/// Rows that are read together.
#[derive(Clone, Debug)]
pub(crate) struct Stride {
    /// The group they are in.
    pub(crate) group: usize,
    /// The first of them, counted in the group.
    pub(crate) first_row: usize,
    /// How many.
    pub(crate) rows: usize,
    /// Key of the first.
    pub(crate) first_key: Bytes,
}

/// An object's end, read.
#[derive(Debug)]
pub(crate) struct Index {
    pub(super) reader: ArrowReaderMetadata,
    pub(crate) groups: Vec<Group>,
    /// In the order of their keys.
    pub(crate) strides: Vec<Stride>,
    /// The bytes this was read from, for bloom filters, and where they begin in the object.
    end: Bytes,
    end_offset: u64,
}

impl Index {
    /// Reads an object's end, which begins at `meta.index_offset`.
    pub(crate) fn read(meta: &SegmentMeta, end: Bytes) -> Result<Self, SegmentError> {
        if crc32fast::hash(&end) != meta.index_crc {
            return Err(SegmentError::Corrupt { reason: "checksum of the index" });
        }
        let metadata = metadata(meta, end.clone())?;
        let find = |key: &str| {
            let all = metadata.file_metadata().key_value_metadata();
            all?.iter().find(|pair| pair.key == key)?.value.clone()
        };
        let version = find(FORMAT);
        let number = version.as_deref().and_then(|text| text.parse::<u16>().ok());
        if number.is_none_or(|number| number > FORMAT_VERSION) {
            return Err(SegmentError::Version { version, supported: FORMAT_VERSION });
        }
        let layout: Layout = serde_json::from_str(&find(LAYOUT).unwrap_or_default())?;
        if layout.groups.len() != metadata.num_row_groups() {
            return Err(SegmentError::Corrupt { reason: "number of row groups" });
        }
        let group = |(number, group): (usize, &GroupLayout)| Group {
            number,
            offset: group.offset,
            bytes: group.bytes,
            crc32: group.crc32,
        };
        Ok(Self {
            groups: layout.groups.iter().enumerate().map(group).collect(),
            strides: strides(&layout)?,
            reader: ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new())?,
            end,
            end_offset: meta.index_offset,
        })
    }

    /// About how much memory it takes.
    pub(crate) fn memory_bytes(&self) -> usize {
        let keys = self.strides.iter().map(|stride| stride.first_key.len() + 64).sum::<usize>();
        self.reader.metadata().memory_size() + self.end.len() + keys
    }

    /// Numbers of the strides that may have keys in `start..end`.
    pub(crate) fn strides_in(&self, start: &[u8], end: &[u8]) -> Range<usize> {
        let after = self.strides.partition_point(|stride| stride.first_key.as_ref() <= start);
        let end = self.strides.partition_point(|stride| stride.first_key.as_ref() < end);
        let first = after.saturating_sub(1);
        first..end.max(first)
    }

    /// Whether the partition of this key may have rows here, by the bloom filters.
    pub(crate) fn may_have_partition(&self, table: &Table, key: &DecodedKey) -> bool {
        self.groups.iter().any(|group| {
            let columns = table.partition_key().zip(&key.partition_values);
            columns.into_iter().all(|(column, value)| self.may_have(group.number, column, value))
        })
    }

    fn may_have(&self, group: usize, column: &Column, value: &Bytes) -> bool {
        let filter = self.bloom_filter(group, column.id);
        // A value that is not shown exactly is found by other means.
        let (Some(filter), (Some(shown), true)) = (filter, plain::exact(&column.cql_type, value))
        else {
            return true;
        };
        match (&column.cql_type, &shown) {
            (_, Plain::Text(text)) => filter.check(text.as_str()),
            (CqlType::Blob, Plain::Binary(bytes)) => filter.check(bytes.as_ref()),
            (_, Plain::Int8(number)) => filter.check(&i32::from(*number)),
            (_, Plain::Int16(number)) => filter.check(&i32::from(*number)),
            (_, Plain::Int32(number)) => filter.check(number),
            (_, Plain::Int64(number)) => filter.check(number),
            _ => true,
        }
    }

    fn bloom_filter(&self, group: usize, id: ColumnId) -> Option<Sbbf> {
        let position = super::schema::position_of_column(self.reader.schema(), id)?;
        let parquet = self.reader.metadata();
        let schema = parquet.file_metadata().schema_descr();
        let leaf =
            (0..schema.num_columns()).find(|leaf| schema.get_column_root_idx(*leaf) == position)?;
        let chunk = parquet.row_groups().get(group)?.columns().get(leaf)?;
        let offset = u64::try_from(chunk.bloom_filter_offset()?).ok()?;
        let start = usize::try_from(offset.checked_sub(self.end_offset)?).ok()?;
        let length = usize::try_from(chunk.bloom_filter_length()?).ok()?;
        Sbbf::from_bytes(self.end.get(start..start.checked_add(length)?)?).ok()
    }
}

/// The key of a partition, if every key in `start..end` is of that one.
pub(crate) fn only_partition(table: &Table, start: &Bytes, end: &Bytes) -> Option<DecodedKey> {
    let (partition, _) = keys::split(start).ok()?;
    if end.as_ref() > keys::after(&partition).as_ref() {
        return None;
    }
    keys::decode(table, &Bytes::from([partition.as_ref(), &keys::static_suffix()].concat())).ok()
}

fn metadata(meta: &SegmentMeta, end: Bytes) -> Result<ParquetMetaData, SegmentError> {
    let decoder = ParquetMetaDataPushDecoder::try_new(meta.bytes)?;
    let mut decoder = decoder.with_page_index_policy(PageIndexPolicy::Required);
    decoder.push_range(meta.index_offset..meta.bytes, end)?;
    match decoder.try_decode()? {
        DecodeResult::Data(metadata) => Ok(metadata),
        _ => Err(SegmentError::Corrupt { reason: "footer" }),
    }
}

fn strides(layout: &Layout) -> Result<Vec<Stride>, SegmentError> {
    let corrupt = SegmentError::Corrupt { reason: "strides" };
    let number = |number: u64| usize::try_from(number).ok();
    let Some(step) = number(layout.stride_rows).filter(|step| *step > 0) else {
        return Err(corrupt);
    };
    let mut strides = Vec::new();
    for (group, layout) in layout.groups.iter().enumerate() {
        let Some(rows) = number(layout.rows) else { return Err(corrupt) };
        if layout.keys.len() != rows.div_ceil(step) {
            return Err(corrupt);
        }
        for (first_row, key) in (0..rows).step_by(step).zip(&layout.keys) {
            let Ok(key) = hex::decode(key) else { return Err(corrupt) };
            let first_key = Bytes::from(key);
            strides.push(Stride { group, first_row, rows: step.min(rows - first_row), first_key });
        }
    }
    Ok(strides)
}
