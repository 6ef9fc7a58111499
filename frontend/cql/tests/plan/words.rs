//! Words that Cassandra's own tests look for: operators, durations, conditions, batches.

use cellar_cql::plan::BoundValue;
use cellar_cql::{SyntaxErrorKind, parse_statement};
use cellar_schema::value;

use crate::schema::*;

#[test]
fn an_operation_is_named_as_it_is_written() {
    assert_eq!(
        refusal("UPDATE simple SET w = ? + 1 + 'a' WHERE k = 1"),
        "Ambiguous '+' operation with args ? and 1: use type hint to disambiguate, example \
         '(int) ?'"
    );
    assert_eq!(
        refusal("INSERT INTO simple (k) VALUES (1 / 0)"),
        "the operation 'int / int' failed: / by zero"
    );
    assert_eq!(
        refusal("UPDATE things SET t += (1, 'a') WHERE k = 1"),
        "Invalid operation (t = t + (1, 'a')) for tuple column t"
    );
}

#[test]
fn a_duration_that_no_value_has_is_no_mistake_of_syntax() {
    for (written, words) in [
        ("2m3m", "Invalid duration. The minutes are specified multiple times"),
        ("12s3m", "Invalid duration. The seconds should be after minutes"),
        (
            "9223372036854775807d",
            "Invalid duration. The total number of days must be less or equal to 2147483647",
        ),
    ] {
        let text = format!("INSERT INTO scalars (k, duration) VALUES (1, {written})");
        let error = parse_statement(&text).unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.kind),
            (words, SyntaxErrorKind::ImpossibleLiteral)
        );
    }
    assert!(parse_statement("INSERT INTO scalars (k, duration) VALUES (1, P2Y3W)").is_err());
}

#[test]
fn conditions_know_fewer_operators_than_where() {
    for condition in
        ["l[0] CONTAINS 1", "m['a'] CONTAINS KEY 'b'", "a.zip CONTAINS 1", "s NOT IN (1)"]
    {
        let text = format!("DELETE FROM things WHERE k = 1 IF {condition}");
        assert!(parse_statement(&text).is_err(), "{text}");
    }
    assert!(parse_statement("DELETE FROM things WHERE k = 1 IF l CONTAINS 1 AND l[0] = 2").is_ok());
    assert!(parse_statement("INSERT INTO things (k, t) VALUES (1, ())").is_err());
    let error = parse_statement("USE ?").unwrap_err().to_string();
    assert!(error.contains("Bind variables cannot be used for keyspace names"), "{error}");
}

#[test]
fn what_is_unset_is_no_value_of_in_and_deletes_no_element() {
    let one = BoundValue::Bytes(value::int(1));
    let text = "UPDATE simple SET v = 'a' WHERE k = 1 IF w IN (?, ?)";
    let eight = BoundValue::Bytes(value::bigint(1));
    assert!(try_bind(text, &[eight, BoundValue::Unset]).is_ok());
    let text = "DELETE l[?] FROM things WHERE k = ?";
    assert!(bind(text, &[BoundValue::Unset, one]).mutations.is_empty());
}

#[test]
fn deletes_say_which_restriction_is_wrong() {
    assert_eq!(
        refusal("DELETE FROM log WHERE k CONTAINS 'a'"),
        "Cannot use CONTAINS on non-collection column k"
    );
    assert_eq!(
        refusal("DELETE s FROM log WHERE k = 'a' AND c > 1"),
        "Invalid restrictions on clustering columns since the DELETE statement modifies only \
         static columns"
    );
}

fn batch(statements: usize, bytes: usize) -> String {
    let line = |k| format!("INSERT INTO simple (k, v) VALUES ({k}, '{}');", "x".repeat(bytes));
    let lines: String = (0..statements).map(line).collect();
    format!("BEGIN UNLOGGED BATCH {lines} APPLY BATCH")
}

#[test]
fn a_large_batch_over_several_partitions_is_warned_of_and_a_larger_one_refused() {
    assert!(bind(&batch(2, 10), &[]).warnings.is_empty());
    let warnings = bind(&batch(2, 3_000), &[]).warnings;
    assert!(warnings[0].starts_with("Batch for [ks.simple] is of size "), "{warnings:?}");
    assert!(warnings[0].contains("exceeding specified threshold of 5120 by "), "{warnings:?}");
    let warnings = bind(&batch(11, 1), &[]).warnings;
    assert!(warnings[0].starts_with("Unlogged batch covering 11 partitions"), "{warnings:?}");
    assert_eq!(try_bind(&batch(2, 30_000), &[]).unwrap_err().to_string(), "Batch too large");
    // One partition is one write, of any size.
    assert!(bind(&batch(1, 100_000), &[]).warnings.is_empty());
}

#[test]
fn a_clustering_key_that_is_too_long_is_a_key_that_is_too_long() {
    let text =
        format!("INSERT INTO wide (a, b, c, d) VALUES (1, 'b', 2, '{}')", "x".repeat(65_536));
    assert_eq!(refusal(&text), "Key length of 65540 is longer than maximum of 65535");
}
