//! `IF`: conditions, and the rows that answer them.

use std::sync::Arc;

use bytes::Bytes;
use cellar_cql::plan::BoundValue;
use cellar_schema::{
    Access, Addable, ChangeKind, ColumnData, Comparison, Condition, Liveness, Operation, Row, Test,
    Versioned, keys, value,
};

use crate::schema::*;

fn tests(text: &str) -> Vec<(Bytes, Test)> {
    bind(text, &[]).conditions.into_iter().map(|c| (c.suffix, c.test)).collect()
}

fn on(table: &str, column: &str, access: Access, comparison: Comparison) -> Test {
    let cql_type = table_of(table).column(column).unwrap().cql_type.clone();
    Test::Column { column: id(table, column), cql_type, access, comparison }
}

fn live(table: &str, cells: &[(&str, Bytes)]) -> Option<Row> {
    let live = Liveness { timestamp_us: 1, expiry: None };
    let mut row = Row { marker: Some(live), ..Row::default() };
    for (name, bytes) in cells {
        let data = ColumnData::Simple(Versioned { live, value: Some(bytes.clone()) });
        row.columns.push((id(table, name), data));
    }
    row.columns.sort_by_key(|(id, _)| *id);
    Some(row)
}

#[test]
fn existence_is_tested_on_the_row_written() {
    let write = bind("INSERT INTO simple (k, v) VALUES (1, 'a') IF NOT EXISTS", &[]);
    let place = partition("simple", &[int(1)]);
    assert_eq!(
        write.conditions,
        [Condition { partition: place, suffix: row("simple", &[]), test: Test::NotExists }]
    );
    assert!(!write.idempotent);
    let suffix = row("log", &[int(2)]);
    assert_eq!(
        tests("UPDATE log SET v = 'x' WHERE k = 'k' AND c = 2 IF EXISTS"),
        [(suffix.clone(), Test::Exists)]
    );
    assert_eq!(
        tests("DELETE FROM log WHERE k = 'k' AND c = 2 IF EXISTS"),
        [(suffix, Test::Exists)]
    );
    assert_eq!(
        tests("INSERT INTO log (k, s) VALUES ('k', 1) IF NOT EXISTS"),
        [(keys::static_suffix(), Test::NotExists)]
    );
    assert_eq!(
        tests("DELETE FROM simple WHERE k = 1 IF EXISTS"),
        [(row("simple", &[]), Test::Exists)]
    );
}

#[test]
fn conditions_on_statics_look_at_the_static_record() {
    let found = tests("UPDATE log SET v = 'x' WHERE k = 'k' AND c = 2 IF s = 1 AND v != 'y'");
    assert_eq!(
        found,
        [
            (keys::static_suffix(), on("log", "s", Access::Whole, Comparison::Equal(Some(int(1))))),
            (
                row("log", &[int(2)]),
                on("log", "v", Access::Whole, Comparison::NotEqual(Some(text("y"))))
            ),
        ]
    );
    assert_eq!(tests("UPDATE log SET s = 2 WHERE k = 'k' IF s = 1").len(), 1);
}

#[test]
fn every_comparison_and_every_part_can_be_tested() {
    let one = |condition: &str| {
        let text = format!("UPDATE things SET l = [] WHERE k = 1 IF {condition}");
        tests(&text).remove(0).1
    };
    let index = || Access::Index(3);
    assert_eq!(one("l[3] < 5"), on("things", "l", index(), Comparison::Less(int(5))));
    assert_eq!(one("l[3] <= 5"), on("things", "l", index(), Comparison::LessOrEqual(int(5))));
    assert_eq!(one("l[3] > 5"), on("things", "l", index(), Comparison::Greater(int(5))));
    assert_eq!(one("l[3] >= 5"), on("things", "l", index(), Comparison::GreaterOrEqual(int(5))));
    let entry = Access::Entry(text("a"));
    assert_eq!(one("m['a'] = null"), on("things", "m", entry, Comparison::Equal(None)));
    let field = Access::Field(1);
    let values = vec![Some(int(1)), None];
    assert_eq!(one("a.zip IN (1, null)"), on("things", "a", field, Comparison::In(values)));
    let list = value::build_list(&[int(1)]);
    assert_eq!(one("l = [1]"), on("things", "l", Access::Whole, Comparison::Equal(Some(list))));
    assert_eq!(
        one("s CONTAINS 'x'"),
        on("things", "s", Access::Whole, Comparison::Contains(text("x")))
    );
    assert_eq!(
        one("m CONTAINS KEY 'x'"),
        on("things", "m", Access::Whole, Comparison::ContainsKey(text("x")))
    );
    let marked = bind(
        "UPDATE simple SET v = 'a' WHERE k = 1 IF w IN ?",
        &[some(value::build_list(&[value::bigint(4)]))],
    );
    let expected = Comparison::In(vec![Some(value::bigint(4))]);
    assert_eq!(marked.conditions[0].test, on("simple", "w", Access::Whole, expected));
}

#[test]
fn a_conditional_write_carries_no_timestamp() {
    let env = cellar_cql::plan::Env { default_timestamp_us: Some(7), ..ENV };
    let write = try_bind_at("UPDATE simple SET v = 'a' WHERE k = 1 IF EXISTS", &[], &env).unwrap();
    assert_eq!(write.mutations[0].changes[0].timestamp_us, None);
}

#[test]
fn a_refused_insert_shows_the_whole_row() {
    let write = bind("INSERT INTO simple (k, v) VALUES (1, 'a') IF NOT EXISTS", &[]);
    let result = write.cas_result(false, &[live("simple", &[("v", text("old"))])], None);
    let names: Vec<&str> = result.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["[applied]", "k", "v", "w"]);
    assert_eq!(
        result.rows,
        [vec![Some(value::boolean(false)), Some(int(1)), Some(text("old")), None]]
    );
}

#[test]
fn a_refused_comparison_shows_the_columns_compared() {
    let write = bind("UPDATE log SET v = 'x' WHERE k = 'k' AND c = 2 IF s = 1 AND v = 'y'", &[]);
    let current = [live("log", &[("s", int(9))]), live("log", &[("v", text("z"))])];
    let result = write.cas_result(false, &current, None);
    let names: Vec<&str> = result.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["[applied]", "v", "s"]);
    assert_eq!(result.rows, [vec![Some(value::boolean(false)), Some(text("z")), Some(int(9))]]);
}

#[test]
fn an_applied_write_and_a_missing_row_show_nothing_else() {
    let write = bind("UPDATE simple SET v = 'a' WHERE k = 1 IF v = 'b'", &[]);
    let applied = write.cas_result(true, &[live("simple", &[("v", text("b"))])], None);
    assert_eq!(applied.rows, [vec![Some(value::boolean(true))]]);
    assert_eq!(applied.columns.len(), 1);
    assert_eq!(applied.columns[0].cql_type, cellar_schema::CqlType::Boolean);
    let missing = write.cas_result(false, &[None], None);
    assert_eq!(missing.rows, [vec![Some(value::boolean(false))]]);
    assert_eq!(missing.columns.len(), 1);
    assert!(Arc::ptr_eq(&write.table, &table_of("simple")));
}

/// Names and the one row of a refusal, without `[applied]`.
fn shown(text: &str, current: &[Option<Row>]) -> Vec<(String, Option<Bytes>)> {
    let result = bind(text, &[]).cas_result(false, current, None);
    let [row] = result.rows.as_slice() else { panic!("{text}: {result:?}") };
    let names = result.columns.iter().map(|column| column.name.clone());
    names.zip(row.iter().cloned()).skip(1).collect()
}

fn named(cells: &[(&str, Option<Bytes>)]) -> Vec<(String, Option<Bytes>)> {
    cells.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

#[test]
fn a_refusal_shows_the_static_row_where_the_statement_writes_statics() {
    let statics = || live("log", &[("s", int(7))]);
    let update = "UPDATE log SET v = 'x', s = 2 WHERE k = 'k' AND c = 1";
    let exists = format!("{update} IF EXISTS");
    let write = bind(&exists, &[]);
    let places: Vec<Bytes> = write.conditions.iter().map(|c| c.suffix.clone()).collect();
    assert_eq!(places, [row("log", &[int(1)]), keys::static_suffix()]);
    assert!(cellar_schema::evaluate(&write.conditions[1].test, statics().as_ref()));
    assert!(cellar_schema::evaluate(&write.conditions[1].test, None));
    assert_eq!(
        shown(&exists, &[None, statics()]),
        named(&[("k", Some(text("k"))), ("c", None), ("s", Some(int(7))), ("v", None)])
    );
    let compared = format!("{update} IF v = 'y'");
    assert_eq!(shown(&compared, &[None, statics()]), named(&[("v", None)]));
    assert_eq!(shown(&compared, &[None, None]), named(&[]));
    let regular = "UPDATE log SET v = 'x' WHERE k = 'k' AND c = 1 IF EXISTS";
    assert_eq!(bind(regular, &[]).conditions.len(), 1);
    let insert = "INSERT INTO log (k, c, s) VALUES ('k', 1, 2) IF NOT EXISTS";
    assert_eq!(
        shown(insert, &[live("log", &[("v", text("old"))]), statics()]),
        named(&[
            ("k", Some(text("k"))),
            ("c", Some(int(1))),
            ("s", Some(int(7))),
            ("v", Some(text("old")))
        ])
    );
}

#[test]
fn a_refused_batch_shows_keys_and_the_rows_that_exist() {
    let one = "BEGIN BATCH DELETE FROM log WHERE k = 'k' AND c = 4 IF s <= 3; APPLY BATCH";
    assert_eq!(
        shown(one, &[live("log", &[("s", int(7))])]),
        named(&[("k", Some(text("k"))), ("c", None), ("s", Some(int(7)))])
    );
    let two = "BEGIN BATCH UPDATE log SET v = 'b' WHERE k = 'k' AND c = 2 IF v = 'x';
         UPDATE log SET v = 'a' WHERE k = 'k' AND c = 1 IF v = 'z';
         UPDATE log SET s = 1 WHERE k = 'k'; APPLY BATCH";
    let write = bind(two, &[]);
    assert_eq!(write.conditions.len(), 3, "the static row is looked at");
    let current = [live("log", &[("v", text("2"))]), live("log", &[("v", text("1"))]), None];
    let rows = write.cas_result(false, &current, None).rows;
    let expected = |c: i32, v: &str| {
        vec![Some(value::boolean(false)), Some(text("k")), Some(int(c)), Some(text(v))]
    };
    assert_eq!(rows, [expected(1, "1"), expected(2, "2")]);
    assert_eq!(
        write.cas_result(false, &[current[0].clone(), None, None], None).rows,
        [expected(2, "2")]
    );
}

#[test]
fn in_with_one_value_is_an_equality_that_conditions_allow() {
    let write = bind("UPDATE log SET v = 'x' WHERE k IN ('k') AND c IN (2) IF EXISTS", &[]);
    assert_eq!(write.conditions[0].suffix, row("log", &[int(2)]));
    assert_eq!(
        refusal("UPDATE log SET v = 'x' WHERE k IN ('k', 'l') AND c = 2 IF EXISTS"),
        "IN on the partition key is not supported with conditional updates"
    );
}

#[test]
fn a_comparison_with_null_is_an_error_only_where_it_is_looked_at_first() {
    let found = tests("UPDATE log SET v = 'x' WHERE k = 'k' AND c = 2 IF v < null AND s = 1");
    assert_eq!(found[0].1, on("log", "v", Access::Whole, Comparison::In(Vec::new())));
    let first = "UPDATE log SET v = 'x' WHERE k = 'k' AND c = 2 IF v = 'y' AND s < null";
    assert_eq!(refusal_with(first, &[]), "Invalid comparison with null for operator \"<\"");
}

#[test]
fn statics_alone_are_updated_without_clustering_columns() {
    assert_eq!(
        refusal("UPDATE log SET s = 1 WHERE k = 'k' AND c = 2 IF EXISTS"),
        "Invalid restrictions on clustering columns since the UPDATE statement modifies only \
         static columns"
    );
}

#[test]
fn statics_that_are_not_read_do_not_make_a_static_row() {
    let text = "UPDATE log SET v = 'x' WHERE k = 'k' AND c = 2 IF s = 1";
    let other = bind(text, &[]).cas_result(false, &[live("log", &[])], None);
    assert_eq!(other.rows, [vec![Some(value::boolean(false))]]);
    assert_eq!(shown(text, &[live("log", &[("s", int(3))])]), named(&[("s", Some(int(3)))]));
}

#[test]
fn a_refusal_by_statics_alone_shows_the_first_row_of_the_partition() {
    let batch = "BEGIN BATCH UPDATE log SET v = 'x' WHERE k = 'k' AND c = 9 IF s = 1; APPLY BATCH";
    let write = bind(batch, &[]);
    let current = [live("log", &[("s", int(8))])];
    assert_eq!(write.first_row_of(false, &current), Some(&partition("log", &[text("k")])));
    assert_eq!(write.first_row_of(true, &current), None);
    let found = write.cas_result(false, &current, Some(&row("log", &[int(3)])));
    let expected = [Some(value::boolean(false)), Some(text("k")), Some(int(3)), Some(int(8))];
    assert_eq!(found.rows, [expected.to_vec()]);

    let write = bind("UPDATE log SET s = 2 WHERE k = 'k' IF s = 1", &[]);
    assert_eq!(write.first_row_of(false, &current), None, "the static row says enough");
    assert!(write.first_row_of(false, &[None]).is_some());
    let found = write.cas_result(false, &[None], Some(&row("log", &[int(3)])));
    assert_eq!(found.rows, [vec![Some(value::boolean(false)), None]]);
    let tested = bind("UPDATE log SET v = 'x' WHERE k = 'k' AND c = 9 IF v = 'y'", &[]);
    assert_eq!(tested.first_row_of(false, &[None]), None);
}

#[test]
fn what_has_no_order_is_not_compared_by_one() {
    let refused = |condition: &str| {
        refusal_with(&format!("UPDATE things SET l = [] WHERE k = 1 IF {condition}"), &[])
    };
    for (condition, kind, operator) in
        [("m >= {}", "map", ">="), ("s < {}", "set", "<"), ("l > []", "list", ">")]
    {
        assert_eq!(
            refused(condition),
            format!("Invalid comparison with an empty {kind} for operator \"{operator}\"")
        );
    }
    assert_eq!(tests("UPDATE things SET l = [] WHERE k = 1 IF fl < [] AND m = {}").len(), 2);
}

#[test]
fn nothing_contains_what_is_unset() {
    let write =
        bind("UPDATE things SET l = null WHERE k = 1 IF l CONTAINS ?", &[BoundValue::Unset]);
    let never = on("things", "l", Access::Whole, Comparison::In(Vec::new()));
    assert_eq!(write.conditions[0].test, never);
    assert_eq!(
        refusal_with("UPDATE things SET l = null WHERE k = 1 IF l CONTAINS ?", &[BoundValue::Null]),
        "Invalid comparison with null for operator \"CONTAINS\""
    );
}

#[test]
fn a_conditional_update_adds_to_numbers_and_texts_that_are_there() {
    let added = |assignment: &str| {
        let write = bind(&format!("UPDATE scalars SET {assignment} WHERE k = 1 IF EXISTS"), &[]);
        assert!(!write.idempotent, "{assignment}");
        match &write.mutations[0].changes[0].kind {
            ChangeKind::Upsert(change) => change.operations[0].1.clone(),
            other => panic!("{assignment}: {other:?}"),
        }
    };
    assert_eq!(added("int = int + 2"), Operation::Plus(Addable::Int, value::int(2)));
    assert_eq!(added("bigint += -1"), Operation::Plus(Addable::Bigint, value::bigint(-1)));
    assert_eq!(added("text = text + 'x'"), Operation::Plus(Addable::Text, value::text("x")));
    for name in ["blob", "boolean", "date", "inet", "timestamp", "uuid"] {
        let text = format!("UPDATE scalars SET {name} = {name} + 1 WHERE k = 1 IF EXISTS");
        let refused = refusal(&text);
        let why = format!("({name} = {name} + 1) for non-numeric and non-text type {name}");
        assert!(refused.contains(&why), "{refused}");
    }
}
