//! `typeAsBlob` and `blobAsType`, in both spellings: the bytes of a value, and a value of bytes.

use cellar_schema::{CqlType, value};

use super::ScalarFn;
use super::choose::Call;
use crate::plan::PlanError;

/// The types that have these functions, by all their names.
const TYPES: [(&str, CqlType); 20] = [
    ("ascii", CqlType::Ascii),
    ("bigint", CqlType::Bigint),
    ("boolean", CqlType::Boolean),
    ("counter", CqlType::Counter),
    ("date", CqlType::Date),
    ("decimal", CqlType::Decimal),
    ("double", CqlType::Double),
    ("duration", CqlType::Duration),
    ("float", CqlType::Float),
    ("inet", CqlType::Inet),
    ("int", CqlType::Int),
    ("smallint", CqlType::Smallint),
    ("text", CqlType::Text),
    ("time", CqlType::Time),
    ("timestamp", CqlType::Timestamp),
    ("timeuuid", CqlType::Timeuuid),
    ("tinyint", CqlType::Tinyint),
    ("uuid", CqlType::Uuid),
    ("varchar", CqlType::Text),
    ("varint", CqlType::Varint),
];

/// The function of this family that a call means.
pub(super) fn find(call: &Call<'_>) -> Option<Result<ScalarFn, PlanError>> {
    let prefixed = |prefix| call.name.strip_prefix(prefix).and_then(named);
    let suffixed = |suffix| call.name.strip_suffix(suffix).and_then(named);
    let function = if let Some(from) = suffixed("_as_blob").or_else(|| suffixed("asblob")) {
        to_blob(call.name, from)
    } else {
        let to = prefixed("blob_as_").or_else(|| prefixed("blobas"))?;
        from_blob(call.name, to)
    };
    Some(call.among(vec![function]))
}

fn named(name: &str) -> Option<CqlType> {
    TYPES.iter().find(|(known, _)| *known == name).map(|(_, cql_type)| cql_type.clone())
}

fn to_blob(name: &str, from: CqlType) -> ScalarFn {
    let compute = |values: &[_]| Ok(values.first().cloned().flatten());
    ScalarFn::pure(name, vec![from], CqlType::Blob, compute)
}

fn from_blob(name: &str, to: CqlType) -> ScalarFn {
    let (function, target) = (name.to_owned(), to.clone());
    ScalarFn::pure(name, vec![CqlType::Blob], to, move |values| {
        let Some(Some(bytes)) = values.first() else { return Ok(None) };
        match value::validate(&target, bytes) {
            Ok(()) => Ok(Some(bytes.clone())),
            Err(_) => Err(PlanError::invalid(format!(
                "In call to function system.{function}, value {} is not a valid binary \
                 representation for type {target}",
                value::to_text(&CqlType::Blob, bytes)
            ))),
        }
    })
}
