//! Types in text, and values in bytes, text and JSON.
//!
//! First line: the type. The rest: bytes, text or JSON of a value, whichever it can be.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::value::{compare, from_json, from_text, to_json, to_text, validate};
use cellar_schema::{CqlType, UserType, keys};
use proptest::prelude::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::{Broken, Outcome, Signature, Target, same};

/// The strategies of the crate's own tests make the seeds.
#[path = "../../../../metadata-raft/schema/tests/values_and_keys/values.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "written for tests, which use more of it"
)]
mod strategies;

pub(crate) struct Values;

/// Texts and JSON of values with their types.
const TEXTS: &[&str] = &[
    "int\n-5",
    "bigint\n9223372036854775807",
    "varint\n-123456789012345678901234567890",
    "decimal\n-12.5e-10",
    "double\n-1.7976931348623157e308",
    "float\nNaN",
    "boolean\ntrue",
    "timestamp\n2024-02-29T23:59:59.999+14:00",
    "timestamp\n-1",
    "date\n-5877641-06-23",
    "date\n2147483648",
    "time\n23:59:59.999999999",
    "duration\n-1y2mo3w4d5h6m7s8ms9us10ns",
    "duration\nP1Y2M3DT4H5M6S",
    "duration\nP0001-02-03T04:05:06",
    "inet\n::ffff:1.2.3.4",
    "uuid\n550e8400-e29b-41d4-a716-446655440000",
    "timeuuid\n6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "blob\n0xcafe",
    "list<int>\n[1, \"2\", 3]",
    "set<text>\n[\"b\", \"a\", \"a\"]",
    "map<int, frozen<list<decimal>>>\n{\"1\": [1.5, \"2\"]}",
    "tuple<int, text>\n[1, null]",
    "vector<float, 3>\n[1, 2.5, -3e-5]",
    "frozen<address>\n{\"street\": \"x\", \"\\\"No\\\"\": 5}",
];

const WORDS: &[&str] = &[
    "list<",
    "set<",
    "map<",
    "tuple<",
    "frozen<",
    "vector<",
    "address",
    ">",
    ",",
    "int\n",
    "text\n",
    "decimal\n",
    "varint\n",
    "timestamp\n",
    "date\n",
    "duration\n",
    "inet\n",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "null",
    "-",
    "1e",
    "0x",
    "T",
    "Z",
    "+14:00",
    ".",
    ":",
    "P",
    "mo",
    "ns",
    "Infinity",
    "frozen<list<frozen<list<frozen<list<",
];

impl Target for Values {
    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut runner = TestRunner::deterministic();
        let mut seeds: Vec<Vec<u8>> = TEXTS.iter().map(|text| text.as_bytes().to_vec()).collect();
        for _ in 0..400 {
            let Ok(kind) = strategies::cql_type().new_tree(&mut runner) else { continue };
            let kind = kind.current();
            if let Ok(value) = strategies::value_of(&kind).new_tree(&mut runner) {
                let head = format!("{kind}\n");
                seeds.push([head.as_bytes(), &value.current()[..]].concat());
            }
        }
        seeds
    }

    fn words(&self) -> Vec<&'static [u8]> {
        WORDS.iter().map(|word| word.as_bytes()).collect()
    }

    fn run(&self, input: &[u8]) -> Outcome {
        let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
        let (head, value) = input.split_at_checked(end).unwrap_or((input, &[]));
        let value = value.get(1..).unwrap_or_default();
        let mut signature = Signature::default();
        let kind = match CqlType::parse(&String::from_utf8_lossy(head), &address) {
            Ok(kind) => kind,
            Err(error) => {
                signature.shape(format_args!("{error:?}"));
                return Ok(signature);
            }
        };
        let printed = kind.to_string();
        let again = CqlType::parse(&printed, &address)
            .map_err(|error| Broken(format!("the type {printed} cannot be read: {error}")))?;
        same("a type changed on the way", &again, &kind)?;
        signature.shape(format_args!("{kind:?}"));
        stored(&kind, &Bytes::copy_from_slice(value), &mut signature)?;
        written(&kind, value, &mut signature)?;
        Ok(signature)
    }
}

/// The bytes as a value.
fn stored(kind: &CqlType, value: &Bytes, signature: &mut Signature) -> Result<(), Broken> {
    let text = to_text(kind, value);
    let json = to_json(kind, value);
    signature.number(u64::from(compare(kind, value, value).is_eq()));
    if let Err(error) = validate(kind, value) {
        signature.shape(format_args!("{error:?}"));
        return Ok(());
    }
    signature.size(value.len());
    same("a value is not equal to itself", &compare(kind, value, value).is_eq(), &true)?;
    keys::element_key(kind, value)
        .map_err(|error| Broken(format!("a valid value has no key: {error}")))?;
    // Moments before the first day that text can say print, but do not read back.
    if value.is_empty() || text.contains("-292275055-05-16") {
        return Ok(());
    }
    if is_scalar(kind) {
        let inner = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        let inner = inner.map_or(text.clone(), |inner| inner.replace("''", "'"));
        let read = from_text(kind, &inner)
            .map_err(|error| Broken(format!("{kind} {text} cannot be read: {error}")))?;
        let equal = many_forms(kind) || compare(kind, &read, value).is_eq();
        same(&format!("{kind} {text} changed on the way"), &equal, &true)?;
    }
    // NaN and the infinities are null in JSON, which is no element; empty elements have no JSON.
    let shown = json.to_string();
    // Those within the keys of a map are text within text.
    if shown.contains("null") || shown.replace('\\', "").contains("\"\"") {
        return Ok(());
    }
    let read = read_json(kind, &json)?;
    // Reading gives the plain form, which reading again must not change.
    let again = read_json(kind, &to_json(kind, &read))?;
    let law = format!("{kind} {shown} changed on the way");
    same(&law, &compare(kind, &again, &read).is_eq(), &true)?;
    if many_forms(kind) {
        return Ok(());
    }
    same(&law, &compare(kind, &read, value).is_eq(), &true)
}

fn read_json(kind: &CqlType, json: &serde_json::Value) -> Result<Bytes, Broken> {
    match from_json(kind, json) {
        Ok(Some(read)) => Ok(read),
        other => Err(Broken(format!("the JSON {json} of {kind} cannot be read: {other:?}"))),
    }
}

/// Whether bytes from elsewhere may have other forms of an equal value, which do not compare as
/// equal: sets and maps in any order, durations with numbers longer than they need to be, and
/// inside others collections without even a count.
fn many_forms(kind: &CqlType) -> bool {
    let inside = |kind: &CqlType| !is_scalar(kind) || many_forms(kind);
    match kind {
        CqlType::Set(..) | CqlType::Map(..) | CqlType::Duration => true,
        CqlType::List(element, _) | CqlType::Vector(element, _) => inside(element),
        CqlType::Tuple(types) => types.iter().any(inside),
        CqlType::Udt(udt, _) => udt.fields.iter().any(|(_, kind)| inside(kind)),
        _ => false,
    }
}

/// The bytes as text and as JSON of a value.
fn written(kind: &CqlType, value: &[u8], signature: &mut Signature) -> Result<(), Broken> {
    let Ok(text) = std::str::from_utf8(value) else { return Ok(()) };
    let valid = |what: &str, read: &[u8]| {
        validate(kind, read).map_err(|error| Broken(format!("{what} of {kind}: {error}")))
    };
    match from_text(kind, text) {
        Ok(read) => valid("text", &read)?,
        Err(error) => signature.shape(format_args!("{error:?}")),
    }
    let Ok(json) = serde_json::from_str(text) else { return Ok(()) };
    match from_json(kind, &json) {
        Ok(Some(read)) => valid("JSON", &read)?,
        Ok(None) => signature.number(0),
        Err(error) => signature.shape(format_args!("{error:?}")),
    }
    Ok(())
}

fn is_scalar(kind: &CqlType) -> bool {
    let nested = matches!(kind, CqlType::Tuple(_) | CqlType::Udt(..) | CqlType::Vector(..));
    !kind.is_collection() && !nested
}

/// The one user-defined type there is.
fn address(name: &str) -> Option<Arc<UserType>> {
    let fields = vec![("street".to_owned(), CqlType::Text), ("No".to_owned(), CqlType::Int)];
    let user_type = UserType { keyspace: "ks".to_owned(), name: "address".to_owned(), fields };
    (name == "address").then(|| Arc::new(user_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_values() {
        for seed in Values.seeds() {
            Values.run(&seed).unwrap();
        }
    }
}
