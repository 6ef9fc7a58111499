//! Pages of the rows that an index leads to, in the order in which a scan of the span would have
//! them, each partition's static row before its first row.
//!
//! Of one term the entries are in row order, so that a page goes on where the last one ended. Of
//! several terms or of a range the rows next in order are picked out of all the entries, for each
//! page again; where there are too many, a scan is no worse.

use std::collections::BTreeSet;

use bytes::Bytes;
use cellar_cell_api::{Page, Read};
use cellar_engine::Snapshot;
use cellar_metadata_api::TableId;
use cellar_schema::{ColumnKind, IndexProbe, PartitionMarks, Row, RowKind, keys};

use super::{
    Definitions,
    definitions::Space,
    key::{self, SpaceId},
};
use crate::{
    apply::CellState,
    blocking::blocking,
    limits::{INDEX_ENTRIES_MAX, INDEX_PICKED_BYTES_MAX, INDEX_PICKED_MAX, READ_INLINE_ROWS},
    read::{CurrentPartition, PageBuilder, ReadError},
};

/// Reads one page of a span by an index; nothing if no index has all of the cell's rows, or if
/// too many rows are looked for. The definitions must be at least as new as the snapshot.
pub(crate) fn page(
    definitions: &Definitions,
    state: &CellState,
    snapshot: &Snapshot,
    read: &Read,
    now_seconds: i64,
) -> Result<Option<Page>, ReadError> {
    let Some(probe) = read.probe.as_ref().filter(|_| !read.reverse) else { return Ok(None) };
    let table = keys::table_of(&read.start)?;
    let spaces = definitions.of(table).iter();
    let Some(space) = spaces.into_iter().find(|space| space.target == probe.target) else {
        return Ok(None);
    };
    let built = snapshot.get(&key::built_key(space.id, state.descriptor.cell))?.is_some();
    if !built || snapshot.get(&key::flawed_key(space.id))?.is_some() {
        return Ok(None);
    }
    let lookup = Lookup::new(snapshot, space, read);
    let mut walk = Walk {
        lookup: &lookup,
        partition: CurrentPartition::default(),
        prefix: Bytes::new(),
        page: PageBuilder::new(read, now_seconds),
    };
    let end = match probe.ranges.as_slice() {
        [(first, last)] if first == last => walk.one_term(first)?,
        _ => match blocking(|| walk.several(probe))? {
            Some(end) => end,
            None => return Ok(None),
        },
    };
    Ok(Some(walk.page.finish(end)))
}

/// Where and what is looked for.
struct Lookup<'r> {
    snapshot: &'r Snapshot,
    read: &'r Read,
    space: SpaceId,
    table: TableId,
    /// Whether entries lead to whole partitions.
    whole: bool,
    /// Whether partitions may have static rows.
    statics: bool,
    /// The first key whose entry may lead into the span.
    start: Bytes,
}

impl<'r> Lookup<'r> {
    fn new(snapshot: &'r Snapshot, space: &Space, read: &'r Read) -> Self {
        let column = space.table.column_by_id(space.target.column);
        let whole = column.is_some_and(|column| column.kind == ColumnKind::Static);
        let statics = space.table.columns.iter().any(|c| c.kind == ColumnKind::Static);
        // The static row that leads to the rest of a partition lies before it.
        let begun = keys::split(&read.start).ok().filter(|_| whole);
        let start = begun.map_or_else(|| read.start.clone(), |(partition, _)| partition);
        Self { snapshot, read, space: space.id, table: space.table.id, whole, statics, start }
    }

    /// The end of an entry's key that leads behind the span.
    fn end(&self, mut prefix: Vec<u8>) -> Bytes {
        if keys::table_of(&self.read.end) == Ok(self.table) {
            prefix.extend_from_slice(key::rest(&self.read.end));
            prefix.into()
        } else {
            keys::after(&prefix)
        }
    }
}

/// A page in the making.
struct Walk<'l> {
    lookup: &'l Lookup<'l>,
    partition: CurrentPartition,
    /// The partition whose static row was looked at.
    prefix: Bytes,
    page: PageBuilder<'l>,
}

/// The first key that is not in the page, if there are more.
type Next = Option<Bytes>;

impl Walk<'_> {
    fn one_term(&mut self, term: &[u8]) -> Result<Next, ReadError> {
        let of = self.lookup;
        let prefix = key::term_prefix(of.space, term);
        let start = Bytes::from([&prefix, key::rest(&of.start)].concat());
        let mut entries = of.snapshot.scan(start..of.end(prefix), false);
        let mut go = |walk: &mut Self, entries_max: u64| -> Result<Option<Next>, ReadError> {
            for _ in 0..entries_max {
                let Some(entry) = entries.next() else { return Ok(Some(None)) };
                if let Some(row) = key::row_in(of.table, &entry?.0)
                    && let Some(next) = walk.visit(row)?
                {
                    return Ok(Some(Some(next)));
                }
            }
            Ok(None)
        };
        // Most look-ups end soon.
        if let Some(end) = go(self, READ_INLINE_ROWS)? {
            return Ok(end);
        }
        Ok(blocking(|| go(self, u64::MAX))?.flatten())
    }

    /// Nothing if there are too many entries.
    fn several(&mut self, probe: &IndexProbe) -> Result<Option<Next>, ReadError> {
        let Some(picked) = self.pick(probe)? else { return Ok(None) };
        let last = picked.rows.last().cloned();
        for row in picked.rows {
            if let Some(next) = self.visit(row)? {
                return Ok(Some(Some(next)));
            }
        }
        let Some(last) = last.filter(|_| picked.more) else { return Ok(Some(None)) };
        let next = match keys::split(&last) {
            Ok((partition, _)) if self.lookup.whole => keys::after(&partition),
            _ => keys::after(&last),
        };
        Ok(Some(Some(next)))
    }

    /// The rows next in order to which entries of the ranges lead.
    fn pick(&self, probe: &IndexProbe) -> Result<Option<Picked>, ReadError> {
        let of = self.lookup;
        let most = usize::try_from(of.read.rows_max).unwrap_or(INDEX_PICKED_MAX);
        let most = most.clamp(1, INDEX_PICKED_MAX);
        let mut picked = Picked { rows: BTreeSet::new(), more: false };
        let (mut bytes, mut seen) = (0_usize, 0_u64);
        for (first, last) in &probe.ranges {
            let start = Bytes::from(key::term_prefix(of.space, first));
            let end = keys::after(&key::term_prefix(of.space, last));
            for entry in of.snapshot.scan(start.clone()..end.max(start), false) {
                seen += 1;
                if seen > INDEX_ENTRIES_MAX {
                    return Ok(None);
                }
                let Some(row) = key::row_in(of.table, &entry?.0) else { continue };
                let behind = picked.more && picked.rows.last().is_some_and(|last| row > *last);
                if row < of.start || row >= of.read.end || behind {
                    continue;
                }
                bytes += row.len();
                if !picked.rows.insert(row.clone()) {
                    bytes -= row.len();
                }
                while picked.rows.len() > most
                    || bytes > INDEX_PICKED_BYTES_MAX && picked.rows.len() > 1
                {
                    bytes -= picked.rows.pop_last().map_or(0, |row| row.len());
                    picked.more = true;
                }
            }
        }
        Ok(Some(picked))
    }

    /// Looks at what an entry leads to; says where to go on if the page is full.
    fn visit(&mut self, row: Bytes) -> Result<Next, ReadError> {
        let of = self.lookup;
        let (prefix, suffix) = keys::split(&row)?;
        let is_static = keys::kind_of(&suffix)? == RowKind::Static;
        if is_static && of.whole {
            return self.partition(&prefix);
        }
        if of.statics && !is_static && self.prefix != prefix {
            let static_key = Bytes::from([&*prefix, &*keys::static_suffix()].concat());
            if static_key >= of.read.start
                && let Some(value) = of.snapshot.get(&static_key)?
                && let Some(next) = self.push(static_key, Some(value))?
            {
                return Ok(Some(next));
            }
        }
        self.prefix = prefix;
        let value = of.snapshot.get(&row)?;
        self.push(row, value)
    }

    /// Looks at a row, which may be gone.
    fn push(&mut self, key: Bytes, value: Option<Bytes>) -> Result<Next, ReadError> {
        if self.page.is_full() {
            return Ok(Some(key));
        }
        match value {
            Some(value) => {
                self.partition.enter(self.lookup.snapshot, &key, true)?;
                let suffix = self.partition.suffix(&key);
                self.page.push(&key, suffix, value, &self.partition.marks)?;
            }
            // It was looked for all the same.
            None => self.page.push_row(&key, &[], (Row::default(), 0), &PartitionMarks::default()),
        }
        Ok(None)
    }

    /// Looks at the rows of a partition, as far as they are in the span.
    fn partition(&mut self, prefix: &Bytes) -> Result<Next, ReadError> {
        let of = self.lookup;
        let start = prefix.clone().max(of.read.start.clone());
        let end = keys::after(prefix).min(of.read.end.clone());
        let mut rows = of.snapshot.scan(start.clone()..end.max(start), false);
        for entry in &mut rows {
            let (key, value) = entry?;
            if self.page.is_full() {
                return Ok(Some(key));
            }
            self.partition.enter(of.snapshot, &key, true)?;
            let suffix = self.partition.suffix(&key);
            if keys::kind_of(suffix)? != RowKind::Marks {
                self.page.push(&key, suffix, value, &self.partition.marks)?;
            }
        }
        Ok(None)
    }
}

/// Rows in order.
struct Picked {
    rows: BTreeSet<Bytes>,
    /// Whether there are others behind them.
    more: bool,
}
