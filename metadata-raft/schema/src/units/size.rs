//! The size of a row for metering, by the rules that Amazon Keyspaces publishes, so that a bill can
//! be worked out from the data alone. It has nothing to do with the bytes on disk. Keyspaces'
//! surcharge for timestamps and TTLs is not taken over: in Cellar every column has both.

use bytes::Bytes;

use crate::{ColumnData, ColumnId, CqlType, NewElement, Operation, Row, RowChange, Table};

/// Bytes of storage that each row costs beside its size; not part of what requests pay.
pub const ROW_STORAGE_BYTES: u64 = 100;

/// What the static columns of a partition cost beside their size.
const STATIC_BYTES: u64 = 104;

/// Columns that one byte of column id can name.
const COLUMNS_PER_ID_BYTE: u64 = 62;

/// The size of a stored or live row, its key included.
#[must_use]
pub fn row_bytes(table: &Table, partition: &[Bytes], clustering: &[Bytes], row: &Row) -> u64 {
    let id_bytes = id_bytes(table.columns.len());
    let columns = row.columns.iter().map(|(id, data)| match type_of(table, *id) {
        Some(cql_type) => id_bytes + column_bytes(cql_type, data),
        None => 0,
    });
    key_bytes(table, partition, clustering) + columns.sum::<u64>()
}

/// The size of what an INSERT or UPDATE writes, the row's key included.
#[must_use]
pub fn change_bytes(
    table: &Table,
    partition: &[Bytes],
    clustering: &[Bytes],
    change: &RowChange,
) -> u64 {
    let id_bytes = id_bytes(table.columns.len());
    let columns = change.operations.iter().map(|(id, operation)| match type_of(table, *id) {
        Some(cql_type) => id_bytes + operation_bytes(cql_type, operation),
        None => 0,
    });
    key_bytes(table, partition, clustering) + columns.sum::<u64>()
}

/// The size of the static columns of a partition, the partition key included.
#[must_use]
pub fn static_bytes(table: &Table, partition: &[Bytes], row: &Row) -> u64 {
    let key = table.partition_key().zip(partition);
    let key = key.map(|(column, value)| value_bytes(&column.cql_type, value) + 3);
    let columns = row_bytes(table, &[], &[], row);
    key.sum::<u64>() + columns + STATIC_BYTES
}

/// The size of a key: what a deletion or a row without columns pays for.
#[must_use]
pub fn key_bytes(table: &Table, partition: &[Bytes], clustering: &[Bytes]) -> u64 {
    let id_bytes = id_bytes(table.columns.len());
    let partition = table
        .partition_key()
        .zip(partition)
        .map(|(column, value)| 2 * value_bytes(&column.cql_type, value) + id_bytes + 3);
    let clustering = table.clustering().zip(clustering).map(|((column, _), value)| {
        let bytes = value_bytes(&column.cql_type, value);
        2 * bytes + bytes.div_ceil(5) + id_bytes
    });
    partition.sum::<u64>() + clustering.sum::<u64>()
}

fn type_of(table: &Table, id: ColumnId) -> Option<&CqlType> {
    let at = table.columns.binary_search_by_key(&id, |column| column.id).ok()?;
    table.columns.get(at).map(|column| &column.cql_type)
}

fn id_bytes(columns: usize) -> u64 {
    (columns as u64).div_ceil(COLUMNS_PER_ID_BYTE).max(1)
}

fn column_bytes(cql_type: &CqlType, data: &ColumnData) -> u64 {
    match data {
        ColumnData::Simple(simple) => optional_bytes(cql_type, simple.value.as_ref()),
        ColumnData::Counter(counter) => number_bytes(i128::from(counter.total)),
        ColumnData::Complex(complex) => {
            let elements = complex.elements.iter().map(|element| {
                element_bytes(cql_type, &element.key, &element.name, element.data.value.as_ref())
            });
            3 + elements.sum::<u64>()
        }
    }
}

fn operation_bytes(cql_type: &CqlType, operation: &Operation) -> u64 {
    let listed = |values: &[Bytes]| {
        let each = values.iter();
        3 + each.map(|value| element_bytes(cql_type, &[], &[], Some(value))).sum::<u64>()
    };
    match operation {
        Operation::Set(value) | Operation::Plus(_, value) => value_bytes(cql_type, value),
        Operation::Delete => 1,
        Operation::Replace(elements) | Operation::Put(elements) => {
            let bytes =
                |new: &NewElement| element_bytes(cql_type, &new.key, &new.name, new.value.as_ref());
            3 + elements.iter().map(bytes).sum::<u64>()
        }
        Operation::Remove(keys) => 3 + keys.iter().map(|key| key.len() as u64 + 1).sum::<u64>(),
        Operation::ListReplace(values)
        | Operation::ListAppend(values)
        | Operation::ListPrepend(values)
        | Operation::ListDiscard(values) => listed(values),
        Operation::ListSet(_, value) => 3 + element_bytes(cql_type, &[], &[], value.as_ref()),
        Operation::Add(amount) => number_bytes(i128::from(*amount)),
    }
}

fn element_bytes(cql_type: &CqlType, key: &[u8], name: &[u8], value: Option<&Bytes>) -> u64 {
    1 + match cql_type {
        CqlType::List(element, _) | CqlType::Set(element, _) => optional_bytes(element, value),
        CqlType::Map(key_type, value_type, _) => {
            value_bytes(key_type, name) + optional_bytes(value_type, value)
        }
        CqlType::Udt(user_type, _) => {
            let index = key.first_chunk().map_or(0, |index| u16::from_be_bytes(*index));
            let field = user_type.fields.get(usize::from(index));
            let field_bytes = field.map_or(1, |(_, field_type)| optional_bytes(field_type, value));
            id_bytes(user_type.fields.len()).min(3) + field_bytes
        }
        _ => optional_bytes(cql_type, value),
    }
}

fn optional_bytes(cql_type: &CqlType, value: Option<&Bytes>) -> u64 {
    value.map_or(1, |value| value_bytes(cql_type, value))
}

/// The size of a value; of a frozen collection, tuple or vector that of its wire bytes.
fn value_bytes(cql_type: &CqlType, value: &[u8]) -> u64 {
    match cql_type {
        CqlType::Boolean => 1,
        CqlType::Bigint
        | CqlType::Counter
        | CqlType::Int
        | CqlType::Smallint
        | CqlType::Tinyint
        | CqlType::Varint => integer_bytes(value),
        _ => value.len() as u64,
    }
}

/// One byte for two significant digits, and one.
fn number_bytes(value: i128) -> u64 {
    let digits = value.unsigned_abs().checked_ilog10().unwrap_or(0) + 1;
    u64::from(digits).div_ceil(2) + 1
}

/// Of a two's complement integer of any length.
fn integer_bytes(value: &[u8]) -> u64 {
    let Some(first) = value.first() else { return 1 };
    let sign = if *first >= 0x80 { u8::MAX } else { 0 };
    let mut wide = [sign; 16];
    match wide.len().checked_sub(value.len()).and_then(|skip| wide.get_mut(skip..)) {
        Some(low) => {
            low.copy_from_slice(value);
            number_bytes(i128::from_be_bytes(wide))
        }
        // Eight bits are 2.408 digits; at this length a digit more or less is a rounding error.
        None => (value.len() as u64 * 2408 / 1000 + 1).div_ceil(2) + 1,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;
    use crate::{
        Column, ColumnKind, Liveness, Order, TableId, TableOptions, Versioned, value::int,
    };

    fn table(kinds: &[ColumnKind]) -> Table {
        let column = |(id, kind): (u32, &ColumnKind)| Column {
            id: ColumnId(id),
            name: format!("c{id}"),
            cql_type: CqlType::Int,
            kind: *kind,
        };
        Table {
            id: TableId(16),
            uuid: Uuid::nil(),
            keyspace: "k".into(),
            name: "t".into(),
            version: 1,
            columns: (0..).zip(kinds).map(column).collect(),
            next_column: ColumnId(99),
            dropped: Vec::new(),
            options: TableOptions { text: BTreeMap::new(), ..TableOptions::default() },
        }
    }

    fn set(id: u32, value: i32) -> (ColumnId, ColumnData) {
        let live = Liveness { timestamp_us: 1, expiry: None };
        (ColumnId(id), ColumnData::Simple(Versioned { live, value: Some(int(value)) }))
    }

    #[test]
    fn the_example_of_the_keyspaces_guide_is_31_bytes() {
        let clustering = |at| ColumnKind::Clustering(at, Order::Asc);
        let partition = ColumnKind::PartitionKey;
        let kinds = [partition(0), partition(1), clustering(0), clustering(1), ColumnKind::Regular];
        let table = table(&kinds);
        let row = Row { columns: vec![set(4, 5)], ..Row::default() };
        assert_eq!(key_bytes(&table, &[int(1), int(2)], &[]), 16);
        assert_eq!(key_bytes(&table, &[], &[int(3), int(4)]), 12);
        assert_eq!(row_bytes(&table, &[int(1), int(2)], &[int(3), int(4)], &row), 31);
        let operations = vec![(ColumnId(4), Operation::Set(int(5)))];
        let suffix = Bytes::new();
        let change = RowChange { suffix, marker: true, ttl_seconds: 0, operations };
        assert_eq!(change_bytes(&table, &[int(1), int(2)], &[int(3), int(4)], &change), 31);
    }

    #[test]
    fn a_number_takes_a_byte_for_two_digits_and_one() {
        let cases = [(0, 2), (5, 2), (99, 2), (100, 3), (-100, 3), (12345, 4), (i32::MIN, 6)];
        for (number, bytes) in cases {
            assert_eq!(value_bytes(&CqlType::Int, &int(number)), bytes, "{number}");
        }
        assert_eq!(value_bytes(&CqlType::Varint, &[0x7f; 100]), 122);
    }

    #[test]
    fn static_columns_cost_104_bytes_beside_their_size() {
        let table = table(&[ColumnKind::PartitionKey(0), ColumnKind::Static]);
        let row = Row { columns: vec![set(1, 5)], ..Row::default() };
        assert_eq!(static_bytes(&table, &[int(1)], &row), (2 + 3) + (2 + 1) + 104);
    }

    #[test]
    fn column_ids_take_a_byte_for_62_columns() {
        assert_eq!([1, 62, 63, 124, 125].map(id_bytes), [1, 1, 2, 2, 3]);
    }
}
