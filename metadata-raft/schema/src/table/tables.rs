//! The tables of a keyspace by name, in parts that versions of the keyspace share: one more table
//! among ten thousand copies the part that it is in, and pointers to the others.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Table;

/// A part with more tables than this is divided.
const PART_TABLES_MAX: usize = 64;

type Part = Vec<(String, Arc<Table>)>;

/// Tables by name, in the order of the names. Cloning it copies nothing.
#[derive(Clone, Default)]
pub struct Tables {
    /// Each in order, before the next, and not empty.
    parts: Arc<Vec<Arc<Part>>>,
    len: usize,
}

impl Tables {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The table of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Table>> {
        let part = self.parts.get(self.part_of(name))?;
        let at = find(part, name).ok()?;
        part.get(at).map(|(_, table)| table)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Arc<Table>> {
        let at = self.part_of(name);
        let place = find(self.parts.get(at)?, name).ok()?;
        let part = Arc::make_mut(&mut self.parts).get_mut(at).map(Arc::make_mut)?;
        part.get_mut(place).map(|(_, table)| table)
    }

    /// Whether there is a table of this name.
    #[must_use]
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Arc<Table>)> {
        self.parts.iter().flat_map(|part| part.iter().map(|(name, table)| (name, table)))
    }

    /// All names.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.iter().map(|(name, _)| name)
    }

    /// All tables.
    pub fn values(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.iter().map(|(_, table)| table)
    }

    /// All tables, to be changed. Copies every part that is shared.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Arc<Table>> {
        let parts = Arc::make_mut(&mut self.parts).iter_mut();
        parts.flat_map(|part| Arc::make_mut(part).iter_mut().map(|(_, table)| table))
    }

    /// Those that may be different in `other`, which has been made out of this or this out of it:
    /// everything but the parts that both share.
    pub fn beside<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = (&'a String, &'a Arc<Table>)> {
        let mut shared: Vec<*const Part> = other.parts.iter().map(Arc::as_ptr).collect();
        shared.sort_unstable();
        let parts = self.parts.iter();
        parts
            .filter(move |part| shared.binary_search(&Arc::as_ptr(part)).is_err())
            .flat_map(|part| part.iter().map(|(name, table)| (name, table)))
    }

    /// Puts in a table, and gives back what had the name.
    pub fn insert(&mut self, name: String, table: Arc<Table>) -> Option<Arc<Table>> {
        // What comes after everything else goes into the last part.
        let at = self.part_of(&name).min(self.parts.len().saturating_sub(1));
        let parts = Arc::make_mut(&mut self.parts);
        let Some(part) = parts.get_mut(at).map(Arc::make_mut) else {
            parts.push(Arc::new(vec![(name, table)]));
            self.len = 1;
            return None;
        };
        match find(part, &name) {
            Ok(place) => part.get_mut(place).map(|(_, old)| std::mem::replace(old, table)),
            Err(place) => {
                part.insert(place, (name, table));
                if part.len() > PART_TABLES_MAX {
                    let right = part.split_off(PART_TABLES_MAX / 2);
                    parts.insert(at.saturating_add(1), Arc::new(right));
                }
                self.len = self.len.saturating_add(1);
                None
            }
        }
    }

    /// Takes out the table of this name.
    pub fn remove(&mut self, name: &str) -> Option<Arc<Table>> {
        let at = self.part_of(name);
        let place = find(self.parts.get(at)?, name).ok()?;
        let parts = Arc::make_mut(&mut self.parts);
        let part = Arc::make_mut(parts.get_mut(at)?);
        let (_, table) = part.remove(place);
        if part.is_empty() {
            parts.remove(at);
        }
        self.len = self.len.saturating_sub(1);
        Some(table)
    }

    /// The first part that does not end before the name.
    fn part_of(&self, name: &str) -> usize {
        let before = |part: &Arc<Part>| part.last().is_some_and(|(last, _)| last.as_str() < name);
        self.parts.partition_point(before)
    }
}

fn find(part: &Part, name: &str) -> Result<usize, usize> {
    part.binary_search_by(|(at, _)| at.as_str().cmp(name))
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl PartialEq for Tables {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.parts, &other.parts)
            || (self.len == other.len && self.iter().eq(other.iter()))
    }
}

impl FromIterator<(String, Arc<Table>)> for Tables {
    fn from_iter<I: IntoIterator<Item = (String, Arc<Table>)>>(tables: I) -> Self {
        let mut all = Self::default();
        for (name, table) in tables {
            all.insert(name, table);
        }
        all
    }
}

impl Serialize for Tables {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // With its length ahead, like the map that it is.
        let all: BTreeMap<_, _> = self.iter().collect();
        all.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Tables {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(|all: BTreeMap<_, _>| all.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::{ColumnId, TableId, TableOptions};

    fn table(id: u32) -> Arc<Table> {
        Arc::new(Table {
            id: TableId(id),
            uuid: Uuid::nil(),
            keyspace: "ks".to_owned(),
            name: "t".to_owned(),
            version: 1,
            columns: Vec::new(),
            next_column: ColumnId(0),
            dropped: Vec::new(),
            options: TableOptions::default(),
        })
    }

    proptest! {
        #[test]
        fn it_is_a_map_in_the_order_of_its_names_and_an_older_version_stays_as_it_was(
            steps in prop::collection::vec((0_u32..400, any::<bool>(), any::<bool>()), 0..600),
        ) {
            let (mut real, mut model) = (Tables::default(), BTreeMap::new());
            let mut kept = (real.clone(), model.clone());
            for (id, (number, puts, keeps)) in (0..).zip(steps) {
                let name = format!("t{number}");
                let (old, known) = if puts {
                    let new = table(id);
                    (real.insert(name.clone(), Arc::clone(&new)), model.insert(name, new))
                } else {
                    (real.remove(&name), model.remove(&name))
                };
                prop_assert_eq!(old, known);
                if keeps && id % 50 == 0 {
                    kept = (real.clone(), model.clone());
                }
            }
            for (real, model) in [&kept, &(real.clone(), model.clone())] {
                prop_assert!(real.iter().eq(model.iter()));
                prop_assert_eq!((real.len(), real.is_empty()), (model.len(), model.is_empty()));
                prop_assert!(model.keys().all(|name| real.get(name) == model.get(name)));
                let again: Tables = model.clone().into_iter().collect();
                prop_assert_eq!(&again, real);
            }
            // What differs is beside the other.
            let differs = |(name, table): &(&String, &Arc<Table>)| kept.0.get(name) != Some(*table);
            let beside: BTreeMap<_, _> = real.beside(&kept.0).collect();
            prop_assert!(real.iter().filter(differs).all(|(name, _)| beside.contains_key(name)));
        }
    }

    #[test]
    fn what_changes_in_one_of_many_is_beside_few() {
        let all: Tables = (0..10_000).map(|id| (format!("t{id}"), table(id))).collect();
        let mut next = all.clone();
        next.insert("t77".to_owned(), table(10_000));
        assert!(next.beside(&all).count() <= PART_TABLES_MAX);
        assert_eq!(next.beside(&next.clone()).count(), 0);
    }
}
