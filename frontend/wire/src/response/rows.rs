//! RESULT of a SELECT: `<metadata><rows int>` and for each row its values as `[bytes]`. Rows are
//! best encoded where they are read, with [`RowsBuilder`]; then they are copied once, and rows
//! received stay as they came until [`RowsContent::iter`] cuts values from them.

use bytes::{BufMut, Bytes, BytesMut};

use super::ResultMetadata;
use crate::Version;
use crate::decode::{DecodeError, Reader};
use crate::encode::{EncodeError, Writer};

/// Rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowsResult {
    /// What the columns are.
    pub metadata: ResultMetadata,
    /// The values.
    pub rows: RowsContent,
}

/// Rows, encoded or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowsContent {
    /// Values by row and column.
    Rows(Vec<Vec<Option<Bytes>>>),
    /// As on the wire; from [`RowsBuilder`] or received.
    Encoded {
        /// Number of rows.
        count: u32,
        /// Number of values in each.
        columns: usize,
        /// The values.
        bytes: Bytes,
    },
}

impl RowsContent {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.len(),
            Self::Encoded { count, .. } => usize::try_from(*count).unwrap_or(usize::MAX),
        }
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows in order, cut from what was received without copying.
    #[must_use]
    pub fn iter(&self) -> RowIter<'_> {
        let rows = match self {
            Self::Rows(rows) => Source::Rows(rows.iter()),
            Self::Encoded { count, columns, bytes } => Source::Encoded {
                left: *count,
                columns: *columns,
                reader: Reader::new(bytes.clone()),
            },
        };
        RowIter { rows }
    }

    fn write(&self, columns: usize, writer: &mut Writer<'_>) {
        match self {
            Self::Rows(rows) => {
                writer.int_count("rows", rows.len());
                for row in rows {
                    if row.len() != columns {
                        writer.fail(EncodeError::RowWidth { found: row.len(), columns });
                        return;
                    }
                    for value in row {
                        writer.nullable_bytes(value.as_deref());
                    }
                }
            }
            Self::Encoded { columns: found, .. } if *found != columns => {
                writer.fail(EncodeError::RowWidth { found: *found, columns });
            }
            Self::Encoded { count, bytes, .. } => {
                writer.u32(*count);
                writer.reserve(bytes.len());
                writer.raw(bytes);
            }
        }
    }
}

/// The rows of a [`RowsContent`].
#[derive(Debug)]
pub struct RowIter<'a> {
    rows: Source<'a>,
}

#[derive(Debug)]
enum Source<'a> {
    Rows(std::slice::Iter<'a, Vec<Option<Bytes>>>),
    Encoded { left: u32, columns: usize, reader: Reader },
}

/// The values of one row.
pub type RowCells = Vec<Option<Bytes>>;

impl Iterator for RowIter<'_> {
    type Item = RowCells;

    fn next(&mut self) -> Option<RowCells> {
        match &mut self.rows {
            Source::Rows(rows) => rows.next().cloned(),
            Source::Encoded { left, columns, reader } => {
                *left = left.checked_sub(1)?;
                let mut row = Vec::with_capacity((*columns).min(reader.left()));
                for _ in 0..*columns {
                    row.push(reader.bytes().ok()?);
                }
                Some(row)
            }
        }
    }
}

impl RowsResult {
    /// The columns of the metadata or, where they were left out, of the rows.
    #[must_use]
    pub fn columns_count(&self) -> usize {
        match &self.rows {
            RowsContent::Encoded { columns, .. } if self.metadata.columns.is_empty() => *columns,
            _ => self.metadata.columns.len(),
        }
    }

    pub(super) fn read(mut reader: Reader, version: Version) -> Result<Self, DecodeError> {
        let (metadata, columns) = ResultMetadata::read(&mut reader, version)?;
        let count = reader.length("number of rows")?;
        // Rows without columns would be any number in no space.
        if columns == 0 && count > 0 {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            return Err(DecodeError::Count { what: "rows without columns", count, left: 0 });
        }
        reader.counted("rows", count, columns.saturating_mul(4))?;
        let mut walk = reader.clone();
        for _ in 0..count.saturating_mul(columns) {
            if let Ok(length) = usize::try_from(walk.i32()?) {
                walk.skip(length)?;
            }
        }
        let bytes = reader.take(reader.left() - walk.left())?;
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Ok(Self { metadata, rows: RowsContent::Encoded { count, columns, bytes } })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        let columns = self.columns_count();
        self.metadata.write(columns, writer);
        self.rows.write(columns, writer);
    }
}

/// Encodes rows value by value, straight from where they are read.
#[derive(Debug, Default)]
pub struct RowsBuilder {
    out: BytesMut,
    columns: usize,
    values: usize,
    error: Option<EncodeError>,
}

impl RowsBuilder {
    /// Rows of so many values each.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Makes room for so many bytes, lengths included.
    pub fn reserve(&mut self, bytes: usize) {
        self.out.reserve(bytes);
    }

    /// Appends the next value of the row; the row is complete with its last value.
    pub fn push(&mut self, value: Option<&[u8]>) {
        self.values += 1;
        let Some(value) = value else {
            self.out.put_i32(-1);
            return;
        };
        if let Ok(length) = i32::try_from(value.len()) {
            self.out.put_i32(length);
            self.out.put_slice(value);
        } else {
            let length = value.len();
            self.error.get_or_insert(EncodeError::TooLong { what: "value", length });
        }
    }

    /// Bytes so far, for pages bounded by size.
    #[must_use]
    pub fn encoded_bytes(&self) -> usize {
        self.out.len()
    }

    /// Complete rows so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.checked_div(self.columns).unwrap_or(0)
    }

    /// The rows.
    ///
    /// # Errors
    /// The last row is not complete, or a value is larger than the protocol has lengths for.
    pub fn finish(self) -> Result<RowsContent, EncodeError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let found = self.values - self.rows() * self.columns;
        if found != 0 {
            return Err(EncodeError::RowWidth { found, columns: self.columns });
        }
        let count = i32::try_from(self.rows()).ok().and_then(|count| u32::try_from(count).ok());
        let too_long = EncodeError::TooLong { what: "rows", length: self.rows() };
        let count = count.ok_or(too_long)?;
        Ok(RowsContent::Encoded { count, columns: self.columns, bytes: self.out.freeze() })
    }
}
