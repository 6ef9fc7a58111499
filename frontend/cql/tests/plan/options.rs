//! Options of tables that do nothing in Cellar: kept as Cassandra shows them, and refused in its
//! words; tables of `COMPACT STORAGE`.

use cellar_cql::parse_statement;
use cellar_cql::plan::{PlanError, ddl};
use cellar_metadata_api::{Command, TableChange};
use cellar_schema::{ChangeKind, TableOptions};
use uuid::Uuid;

use crate::schema::*;

fn try_command(text: &str) -> Result<Command, PlanError> {
    let statement = parse_statement(text)?.statement;
    Ok(ddl::command(&*FIXTURE, Some("ks"), &statement, Uuid::from_u128(7), 1234)?.0)
}

/// The option of a table made with it, as it is kept.
fn kept(name: &str, value: &str) -> Result<String, String> {
    let text = format!("CREATE TABLE o (k int PRIMARY KEY) WITH {name} = {value}");
    match try_command(&text) {
        Ok(Command::CreateTable { definition, .. }) => Ok(definition.options.text[name].clone()),
        Ok(other) => panic!("{text}: {other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

fn refused(text: &str) -> String {
    try_command(text).map(|made| panic!("{text}: {made:?}")).unwrap_err().to_string()
}

#[test]
fn compression_is_kept_with_its_class_in_full_and_its_defaults() {
    for (given, shown) in [
        (
            "{'class': 'SnappyCompressor', 'chunk_length_in_kb': 32, 'enabled': true}",
            "{'chunk_length_in_kb': '32', \
             'class': 'org.apache.cassandra.io.compress.SnappyCompressor'}",
        ),
        (
            "{'sstable_compression': 'LZ4Compressor', 'min_compress_ratio': 2}",
            "{'chunk_length_in_kb': '16', \
             'class': 'org.apache.cassandra.io.compress.LZ4Compressor', \
             'min_compress_ratio': '2.0'}",
        ),
        ("{'sstable_compression': '', 'chunk_length_kb': 32}", "{'enabled': 'false'}"),
        ("{'enabled': 'false'}", "{'enabled': 'false'}"),
    ] {
        assert_eq!(kept("compression", given).as_deref(), Ok(shown), "{given}");
    }
    for (given, words) in [
        ("{'chunk_length_in_kb': 32}", "Missing sub-option 'class' for the 'compression' option."),
        (
            "{'enabled': 'false', 'class': 'SnappyCompressor'}",
            "If the 'enabled' option is set to false no other options must be specified",
        ),
        (
            "{'class': 'LZ4Compressor', 'chunk_length_in_kb': 31}",
            "chunk_length_in_kb must be a power of 2",
        ),
        ("{'class': 'LZ4Compressor', 'wat': 1}", "Unknown compression options wat"),
        (
            "{'class': 'Wat'}",
            "Could not create Compression for type org.apache.cassandra.io.compress.Wat",
        ),
    ] {
        assert_eq!(kept("compression", given).unwrap_err(), words, "{given}");
    }
}

#[test]
fn compaction_is_kept_with_its_class_in_full_and_its_thresholds() {
    assert_eq!(
        kept("compaction", "{'class': 'SizeTieredCompactionStrategy', 'min_threshold': 7}")
            .unwrap(),
        "{'class': 'org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy', \
         'max_threshold': '32', 'min_threshold': '7'}"
    );
    for (given, words) in [
        ("{'min_threshold': 4}", "Missing sub-option 'class' for the 'compaction' option."),
        (
            "{'class': 'LeveledCompactionStrategy', 'wat': 1}",
            "Properties specified [wat] are not understood by LeveledCompactionStrategy",
        ),
        (
            "{'class': 'LeveledCompactionStrategy', 'sstable_size_in_mb': -5}",
            "sstable_size_in_mb must be larger than 0, but was -5",
        ),
        (
            "{'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'SECONDS'}",
            "SECONDS is not valid for compaction_window_unit",
        ),
        (
            "{'class': 'SizeTieredCompactionStrategy', 'enabled': 'certainly'}",
            "enabled should either be 'true' or 'false', not certainly",
        ),
    ] {
        assert_eq!(kept("compaction", given).unwrap_err(), words, "{given}");
    }
}

#[test]
fn chances_and_policies_of_retries_are_checked() {
    for chance in ["0", "1e-5", "-0.1", "1.1"] {
        assert!(kept("bloom_filter_fp_chance", chance).is_err(), "{chance}");
    }
    assert_eq!(kept("bloom_filter_fp_chance", "0.5").as_deref(), Ok("0.5"));
    for policy in ["ALWAYS", "none", "99p", "99.0PERCENTILE", "50ms", "MIN(99p, 50ms)"] {
        assert!(kept("speculative_retry", &format!("'{policy}'")).is_ok(), "{policy}");
    }
    for policy in ["", "ms", "dog", "nanms", "-1ms", "101PERCENTILE", "+5p", "0p"] {
        assert!(kept("speculative_retry", &format!("'{policy}'")).is_err(), "{policy}");
    }
    let words = refused("ALTER TABLE simple WITH caching = {'keys': 'all', 'rows': ALL}");
    assert!(words.starts_with("line 1:"), "{words}");
}

#[test]
fn caching_is_checked() {
    assert!(kept("caching", "{'keys': 'none', 'rows_per_partition': '12'}").is_ok());
    for (caching, message) in [
        (
            "{'keys': 'foo'}",
            "Invalid value 'foo' for caching sub-option 'keys': only 'ALL' and 'NONE' are allowed",
        ),
        (
            "{'rows_per_partition': '-1'}",
            "Invalid value '-1' for caching sub-option 'rows_per_partition': only 'ALL', 'NONE', \
             and integer values are allowed",
        ),
        (
            "{'rows': 'ALL'}",
            "Invalid caching sub-options [rows]: only 'keys' and 'rows_per_partition' are allowed",
        ),
    ] {
        let words = refused(&format!("ALTER TABLE simple WITH caching = {caching}"));
        assert_eq!(words, message);
    }
}

#[test]
fn a_row_of_compact_storage_is_its_column() {
    let made = try_command(
        "CREATE TABLE c (k int, c int, v int, PRIMARY KEY (k, c)) WITH COMPACT STORAGE",
    );
    let Ok(Command::CreateTable { definition, .. }) = made else { panic!("{made:?}") };
    assert_eq!(definition.options.text[TableOptions::COMPACT_STORAGE], "true");
    let marked = |text: &str| match &bind(text, &[]).mutations[0].changes[0].kind {
        ChangeKind::Upsert(row) => row.marker,
        other => panic!("{other:?}"),
    };
    assert!(!marked("INSERT INTO compact (k, c, v) VALUES (1, 2, 3)"));
    assert!(marked("INSERT INTO compact_keys (k, c) VALUES (1, 2)"));
    assert_eq!(
        refusal("INSERT INTO compact (k, c) VALUES (1, 2)"),
        "Column v is mandatory for this COMPACT STORAGE table"
    );
    assert_eq!(
        refusal("INSERT INTO compact_texts (k, c, v) VALUES (1, '', 1)"),
        "Invalid empty or null value for column c"
    );
    assert_eq!(
        refused("ALTER TABLE compact ADD w int"),
        "Cannot add new column to a COMPACT STORAGE table"
    );
    let Ok(Command::AlterTable { changes, .. }) =
        try_command("ALTER TABLE compact DROP COMPACT STORAGE")
    else {
        panic!("not an ALTER TABLE")
    };
    let [TableChange::Options(options)] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(options.text[TableOptions::COMPACT_STORAGE], "false");
    for (columns, words) in [
        (
            "k int, c int, v int, w int, PRIMARY KEY (k, c)",
            "COMPACT STORAGE with composite PRIMARY KEY allows no more than one column not part \
             of the PRIMARY KEY (got: v, w)",
        ),
        (
            "k int PRIMARY KEY, v list<int>",
            "Non-frozen collections and UDTs are not supported with COMPACT STORAGE",
        ),
        (
            "k int, c int, s int static, PRIMARY KEY (k, c)",
            "Static columns are not supported in COMPACT STORAGE tables",
        ),
        ("k int PRIMARY KEY", "No definition found that is not part of the PRIMARY KEY"),
    ] {
        assert_eq!(refused(&format!("CREATE TABLE c ({columns}) WITH COMPACT STORAGE")), words);
    }
}

#[test]
fn the_last_clustering_columns_may_have_no_order_of_their_own() {
    let text =
        "CREATE TABLE c (k int, a int, b int, PRIMARY KEY (k, a, b)) WITH CLUSTERING ORDER BY";
    assert!(try_command(&format!("{text} (a DESC)")).is_ok());
    assert_eq!(refused(&format!("{text} (b DESC)")), "Missing CLUSTERING ORDER for column a");
    assert!(try_command("CREATE TABLE c (k int,, a int, , PRIMARY KEY (k),)").is_ok());
    assert!(try_command("CREATE TYPE t (a int,, b int,)").is_ok());
}
