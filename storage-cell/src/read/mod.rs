//! Pages out of spans of engine keys: what is deleted, expired or hidden by marks is left out.

mod page;

use bytes::Bytes;
use cellar_cell_api::{CellError, Page, Read};
use cellar_engine::{EngineError, Scan, Snapshot};
use cellar_schema::{FormatError, KeyError, PartitionMarks, Row, RowKind, keys};
use thiserror::Error;

use crate::{blocking::blocking, limits::READ_INLINE_ROWS};
pub(crate) use page::PageBuilder;

/// Why a span could not be read.
#[derive(Debug, Error)]
pub(crate) enum ReadError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A stored row or its marks cannot be read.
    #[error("a stored row cannot be read: {0}")]
    Row(#[from] FormatError),
    /// A stored key is none.
    #[error("a stored key cannot be read: {0}")]
    Key(#[from] KeyError),
}

impl ReadError {
    /// Whether stored bytes are not what was written.
    pub(crate) fn is_damage(&self) -> bool {
        match self {
            Self::Engine(error) => matches!(error, EngineError::Corrupt { .. }),
            Self::Row(_) | Self::Key(_) => true,
        }
    }
}

/// Reads one page of a span that lies on this disk alone.
pub(crate) fn hot(snapshot: &Snapshot, read: &Read, now: i64) -> Result<Page, ReadError> {
    let mut page = PageBuilder::new(read, now);
    if let Some(found) = single(snapshot, read)? {
        let mut partition = CurrentPartition::default();
        partition.enter(snapshot, &read.start, true)?;
        page.push(&read.start, partition.suffix(&read.start), found, &partition.marks)?;
        return Ok(page.finish(None));
    }
    let mut scan = snapshot.scan(read.start.clone()..read.end.clone(), read.reverse);
    let mut walk = Walk { snapshot, reverse: read.reverse, partition: Default::default(), page };
    // Most pages end soon.
    let end = match walk.go(&mut scan, READ_INLINE_ROWS)? {
        End::NotYet => blocking(|| walk.go(&mut scan, u64::MAX))?,
        end => end,
    };
    Ok(walk.page.finish(match end {
        End::Next(next) => Some(next),
        End::NotYet | End::Span => None,
    }))
}

/// Where a walk stopped.
enum End {
    /// It was told to.
    NotYet,
    /// The page is full; this key is not in it.
    Next(Bytes),
    /// At the end of the span.
    Span,
}

/// A walk through the rows of a span.
struct Walk<'r> {
    snapshot: &'r Snapshot,
    reverse: bool,
    partition: CurrentPartition,
    page: PageBuilder<'r>,
}

impl Walk<'_> {
    /// Goes on for so many records.
    fn go(&mut self, scan: &mut Scan, records: u64) -> Result<End, ReadError> {
        for _ in 0..records {
            let Some(entry) = scan.next() else { return Ok(End::Span) };
            let (key, value) = entry?;
            if self.page.is_full() {
                return Ok(End::Next(key));
            }
            self.partition.enter(self.snapshot, &key, self.reverse)?;
            let suffix = self.partition.suffix(&key);
            match keys::kind_of(suffix)? {
                // Read already, or read again in a moment if the scan began in the middle.
                RowKind::Marks => self.partition.marks = PartitionMarks::decode(value)?,
                RowKind::Static | RowKind::Row => {
                    self.page.push(&key, suffix, value, &self.partition.marks)?;
                }
            }
        }
        Ok(End::NotYet)
    }
}

/// The row of a span that holds no key but its first, if it is there: one look into the engine
/// instead of a scan. No row's key is the start of another's.
fn single(snapshot: &Snapshot, read: &Read) -> Result<Option<Bytes>, ReadError> {
    let single = read.rows_max > 0 && read.end == keys::after(&read.start);
    let is_row = single
        && keys::split(&read.start).is_ok_and(|(_, suffix)| {
            matches!(keys::kind_of(&suffix), Ok(RowKind::Static | RowKind::Row))
        });
    if is_row { Ok(snapshot.get(&read.start)?) } else { Ok(None) }
}

/// The partition that a scan is in, with its marks.
#[derive(Default)]
pub(crate) struct CurrentPartition {
    prefix: Option<Bytes>,
    /// Its marks.
    pub(crate) marks: PartitionMarks,
}

impl CurrentPartition {
    /// Goes to the partition of a key. A forward scan meets the marks of every partition before
    /// its rows, but for the first, which it may enter in the middle.
    pub(crate) fn enter(
        &mut self,
        snapshot: &Snapshot,
        key: &Bytes,
        look: bool,
    ) -> Result<(), ReadError> {
        if self.prefix.as_ref().is_some_and(|prefix| key.starts_with(prefix)) {
            return Ok(());
        }
        let first = self.prefix.is_none();
        let (prefix, _) = keys::split(key)?;
        self.marks = match look || first {
            true => match snapshot.get(&[&*prefix, &*keys::marks_suffix()].concat())? {
                Some(marks) => PartitionMarks::decode(marks)?,
                None => PartitionMarks::default(),
            },
            false => PartitionMarks::default(),
        };
        self.prefix = Some(prefix);
        Ok(())
    }

    /// The end of a key of this partition.
    pub(crate) fn suffix<'k>(&self, key: &'k Bytes) -> &'k [u8] {
        key.get(self.prefix.as_ref().map_or(0, Bytes::len)..).unwrap_or_default()
    }
}

/// What a failed read is to the one who asked.
pub(crate) fn failed(error: ReadError) -> CellError {
    let reason = error.to_string();
    if error.is_damage() {
        CellError::Damaged { reason }
    } else {
        CellError::Unavailable { reason }
    }
}

/// Reads a stored row.
fn row(value: Bytes) -> Result<Row, ReadError> {
    Ok(Row::decode(value)?)
}
