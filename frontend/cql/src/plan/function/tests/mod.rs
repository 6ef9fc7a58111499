//! Calls of functions as statements make them. Expected values without a remark are those of
//! Cassandra's own tests or follow from its documentation.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail loudly"
)]

mod arithmetic;
mod blob;
mod cast;
mod collection;
mod floor;
mod json;
mod mask;
mod math;
mod never_panics;
mod terms;
mod time;
mod token;
mod vector;

use bytes::Bytes;
use cellar_schema::{CqlType, Frozen, value};

use super::{Argument, ScalarFn, resolve};
use crate::ast::{Ident, QualifiedName};
use crate::plan::{Env, PlanError};

const NOW_US: i64 = 1_700_000_000_123_456;

fn env() -> Env {
    Env { now_us: NOW_US, default_timestamp_us: None, protocol: 4 }
}

fn named(name: &str) -> QualifiedName {
    QualifiedName { keyspace: None, name: Ident::folded(name) }
}

fn typed(cql_type: &CqlType) -> Argument {
    Argument::Typed(cql_type.clone())
}

/// A value of a type from its text or JSON form.
fn of(cql_type: &CqlType, text: &str) -> Bytes {
    value::from_text(cql_type, text).unwrap_or_else(|_| {
        let json = serde_json::from_str(text).unwrap();
        value::from_json(cql_type, &json).unwrap().unwrap()
    })
}

fn run(function: &ScalarFn, arguments: &[Option<Bytes>]) -> Result<Option<Bytes>, PlanError> {
    (function.compute)(&env(), arguments)
}

fn try_call(name: &str, arguments: &[(CqlType, &str)]) -> Result<String, PlanError> {
    let types = arguments.iter().map(|(cql_type, _)| typed(cql_type)).collect::<Vec<_>>();
    let function = resolve(&named(name), &types, None)?;
    let values = arguments.iter().map(|(cql_type, text)| Some(of(cql_type, text)));
    let result = run(&function, &values.collect::<Vec<_>>())?;
    if let Some(bytes) = &result {
        value::validate(&function.result, bytes).unwrap();
    }
    Ok(result.map_or("null".to_owned(), |bytes| value::to_text(&function.result, &bytes)))
}

/// The result of a call as a CQL literal.
fn call(name: &str, arguments: &[(CqlType, &str)]) -> String {
    try_call(name, arguments).unwrap()
}

/// The message of a call that fails.
fn refused(name: &str, arguments: &[(CqlType, &str)]) -> String {
    try_call(name, arguments).unwrap_err().to_string()
}

/// The message for a call that no function takes.
fn unresolved(name: &str, arguments: &[Argument]) -> String {
    resolve(&named(name), arguments, None).unwrap_err().to_string()
}

fn list(element: CqlType) -> CqlType {
    CqlType::List(Box::new(element), Frozen::Yes)
}

#[test]
fn unknown_names_and_foreign_keyspaces_are_no_functions() {
    assert_eq!(unresolved("nofunction", &[]), "Unknown function 'nofunction'");
    let foreign = QualifiedName { keyspace: Some(Ident::folded("ks")), name: Ident::folded("now") };
    let message = resolve(&foreign, &[], None).unwrap_err().to_string();
    assert_eq!(message, "Unknown function 'ks.now'");
    let system = QualifiedName { keyspace: Some(Ident::folded("system")), ..foreign };
    assert_eq!(resolve(&system, &[], None).unwrap().result, CqlType::Timeuuid);
}

#[test]
fn calls_that_match_no_signature_name_those_there_are() {
    assert_eq!(
        unresolved("toDate", &[typed(&CqlType::Int)]),
        "Invalid call to function todate, none of its type signatures match (known type \
         signatures: system.todate : (timeuuid) -> date, system.todate : (timestamp) -> date)"
    );
    assert_eq!(
        unresolved("toDate", &[Argument::Unknown]),
        "Ambiguous call to function todate (can be matched by following signatures: \
         system.todate : (timeuuid) -> date, system.todate : (timestamp) -> date): use type casts \
         to disambiguate"
    );
    assert_eq!(
        unresolved("now", &[Argument::Unknown]),
        "Invalid number of arguments in call to function system.now: 0 required but 1 provided"
    );
    assert_eq!(
        unresolved("intAsBlob", &[typed(&CqlType::Text)]),
        "Type error: text cannot be passed as argument 0 of function system.intasblob of type int"
    );
}

#[test]
fn nothing_is_asked_of_null() {
    for (name, cql_type) in [
        ("toDate", CqlType::Timeuuid),
        ("toUnixTimestamp", CqlType::Date),
        ("minTimeuuid", CqlType::Timestamp),
        ("blobAsInt", CqlType::Blob),
        ("intAsBlob", CqlType::Int),
        ("token", CqlType::Int),
        ("log10", CqlType::Decimal),
        ("collection_sum", list(CqlType::Int)),
        ("collection_count", list(CqlType::Int)),
        ("mask_null", CqlType::Int),
    ] {
        let function = resolve(&named(name), &[typed(&cql_type)], None).unwrap();
        assert_eq!(run(&function, &[None]).unwrap(), None, "{name}");
    }
}
