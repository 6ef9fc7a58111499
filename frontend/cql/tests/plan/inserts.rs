//! `INSERT` with values.

use cellar_cql::plan::{BoundValue, Env};
use cellar_schema::{ChangeKind, Operation, keys, value};

use crate::schema::*;

#[test]
fn an_insert_is_one_upsert_with_the_row_marker() {
    let write = bind("INSERT INTO simple (k, v, w) VALUES (1, 'one', 2)", &[]);
    let operations = [("v", Operation::Set(text("one"))), ("w", Operation::Set(value::bigint(2)))];
    assert_eq!(
        write.mutations,
        [mutation(
            partition("simple", &[int(1)]),
            vec![upsert("simple", row("simple", &[]), true, &operations)]
        )]
    );
    assert!(write.idempotent && !write.counter && write.conditions.is_empty());
}

#[test]
fn bound_values_take_the_places_of_markers_in_text_order() {
    let planned = planned("INSERT INTO ks.simple (w, v, k) VALUES (?, ?, ?)");
    let names: Vec<&str> = planned.variables.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["w", "v", "k"]);
    assert_eq!(planned.partition_key_variables, [2]);
    let bound = bind(
        "INSERT INTO ks.simple (w, v, k) VALUES (?, ?, ?)",
        &[some(value::bigint(2)), some(text("one")), some(int(1))],
    );
    let plain = bind("INSERT INTO ks.simple (w, v, k) VALUES (2, 'one', 1)", &[]);
    assert_eq!(bound.mutations, plain.mutations);
}

#[test]
fn names_of_markers_are_their_own_and_share_values() {
    let planned = planned("INSERT INTO simple (k, v) VALUES (:id, :word)");
    assert_eq!(planned.variables[0].name, "id");
    let named = [("word".to_owned(), some(text("x"))), ("id".to_owned(), some(int(7)))];
    assert_eq!(planned.ordered(&named).unwrap(), [some(int(7)), some(text("x"))]);
    let missing = planned.ordered(&named[..1]).unwrap_err().to_string();
    assert!(missing.starts_with("Invalid amount of bind variables"), "{missing}");
}

#[test]
fn null_deletes_and_unset_leaves_alone() {
    let write = bind(
        "INSERT INTO simple (k, v, w) VALUES (1, ?, ?)",
        &[BoundValue::Null, BoundValue::Unset],
    );
    assert_eq!(
        write.mutations,
        [mutation(
            partition("simple", &[int(1)]),
            vec![upsert("simple", row("simple", &[]), true, &[("v", Operation::Delete)])]
        )]
    );
}

#[test]
fn a_key_alone_is_enough() {
    let write = bind("INSERT INTO simple (k) VALUES (1)", &[]);
    let expected = upsert("simple", row("simple", &[]), true, &[]);
    assert_eq!(write.mutations, [mutation(partition("simple", &[int(1)]), vec![expected])]);
}

#[test]
fn compound_keys_are_put_in_key_order() {
    let write = bind("INSERT INTO wide (d, c, b, a, v) VALUES ('d', 3, 'b', 1, 9)", &[]);
    let suffix = row("wide", &[int(3), text("d")]);
    assert_eq!(
        write.mutations,
        [mutation(
            partition("wide", &[int(1), text("b")]),
            vec![upsert("wide", suffix, true, &[("v", Operation::Set(int(9)))])]
        )]
    );
    let planned = planned("INSERT INTO wide (d, c, b, a, v) VALUES (?, ?, ?, ?, ?)");
    assert_eq!(planned.partition_key_variables, [3, 2]);
}

#[test]
fn statics_go_to_their_own_record() {
    let write = bind("INSERT INTO log (k, c, s, v) VALUES ('k', 1, 5, 'v')", &[]);
    let statics = upsert("log", keys::static_suffix(), false, &[("s", Operation::Set(int(5)))]);
    let rows = upsert("log", row("log", &[int(1)]), true, &[("v", Operation::Set(text("v")))]);
    let place = partition("log", &[text("k")]);
    assert_eq!(write.mutations, [mutation(place.clone(), vec![statics.clone(), rows])]);

    let write = bind("INSERT INTO log (k, s) VALUES ('k', 5)", &[]);
    assert_eq!(write.mutations, [mutation(place, vec![statics])]);
}

#[test]
fn the_statement_s_timestamp_beats_the_request_s() {
    let env = Env { default_timestamp_us: Some(7), ..ENV };
    let stamp = |text: &str, values: &[BoundValue]| {
        try_bind_at(text, values, &env).unwrap().mutations[0].changes[0].timestamp_us
    };
    assert_eq!(stamp("INSERT INTO simple (k) VALUES (1)", &[]), Some(7));
    assert_eq!(stamp("INSERT INTO simple (k) VALUES (1) USING TIMESTAMP 9", &[]), Some(9));
    let marked = "INSERT INTO simple (k) VALUES (1) USING TIMESTAMP ?";
    assert_eq!(stamp(marked, &[some(value::bigint(-3))]), Some(-3));
    assert_eq!(stamp(marked, &[BoundValue::Unset]), Some(7));
    let planned = planned(marked);
    assert_eq!(planned.variables[0].name, "[timestamp]");
    assert!(planned.partition_key_variables.is_empty());
}

#[test]
fn a_ttl_is_the_statement_s_or_the_table_s() {
    let ttl = |text: &str, values: &[BoundValue]| match &bind(text, values).mutations[0].changes[0]
        .kind
    {
        ChangeKind::Upsert(change) => change.ttl_seconds,
        other => panic!("{other:?}"),
    };
    assert_eq!(ttl("INSERT INTO simple (k, v) VALUES (1, 'a') USING TTL 30", &[]), 30);
    assert_eq!(ttl("INSERT INTO expiring (k, v) VALUES (1, 'a')", &[]), 60);
    assert_eq!(ttl("INSERT INTO expiring (k, v) VALUES (1, 'a') USING TTL 0", &[]), 0);
    let marked = "INSERT INTO expiring (k, v) VALUES (1, 'a') USING TTL ?";
    assert_eq!(ttl(marked, &[BoundValue::Unset]), 60);
    assert_eq!(ttl(marked, &[BoundValue::Null]), 0);
    assert_eq!(ttl(marked, &[some(int(5))]), 5);
    assert_eq!(ttl("UPDATE expiring USING TTL 4 SET v = 'a' WHERE k = 1", &[]), 4);
}

#[test]
fn quoted_names_keep_their_case() {
    let write = bind("INSERT INTO \"Quoted\" (\"Key\", \"Value\") VALUES (1, 'v')", &[]);
    let operations = [("Value", Operation::Set(text("v")))];
    assert_eq!(
        write.mutations,
        [mutation(
            partition("Quoted", &[int(1)]),
            vec![upsert("Quoted", row("Quoted", &[]), true, &operations)]
        )]
    );
}

#[test]
fn type_hints_and_parentheses_change_nothing() {
    let plain = bind("INSERT INTO simple (k, w) VALUES (1, 2)", &[]);
    let hinted = bind("INSERT INTO simple (k, w) VALUES ((int) 1, (2))", &[]);
    assert_eq!(plain.mutations, hinted.mutations);
}

#[test]
fn the_token_of_a_constant_is_that_of_the_key_of_the_table() {
    let write = bind("INSERT INTO bytes (k) VALUES (token(0x01))", &[]);
    let token = cellar_schema::token::token(&[1]);
    let key = partition("bytes", &[value::bigint(token)]);
    assert_eq!(write.mutations[0].partition, key);
    assert!(
        refusal("INSERT INTO bytes (k) VALUES (token(1))").contains("Invalid INTEGER constant")
    );
}
