//! A whole cell as bytes, for a replica that is too far behind the log. `FORMAT.md` says how.
//!
//! It is read while it is sent. [`super::install`] takes it over.

use bytes::{Buf, Bytes, BytesMut};
use cellar_engine::{Engine, Scan, Snapshot};
use cellar_metadata_api::{CellId, KeyRange};

use crate::{
    apply::{ApplyError, CellState, rows_of},
    commands::CommandError,
    limits::SNAPSHOT_READ_BYTES,
    records::{self, Descriptor, Kind, Progress},
};

pub(super) const VERSION: u8 = 1;

/// Ranges of engine keys that a cell has to itself, its progress not among them, and those in the
/// key ranges of others left out.
pub(super) fn ranges(state: &CellState, others: &[KeyRange]) -> Vec<(Bytes, Bytes)> {
    let descriptor = &state.descriptor;
    let of = |kind| records::under(&records::cell_key(kind, descriptor.cell));
    let mut all = vec![
        of(Kind::Descriptor),
        of(Kind::Table),
        of(Kind::Dropped),
        of(Kind::Segment),
        of(Kind::Garbage),
        of(Kind::UntoldChange),
        of(Kind::UntoldMove),
    ];
    for range in descriptor.range.without(others) {
        let about = |kind| records::requests_of(kind, descriptor.group, range);
        all.extend(records::REQUEST_KINDS.map(about));
        let span = Descriptor { range, ..Descriptor::clone(descriptor) }.span();
        all.extend(rows_of(&state.tables, &span));
    }
    all
}

/// The cell as it is now.
pub(crate) fn take(engine: &Engine, state: &CellState) -> Result<Bytes, ApplyError> {
    let mut whole = BytesMut::new();
    for piece in Reading::begin(engine, state)? {
        whole.extend_from_slice(&piece?);
    }
    Ok(whole.freeze())
}

/// A cell as it was when the reading began, piece by piece; writes go on meanwhile.
pub(crate) struct Reading {
    snapshot: Snapshot,
    ranges: std::vec::IntoIter<(Bytes, Bytes)>,
    scan: Option<Scan>,
    /// What begins the next piece.
    head: Vec<u8>,
    checksum: crc32fast::Hasher,
    ended: bool,
}

impl Reading {
    /// Takes the cell as it is now; nothing much is read yet.
    pub(crate) fn begin(engine: &Engine, state: &CellState) -> Result<Self, ApplyError> {
        let snapshot = engine.snapshot();
        let progress = snapshot.get(&records::cell_key(Kind::Progress, state.descriptor.cell))?;
        let mut head = vec![VERSION];
        put(&mut head, &progress.unwrap_or_default())?;
        Ok(Self {
            snapshot,
            ranges: ranges(state, &[]).into_iter(),
            scan: None,
            head,
            checksum: crc32fast::Hasher::new(),
            ended: false,
        })
    }

    fn piece(&mut self) -> Result<Bytes, ApplyError> {
        let mut out = std::mem::take(&mut self.head);
        while out.len() < SNAPSHOT_READ_BYTES {
            let Some(scan) = &mut self.scan else {
                let Some((start, end)) = self.ranges.next() else {
                    self.ended = true;
                    self.checksum.update(&out);
                    let checksum = self.checksum.clone().finalize();
                    out.extend_from_slice(&checksum.to_le_bytes());
                    return Ok(Bytes::from(out));
                };
                self.scan = Some(self.snapshot.scan(start..end, false));
                continue;
            };
            match scan.next() {
                Some(entry) => {
                    let (key, value) = entry?;
                    put(&mut out, &key)?;
                    put(&mut out, &value)?;
                }
                None => self.scan = None,
            }
        }
        self.checksum.update(&out);
        Ok(Bytes::from(out))
    }
}

impl Iterator for Reading {
    type Item = Result<Bytes, ApplyError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let piece = self.piece();
        self.ended |= piece.is_err();
        Some(piece)
    }
}

/// A whole cell as it came from elsewhere.
pub(crate) struct Content {
    progress: Progress,
    entries: Vec<(Bytes, Bytes)>,
}

impl Content {
    /// Reads a snapshot.
    ///
    /// # Errors
    /// It is none, or damaged.
    pub(crate) fn read(snapshot: &Bytes) -> Result<Self, ApplyError> {
        let wrong = |reason: &str| CommandError { reason: format!("snapshot: {reason}") };
        let (body, checksum) =
            snapshot.split_last_chunk::<4>().ok_or_else(|| wrong("too short"))?;
        if crc32fast::hash(body) != u32::from_le_bytes(*checksum) {
            return Err(wrong("its checksum differs").into());
        }
        let mut body = snapshot.slice_ref(body);
        if body.try_get_u8().map_err(CommandError::from)? != VERSION {
            return Err(wrong("of another version").into());
        }
        let progress = match take_bytes(&mut body)? {
            nothing if nothing.is_empty() => Progress::default(),
            progress => Progress::decode(&progress)?,
        };
        let mut entries = Vec::new();
        while !body.is_empty() {
            entries.push((take_bytes(&mut body)?, take_bytes(&mut body)?));
        }
        Ok(Self { progress, entries })
    }

    /// What the cell is.
    ///
    /// # Errors
    /// It is another cell.
    pub(crate) fn descriptor(&self, cell: CellId) -> Result<Descriptor, ApplyError> {
        let key = records::cell_key(Kind::Descriptor, cell);
        let mut entries = self.entries.iter();
        let (_, record) = entries
            .find(|(found, _)| *found == key)
            .ok_or_else(|| CommandError { reason: format!("snapshot: it is not of {cell}") })?;
        Ok(Descriptor::decode(record)?)
    }

    /// How far it was.
    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Its records and rows.
    pub(crate) fn entries(&self) -> &[(Bytes, Bytes)] {
        &self.entries
    }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), ApplyError> {
    let length = u32::try_from(bytes.len())
        .map_err(|_| CommandError { reason: "snapshot: too long".to_owned() })?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

fn take_bytes(bytes: &mut Bytes) -> Result<Bytes, ApplyError> {
    let length = bytes.try_get_u32_le().map_err(CommandError::from)?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > bytes.len() {
        return Err(CommandError { reason: "snapshot: ends early".to_owned() }.into());
    }
    Ok(bytes.split_to(length))
}
