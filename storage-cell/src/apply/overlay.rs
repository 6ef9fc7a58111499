//! Reading what is being written: the entries of one apply see each other's effects before the
//! engine has them, and a write that turns out invalid leaves none.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use bytes::Bytes;
use cellar_engine::{Batch, Engine};
use cellar_schema::{PartitionMarks, Row};

use super::ApplyError;
use crate::index::{Changes, Definitions};

/// The newest value of a key.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A row.
    Row(Row),
    /// Marks of a partition.
    Marks(PartitionMarks),
    /// A record of Cellar's own.
    Record(Vec<u8>),
    /// Anything, as the engine would return it.
    Stored(Bytes),
    /// Nothing.
    Gone,
}

/// Effects that are not in the engine yet.
pub(crate) struct Overlay<'e> {
    engine: &'e Engine,
    values: HashMap<Bytes, Value>,
    /// Spans of which the engine's keys are gone; what `values` has there came after.
    cleared: Vec<(Bytes, Bytes)>,
}

impl<'e> Overlay<'e> {
    pub(crate) fn new(engine: &'e Engine) -> Self {
        Self { engine, values: HashMap::new(), cleared: Vec::new() }
    }

    /// What the engine has of a key, unless it is gone.
    fn below(&self, key: &[u8]) -> Result<Option<Bytes>, ApplyError> {
        let is_in = |(start, end): &(Bytes, Bytes)| start <= key && key < end;
        if self.cleared.iter().any(is_in) { Ok(None) } else { Ok(self.engine.get(key)?) }
    }

    /// Removes every key from `start` up to and without `end`.
    pub(crate) fn clear(&mut self, start: Bytes, end: Bytes) {
        if start < end {
            self.values.retain(|key, _| *key < start || end <= *key);
            self.cleared.push((start, end));
        }
    }

    /// Sets a key to bytes as the engine would return them.
    pub(crate) fn put_stored(&mut self, key: Bytes, bytes: Bytes) {
        self.values.insert(key, Value::Stored(bytes));
    }

    /// Cellar's own records from `start` up to and without `end`.
    pub(crate) fn records(
        &self,
        (start, end): (Bytes, Bytes),
    ) -> Result<BTreeMap<Bytes, Bytes>, ApplyError> {
        let mut found = BTreeMap::new();
        for entry in self.engine.snapshot().scan(start.clone()..end.clone(), false) {
            let (key, _) = entry?;
            if let Some(record) = self.record(&key)? {
                found.insert(key, record);
            }
        }
        for key in self.values.keys().filter(|key| start <= **key && **key < end) {
            if let Some(record) = self.record(key)? {
                found.insert(key.clone(), record);
            }
        }
        Ok(found)
    }

    /// Sets a record of Cellar's own.
    pub(crate) fn put_record(&mut self, key: impl Into<Bytes>, record: Vec<u8>) {
        self.values.insert(key.into(), Value::Record(record));
    }

    /// Removes a key.
    pub(crate) fn remove(&mut self, key: impl Into<Bytes>) {
        self.values.insert(key.into(), Value::Gone);
    }

    /// A record of Cellar's own.
    pub(crate) fn record(&self, key: &[u8]) -> Result<Option<Bytes>, ApplyError> {
        match self.values.get(key) {
            Some(Value::Record(record)) => Ok(Some(Bytes::copy_from_slice(record))),
            Some(Value::Stored(bytes)) => Ok(Some(bytes.clone())),
            Some(_) => Ok(None),
            None => self.below(key),
        }
    }

    /// The bytes of a row as they are, or will be, in the engine.
    pub(crate) fn stored(&self, key: &[u8]) -> Result<Option<Bytes>, ApplyError> {
        match self.values.get(key) {
            Some(Value::Row(row)) => Ok(Some(Bytes::from(row.encode()))),
            Some(Value::Stored(bytes)) => Ok(Some(bytes.clone())),
            Some(_) => Ok(None),
            None => self.below(key),
        }
    }

    /// What the values change in the indexes.
    fn index_changes<'d>(&self, indexes: &'d Definitions) -> Result<Changes<'d>, ApplyError> {
        let mut changes = Changes::new(indexes);
        if changes.is_idle() {
            return Ok(changes);
        }
        for span in &self.cleared {
            changes.clear(self.engine, span)?;
        }
        for (key, value) in &self.values {
            if !changes.concerns(key) {
                continue;
            }
            let old = self.below(key)?.map(Row::decode).transpose()?;
            let new = match value {
                Value::Row(row) => Some(Cow::Borrowed(row)),
                Value::Stored(bytes) => Some(Cow::Owned(Row::decode(bytes.clone())?)),
                Value::Marks(_) | Value::Record(_) | Value::Gone => None,
            };
            changes.change(key, old.as_ref(), new.as_deref())?;
        }
        Ok(changes)
    }

    /// The batch that brings the engine and these indexes up to date.
    pub(crate) fn into_batch(self, indexes: &Definitions) -> Result<Batch, ApplyError> {
        let mut batch = Batch::with_capacity(self.values.len() + 1);
        let changes = self.index_changes(indexes)?;
        for (start, end) in &self.cleared {
            batch.remove_range(start, end);
        }
        // In order, so that the engine estimates sizes the same way everywhere.
        let mut values: Vec<(Bytes, Value)> = self.values.into_iter().collect();
        values.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        for (key, value) in values {
            match value {
                Value::Row(row) => batch.put(&key, &row.encode()),
                Value::Marks(marks) => batch.put(&key, &marks.encode()),
                Value::Record(record) => batch.put(&key, &record),
                Value::Stored(bytes) => batch.put(&key, &bytes),
                Value::Gone => batch.remove(&key),
            }
        }
        changes.finish(&mut batch);
        Ok(batch)
    }
}

/// The effects of one write, kept apart until it is known to be valid.
pub(crate) struct Layer<'o, 'e> {
    overlay: &'o Overlay<'e>,
    values: HashMap<Bytes, Value>,
}

impl<'o, 'e> Layer<'o, 'e> {
    pub(crate) fn new(overlay: &'o Overlay<'e>) -> Self {
        Self { overlay, values: HashMap::new() }
    }

    fn pending(&self, key: &[u8]) -> Option<&Value> {
        self.values.get(key).or_else(|| self.overlay.values.get(key))
    }

    /// The row at an engine key.
    pub(crate) fn row(&self, key: &[u8]) -> Result<Option<Row>, ApplyError> {
        match self.pending(key) {
            Some(Value::Row(row)) => Ok(Some(row.clone())),
            Some(Value::Stored(bytes)) => Ok(Some(Row::decode(bytes.clone())?)),
            Some(_) => Ok(None),
            None => match self.overlay.below(key)? {
                Some(bytes) => Ok(Some(Row::decode(bytes)?)),
                None => Ok(None),
            },
        }
    }

    /// The first key from `start` up to and without `end` that has a row.
    pub(crate) fn first_row(
        &self,
        (start, end): (&Bytes, &Bytes),
    ) -> Result<Option<Bytes>, ApplyError> {
        let is_in = |key: &&Bytes| start <= *key && *key < end;
        let values = self.values.keys().chain(self.overlay.values.keys()).filter(is_in);
        let mut found: BTreeSet<Bytes> = values.cloned().collect();
        for entry in self.overlay.engine.snapshot().scan(start.clone()..end.clone(), false) {
            found.insert(entry?.0);
        }
        for key in found {
            if self.row(&key)?.is_some() {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// The marks at an engine key.
    pub(crate) fn marks(&self, key: &[u8]) -> Result<PartitionMarks, ApplyError> {
        match self.pending(key) {
            Some(Value::Marks(marks)) => Ok(marks.clone()),
            Some(Value::Stored(bytes)) => Ok(PartitionMarks::decode(bytes.clone())?),
            Some(_) => Ok(PartitionMarks::default()),
            None => match self.overlay.below(key)? {
                Some(bytes) => Ok(PartitionMarks::decode(bytes)?),
                None => Ok(PartitionMarks::default()),
            },
        }
    }

    /// Sets a value.
    pub(crate) fn set(&mut self, key: Bytes, value: Value) {
        self.values.insert(key, value);
    }

    /// The effects, to be handed to [`Overlay::adopt`].
    pub(crate) fn into_effects(self) -> Effects {
        Effects(self.values)
    }
}

/// The effects of a valid write.
pub(crate) struct Effects(HashMap<Bytes, Value>);

impl Overlay<'_> {
    /// Takes over the effects of a valid write.
    pub(crate) fn adopt(&mut self, effects: Effects) {
        self.values.extend(effects.0);
    }
}
