//! Batches.

use cellar_cql::plan::batch::{BatchKind, combine};
use cellar_cql::plan::{BoundValue, Env};
use cellar_schema::{ChangeKind, Operation, value};

use crate::schema::*;

#[test]
fn changes_to_one_partition_are_one_mutation_in_statement_order() {
    let write = bind(
        "BEGIN BATCH
         INSERT INTO simple (k, v) VALUES (1, 'a');
         UPDATE log SET v = 'b' WHERE k = 'k' AND c = 1;
         DELETE FROM simple WHERE k = 1;
         APPLY BATCH",
        &[],
    );
    let first = vec![
        upsert("simple", row("simple", &[]), true, &[("v", Operation::Set(text("a")))]),
        ChangeKind::DeletePartition,
    ];
    let second =
        vec![upsert("log", row("log", &[int(1)]), false, &[("v", Operation::Set(text("b")))])];
    assert_eq!(
        write.mutations,
        [
            mutation(partition("simple", &[int(1)]), first),
            mutation(partition("log", &[text("k")]), second),
        ]
    );
    assert!(write.idempotent);
}

#[test]
fn the_batch_s_timestamp_is_everybody_s() {
    let write = bind(
        "BEGIN BATCH USING TIMESTAMP ?
         INSERT INTO simple (k, v) VALUES (?, 'a');
         UPDATE log SET v = ? WHERE k = 'k' AND c = 1; APPLY BATCH",
        &[some(value::bigint(5)), some(int(1)), some(text("b"))],
    );
    let stamps: Vec<Option<i64>> =
        write.mutations.iter().flat_map(|m| &m.changes).map(|c| c.timestamp_us).collect();
    assert_eq!(stamps, [Some(5), Some(5)]);
}

#[test]
fn statements_keep_their_own_timestamps() {
    let env = Env { default_timestamp_us: Some(7), ..ENV };
    let write = try_bind_at(
        "BEGIN BATCH INSERT INTO simple (k) VALUES (1) USING TIMESTAMP 3;
         INSERT INTO simple (k) VALUES (2); APPLY BATCH",
        &[],
        &env,
    )
    .unwrap();
    let stamps: Vec<Option<i64>> =
        write.mutations.iter().flat_map(|m| &m.changes).map(|c| c.timestamp_us).collect();
    assert_eq!(stamps, [Some(3), Some(7)]);
}

#[test]
fn an_empty_batch_is_nothing() {
    let planned = planned("BEGIN BATCH APPLY BATCH");
    match planned.plan {
        cellar_cql::plan::Plan::Batch(batch) => {
            assert!(batch.bind(&[], &ENV).unwrap().is_none());
        }
        other => panic!("{other:?}"),
    }
    assert!(combine(BatchKind::Logged, Vec::new(), None).unwrap().is_none());
}

#[test]
fn counters_stay_among_themselves() {
    let write = bind(
        "BEGIN COUNTER BATCH UPDATE counts SET n = n + 1 WHERE k = 'a';
         UPDATE counts SET n = n + 1 WHERE k = 'b'; APPLY BATCH",
        &[],
    );
    assert!(write.counter && write.mutations.len() == 2);
    let count = "UPDATE counts SET n = n + 1 WHERE k = 'a'";
    let plain = "INSERT INTO simple (k) VALUES (1)";
    let refused = |kind: &str, statements: &[&str]| {
        let text = format!("BEGIN {kind} BATCH {}; APPLY BATCH", statements.join("; "));
        refusal_with(&text, &[])
    };
    assert_eq!(refused("", &[count]), "Cannot include a counter statement in a logged batch");
    assert_eq!(
        refused("COUNTER", &[count, plain]),
        "Cannot include non-counter statement in a counter batch"
    );
    assert_eq!(
        refused("UNLOGGED", &[count, plain]),
        "Counter and non-counter mutations cannot exist in the same batch"
    );
}

#[test]
fn conditions_hold_for_one_partition() {
    let write = bind(
        "BEGIN BATCH
         UPDATE log SET v = 'a' WHERE k = 'k' AND c = 1 IF v = 'z';
         UPDATE log SET v = 'b' WHERE k = 'k' AND c = 2 IF EXISTS;
         INSERT INTO log (k, c, v) VALUES ('k', 3, 'c');
         APPLY BATCH",
        &[],
    );
    assert_eq!(write.conditions.len(), 2);
    assert_eq!(write.mutations.len(), 1);
    assert_eq!(write.mutations[0].changes.len(), 3);
    let absent = write.cas_result(false, &[None, None], None);
    assert_eq!(absent.rows, [vec![Some(value::boolean(false))]]);

    let refused =
        |statements: &str| refusal_with(&format!("BEGIN BATCH {statements} APPLY BATCH"), &[]);
    assert_eq!(
        refused(
            "INSERT INTO simple (k) VALUES (1) IF NOT EXISTS; INSERT INTO simple (k) VALUES (2);"
        ),
        "Batch with conditions cannot span multiple partitions"
    );
    assert_eq!(
        refused(
            "INSERT INTO simple (k) VALUES (1) IF NOT EXISTS; INSERT INTO log (k, s) VALUES ('a', 2);"
        ),
        "Batch with conditions cannot span multiple tables"
    );
}

#[test]
fn what_a_batch_cannot_have() {
    assert_eq!(
        refusal_with(
            "BEGIN BATCH USING TIMESTAMP 1 INSERT INTO simple (k) VALUES (1) USING TIMESTAMP 2;
             APPLY BATCH",
            &[]
        ),
        "Timestamp must be set either on BATCH or individual statements"
    );
    assert_eq!(
        refusal_with(
            "BEGIN BATCH USING TIMESTAMP 1 INSERT INTO simple (k) VALUES (1) IF NOT EXISTS;
             APPLY BATCH",
            &[]
        ),
        "Cannot provide custom timestamp for conditional BATCH"
    );
    assert_eq!(
        refusal_with(
            "BEGIN UNLOGGED BATCH USING TIMESTAMP 1 UPDATE counts SET n = n + 1 WHERE k = 'a';
             APPLY BATCH",
            &[]
        ),
        "Cannot provide custom timestamp for a BATCH containing counters"
    );
}

#[test]
fn bound_writes_of_prepared_statements_combine_too() {
    let one = bind("INSERT INTO simple (k, v) VALUES (?, 'a')", &[some(int(1))]);
    let two = bind("UPDATE simple SET v = ? WHERE k = 1", &[BoundValue::Null]);
    let all = combine(BatchKind::Unlogged, vec![one, two], None).unwrap().unwrap();
    assert_eq!(all.mutations.len(), 1);
    assert_eq!(all.mutations[0].changes.len(), 2);
}
