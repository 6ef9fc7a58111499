//! Statements that change tables and types, with what they do to the generator's picture of them.

use fastrand::Rng;

use super::{
    schema::{Column, Part, Schema, Table},
    types::{self, Type, percent, pick, word},
};

/// What a change does to a table once both sides made it.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    Add(Column),
    Drop(String),
    Rename(String, String),
}

impl Effect {
    pub(super) fn apply(&self, table: &mut Table) {
        match self {
            Effect::Add(column) => table.columns.push(column.clone()),
            Effect::Drop(name) => table.columns.retain(|column| column.name != *name),
            Effect::Rename(from, to) => {
                for column in &mut table.columns {
                    if column.name == *from {
                        column.name.clone_from(to);
                    }
                }
            }
        }
    }
}

/// A change of a table, often one that is refused.
pub(super) fn change(
    rng: &mut Rng,
    schema: &Schema,
    table: &Table,
    turn: u64,
) -> (String, Option<Effect>) {
    let name = &table.name;
    let column = pick(rng, &table.columns).map(|column| column.name.clone()).unwrap_or_default();
    match rng.u8(..100) {
        0..=29 => {
            let of = match rng.u8(..10) {
                _ if table.has_counters() => {
                    Type::Scalar(word(rng, &["counter", "counter", "int"]))
                }
                0..=6 => types::scalar(rng),
                _ => types::composite(rng, &schema.udts),
            };
            let part = if percent(rng, 20) { Part::Static } else { Part::Regular };
            let mark = if part == Part::Static { " static" } else { "" };
            let added = format!("a{turn}");
            let text = match percent(rng, 6) {
                true => format!("ALTER TABLE {name} ADD {column} {of}"),
                false => format!("ALTER TABLE {name} ADD {added} {of}{mark}"),
            };
            let effect = text.contains(&added).then_some(());
            (text, effect.map(|()| Effect::Add(Column { name: added, part, of })))
        }
        30..=49 => (format!("ALTER TABLE {name} DROP {column}"), Some(Effect::Drop(column))),
        50..=62 => {
            let to = format!("r{turn}");
            let text = format!("ALTER TABLE {name} RENAME {column} TO {to}");
            (text, Some(Effect::Rename(column, to)))
        }
        63..=74 => (format!("ALTER TABLE {name} WITH {}", option(rng)), None),
        75..=84 => (refused_table(rng, &column, turn), None),
        85..=89 => (format!("TRUNCATE {name}"), None),
        90..=94 => {
            let wrong = [
                "ALTER TYPE address ADD street text",
                "ALTER TYPE nosuch ADD x int",
                "DROP TYPE address",
                "DROP TYPE nosuch",
                "DROP TYPE IF EXISTS nosuch",
                "CREATE TYPE address (a int)",
                "CREATE TYPE IF NOT EXISTS address (a int)",
                "CREATE TYPE wrong (a counter)",
                "CREATE TYPE wrong (a int, a text)",
                "CREATE TYPE wrong (a list<set<int>>)",
                "ALTER TYPE address RENAME nosuch TO x",
                "ALTER TYPE address RENAME street TO number",
            ];
            (word(rng, &wrong).to_owned(), None)
        }
        _ => {
            let wrong = [
                "DROP TABLE nosuch",
                "DROP TABLE IF EXISTS nosuch",
                "TRUNCATE nosuch",
                "ALTER TABLE nosuch ADD x int",
                "ALTER TABLE IF EXISTS nosuch ADD x int",
                "CREATE KEYSPACE system WITH replication = {'class': 'SimpleStrategy'}",
                "CREATE KEYSPACE wrong WITH replication = {'class': 'NoSuchStrategy'}",
                "CREATE KEYSPACE wrong WITH durable_writes = true",
                "DROP KEYSPACE nosuch",
                "DROP KEYSPACE IF EXISTS nosuch",
                "USE nosuch",
                "SELECT * FROM nosuch",
                "SELECT * FROM nosuch.t",
                "DROP INDEX nosuch",
                "DROP MATERIALIZED VIEW nosuch",
                "DROP FUNCTION nosuch",
                "INSERT INTO system.local (key) VALUES ('x')",
            ];
            (word(rng, &wrong).to_owned(), None)
        }
    }
}

fn option(rng: &mut Rng) -> &'static str {
    word(
        rng,
        &[
            "comment = 'told'",
            "gc_grace_seconds = 1000",
            "gc_grace_seconds = -1",
            "default_time_to_live = -1",
            "default_time_to_live = 0",
            "nosuch = 1",
            "compaction = {'class': 'LeveledCompactionStrategy'}",
            "compaction = {'class': 'NoSuchStrategy'}",
            "compression = {'enabled': 'false'}",
            "caching = {'keys': 'ALL', 'rows_per_partition': '10'}",
            "bloom_filter_fp_chance = 0.5",
            "bloom_filter_fp_chance = 2",
            "speculative_retry = '99p'",
            "read_repair = 'NONE'",
            "comment = 'a' AND comment = 'b'",
            "crc_check_chance = 0.5",
            "memtable_flush_period_in_ms = 100",
            "min_index_interval = 64",
            "additional_write_policy = '99p'",
            "extensions = {}",
            "cdc = false",
        ],
    )
}

/// A table that cannot be, or can and is never used.
fn refused_table(rng: &mut Rng, column: &str, turn: u64) -> String {
    let body = word(
        rng,
        &[
            "k int",
            "k int PRIMARY KEY, k text",
            "k int PRIMARY KEY, v nosuch",
            "k int, PRIMARY KEY (nosuch)",
            "k int, c int, PRIMARY KEY (k, k)",
            "k list<int> PRIMARY KEY",
            "k frozen<list<int>> PRIMARY KEY",
            "k duration PRIMARY KEY",
            "k counter PRIMARY KEY",
            "k int PRIMARY KEY, n counter, v int",
            "k int PRIMARY KEY, s int static",
            "k int PRIMARY KEY, l list<counter>",
            "k int PRIMARY KEY, l list<list<int>>",
            "k int PRIMARY KEY, l list<frozen<list<int>>>",
            "k int PRIMARY KEY, f frozen<int>",
            "k int PRIMARY KEY, v vector<float, 0>",
            "k int PRIMARY KEY, t tuple<int, frozen<set<text>>>",
            "k int PRIMARY KEY, m map<duration, int>",
            "k int PRIMARY KEY, s set<duration>",
            "k int static PRIMARY KEY",
            "k int, c int, v int, PRIMARY KEY ((k), c, v)",
            "k int PRIMARY KEY, c int, PRIMARY KEY (k)",
            "k int, c address, PRIMARY KEY (k, c)",
            "k int, c frozen<address>, PRIMARY KEY (k, c)",
        ],
    );
    let with = word(
        rng,
        &[
            "",
            "",
            "",
            "",
            " WITH CLUSTERING ORDER BY (c DESC)",
            " WITH CLUSTERING ORDER BY (nosuch ASC)",
            " WITH COMPACT STORAGE",
            " WITH comment = 'x'",
            " WITH nosuch = 'x'",
        ],
    );
    let exists = word(rng, &["", "", "IF NOT EXISTS "]);
    format!("CREATE TABLE {exists}t{turn}{column} ({body}){with}").replace('"', "")
}
