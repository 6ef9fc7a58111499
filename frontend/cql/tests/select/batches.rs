//! Conditional batches with several statements about one row, as they are stored.

use crate::schema::try_bind;
use crate::store::Store;

fn log(store: &Store) -> Vec<String> {
    store.read("SELECT c, s, v FROM log WHERE k = 'a'")
}

fn stored() -> Store {
    Store::of(&[
        "INSERT INTO log (k, c, s, v) VALUES ('a', 1, 5, 'one')",
        "INSERT INTO log (k, c, v) VALUES ('a', 2, 'two')",
        "INSERT INTO log (k, c, v) VALUES ('a', 3, 'three')",
    ])
}

#[test]
fn what_a_conditional_batch_deletes_and_writes_is_written() {
    for (deletion, rows) in [
        ("DELETE FROM log WHERE k = 'a'", vec!["2 null 'new'"]),
        ("DELETE FROM log WHERE k = 'a' AND c >= 2", vec!["1 5 'one'", "2 5 'new'"]),
        ("DELETE FROM log WHERE k = 'a' AND c = 2", vec!["1 5 'one'", "2 5 'new'", "3 5 'three'"]),
        ("DELETE FROM log WHERE k = 'a' AND c < 2", vec!["2 5 'new'", "3 5 'three'"]),
        ("DELETE v FROM log WHERE k = 'a' AND c = 3", vec!["1 5 'one'", "2 5 'new'", "3 5 null"]),
    ] {
        let insert = "INSERT INTO log (k, c, v) VALUES ('a', 2, 'new') IF NOT EXISTS";
        for statements in [[deletion, insert], [insert, deletion]] {
            let mut store = stored();
            store.write(&format!("BEGIN BATCH {}; APPLY BATCH", statements.join("; ")), &[]);
            assert_eq!(log(&store), rows, "{statements:?}");
        }
    }
}

#[test]
fn columns_that_are_not_written_again_are_gone() {
    let mut store = Store::of(&[
        "INSERT INTO things (k, l, s, m, t) VALUES (1, [1], {'x'}, {'y': 1}, (1, 'a'))",
    ]);
    store.write(
        "BEGIN BATCH DELETE FROM things WHERE k = 1;
         UPDATE things SET l = l + [2], s = s + {'z'}, fl = [7] WHERE k = 1 IF EXISTS; APPLY BATCH",
        &[],
    );
    assert_eq!(store.read("SELECT l, s, m, fl, t FROM things"), ["[2] {'z'} null [7] null"]);
}

#[test]
fn an_unconditional_deletion_wins_over_a_write_of_the_same_time() {
    let mut store = stored();
    store.write(
        "BEGIN BATCH INSERT INTO log (k, c, v) VALUES ('a', 2, 'new');
         DELETE FROM log WHERE k = 'a'; APPLY BATCH",
        &[],
    );
    assert!(log(&store).is_empty());
}

#[test]
fn conditions_that_exclude_each_other_are_refused() {
    let insert = "INSERT INTO log (k, c, v) VALUES ('a', 1, 'x') IF NOT EXISTS";
    let exists = "DELETE FROM log WHERE k = 'a' AND c = 1 IF EXISTS";
    let column = "UPDATE log SET v = 'y' WHERE k = 'a' AND c = 1 IF v = 'x'";
    let other = "UPDATE log SET v = 'y' WHERE k = 'a' AND c = 2 IF v = 'x'";
    let statics = "UPDATE log SET s = 1 WHERE k = 'a' IF s = 2";
    let batch = |statements: [&str; 2]| {
        try_bind(&format!("BEGIN BATCH {}; APPLY BATCH", statements.join("; ")), &[])
    };
    let mixed = "Cannot mix IF EXISTS and IF NOT EXISTS conditions for the same row";
    let not_exists = "Cannot mix IF conditions and IF NOT EXISTS for the same row";
    let with_exists = "Cannot mix IF conditions and IF EXISTS for the same row";
    for (statements, message) in [
        ([insert, exists], mixed),
        ([exists, insert], mixed),
        ([column, insert], not_exists),
        ([insert, column], not_exists),
        ([exists, column], not_exists),
        ([column, exists], with_exists),
    ] {
        assert_eq!(batch(statements).unwrap_err().to_string(), message, "{statements:?}");
    }
    for statements in [[insert, insert], [insert, other], [insert, statics], [column, column]] {
        assert!(batch(statements).is_ok(), "{statements:?}");
    }
}
