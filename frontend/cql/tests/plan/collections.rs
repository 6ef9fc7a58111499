//! Collections, tuples, user-defined types and vectors: whole and by element.

use bytes::Bytes;
use cellar_cql::plan::BoundValue;
use cellar_schema::{ChangeKind, CqlType, NewElement, Operation, keys, value};

use crate::schema::*;

fn operation(text: &str, values: &[BoundValue]) -> Operation {
    let write = bind(text, values);
    match &write.mutations[0].changes[0].kind {
        ChangeKind::Upsert(change) => {
            assert_eq!(change.operations.len(), 1, "{text}");
            change.operations[0].1.clone()
        }
        other => panic!("{text}: {other:?}"),
    }
}

fn set(assignment: &str) -> Operation {
    operation(&format!("UPDATE things SET {assignment} WHERE k = 1"), &[])
}

fn member(text: &str) -> NewElement {
    NewElement {
        key: keys::element_key(&CqlType::Text, text.as_bytes()).unwrap(),
        name: Bytes::new(),
        value: Some(value::text(text)),
    }
}

fn entry(key: &str, number: i32) -> NewElement {
    NewElement {
        key: keys::element_key(&CqlType::Text, key.as_bytes()).unwrap(),
        name: text(key),
        value: Some(int(number)),
    }
}

fn field(index: u8, value: Bytes) -> NewElement {
    NewElement { key: Bytes::copy_from_slice(&[0, index]), name: Bytes::new(), value: Some(value) }
}

#[test]
fn lists_are_replaced_extended_and_edited() {
    assert_eq!(set("l = [1, 2]"), Operation::ListReplace(vec![int(1), int(2)]));
    assert_eq!(set("l = []"), Operation::ListReplace(Vec::new()));
    assert_eq!(set("l = null"), Operation::ListReplace(Vec::new()));
    assert_eq!(set("l = l + [3]"), Operation::ListAppend(vec![int(3)]));
    assert_eq!(set("l += [3]"), Operation::ListAppend(vec![int(3)]));
    assert_eq!(set("l = [3, 4] + l"), Operation::ListPrepend(vec![int(3), int(4)]));
    assert_eq!(set("l = l - [3]"), Operation::ListDiscard(vec![int(3)]));
    assert_eq!(set("l[2] = 9"), Operation::ListSet(2, Some(int(9))));
    assert_eq!(set("l[2] = null"), Operation::ListSet(2, None));
    assert!(!bind("UPDATE things SET l = l + [1] WHERE k = 1", &[]).idempotent);
    assert!(bind("UPDATE things SET l = [1] WHERE k = 1", &[]).idempotent);
}

#[test]
fn sets_are_replaced_and_changed_by_element() {
    assert_eq!(set("s = {'b', 'a', 'b'}"), Operation::Replace(vec![member("a"), member("b")]));
    assert_eq!(set("s = {}"), Operation::Replace(Vec::new()));
    assert_eq!(set("s = s + {'a'}"), Operation::Put(vec![member("a")]));
    assert_eq!(set("s -= {'a'}"), Operation::Remove(vec![member("a").key]));
    assert!(bind("UPDATE things SET s = s + {'a'} WHERE k = 1", &[]).idempotent);
}

#[test]
fn maps_are_replaced_and_changed_by_key() {
    assert_eq!(set("m = {'a': 1}"), Operation::Replace(vec![entry("a", 1)]));
    assert_eq!(set("m = {}"), Operation::Replace(Vec::new()));
    assert_eq!(set("m = m + {'a': 1}"), Operation::Put(vec![entry("a", 1)]));
    assert_eq!(set("m['a'] = 1"), Operation::Put(vec![entry("a", 1)]));
    assert_eq!(set("m['a'] = null"), Operation::Remove(vec![entry("a", 1).key]));
    assert_eq!(set("m = m - {'a'}"), Operation::Remove(vec![entry("a", 1).key]));
}

#[test]
fn user_types_are_replaced_and_changed_by_field() {
    assert_eq!(
        set("a = {zip: 1, street: 's'}"),
        Operation::Replace(vec![field(0, text("s")), field(1, int(1))])
    );
    assert_eq!(set("a.zip = 5"), Operation::Put(vec![field(1, int(5))]));
    assert_eq!(set("a.zip = null"), Operation::Remove(vec![Bytes::from_static(&[0, 1])]));
    let tags = value::build_list(&[text("x"), text("y")]);
    let whole = value::build_tuple(&[Some(text("s")), None, Some(tags)]);
    assert_eq!(set("fa = {street: 's', tags: {'y', 'x'}}"), Operation::Set(whole.clone()));
    let list =
        operation("INSERT INTO lists_of (k, l) VALUES (1, [{street: 's', tags: {'x', 'y'}}])", &[]);
    assert_eq!(list, Operation::ListReplace(vec![whole]));
}

#[test]
fn frozen_values_are_one_value() {
    let list = value::build_list(&[int(2), int(1)]);
    assert_eq!(set("fl = [2, 1]"), Operation::Set(list));
    assert_eq!(set("fs = {2, 1}"), Operation::Set(value::build_list(&[int(1), int(2)])));
    let map = value::build_map(&[(int(1), text("a")), (int(2), text("b"))]);
    assert_eq!(set("fm = {2: 'b', 1: 'z', 1: 'a'}"), Operation::Set(map));
    let tuple = value::build_tuple(&[Some(int(1)), None]);
    assert_eq!(set("t = (1, null)"), Operation::Set(tuple.clone()));
    assert_eq!(set("t = (1)"), Operation::Set(tuple));
    let vector = value::build_vector(&CqlType::Float, &[1.0_f32, 2.5, -1.0].map(value::float));
    assert_eq!(set("e = [1, 2.5, -1]"), Operation::Set(vector));
}

#[test]
fn sets_and_maps_sent_by_clients_are_put_in_order() {
    let sent = value::build_list(&[int(3), int(1), int(2), int(1)]);
    let kept = value::build_list(&[int(1), int(2), int(3)]);
    let bound = operation("UPDATE things SET fs = ? WHERE k = 1", &[some(sent)]);
    assert_eq!(bound, Operation::Set(kept));
    let sent = value::build_map(&[(int(2), text("b")), (int(1), text("a"))]);
    let kept = value::build_map(&[(int(1), text("a")), (int(2), text("b"))]);
    let bound = operation("UPDATE things SET fm = ? WHERE k = 1", &[some(sent)]);
    assert_eq!(bound, Operation::Set(kept));
    let address =
        |tags: [Bytes; 2]| value::build_tuple(&[None, None, Some(value::build_list(&tags))]);
    let bound =
        operation("UPDATE things SET fa = ? WHERE k = 1", &[some(address([text("b"), text("a")]))]);
    assert_eq!(bound, Operation::Set(address([text("a"), text("b")])));
}

#[test]
fn markers_inside_collections_are_announced_and_bound() {
    let statement = "UPDATE things SET l = [1, ?], t = (?, 'x'), m = {?: ?} WHERE k = 1";
    let planned = planned(statement);
    let types: Vec<String> = planned.variables.iter().map(|v| v.cql_type.to_string()).collect();
    assert_eq!(types, ["int", "int", "text", "int"]);
    let names: Vec<&str> = planned.variables.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["value(l)", "t[0]", "key(m)", "value(m)"]);
    let bound = bind(statement, &[some(int(2)), some(int(3)), some(text("k")), some(int(4))]);
    let plain = bind("UPDATE things SET l = [1, 2], t = (3, 'x'), m = {'k': 4} WHERE k = 1", &[]);
    assert_eq!(bound.mutations, plain.mutations);
}
