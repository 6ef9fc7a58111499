//! What is written is what is read; what is not a record is refused, never a panic.

use bytes::Bytes;
use cellar_schema::{
    ColumnData, ColumnId, FormatError, Liveness, Mutation, PartitionMarks, Row, Versioned,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::strategies::{any_mutation, any_row, marks, row};

proptest! {
    #[test]
    fn a_row_is_read_as_it_was_written(row in any_row()) {
        prop_assert_eq!(Row::decode(row.encode().into()), Ok(row));
    }

    #[test]
    fn marks_are_read_as_they_were_written(marks in marks()) {
        prop_assert_eq!(PartitionMarks::decode(marks.encode().into()), Ok(marks));
    }

    #[test]
    fn a_mutation_is_read_as_it_was_written(mutation in any_mutation()) {
        prop_assert_eq!(Mutation::decode(mutation.encode().into()), Ok(mutation));
    }

    #[test]
    fn any_bytes_are_a_record_or_an_error(tail in vec(any::<u8>(), 0..60), first in 0..3_u8) {
        let bytes: Bytes = std::iter::once(first).chain(tail).collect();
        let _ = Row::decode(bytes.clone());
        let _ = PartitionMarks::decode(bytes.clone());
        let _ = Mutation::decode(bytes);
    }

    #[test]
    fn a_damaged_record_is_a_record_or_an_error(
        row in row(), mutation in any_mutation(), at in any::<prop::sample::Index>(), bit in 0..8_u8,
    ) {
        for mut bytes in [row.encode(), mutation.encode()] {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let bytes = Bytes::from(bytes);
            if let Ok(row) = Row::decode(bytes.clone()) {
                prop_assert_eq!(Row::decode(row.encode().into()), Ok(row));
            }
            let _ = Mutation::decode(bytes);
        }
    }

    #[test]
    fn a_shortened_record_is_refused(row in row(), marks in marks(), mutation in any_mutation()) {
        let bytes = Bytes::from(row.encode());
        for end in 0..bytes.len() {
            prop_assert!(Row::decode(bytes.slice(..end)).is_err());
        }
        let bytes = Bytes::from(marks.encode());
        for end in 0..bytes.len() {
            prop_assert!(PartitionMarks::decode(bytes.slice(..end)).is_err());
        }
        let bytes = Bytes::from(mutation.encode());
        for end in 0..bytes.len() {
            prop_assert!(Mutation::decode(bytes.slice(..end)).is_err());
        }
    }

    #[test]
    fn messages_carry_a_record_as_one_byte_string(
        row in any_row(), marks in marks(), mutation in any_mutation(),
    ) {
        let value = (row, marks, mutation);
        let json = serde_json::to_value(&value).unwrap();
        let expected = serde_json::json!([value.0.encode(), value.1.encode(), value.2.encode()]);
        prop_assert_eq!(&json, &expected);
        let read: (Row, PartitionMarks, Mutation) = serde_json::from_value(json).unwrap();
        prop_assert_eq!(read, value);
    }

    #[test]
    fn the_estimate_is_near_the_encoded_length(row in any_row()) {
        let (estimate, exact) = (row.estimated_bytes(), row.encode().len());
        prop_assert!(estimate <= exact * 8 + 40 && exact <= estimate * 8 + 40);
    }
}

fn row_of_five_ints() -> Row {
    let live = Liveness { timestamp_us: 1_763_700_000_000_000, expiry: None };
    let value = |n: u32| Some(Bytes::copy_from_slice(&n.to_be_bytes()));
    let column = |n| (ColumnId(n), ColumnData::Simple(Versioned { live, value: value(n) }));
    Row { marker: Some(live), deletion: None, columns: (2..7).map(column).collect() }
}

#[test]
fn columns_written_together_cost_three_bytes_each_beside_their_values() {
    let header = 1 + 1 + 1 + 8 + 1;
    assert_eq!(row_of_five_ints().encode().len(), header + 5 * (3 + 4));
}

#[test]
fn values_are_slices_of_the_record() {
    let bytes = Bytes::from(row_of_five_ints().encode());
    let row = Row::decode(bytes.clone()).unwrap();
    let Some(ColumnData::Simple(Versioned { value: Some(value), .. })) = row.column(ColumnId(6))
    else {
        panic!("column 6 is there");
    };
    assert!(bytes.as_ptr_range().contains(&value.as_ptr()));
}

#[test]
fn a_later_version_is_named_in_the_error() {
    let mut bytes = row_of_five_ints().encode();
    bytes[0] = 2;
    assert_eq!(Row::decode(bytes.into()), Err(FormatError::Version { record: "row", version: 2 }));
}

#[test]
fn bytes_after_the_end_are_refused() {
    let mut bytes = row_of_five_ints().encode();
    bytes.push(0);
    assert_eq!(Row::decode(bytes.into()), Err(FormatError::Trailing { record: "row", count: 1 }));
}

#[test]
fn a_huge_count_reserves_no_memory() {
    let bytes = Bytes::from_static(&[1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    assert!(matches!(Row::decode(bytes), Err(FormatError::Truncated { .. })));
}

#[test]
fn a_column_or_an_element_twice_is_refused() {
    let invalid = |bytes: &'static [u8], field| match Row::decode(Bytes::from_static(bytes)) {
        Err(FormatError::Invalid { field: found, .. }) => assert_eq!(found, field),
        other => panic!("{other:?}"),
    };
    let tombstone_twice = &[1, 0, 2, 5, 0x04, 2, 0, 0x14];
    invalid(tombstone_twice, "column id");
    let element_twice = &[1, 0, 1, 5, 0x01, 2, 0x04, 1, b'k', 2, 0x14, 1, b'k'];
    invalid(element_twice, "element order");
    let step_past_the_last_id = &[1, 0, 2, 5, 0x04, 2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x14];
    invalid(step_past_the_last_id, "column id");
}

#[test]
fn overlapping_ranges_are_refused() {
    let bytes = [1, 0, 2, 1, 1, 1, 3, 2, 1, 2, 1, 4, 2];
    let read = PartitionMarks::decode(Bytes::copy_from_slice(&bytes));
    assert!(matches!(read, Err(FormatError::Invalid { field: "range", .. })));
}
