//! Row groups of a Parquet object become rows again.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::Schema;
use bytes::Bytes;
use cellar_schema::{Column, ColumnId, ColumnKind, Row, Table, keys};
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use parquet::arrow::push_decoder::ParquetPushDecoderBuilder;

use super::SegmentError;
use super::index::{Group, Index};
use super::plain::{Plain, read, read_wire, wire};
use super::schema::{Role, position_of_column, position_of_role};
use super::shape::{Shown, put_together};

/// Rows with their engine keys, sorted.
pub(crate) type Decoded = Vec<(Bytes, Row)>;

/// What to read of the rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// The first row, counted in the group.
    pub(crate) first: usize,
    /// How many rows.
    pub(crate) count: usize,
    /// Columns whose values are wanted; all if nothing is said. The others of a row are told by
    /// their times alone.
    pub(crate) columns: Option<&'a [ColumnId]>,
}

impl Wanted<'_> {
    fn has(&self, id: ColumnId) -> bool {
        self.columns.is_none_or(|columns| columns.contains(&id))
    }
}

/// Reads rows of a group from its bytes.
pub(crate) fn decode(
    table: &Table,
    index: &Index,
    group: &Group,
    bytes: &Bytes,
    wanted: Wanted<'_>,
) -> Result<Decoded, SegmentError> {
    let Wanted { first, count, .. } = wanted;
    let selection = vec![RowSelector::skip(first), RowSelector::select(count)];
    let mut decoder = ParquetPushDecoderBuilder::new_with_metadata(index.reader.clone())
        .with_batch_size(count)
        .with_projection(projection(table, index, wanted))
        .with_row_groups(vec![group.number])
        .with_row_selection(RowSelection::from(selection))
        .build()?;
    decoder.push_range(group.offset..group.offset + group.bytes, bytes.clone())?;
    let mut rows = Vec::with_capacity(count);
    loop {
        match decoder.try_decode()? {
            DecodeResult::Data(batch) => Batch::new(table, &batch, wanted)?.read(&mut rows)?,
            DecodeResult::Finished => break,
            DecodeResult::NeedsData(_) => {
                return Err(SegmentError::Corrupt { reason: "a group is not where it should be" });
            }
        }
    }
    if rows.len() == count {
        Ok(rows)
    } else {
        Err(SegmentError::Corrupt { reason: "number of rows" })
    }
}

/// All columns but those that nobody wants or that only others need.
fn projection(table: &Table, index: &Index, wanted: Wanted<'_>) -> ProjectionMask {
    let schema = index.reader.schema();
    let own = [Role::Token, Role::Exists].map(|role| position_of_role(schema, role));
    let unwanted = regular(table).filter(|column| !wanted.has(column.id));
    let unwanted = unwanted.map(|column| position_of_column(schema, column.id));
    let skipped: Vec<Option<usize>> = own.into_iter().chain(unwanted).collect();
    let roots = (0..schema.fields().len()).filter(|at| !skipped.contains(&Some(*at)));
    ProjectionMask::roots(index.reader.metadata().file_metadata().schema_descr(), roots)
}

fn regular(table: &Table) -> impl Iterator<Item = &Column> {
    table.columns.iter().filter(|column| column.kind == ColumnKind::Regular)
}

/// A batch with its columns found.
struct Batch<'a> {
    table: &'a Table,
    rows: usize,
    /// Regular columns that the object has and that are wanted.
    columns: Vec<(&'a Column, &'a ArrayRef)>,
    wanted: Wanted<'a>,
    key_columns: Vec<Option<&'a ArrayRef>>,
    write_time: &'a ArrayRef,
    expires_at: &'a ArrayRef,
    key: &'a ArrayRef,
    shape: &'a ArrayRef,
}

impl<'a> Batch<'a> {
    fn new(
        table: &'a Table,
        batch: &'a RecordBatch,
        wanted: Wanted<'a>,
    ) -> Result<Self, SegmentError> {
        let schema: &Schema = batch.schema_ref();
        let at = |position: Option<usize>| batch.columns().get(position?);
        let own = |role| {
            let missing = SegmentError::Corrupt { reason: "a column of Cellar's is missing" };
            at(position_of_role(schema, role)).ok_or(missing)
        };
        let of = |id: ColumnId| at(position_of_column(schema, id));
        let partition = table.partition_key().map(|column| of(column.id));
        let clustering = table.clustering().map(|(column, _)| of(column.id));
        let columns = regular(table).filter_map(|column| Some((column, of(column.id)?)));
        Ok(Self {
            table,
            rows: batch.num_rows(),
            columns: columns.collect(),
            wanted,
            key_columns: partition.chain(clustering).collect(),
            write_time: own(Role::WriteTime)?,
            expires_at: own(Role::ExpiresAt)?,
            key: own(Role::Key)?,
            shape: own(Role::Shape)?,
        })
    }

    fn read(&self, rows: &mut Decoded) -> Result<(), SegmentError> {
        for at in 0..self.rows {
            rows.push((self.key(at)?, self.row(at)?));
        }
        Ok(())
    }

    fn key(&self, at: usize) -> Result<Bytes, SegmentError> {
        if let Some(key) = binary(self.key, at) {
            return Ok(key);
        }
        let shown = |column: &Option<&ArrayRef>| read((*column)?, at);
        let values: Vec<Option<Plain>> = self.key_columns.iter().map(shown).collect();
        rebuild_key(self.table, &values).ok_or(SegmentError::Corrupt { reason: "a key" })
    }

    fn row(&self, at: usize) -> Result<Row, SegmentError> {
        let missing = SegmentError::Corrupt { reason: "a time or shape is missing" };
        let (Some(write_time_us), Some(shape)) =
            (integer(self.write_time, at), binary(self.shape, at))
        else {
            return Err(missing);
        };
        let shown = |id: ColumnId| {
            if !self.wanted.has(id) {
                return Shown::Unread;
            }
            let found = self.columns.iter().find(|(column, _)| column.id == id);
            Shown::Value(found.and_then(|(column, array)| read_wire(&column.cql_type, array, at)))
        };
        put_together(self.table, (write_time_us, integer(self.expires_at, at)), shape, shown)
    }
}

/// The engine key of a row with these plain values of its key columns, in key order.
pub(super) fn rebuild_key(table: &Table, shown: &[Option<Plain>]) -> Option<Bytes> {
    let columns = table.partition_key().chain(table.clustering().map(|(column, _)| column));
    let mut values = Vec::with_capacity(shown.len());
    for (column, shown) in columns.zip(shown) {
        values.push(wire(&column.cql_type, shown.as_ref()?)?);
    }
    let (partition, clustering) = values.split_at_checked(table.partition_key().count())?;
    let partition: Vec<&[u8]> = partition.iter().map(AsRef::as_ref).collect();
    let partition = keys::partition(table.id, &keys::routing(&partition));
    keys::engine_key(&partition, &keys::row_suffix(table, clustering).ok()?).ok()
}

fn integer(array: &ArrayRef, at: usize) -> Option<i64> {
    let numbers = array.as_primitive_opt::<Int64Type>()?;
    (at < numbers.len() && numbers.is_valid(at)).then(|| numbers.value(at))
}

fn binary(array: &ArrayRef, at: usize) -> Option<Bytes> {
    let all = array.as_binary_opt::<i32>()?;
    (at < all.len() && all.is_valid(at)).then(|| Bytes::copy_from_slice(all.value(at)))
}
