//! Functions inside the values of statements, from their text.

use std::sync::Arc;

use cellar_schema::Keyspace;

use super::*;
use crate::ast::{InsertValues, Statement};
use crate::parse_statement;
use crate::plan::term::prepare;
use crate::plan::{Binding, BoundValue, ColumnSpec, SchemaView, Scope};

struct NoSchema;

impl SchemaView for NoSchema {
    fn keyspace(&self, _: &str) -> Option<Arc<Keyspace>> {
        None
    }

    fn keyspace_names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The value of `INSERT INTO t (c) VALUES (term)` where `c` has this type, and whether it was
/// known when the statement was planned.
fn try_value(
    receiver: &CqlType,
    term: &str,
    bound: &[BoundValue],
) -> Result<(String, bool), PlanError> {
    let parsed = parse_statement(&format!("INSERT INTO t (c) VALUES ({term})"))?;
    let Statement::Insert(insert) = parsed.statement else { panic!("{term}") };
    let InsertValues::Columns(columns) = insert.values else { panic!("{term}") };
    let spec = ColumnSpec {
        keyspace: "ks".into(),
        table: "t".into(),
        name: "c".to_owned(),
        cql_type: receiver.clone(),
    };
    let mut scope = Scope::new(&NoSchema, Some("ks"), &parsed.markers);
    let expr = prepare(&mut scope, &columns[0].1, &spec)?;
    let env = env();
    let binding = Binding { values: bound, json: &[], env: &env };
    let bytes = expr.evaluate_set(&binding, term)?;
    let text = bytes.map_or("null".to_owned(), |bytes| {
        value::validate(receiver, &bytes).unwrap();
        value::to_text(receiver, &bytes)
    });
    Ok((text, expr.is_constant()))
}

fn value_of(receiver: &CqlType, term: &str) -> String {
    try_value(receiver, term, &[]).unwrap_or_else(|error| panic!("{term}: {error}")).0
}

#[test]
fn calls_are_values() {
    let vector = CqlType::Vector(Box::new(CqlType::Float), 2);
    for (receiver, term, expected) in [
        (CqlType::Int, "1 + 2 * 3", "7"),
        (CqlType::Int, "-(1 + 2)", "-3"),
        (CqlType::Tinyint, "100 + 27", "127"),
        (CqlType::Bigint, "7 / 2", "3"),
        (CqlType::Double, "7 / 2.0", "3.5"),
        (CqlType::Decimal, "1.10 * 2", "2.20"),
        (CqlType::Date, "'2016-10-04' - 2d", "'2016-10-02'"),
        (CqlType::Timestamp, "toTimestamp(toDate(now()))", "'2023-11-14T00:00:00.000Z'"),
        (CqlType::Bigint, "toUnixTimestamp(currentTimestamp())", "1700000000123"),
        (CqlType::Timeuuid, "minTimeuuid('1970-01-01')", "13814000-1dd2-11b2-8080-808080808080"),
        (CqlType::Text, "blobAsText(0x6162)", "'ab'"),
        (CqlType::Blob, "intAsBlob(1 + 2)", "0x00000003"),
        (CqlType::Text, "CAST(1.5 AS text)", "'1.5'"),
        (list(CqlType::Int), "fromJson('[2, 1]')", "[2, 1]"),
        (CqlType::Text, "toJson((list<int>)[1, 2])", "'[1, 2]'"),
        (CqlType::Float, "similarity_euclidean((vector<float, 2>)[1, 2], [1, 2])", "1.0"),
        (vector, "[1 + 1, abs(-3)]", "[2.0, 3.0]"),
        (CqlType::Int, "collection_sum([1, 2, 3])", "6"),
        (CqlType::Text, "mask_inner('secret', 1, null)", "'s*****'"),
        (CqlType::Int, "1 + (int) null", "null"),
        (CqlType::Int, "system.abs(-1)", "1"),
    ] {
        assert_eq!(value_of(&receiver, term), expected, "{term}");
    }
}

#[test]
fn constants_are_computed_in_the_type_of_their_place() {
    for (receiver, term, expected) in [
        (CqlType::Smallint, "2 * 3 - 4", "2"),
        (CqlType::Tinyint, "(1 + 1) * 2", "4"),
        (CqlType::Double, "7 / 2", "3.5"),
        (CqlType::Bigint, "abs(-2)", "2"),
        (CqlType::Text, "'a' + 'b'", "'ab'"),
        (CqlType::Ascii, "'' + 'b'", "'b'"),
        (CqlType::Text, "blobAsText(0x61) + 'b'", "'ab'"),
        (CqlType::Ascii, "mask_inner('abc', 1, 1)", "'a*c'"),
        (CqlType::Varint, "(int) 3", "3"),
        // More digits than a double has.
        (CqlType::Text, "CAST(12345678901234567890.5 AS text)", "'12345678901234567890.5'"),
        (CqlType::Text, "CAST(0.1 AS text)", "'0.1'"),
        (CqlType::Text, "CAST(1.50e3 AS text)", "'1500.0'"),
    ] {
        assert_eq!(value_of(&receiver, term), expected, "{term}");
    }
    let (bytes, _) = try_value(&CqlType::Blob, "varintAsBlob((int) 3)", &[]).unwrap();
    assert_eq!(bytes, "0x03");
    assert!(try_value(&CqlType::Int, "7 / 2.0", &[]).is_err());
    assert!(try_value(&CqlType::Inet, "'a' + 'b'", &[]).is_err());
}

#[test]
fn what_needs_no_request_is_computed_when_planned() {
    let known = |term| try_value(&CqlType::Int, term, &[]).unwrap().1;
    assert!(known("1 + 2"));
    assert!(known("CAST(toUnixTimestamp((date)'1970-01-02') AS int)"));
    assert!(!known("CAST(toUnixTimestamp(now()) AS int)"));
}

#[test]
fn markers_take_the_types_of_parameters() {
    let bound = |value: Bytes| vec![BoundValue::Bytes(value)];
    let of = |receiver: &CqlType, term, value| try_value(receiver, term, &bound(value));
    assert_eq!(of(&CqlType::Tinyint, "1 + ?", value::tinyint(2)).unwrap().0, "3");
    assert_eq!(of(&CqlType::Int, "1 + (int)?", value::int(2)).unwrap().0, "3");
    assert_eq!(of(&CqlType::Blob, "intAsBlob(?)", value::int(2)).unwrap().0, "0x00000002");
    let message = of(&CqlType::Blob, "intAsBlob(?)", value::bigint(2)).unwrap_err().to_string();
    assert!(message.contains("arg0(system.intasblob)"), "{message}");
    let ambiguous = of(&CqlType::Int, "? + 1", value::int(2)).unwrap_err().to_string();
    assert!(ambiguous.starts_with("Ambiguous '+' operation with args ? and "), "{ambiguous}");
}

#[test]
fn refusals_name_the_function() {
    let message =
        |receiver: CqlType, term: &str| try_value(&receiver, term, &[]).unwrap_err().to_string();
    assert_eq!(message(CqlType::Int, "nofunction(1)"), "Unknown function 'nofunction'");
    assert_eq!(message(CqlType::Int, "ks.abs(1)"), "Unknown function 'ks.abs'");
    assert_eq!(
        message(CqlType::Int, "now()"),
        "Type error: cannot assign result of function system.now (type timeuuid) to c (type int)"
    );
    assert_eq!(message(CqlType::Int, "1 / 0"), "the operation 'int / int' failed: / by zero");
    assert_eq!(
        message(CqlType::Int, "CAST(2 AS text)"),
        "Cannot assign value of type text to c of type int"
    );
    assert!(
        message(CqlType::Bigint, "toUnixTimestamp('1970-01-02')").starts_with("Ambiguous call")
    );
}
