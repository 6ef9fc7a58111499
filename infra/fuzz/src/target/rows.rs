//! Stored records: rows, marks of partitions, mutations, engine keys. What is read can be written,
//! and reads back the same.
//!
//! First byte: which record. The rest: its bytes.

use std::collections::BTreeMap;
use std::fmt::Debug;

use bytes::Bytes;
use cellar_schema::{
    Column, ColumnId, ColumnKind, CqlType, FormatError, Mutation, Order, PartitionMarks, Row,
    RowKind, Table, TableId, TableOptions, keys, value,
};
use proptest::prelude::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use uuid::Uuid;

use super::{Broken, Outcome, Signature, Target, same};

/// The strategies of the crate's own tests make the seeds.
#[path = "../../../../metadata-raft/schema/tests/rows/strategies.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod strategies;

/// Records of earlier versions, which are never edited.
const FIXTURES: [(u8, &str); 3] = [
    (0, include_str!("../../../../metadata-raft/schema/tests/rows/fixtures/row-1.hex")),
    (1, include_str!("../../../../metadata-raft/schema/tests/rows/fixtures/partition-marks-1.hex")),
    (2, include_str!("../../../../metadata-raft/schema/tests/rows/fixtures/mutation-1.hex")),
];

pub(crate) struct Rows;

impl Target for Rows {
    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut runner = TestRunner::deterministic();
        let mut seeds: Vec<Vec<u8>> =
            FIXTURES.iter().map(|(kind, text)| [&[*kind], &unhex(text)[..]].concat()).collect();
        let mut add = |kind: u8, bytes: Vec<u8>| seeds.push([&[kind], &bytes[..]].concat());
        for _ in 0..150 {
            if let Ok(tree) = strategies::any_row().new_tree(&mut runner) {
                add(0, tree.current().encode());
            }
            if let Ok(tree) = strategies::marks().new_tree(&mut runner) {
                add(1, tree.current().encode());
            }
            if let Ok(tree) = strategies::any_mutation().new_tree(&mut runner) {
                add(2, tree.current().encode());
            }
        }
        for key in key_seeds() {
            add(3, key);
        }
        seeds
    }

    fn run(&self, input: &[u8]) -> Outcome {
        let Some((kind, bytes)) = input.split_first() else { return Ok(Signature::default()) };
        let bytes = Bytes::copy_from_slice(bytes);
        let mut signature = Signature::default();
        signature.number(u64::from(kind % 4));
        match kind % 4 {
            0 => record(bytes, Row::decode, Row::encode, &mut signature)?,
            1 => record(bytes, PartitionMarks::decode, PartitionMarks::encode, &mut signature)?,
            2 => record(bytes, Mutation::decode, Mutation::encode, &mut signature)?,
            _ => key(&bytes, &mut signature)?,
        }
        Ok(signature)
    }
}

fn record<T: PartialEq + Debug>(
    bytes: Bytes,
    decode: impl Fn(Bytes) -> Result<T, FormatError>,
    encode: impl Fn(&T) -> Vec<u8>,
    signature: &mut Signature,
) -> Result<(), Broken> {
    let length = bytes.len();
    let found = match decode(bytes) {
        Ok(found) => found,
        Err(error) => {
            signature.shape(format_args!("{error:?}"));
            return Ok(());
        }
    };
    signature.shape(format_args!("{found:?}"));
    signature.size(length);
    let written = encode(&found);
    let again = decode(Bytes::from(written.clone()))
        .map_err(|error| Broken(format!("what was written cannot be read: {error}")))?;
    same("a record changed on the way", &again, &found)?;
    same("a record has two forms", &encode(&again), &written)
}

fn key(bytes: &Bytes, signature: &mut Signature) -> Result<(), Broken> {
    let table = table();
    let found = match keys::decode(&table, bytes) {
        Ok(found) => found,
        Err(error) => {
            signature.shape(format_args!("{error:?}"));
            return Ok(());
        }
    };
    signature.shape(format_args!("{found:?}"));
    let columns = table.clustering().zip(&found.clustering);
    for ((column, _), component) in columns {
        if let Err(error) = value::validate(&column.cql_type, component) {
            // Reading a key takes it apart and trusts the engine's checksums for the rest.
            signature.shape(format_args!("{error:?}"));
            return Ok(());
        }
    }
    let suffix = match found.kind {
        RowKind::Marks => Ok(keys::marks_suffix()),
        RowKind::Static => Ok(keys::static_suffix()),
        RowKind::Row => keys::row_suffix(&table, &found.clustering),
    };
    let key = suffix
        .and_then(|suffix| keys::engine_key(&keys::partition(table.id, &found.routing), &suffix))
        .map_err(|error| Broken(format!("a key that was read cannot be written: {error}")))?;
    let again = keys::decode(&table, &key)
        .map_err(|error| Broken(format!("a key that was written cannot be read: {error}")))?;
    // The token is computed from the routing key when a key is written, and only read otherwise.
    same("a routing key changed", &again.routing, &found.routing)?;
    same("a clustering key changed", &again.clustering, &found.clustering)?;
    same("a kind changed", &again.kind, &found.kind)
}

/// A table with keys of every difficult sort.
fn table() -> Table {
    let kinds = [
        (CqlType::Text, ColumnKind::PartitionKey(0)),
        (CqlType::Int, ColumnKind::PartitionKey(1)),
        (CqlType::Text, ColumnKind::Clustering(0, Order::Asc)),
        (CqlType::Decimal, ColumnKind::Clustering(1, Order::Desc)),
        (CqlType::Timeuuid, ColumnKind::Clustering(2, Order::Asc)),
        (CqlType::Varint, ColumnKind::Clustering(3, Order::Asc)),
        (CqlType::Duration, ColumnKind::Clustering(4, Order::Desc)),
    ];
    let columns = (1..).zip(kinds).map(|(id, (cql_type, kind))| Column {
        id: ColumnId(id),
        name: format!("c{id}"),
        cql_type,
        kind,
    });
    Table {
        id: TableId(17),
        uuid: Uuid::nil(),
        keyspace: "ks".to_owned(),
        name: "t".to_owned(),
        version: 1,
        columns: columns.collect(),
        next_column: ColumnId(100),
        dropped: Vec::new(),
        options: TableOptions { text: BTreeMap::new(), ..TableOptions::default() },
    }
}

fn key_seeds() -> Vec<Vec<u8>> {
    let table = table();
    let texts = ["", "a", "a\0b", "\u{ff}"];
    let numbers = ["0", "1.50", "-12345678901234567890.5", "1E100"];
    let mut seeds = Vec::new();
    for (text, number) in texts.iter().flat_map(|t| numbers.iter().map(move |n| (t, n))) {
        let routing = keys::routing(&[text.as_bytes(), &value::int(7)]);
        let partition = keys::partition(table.id, &routing);
        let read = |kind: &CqlType, text: &str| value::from_text(kind, text).unwrap_or_default();
        let clustering = [
            value::text(text),
            read(&CqlType::Decimal, number),
            read(&CqlType::Timeuuid, "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
            read(&CqlType::Varint, "-300"),
            read(&CqlType::Duration, "1mo2d3h"),
        ];
        let suffixes = [
            keys::marks_suffix(),
            keys::static_suffix(),
            keys::row_suffix(&table, &clustering).unwrap_or_default(),
        ];
        seeds.extend(suffixes.iter().map(|suffix| [&partition[..], &suffix[..]].concat()));
    }
    seeds
}

/// The bytes of a fixture: hexadecimal digits, lines that begin with `#` are comments.
fn unhex(text: &str) -> Vec<u8> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let digits: String =
        lines.flat_map(|line| line.chars().filter(|c| !c.is_whitespace())).collect();
    hex::decode(digits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_records() {
        for seed in Rows.seeds() {
            let bytes = Bytes::copy_from_slice(&seed[1..]);
            let read = match seed[0] {
                0 => Row::decode(bytes).is_ok(),
                1 => PartitionMarks::decode(bytes).is_ok(),
                2 => Mutation::decode(bytes).is_ok(),
                _ => keys::decode(&table(), &bytes).is_ok(),
            };
            assert!(read, "{}", hex::encode(&seed));
            Rows.run(&seed).unwrap();
        }
    }
}
