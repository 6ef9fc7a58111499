//! `UPDATE`: rows, statics, counters, `IN`.

use cellar_schema::{Operation, keys, value};

use crate::schema::*;

#[test]
fn an_update_writes_columns_without_the_row_marker() {
    let write = bind("UPDATE simple SET v = 'x', w = null WHERE k = 1", &[]);
    let operations = [("v", Operation::Set(text("x"))), ("w", Operation::Delete)];
    assert_eq!(
        write.mutations,
        [mutation(
            partition("simple", &[int(1)]),
            vec![upsert("simple", row("simple", &[]), false, &operations)]
        )]
    );
}

#[test]
fn in_on_the_partition_key_makes_a_mutation_for_each_partition() {
    let write = bind("UPDATE simple SET v = 'x' WHERE k IN (2, 1, 2)", &[]);
    let change = upsert("simple", row("simple", &[]), false, &[("v", Operation::Set(text("x")))]);
    assert_eq!(
        write.mutations,
        [
            mutation(partition("simple", &[int(1)]), vec![change.clone()]),
            mutation(partition("simple", &[int(2)]), vec![change.clone()]),
        ]
    );
    let list = value::build_list(&[int(1), int(2)]);
    let listed = bind("UPDATE simple SET v = 'x' WHERE k IN ?", &[some(list)]);
    assert_eq!(listed.mutations, write.mutations);
    let planned = planned("UPDATE simple SET v = 'x' WHERE k IN ?");
    assert_eq!(planned.variables[0].name, "in(k)");
    assert_eq!(planned.variables[0].cql_type.to_string(), "frozen<list<int>>");
    assert!(planned.partition_key_variables.is_empty());
    assert!(bind("UPDATE simple SET v = 'x' WHERE k IN ()", &[]).mutations.is_empty());
    let none = bind("UPDATE log SET v = 'x', s = 1 WHERE k = 'a' AND c IN ()", &[]);
    assert!(none.mutations.is_empty(), "static columns stay too");
}

#[test]
fn in_on_clustering_columns_makes_a_change_for_each_row() {
    let set = [("v", Operation::Set(int(0)))];
    let rows = |pairs: &[(i32, i32)]| {
        let change =
            |(c1, c2): &(i32, i32)| upsert("two", row("two", &[int(*c1), int(*c2)]), false, &set);
        vec![mutation(partition("two", &[int(1)]), pairs.iter().map(change).collect())]
    };
    let product = bind("UPDATE two SET v = 0 WHERE k = 1 AND c1 IN (1, 2) AND c2 IN (3, 4)", &[]);
    assert_eq!(product.mutations, rows(&[(1, 3), (1, 4), (2, 3), (2, 4)]));
    let tuples = bind("UPDATE two SET v = 0 WHERE k = 1 AND (c1, c2) IN ((1, 2), (3, 4))", &[]);
    assert_eq!(tuples.mutations, rows(&[(1, 2), (3, 4)]));
    let tuple = bind("UPDATE two SET v = 0 WHERE k = 1 AND (c1, c2) = (1, 2)", &[]);
    assert_eq!(tuple.mutations, rows(&[(1, 2)]));
    let packed = value::build_tuple(&[Some(int(1)), Some(int(2))]);
    let marked = "UPDATE two SET v = 0 WHERE k = 1 AND (c1, c2) = ?";
    assert_eq!(bind(marked, &[some(packed.clone())]).mutations, rows(&[(1, 2)]));
    let list = value::build_list(&[packed]);
    let listed = "UPDATE two SET v = 0 WHERE k = 1 AND (c1, c2) IN ?";
    assert_eq!(bind(listed, &[some(list)]).mutations, rows(&[(1, 2)]));
    assert_eq!(planned(listed).variables[0].name, "in(c1,c2)");
}

#[test]
fn statics_alone_need_no_clustering_key() {
    let write = bind("UPDATE log SET s = 1 WHERE k = 'k'", &[]);
    let change = upsert("log", keys::static_suffix(), false, &[("s", Operation::Set(int(1)))]);
    assert_eq!(write.mutations, [mutation(partition("log", &[text("k")]), vec![change])]);
}

#[test]
fn counters_add_and_subtract() {
    let write = bind("UPDATE counts SET n = n + 3, m -= 2 WHERE k = 'k'", &[]);
    let operations = [("n", Operation::Add(3)), ("m", Operation::Add(-2))];
    assert_eq!(
        write.mutations,
        [mutation(
            partition("counts", &[text("k")]),
            vec![upsert("counts", row("counts", &[]), false, &operations)]
        )]
    );
    assert!(write.counter && !write.idempotent);
}

#[test]
fn an_update_of_nothing_sends_nothing() {
    let write = bind("UPDATE simple SET v = ? WHERE k = 1", &[cellar_cql::plan::BoundValue::Unset]);
    assert!(write.mutations.is_empty());
}

#[test]
fn a_write_whose_key_is_marked_announces_its_places() {
    let planned = planned("UPDATE wide SET v = ? WHERE b = ? AND c = ? AND d = ? AND a = ?");
    assert_eq!(planned.partition_key_variables, [4, 1]);
    assert_eq!(planned.tables, [(table_of("wide").id, 1)]);
}
