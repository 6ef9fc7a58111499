//! A cell's state beside its rows: what apply decides by, and what readers are shown.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use cellar_engine::{Batch, Engine};
use cellar_metadata_api::{CellId, TableId};

use super::{ApplyError, Batches};
use crate::{
    cold::Manifest,
    records::{self, Descriptor, Kind},
};

/// Cheap to clone; a new one replaces it after every apply that changed it.
#[derive(Clone, Debug)]
pub(crate) struct CellState {
    /// What the cell is.
    pub(crate) descriptor: Arc<Descriptor>,
    /// Engine keys of its rows: first, and first after.
    pub(crate) span: (Bytes, Bytes),
    /// Tables it may hold rows of.
    pub(crate) tables: Arc<BTreeSet<TableId>>,
    /// Tables that it takes no writes to any more.
    pub(crate) dropped: Arc<BTreeSet<TableId>>,
    /// Its cold segments.
    pub(crate) manifest: Arc<Manifest>,
    /// The batches over several cells that were begun in it.
    pub(crate) batches: Arc<Batches>,
}

impl CellState {
    /// Loads a cell's state, but for its manifest and its batches.
    pub(crate) fn load(engine: &Engine, cell: CellId) -> Result<Self, ApplyError> {
        let descriptor = engine.get(&records::cell_key(Kind::Descriptor, cell))?;
        let descriptor = Descriptor::decode(&descriptor.ok_or(ApplyError::NoCell(cell))?)?;
        let tables_in = |kind: Kind| -> Result<BTreeSet<TableId>, ApplyError> {
            let (start, end) = records::under(&records::cell_key(kind, cell));
            let found = engine.snapshot().scan(start..end, false);
            found.map(|entry| Ok(records::table_in(&entry?.0)?)).collect()
        };
        Ok(Self {
            tables: Arc::new(tables_in(Kind::Table)?),
            dropped: Arc::new(tables_in(Kind::Dropped)?),
            ..Self::of(descriptor)
        })
    }

    /// A cell of which nothing but its descriptor is known.
    pub(crate) fn of(descriptor: Descriptor) -> Self {
        Self {
            span: descriptor.span(),
            descriptor: Arc::new(descriptor),
            tables: Arc::default(),
            dropped: Arc::default(),
            manifest: Arc::default(),
            batches: Arc::default(),
        }
    }

    /// Writes down, durably, that a stored cell lacks its rows from here on; returns what it is
    /// then.
    pub(crate) fn lose_rows(&self, engine: &Engine) -> Result<Descriptor, ApplyError> {
        let next = Descriptor { lacks_rows: true, ..Descriptor::clone(&self.descriptor) };
        let mut batch = Batch::new();
        batch.put(&records::cell_key(Kind::Descriptor, next.cell), &next.encode()?);
        engine.apply(&batch)?;
        engine.flush()?;
        Ok(next)
    }

    /// The same cell once it was taken over: it owns nothing.
    pub(crate) fn gone(&self) -> Self {
        let mut gone = Self::of(Descriptor::clone(&self.descriptor));
        gone.span = (Bytes::new(), Bytes::new());
        gone
    }

    /// Whether the cell serves reads and writes of what it owns.
    pub(crate) fn serves(&self) -> bool {
        self.descriptor.frozen.is_none()
    }

    /// Whether the cell owns a key.
    pub(crate) fn owns(&self, key: &[u8]) -> bool {
        self.span.0 <= key && key < self.span.1
    }

    /// Whether the cell owns every key from `start` up to and without `end`.
    pub(crate) fn owns_span(&self, start: &[u8], end: &[u8]) -> bool {
        self.span.0 <= start && end <= self.span.1
    }

    /// Whether nothing changed between the two.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.descriptor, &other.descriptor)
            && Arc::ptr_eq(&self.tables, &other.tables)
            && Arc::ptr_eq(&self.dropped, &other.dropped)
            && Arc::ptr_eq(&self.manifest, &other.manifest)
            && Arc::ptr_eq(&self.batches, &other.batches)
    }

    /// The engine keys of the rows of one table that it owns.
    pub(crate) fn span_of(&self, table: TableId) -> Option<(Bytes, Bytes)> {
        rows_of_one(table, &self.span)
    }

    /// The engine keys of all rows that it owns: tables that follow each other are one span.
    pub(crate) fn spans(&self) -> Vec<(Bytes, Bytes)> {
        rows_of(&self.tables, &self.span)
    }

    /// Replaces the descriptor.
    pub(crate) fn set_descriptor(&mut self, descriptor: Descriptor) {
        self.span = descriptor.span();
        self.descriptor = Arc::new(descriptor);
    }
}

/// The engine keys of the rows of tables within a span: tables that follow each other are one.
pub(crate) fn rows_of(tables: &BTreeSet<TableId>, span: &(Bytes, Bytes)) -> Vec<(Bytes, Bytes)> {
    let mut spans: Vec<(Bytes, Bytes)> = Vec::new();
    for (start, end) in tables.iter().filter_map(|table| rows_of_one(*table, span)) {
        match spans.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => spans.push((start, end)),
        }
    }
    spans
}

fn rows_of_one(table: TableId, span: &(Bytes, Bytes)) -> Option<(Bytes, Bytes)> {
    let (start, end) = cellar_schema::keys::table_range(table);
    let (start, end) = (start.max(span.0.clone()), end.min(span.1.clone()));
    (start < end).then_some((start, end))
}
