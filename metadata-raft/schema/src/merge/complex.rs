//! Merging collections and user-defined types element by element.

use bytes::Bytes;

use crate::{Complex, Element};

impl Complex {
    /// Both together, without what the later deletion hides.
    pub(super) fn merged(self, other: Self) -> Self {
        let deletion = self.deletion.max(other.deletion);
        let mut elements = Vec::with_capacity(self.elements.len().max(other.elements.len()));
        let mut left = self.elements.into_iter().peekable();
        for element in other.elements {
            while let Some(before) = left.next_if(|other| other.key < element.key) {
                elements.push(before);
            }
            match left.next_if(|other| other.key == element.key) {
                Some(present) => elements.push(present.newer_of(element)),
                None => elements.push(element),
            }
        }
        elements.extend(left);
        let mut merged = Self { deletion, elements };
        merged.delete(deletion);
        merged
    }

    /// Adds a deletion of the whole.
    pub(crate) fn delete(&mut self, deletion_us: Option<i64>) {
        self.deletion = self.deletion.max(deletion_us);
        let hidden_to = self.deletion;
        self.elements.retain(|element| Some(element.data.live.timestamp_us) > hidden_to);
    }

    /// Drops what is not newer than a deletion from outside, and what its own deletion hides; says
    /// whether anything is left.
    pub(super) fn shadow(&mut self, deletion_us: Option<i64>) -> bool {
        self.delete(deletion_us);
        self.deletion = self.deletion.filter(|deletion| Some(*deletion) > deletion_us);
        self.deletion.is_some() || !self.elements.is_empty()
    }

    /// Adds one element.
    pub(crate) fn merge_element(&mut self, element: Element) {
        if Some(element.data.live.timestamp_us) <= self.deletion {
            return;
        }
        match self.elements.binary_search_by(|present| present.key.cmp(&element.key)) {
            Ok(at) => {
                if let Some(present) = self.elements.get_mut(at)
                    && element.rank() > present.rank()
                {
                    *present = element;
                }
            }
            Err(at) => self.elements.insert(at, element),
        }
    }
}

impl Element {
    fn newer_of(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    fn rank(&self) -> (impl Ord + use<'_>, &Bytes) {
        (self.data.rank(), &self.name)
    }
}
