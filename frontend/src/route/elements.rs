//! List elements that a batch names by index or by value, as keys: found by reading the list before
//! the batch is applied, as in Cassandra, so that every time it is applied means the same elements.

use bytes::Bytes;
use cellar_cell_api::ReadLevel;
use cellar_schema::{
    ApplyError, ChangeKind, ColumnData, ColumnId, Element, Mutation, NewElement, Operation,
};
use tokio::time::Instant;

use super::{Cursor, ReadSpan, Route, key_after};
use crate::error::RequestError;

/// Bytes asked for: one row, however large.
const ROW_BYTES: u32 = u32::MAX;

impl Route {
    /// Replaces operations by index or value by those on the elements that they are about now.
    ///
    /// # Errors
    /// An index that the list does not have, and a list that cannot be read.
    pub(super) async fn find_elements(
        &self,
        mutations: &mut [Mutation],
        now_seconds: Option<i64>,
        deadline: Instant,
    ) -> Result<(), RequestError> {
        for mutation in mutations {
            let partition = mutation.partition.clone();
            for change in &mut mutation.changes {
                let ChangeKind::Upsert(row) = &mut change.kind else { continue };
                let key = Bytes::from([partition.as_ref(), row.suffix.as_ref()].concat());
                for (column, operation) in &mut row.operations {
                    if matches!(operation, Operation::ListSet(..) | Operation::ListDiscard(_)) {
                        let elements = self.elements(&key, *column, now_seconds, deadline).await?;
                        *operation = by_key(operation, &elements)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The live elements of a list.
    async fn elements(
        &self,
        key: &Bytes,
        column: ColumnId,
        now_seconds: Option<i64>,
        deadline: Instant,
    ) -> Result<Vec<Element>, RequestError> {
        let span = ReadSpan {
            start: key.clone(),
            end: key_after(key),
            reverse: false,
            columns: Some(vec![column]),
            level: ReadLevel::Leader,
            probe: None,
            now_seconds,
        };
        let mut cursor = Cursor::new(span);
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = self.read(&mut cursor, 1, ROW_BYTES, left).await?;
        let row = answer.page.rows.into_iter().next().map(|(_, row)| row);
        Ok(match row.as_ref().and_then(|row| row.column(column)) {
            Some(ColumnData::Complex(list)) => list.elements.clone(),
            _ => Vec::new(),
        })
    }
}

fn by_key(operation: &Operation, list: &[Element]) -> Result<Operation, RequestError> {
    let invalid = |error: ApplyError| RequestError::invalid(error.to_string());
    match operation {
        Operation::ListSet(index, value) => {
            let found = usize::try_from(*index).ok().and_then(|index| list.get(index));
            let Some(found) = found else {
                let deletes = value.is_none();
                return Err(invalid(match list.len() {
                    0 => ApplyError::NoList { deletes },
                    len => ApplyError::ListIndexOutOfBounds { index: *index, len },
                }));
            };
            let (key, name) = (found.key.clone(), Bytes::new());
            Ok(Operation::Put(vec![NewElement { key, name, value: value.clone() }]))
        }
        Operation::ListDiscard(values) => {
            let is_in = |element: &&Element| {
                element.data.value.as_ref().is_some_and(|value| values.contains(value))
            };
            let keys = list.iter().filter(is_in).map(|element| element.key.clone());
            Ok(Operation::Remove(keys.collect()))
        }
        other => Ok(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use cellar_schema::{Liveness, Versioned};

    use super::*;

    fn element(key: u8, value: &'static [u8]) -> Element {
        let live = Liveness { timestamp_us: 1, expiry: None };
        let data = Versioned { live, value: Some(Bytes::from_static(value)) };
        Element { key: Bytes::from(vec![key]), name: Bytes::new(), data }
    }

    #[test]
    fn an_index_and_a_value_become_the_elements_they_are_about() {
        let list = [element(1, b"a"), element(2, b"b"), element(3, b"a")];
        let value = || Some(Bytes::from_static(b"x"));
        let put = by_key(&Operation::ListSet(1, value()), &list).unwrap();
        let (key, name) = (Bytes::from_static(&[2]), Bytes::new());
        assert_eq!(put, Operation::Put(vec![NewElement { key, name, value: value() }]));
        let discarded = Operation::ListDiscard(vec![Bytes::from_static(b"a")]);
        let removed = by_key(&discarded, &list).unwrap();
        let keys = [1, 3].map(|key| Bytes::from(vec![key])).to_vec();
        assert_eq!(removed, Operation::Remove(keys));
        for index in [3, -1] {
            let refused = by_key(&Operation::ListSet(index, None), &list).unwrap_err();
            let said = format!("List index {index} out of bound, list has size 3");
            assert_eq!(refused.to_string(), said);
        }
        let refused = by_key(&Operation::ListSet(0, None), &[]).unwrap_err().to_string();
        assert!(refused.contains("a list which is null"), "{refused}");
    }
}
