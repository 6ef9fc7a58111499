//! What drivers see as the version of the schema: a hash of all that clients can see of it. It is
//! a sum over keyspaces and tables, so that a change costs what has changed.

use cellar_schema::{Keyspace, Table};
use uuid::Uuid;
use xxhash_rust::xxh3::Xxh3;

/// The sum of the hashes of all keyspaces, without their tables, and of all tables, modulo 2^128.
/// Whoever has the same schema has the same sum, however it came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SchemaSum(u128);

impl SchemaSum {
    /// Adds a keyspace with its tables.
    pub(super) fn add_keyspace(&mut self, keyspace: &Keyspace) {
        self.0 = self.0.wrapping_add(with_tables(keyspace));
    }

    /// Takes out a keyspace with its tables.
    pub(super) fn remove_keyspace(&mut self, keyspace: &Keyspace) {
        self.0 = self.0.wrapping_sub(with_tables(keyspace));
    }

    pub(super) fn add_table(&mut self, table: &Table) {
        self.0 = self.0.wrapping_add(of_table(table));
    }

    pub(super) fn remove_table(&mut self, table: &Table) {
        self.0 = self.0.wrapping_sub(of_table(table));
    }

    pub(super) fn version(self) -> Uuid {
        let mut hash = Xxh3::new();
        hash.update(&self.0.to_le_bytes());
        uuid::Builder::from_random_bytes(hash.digest128().to_le_bytes()).into_uuid()
    }
}

fn with_tables(keyspace: &Keyspace) -> u128 {
    let tables = keyspace.tables.values().map(|table| of_table(table));
    tables.fold(of_keyspace(keyspace), u128::wrapping_add)
}

/// Id and version stand for a table's definition, because equal ones mean equal definitions.
fn of_table(table: &Table) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(b"t");
    hash.update(&table.id.0.to_le_bytes());
    hash.update(&table.version.to_le_bytes());
    hash.digest128()
}

fn of_keyspace(keyspace: &Keyspace) -> u128 {
    let mut hash = Xxh3::new();
    let text = |hash: &mut Xxh3, text: &str| {
        hash.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(text.as_bytes());
    };
    hash.update(b"k");
    text(&mut hash, &keyspace.name);
    for (option, value) in &keyspace.replication {
        text(&mut hash, option);
        text(&mut hash, value);
    }
    hash.update(&[b'd', u8::from(keyspace.durable_writes)]);
    for user_type in keyspace.types.values() {
        // Debug of a type is its whole definition, whatever it is nested of.
        text(&mut hash, &format!("{user_type:?}"));
    }
    hash.digest128()
}
