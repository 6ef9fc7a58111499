//! `INSERT ... JSON`.

use cellar_cql::plan::BoundValue;

use crate::schema::*;

#[test]
fn a_document_is_the_same_as_its_values() {
    let json = bind(
        r#"INSERT INTO things JSON '{"k": 1, "l": [1, 2], "s": ["a"], "m": {"x": 5},
            "fl": [3], "a": {"street": "s", "zip": 7}, "t": [1, "x"], "e": [1, 2, 3]}'
            DEFAULT UNSET"#,
        &[],
    );
    let plain = bind(
        "INSERT INTO things (k, l, s, m, fl, a, t, e) VALUES (1, [1, 2], {'a'}, {'x': 5}, [3],
            {street: 's', zip: 7}, (1, 'x'), [1, 2, 3])",
        &[],
    );
    let sorted = |write: &cellar_cql::plan::write::BoundWrite| {
        let mut mutation = write.mutations[0].clone();
        for change in &mut mutation.changes {
            if let cellar_schema::ChangeKind::Upsert(row) = &mut change.kind {
                row.operations.sort_by_key(|(id, _)| *id);
            }
        }
        mutation
    };
    assert_eq!(sorted(&json), sorted(&plain));
}

#[test]
fn what_is_left_out_is_null_by_default() {
    let json = bind(r#"INSERT INTO simple JSON '{"k": 1, "v": "a"}'"#, &[]);
    let plain = bind("INSERT INTO simple (k, v, w) VALUES (1, 'a', null)", &[]);
    assert_eq!(json.mutations, plain.mutations);
}

#[test]
fn a_document_can_be_bound() {
    let planned = planned("INSERT INTO simple JSON ?");
    assert_eq!(planned.variables[0].name, "[json]");
    assert_eq!(planned.variables[0].cql_type, cellar_schema::CqlType::Text);
    let bound = bind("INSERT INTO simple JSON ? DEFAULT UNSET", &[some(text(r#"{"K": 1}"#))]);
    let plain = bind("INSERT INTO simple (k) VALUES (1)", &[]);
    assert_eq!(bound.mutations, plain.mutations);
}

#[test]
fn names_in_double_quotes_keep_their_case() {
    let json =
        bind(r#"INSERT INTO "Quoted" JSON '{"\"Key\"": 1, "\"Value\"": "v"}' DEFAULT UNSET"#, &[]);
    let plain = bind("INSERT INTO \"Quoted\" (\"Key\", \"Value\") VALUES (1, 'v')", &[]);
    assert_eq!(json.mutations, plain.mutations);
}

#[test]
fn documents_that_do_not_fit_are_refused() {
    let refused = |document: &str| refusal(&format!("INSERT INTO simple JSON '{document}'"));
    assert_eq!(
        refused(r#"{"k": 1, "nope": 2}"#),
        "JSON values map contains unrecognized column: nope"
    );
    assert_eq!(refused(r#"{"v": "a"}"#), "Invalid null value in condition for column k");
    assert_eq!(refused("null"), "Got null for INSERT JSON values");
    assert!(refused("[1]").starts_with("Could not decode JSON string as a map: [1]"));
    assert!(refused("{").starts_with("Could not decode JSON string as a map"));
    assert!(refused(r#"{"k": "x"}"#).starts_with("Error decoding JSON value for k: "));
    let null = refusal_with("INSERT INTO simple JSON ?", &[BoundValue::Null]);
    assert_eq!(null, "Got null for INSERT JSON values");
}
