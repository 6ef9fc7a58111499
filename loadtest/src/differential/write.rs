//! INSERT, UPDATE, DELETE and BATCH with every clause.

use fastrand::Rng;

use super::{
    relation::{self, Reach},
    schema::{Column, Part, Table},
    term::{count as number, part, several, term},
    types::{Type, percent, pick, word},
    value::{bigint, value},
};

/// A write to a table; `time` is the time that it may give itself. A batch may write to
/// `another` table too.
pub(super) fn write(rng: &mut Rng, table: &Table, another: Option<&Table>, time: i64) -> String {
    if percent(rng, 12) { batch(rng, table, another, time) } else { single(rng, table, time) }
}

/// One write of its own.
pub(super) fn single(rng: &mut Rng, table: &Table, time: i64) -> String {
    if table.has_counters() {
        return match rng.u8(..100) {
            0..=79 => count(rng, table),
            80..=96 => delete(rng, table, time),
            _ => insert(rng, table, time),
        };
    }
    match rng.u8(..100) {
        0..=44 => insert(rng, table, time),
        45..=79 => update(rng, table, time),
        _ => delete(rng, table, time),
    }
}

fn batch(rng: &mut Rng, table: &Table, another: Option<&Table>, time: i64) -> String {
    let kind = match table.has_counters() != percent(rng, 4) {
        true => "COUNTER ",
        false => word(rng, &["", "UNLOGGED "]),
    };
    let using = match !table.conditional && !table.has_counters() && percent(rng, 25) {
        true => format!(" USING TIMESTAMP {time}"),
        false => String::new(),
    };
    let count = rng.usize(1..5);
    let mut statements = String::new();
    for _ in 0..count {
        let table = if rng.bool() { another.unwrap_or(table) } else { table };
        statements += &format!("{}; ", single(rng, table, time));
    }
    format!("BEGIN {kind}BATCH{using} {statements}APPLY BATCH")
}

/// Seconds of TTLs, some of them wrong.
const TTLS: [i32; 12] = [
    1_000_000,
    2_000_000,
    1_000_000,
    2_000_000,
    1_000_000,
    2_000_000,
    1_000_000,
    2_000_000,
    0,
    0,
    -1,
    630_720_001,
];

/// USING, sometimes.
fn using(rng: &mut Rng, table: &Table, time: i64, expiry: bool) -> String {
    let mut parts = Vec::new();
    if !table.conditional && percent(rng, 30) {
        parts.push(format!("TIMESTAMP {}", bigint(time - rng.i64(0..40))));
    }
    if expiry && percent(rng, 15) {
        parts.push(format!("TTL {}", number(rng, &TTLS)));
    }
    match parts.is_empty() {
        true => String::new(),
        false => format!(" USING {}", parts.join(" AND ")),
    }
}

fn insert(rng: &mut Rng, table: &Table, time: i64) -> String {
    let mut columns: Vec<&Column> = Vec::new();
    for column in &table.columns {
        let is_key = matches!(column.part, Part::Partition | Part::Clustering { .. });
        if (is_key && !percent(rng, 2)) || (!is_key && percent(rng, 60)) {
            columns.push(column);
        }
    }
    let values: Vec<String> = columns
        .iter()
        .map(|column| match column.part {
            Part::Static | Part::Regular => part(rng, &column.of),
            _ if percent(rng, 1) => "null".to_owned(),
            _ => term(rng, &column.of),
        })
        .collect();
    let condition = match percent(rng, if table.conditional { 45 } else { 0 }) {
        true => " IF NOT EXISTS",
        false => "",
    };
    let using = using(rng, table, time, true);
    if percent(rng, 8) && !values.is_empty() {
        return insert_json(rng, table, &columns) + condition + &using;
    }
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    let (names, values) = (names.join(", "), values.join(", "));
    format!("INSERT INTO {} ({names}) VALUES ({values}){condition}{using}", table.name)
}

/// INSERT JSON, with the texts that JSON knows for values.
fn insert_json(rng: &mut Rng, table: &Table, columns: &[&Column]) -> String {
    let fields: Vec<_> = columns
        .iter()
        .map(|column| {
            let name = column.name.replace('"', "\\\"");
            format!("\"{name}\": {}", json(rng, &column.of))
        })
        .collect();
    let unset = word(rng, &["", "", " DEFAULT UNSET", " DEFAULT NULL"]);
    let document = format!("{{{}}}", fields.join(", ")).replace('\'', "''");
    format!("INSERT INTO {} JSON '{document}'{unset}", table.name)
}

pub(super) fn json(rng: &mut Rng, of: &Type) -> String {
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    match of.inner() {
        Type::List(item) | Type::Set(item) => {
            list((0..rng.usize(..3)).map(|_| json(rng, item)).collect())
        }
        Type::Vector(item, length) => list((0..*length).map(|_| json(rng, item)).collect()),
        Type::Tuple(items) => list(items.iter().map(|item| json(rng, item)).collect()),
        Type::Map(pair) => {
            let key = json(rng, &pair.0);
            let key = match key.starts_with('"') {
                true => key,
                false => format!("\"{}\"", key.replace('"', "\\\"")),
            };
            format!("{{{key}: {}}}", json(rng, &pair.1))
        }
        Type::Udt(udt) => {
            let fields: Vec<_> = udt
                .fields
                .iter()
                .map(|(name, of)| format!("\"{name}\": {}", json(rng, of)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        Type::Scalar(_) | Type::Frozen(_) => {
            if percent(rng, 6) {
                return word(rng, &["null", "true", "\"x\"", "1.5", "[]", "{}"]).to_owned();
            }
            let text = value(rng, of).text;
            match text.strip_prefix('\'') {
                Some(rest) => {
                    let text = rest.strip_suffix('\'').unwrap_or(rest);
                    format!("\"{}\"", text.replace("''", "'"))
                }
                None if text.parse::<f64>().is_ok_and(f64::is_finite) => text,
                None if matches!(text.as_str(), "true" | "false") => text,
                None => format!("\"{}\"", text.trim_matches('$')),
            }
        }
    }
}

fn update(rng: &mut Rng, table: &Table, time: i64) -> String {
    let statics = !table.statics().is_empty() && percent(rng, 15);
    let columns = if statics { table.statics() } else { table.values() };
    let mut assignments = Vec::new();
    let mut columns = columns;
    rng.shuffle(&mut columns);
    for column in columns.iter().take(rng.usize(1..4)) {
        assignments.push(assignment(rng, column));
    }
    if percent(rng, 2) {
        assignments.extend(pick(rng, &table.columns).map(|column| assignment(rng, column)));
    }
    let using = using(rng, table, time, true);
    let reach = if statics { Reach::Partition } else { Reach::Row };
    let relations = relation::of_write(rng, table, reach);
    let condition = condition(rng, table);
    let name = &table.name;
    format!("UPDATE {name}{using} SET {}{relations}{condition}", assignments.join(", "))
}

fn assignment(rng: &mut Rng, column: &Column) -> String {
    let name = &column.name;
    if percent(rng, 40) {
        return format!("{name} = {}", part(rng, &column.of));
    }
    match &column.of {
        Type::List(item) => match rng.u8(..4) {
            0 => format!("{name} = {name} + {}", value(rng, &column.of)),
            1 => format!("{name} = {} + {name}", value(rng, &column.of)),
            2 => format!("{name} = {name} - {}", value(rng, &column.of)),
            _ => format!("{name}[{}] = {}", rng.u8(..3), part(rng, item)),
        },
        Type::Set(_) => match rng.u8(..5) {
            0 => format!("{name} += {}", value(rng, &column.of)),
            1 => format!("{name} -= {}", value(rng, &column.of)),
            2 => format!("{name} = {} + {name}", value(rng, &column.of)),
            3 => format!("{name} = {name} - {}", value(rng, &column.of)),
            _ => format!("{name} = {name} + {}", value(rng, &column.of)),
        },
        Type::Map(pair) => match rng.u8(..3) {
            0 => format!("{name} = {name} + {}", value(rng, &column.of)),
            1 => {
                format!("{name} = {name} - {}", value(rng, &Type::Set(Box::new(pair.0.clone()))))
            }
            _ => format!("{name}[{}] = {}", value(rng, &pair.0), part(rng, &pair.1)),
        },
        Type::Udt(udt) => match pick(rng, &udt.fields) {
            Some((field, of)) => format!("{name}.{field} = {}", part(rng, of)),
            None => format!("{name} = null"),
        },
        of if of.is_number() && percent(rng, 10) => {
            format!("{name} = {name} + {}", value(rng, &column.of))
        }
        _ => format!("{name} = {}", part(rng, &column.of)),
    }
}

/// An update of counters.
fn count(rng: &mut Rng, table: &Table) -> String {
    let statics = !table.statics().is_empty() && percent(rng, 20);
    let columns = if statics { table.statics() } else { table.values() };
    let mut assignments = Vec::new();
    for column in columns.iter().take(rng.usize(1..3)) {
        let (name, amount) = (&column.name, rng.i8(-3..9));
        assignments.push(match rng.u8(..10) {
            0 => format!("{name} = {name} - {amount}"),
            1 => format!("{name} += {amount}"),
            2 => format!("{name} -= {amount}"),
            3 if percent(rng, 20) => format!("{name} = {amount}"),
            _ => format!("{name} = {name} + {amount}"),
        });
    }
    let reach = if statics { Reach::Partition } else { Reach::Row };
    let relations = relation::of_write(rng, table, reach);
    let using = word(rng, &["", "", "", "", "", "", "", "", "", "", "", " USING TTL 1000000"]);
    format!("UPDATE {}{using} SET {}{relations}", table.name, assignments.join(", "))
}

fn delete(rng: &mut Rng, table: &Table, time: i64) -> String {
    let reach = match rng.u8(..100) {
        0..=49 => Reach::Row,
        50..=64 => Reach::Partition,
        _ => Reach::Range,
    };
    let mut what = Vec::new();
    // A counter that was deleted is dead in Cassandra for good.
    let counters = table.has_counters() && !percent(rng, 5);
    if !counters && percent(rng, 45) && (reach == Reach::Row || percent(rng, 15)) {
        let columns = match reach == Reach::Partition {
            true => table.statics(),
            false => table.values(),
        };
        for _ in 0..rng.usize(1..3) {
            let Some(column) = pick(rng, &columns) else { continue };
            let name = &column.name;
            what.push(match &column.of {
                Type::List(_) if rng.bool() => format!("{name}[{}]", rng.u8(..3)),
                Type::Set(item) if rng.bool() => format!("{name}[{}]", value(rng, item)),
                Type::Map(pair) if rng.bool() => format!("{name}[{}]", value(rng, &pair.0)),
                Type::Udt(udt) if rng.bool() => {
                    let field = pick(rng, &udt.fields).map_or("none", |(field, _)| *field);
                    format!("{name}.{field}")
                }
                _ => name.clone(),
            });
        }
    }
    let what = what.join(", ");
    let space = if what.is_empty() { "" } else { " " };
    let using = match table.has_counters() {
        true => String::new(),
        false => using(rng, table, time, false),
    };
    let relations = relation::of_write(rng, table, reach);
    let condition = condition(rng, table);
    format!("DELETE {what}{space}FROM {}{using}{relations}{condition}", table.name)
}

/// IF, on tables whose statements have conditions.
fn condition(rng: &mut Rng, table: &Table) -> String {
    if !table.conditional || percent(rng, 40) {
        return String::new();
    }
    if percent(rng, 25) {
        return " IF EXISTS".into();
    }
    let columns = table.values();
    let mut conditions = Vec::new();
    for _ in 0..rng.usize(1..3) {
        let column = match percent(rng, 3) {
            true => pick(rng, &table.columns),
            false => pick(rng, &columns).copied(),
        };
        conditions.extend(column.map(|column| compared(rng, column)));
    }
    format!(" IF {}", conditions.join(" AND "))
}

fn compared(rng: &mut Rng, column: &Column) -> String {
    let name = &column.name;
    let operator = word(rng, &["=", "=", "=", "!=", "<", "<=", ">", ">="]);
    match column.of.inner() {
        Type::List(item) if rng.bool() => {
            format!("{name}[{}] {operator} {}", rng.u8(..3), part(rng, item))
        }
        Type::Map(pair) if rng.bool() => {
            format!("{name}[{}] {operator} {}", value(rng, &pair.0), part(rng, &pair.1))
        }
        Type::Udt(udt) if rng.bool() => match pick(rng, &udt.fields) {
            Some((field, of)) => format!("{name}.{field} {operator} {}", part(rng, of)),
            None => format!("{name} = null"),
        },
        _ if percent(rng, 15) => {
            format!("{name} IN {}", several(rng, &column.of))
        }
        Type::List(item) | Type::Set(item) if percent(rng, 10) => {
            format!("{name} CONTAINS {}", value(rng, item))
        }
        _ => format!("{name} {operator} {}", part(rng, &column.of)),
    }
}
