//! Terms of WHERE, SET and VALUES: mostly literals, sometimes functions, casts and arithmetic
//! that give a value of the type, or nearly.

use fastrand::Rng;

use super::{
    types::{Type, percent, word},
    value::{self, Literal},
    write::json,
};

/// A term for a value of a type, never null.
pub(super) fn term(rng: &mut Rng, of: &Type) -> String {
    match percent(rng, 5) {
        true => computed(rng, of),
        false => value::value(rng, of).to_string(),
    }
}

/// A term or, sometimes, null.
pub(super) fn part(rng: &mut Rng, of: &Type) -> String {
    match percent(rng, 12) {
        true => value::null().to_string(),
        false => term(rng, of),
    }
}

/// `(a, b)` after IN, which one marker can stand for.
pub(super) fn several(rng: &mut Rng, of: &Type) -> String {
    let count = *super::types::pick(rng, &[0, 1, 1, 2, 2, 2, 3, 3]).unwrap_or(&2);
    let items: Vec<Literal> = (0..count).map(|_| value::value(rng, of)).collect();
    if percent(rng, 40) {
        return value::in_list(&items).to_string();
    }
    let items: Vec<_> = items.iter().map(ToString::to_string).collect();
    format!("({})", items.join(", "))
}

/// A number after LIMIT or TTL, which a marker can stand for.
pub(super) fn count(rng: &mut Rng, all: &[i32]) -> String {
    value::int(*super::types::pick(rng, all).unwrap_or(&1)).to_string()
}

fn computed(rng: &mut Rng, of: &Type) -> String {
    if percent(rng, 15) {
        let document = json(rng, of).replace('\'', "''");
        return format!("{}('{document}')", word(rng, &["from_json", "fromJson"]));
    }
    if percent(rng, 15) {
        return format!("({of}) {}", value::value(rng, of));
    }
    let Type::Scalar(name) = of.inner() else { return value::value(rng, of).to_string() };
    let all: &[&str] = match *name {
        // Cassandra keeps the four bytes of a computed int in a varint, and under them as a key.
        "varint" => &["7", "-1"],
        "tinyint" | "smallint" | "int" | "bigint" | "counter" => &[
            "1 + 2",
            "2 * 3 - 4",
            "7 / 2",
            "-7 % 3",
            "(1 + 1) * 2",
            "-(2)",
            "CAST(2.7 AS int)",
            "abs(-2)",
            "blob_as_int(0x00000002)",
            "(int) 3",
            "1 / 0",
        ],
        "decimal" | "double" | "float" => &[
            "1.5 + 1",
            "1 / 3",
            "1.0 / 3",
            "round(2.5)",
            "CAST(2 AS double)",
            "exp(0)",
            "1e1 - 1",
            "-(1.5)",
        ],
        "text" | "varchar" | "ascii" => &[
            "(text) 'a'",
            "blob_as_text(0x61)",
            "CAST(1 AS text)",
            "'a' + 'b'",
            "mask_inner('abcd', 1, 1)",
            "to_json(1)",
        ],
        "timestamp" => &[
            "to_timestamp((date) '2024-02-29')",
            "'2024-01-02' + 1d",
            "to_timestamp(50554d6e-29bb-11e5-b345-feff819cdc9f)",
            "floor('2024-01-02 03:04:05+0000', 1h)",
            "(timestamp) 5 - 2h",
        ],
        "date" => &[
            "to_date(0)",
            "to_date((timestamp) 0)",
            "'2024-02-28' + 2d",
            "(date) '2024-01-31' + 1mo",
        ],
        "blob" => &["int_as_blob(3)", "text_as_blob('x')", "textAsBlob('é')", "0x00 + 0x01"],
        "timeuuid" | "uuid" => {
            &["min_timeuuid('2024-01-02 00:00+0000')", "maxTimeuuid('2024-01-02 00:00+0000')"]
        }
        "duration" => &["1h", "-1h", "-(2d)", "1h + 1h"],
        _ => &["null", "1", "'x'"],
    };
    word(rng, all).to_owned()
}
