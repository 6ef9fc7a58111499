//! What a SELECT selects: columns, elements, functions, casts, arithmetic, aggregates.

use fastrand::Rng;

use super::{
    schema::{Column, Part, Table},
    types::{SCALARS, Type, percent, pick, word},
    value::value,
};

/// An item of a SELECT clause.
pub(super) fn selected(rng: &mut Rng, table: &Table, aggregates: bool) -> String {
    let text = match rng.u8(..100) {
        _ if aggregates && percent(rng, 60) => aggregate(rng, table),
        0..=34 => name(rng, table),
        35..=44 => access(rng, table),
        45..=54 => stamp(rng, table),
        55..=64 => cast(rng, table),
        65..=76 => arithmetic(rng, table),
        77..=97 => call(rng, table),
        _ => aggregate(rng, table),
    };
    // What the clock gives is known by the name of the function.
    let lower = text.to_ascii_lowercase();
    let stamped = lower.contains("writetime(") || lower.contains("ttl(");
    match percent(rng, 12) && !stamped {
        true => format!("{text} AS {}", word(rng, &["a", "b", "\"Alias\"", "\"x y\"", "k"])),
        false => text,
    }
}

fn name(rng: &mut Rng, table: &Table) -> String {
    pick(rng, &table.columns).map(|column| column.name.clone()).unwrap_or_default()
}

/// A column for which something holds, or any.
fn such<'a>(
    rng: &mut Rng,
    table: &'a Table,
    holds: impl Fn(&Column) -> bool,
) -> Option<&'a Column> {
    let fitting: Vec<&Column> = table.columns.iter().filter(|column| holds(column)).collect();
    match fitting.is_empty() || percent(rng, 6) {
        true => pick(rng, &table.columns),
        false => pick(rng, &fitting).copied(),
    }
}

/// An element of a collection or a field of a user-defined type.
fn access(rng: &mut Rng, table: &Table) -> String {
    let accessible =
        |column: &Column| matches!(column.of.inner(), Type::Set(_) | Type::Map(_) | Type::Udt(_));
    let Some(column) = such(rng, table, accessible) else { return "*".into() };
    let name = &column.name;
    match column.of.inner() {
        Type::Set(item) if percent(rng, 30) => {
            format!("{name}[{}..{}]", value(rng, item), value(rng, item))
        }
        Type::Set(item) => format!("{name}[{}]", value(rng, item)),
        Type::Map(pair) if percent(rng, 25) => match rng.u8(..3) {
            0 => format!("{name}[{}..]", value(rng, &pair.0)),
            1 => format!("{name}[..{}]", value(rng, &pair.0)),
            _ => format!("{name}[{}..{}]", value(rng, &pair.0), value(rng, &pair.0)),
        },
        Type::Map(pair) => format!("{name}[{}]", value(rng, &pair.0)),
        Type::Udt(udt) => {
            let field = pick(rng, &udt.fields).map_or("none", |(field, _)| *field);
            format!("{name}.{field}")
        }
        _ => format!("{name}[0]"),
    }
}

/// Times of writes and of expiry.
fn stamp(rng: &mut Rng, table: &Table) -> String {
    let value = |column: &Column| matches!(column.part, Part::Regular | Part::Static);
    let Some(column) = such(rng, table, value) else { return "*".into() };
    let function = word(rng, &["writetime", "ttl", "maxwritetime", "WRITETIME", "TTL"]);
    let of = match column.of.inner() {
        Type::Map(_) | Type::Set(_) | Type::Udt(_) if percent(rng, 25) => access(rng, table),
        _ => column.name.clone(),
    };
    format!("{function}({of})")
}

fn cast(rng: &mut Rng, table: &Table) -> String {
    let scalar = |column: &Column| matches!(column.of, Type::Scalar(_));
    let Some(column) = such(rng, table, scalar) else { return "*".into() };
    let numbers = ["int", "bigint", "double", "float", "decimal", "varint", "smallint", "tinyint"];
    let to = match column.of.is_number() {
        _ if percent(rng, 25) => word(rng, &SCALARS),
        true => word(rng, &numbers),
        false => word(rng, &["text", "ascii", "timestamp", "date", "varchar"]),
    };
    format!("CAST({} AS {to})", column.name)
}

fn arithmetic(rng: &mut Rng, table: &Table) -> String {
    let number = |column: &Column| column.of.is_number();
    let Some(left) = such(rng, table, number) else { return "*".into() };
    let operator = word(rng, &["+", "-", "*", "/", "%"]);
    if left.of.is("timestamp") || left.of.is("date") {
        return format!("{} {operator} {}", left.name, word(rng, &["1d", "2mo", "1h", "1y2mo"]));
    }
    let right = match rng.u8(..4) {
        0 => such(rng, table, number).map(|column| column.name.clone()).unwrap_or_default(),
        1 => value(rng, &left.of).to_string(),
        2 => word(rng, &["1", "2", "-3", "0", "2.5", "10000000000", "1e2"]).to_owned(),
        _ => format!("({} {} 2)", left.name, word(rng, &["+", "-", "*", "/"])),
    };
    match rng.u8(..6) {
        0 => format!("-{}", left.name),
        1 => format!("{right} {operator} {}", left.name),
        _ => format!("{} {operator} {right}", left.name),
    }
}

fn aggregate(rng: &mut Rng, table: &Table) -> String {
    match rng.u8(..10) {
        0..=1 => word(rng, &["count(*)", "count(1)", "COUNT(*)"]).to_owned(),
        2..=3 => format!("count({})", name(rng, table)),
        4..=6 => format!("{}({})", word(rng, &["min", "max"]), name(rng, table)),
        _ => {
            let column = such(rng, table, |column| column.of.is_number());
            let argument = match percent(rng, 15) {
                true => cast(rng, table),
                false => column.map(|column| column.name.clone()).unwrap_or_default(),
            };
            format!("{}({argument})", word(rng, &["sum", "avg"]))
        }
    }
}

/// A call of a function that fits the type of its argument, mostly.
fn call(rng: &mut Rng, table: &Table) -> String {
    if percent(rng, 12) {
        let names: Vec<_> = table.partition().iter().map(|column| column.name.clone()).collect();
        return format!("token({})", names.join(", "));
    }
    if percent(rng, 12) {
        let Some(vector) = such(rng, table, |column| matches!(column.of, Type::Vector(..))) else {
            return "*".into();
        };
        let kind = word(rng, &["cosine", "euclidean", "dot_product"]);
        return format!("similarity_{kind}({}, {})", vector.name, value(rng, &vector.of));
    }
    let Some(column) = pick(rng, &table.columns) else { return "*".into() };
    let name = &column.name;
    if percent(rng, 25) {
        return mask(rng, column);
    }
    if percent(rng, 10) {
        return format!("{}({name})", word(rng, &["to_json", "toJson"]));
    }
    match column.of.inner() {
        Type::List(_) | Type::Set(_) | Type::Map(_) => {
            let all = ["count", "min", "max", "sum", "avg"];
            match column.of.inner() {
                Type::Map(_) if rng.bool() => {
                    format!("map_{}({name})", word(rng, &["keys", "values"]))
                }
                _ => format!("collection_{}({name})", word(rng, &all)),
            }
        }
        Type::Scalar(of) => scalar_call(rng, name, of),
        _ => format!("{}({name})", word(rng, &["to_json", "blob_as_text", "abs"])),
    }
}

fn scalar_call(rng: &mut Rng, name: &str, of: &str) -> String {
    let blob = |rng: &mut Rng| match rng.u8(..3) {
        0 => format!("{of}_as_blob({name})"),
        1 => format!("blob_as_{of}({of}_as_blob({name}))"),
        _ => format!("{of}AsBlob({name})"),
    };
    match of {
        "timeuuid" | "timestamp" | "date" => {
            let functions =
                ["to_date", "to_timestamp", "to_unix_timestamp", "toDate", "toUnixTimestamp"];
            match rng.u8(..4) {
                0 => format!("{}({name})", word(rng, &["min_timeuuid", "max_timeuuid"])),
                1 => blob(rng),
                _ => format!("{}({name})", word(rng, &functions)),
            }
        }
        "blob" => format!("blob_as_{}({name})", word(rng, &SCALARS)),
        "int" | "bigint" | "smallint" | "tinyint" | "varint" | "decimal" | "float" | "double" => {
            match rng.bool() {
                true => format!("{}({name})", word(rng, &["abs", "exp", "log", "log10", "round"])),
                false => blob(rng),
            }
        }
        "counter" => format!("{}({name})", word(rng, &["abs", "bigint_as_blob", "blob_as_int"])),
        _ => blob(rng),
    }
}

fn mask(rng: &mut Rng, column: &Column) -> String {
    let name = &column.name;
    match rng.u8(..6) {
        0 => format!("mask_null({name})"),
        1 => format!("mask_default({name})"),
        2 => format!("mask_replace({name}, {})", value(rng, &column.of)),
        3 => format!("mask_inner({name}, {}, {})", rng.u8(..3), word(rng, &["1", "null", "0"])),
        4 => format!("mask_outer({name}, 1, 1, '{}')", word(rng, &["#", "x"])),
        _ => format!("mask_hash({name}{})", word(rng, &["", ", 'SHA-512'", ", 'MD5'"])),
    }
}
