//! Large statements and large collections.

use cellar_schema::{ChangeKind, Operation, limits, value};

use crate::schema::*;

#[test]
fn a_statement_of_a_megabyte_is_planned_and_bound() {
    let long = "x".repeat(1 << 20);
    let write = bind(&format!("INSERT INTO simple (k, v) VALUES (1, '{long}')"), &[]);
    let ChangeKind::Upsert(change) = &write.mutations[0].changes[0].kind else { panic!() };
    let Operation::Set(value) = &change.operations[0].1 else { panic!() };
    assert_eq!(value.len(), 1 << 20);
}

#[test]
fn a_batch_of_a_megabyte_is_planned_and_bound() {
    let one = "INSERT INTO log (k, c, v) VALUES ('key', 1234567, 'some text of a row');";
    let count = (1 << 20) / one.len();
    let write = bind(&format!("BEGIN UNLOGGED BATCH {} APPLY BATCH", one.repeat(count)), &[]);
    assert_eq!(write.mutations.len(), 1);
    assert_eq!(write.mutations[0].changes.len(), count);
}

fn numbers(count: usize) -> String {
    (0..count).map(|number| number.to_string()).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_frozen_collection_of_a_hundred_thousand_elements_is_taken_as_it_is() {
    let text = format!("INSERT INTO things (k, fl) VALUES (1, [{}])", numbers(100_000));
    let write = bind(&text, &[]);
    let ChangeKind::Upsert(change) = &write.mutations[0].changes[0].kind else { panic!() };
    let Operation::Set(value) = &change.operations[0].1 else { panic!() };
    assert_eq!(value.len(), 4 + 100_000 * 8);
    let values = [some(value.clone())];
    let bound = bind("INSERT INTO things (k, fl) VALUES (1, ?)", &values);
    assert_eq!(bound.mutations, write.mutations);
}

#[test]
fn a_collection_that_is_stored_element_by_element_may_be_as_large() {
    for text in [
        format!("UPDATE things SET l = [{}] WHERE k = 1", numbers(100_000)),
        format!("UPDATE things SET l = l + [{}] WHERE k = 1", numbers(100_000)),
    ] {
        let write = bind(&text, &[]);
        let ChangeKind::Upsert(change) = &write.mutations[0].changes[0].kind else { panic!() };
        let (Operation::ListReplace(values) | Operation::ListAppend(values)) =
            &change.operations[0].1
        else {
            panic!()
        };
        assert_eq!(values.len(), 100_000);
    }
    let count = limits::COLLECTION_ELEMENTS_MAX + 1;
    let list = value::build_list(&vec![[0_u8; 4]; count]);
    let refused = try_bind("UPDATE things SET l = ? WHERE k = 1", &[some(list)]).unwrap_err();
    assert!(refused.to_string().contains(&count.to_string()), "{refused}");
}
