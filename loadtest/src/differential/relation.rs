//! WHERE: relations on every part of a key and on values, valid and not.

use fastrand::Rng;

use super::{
    schema::{Column, Table},
    term::{part, several, term},
    types::{Type, percent, pick, word},
    value::{self, value},
};

/// What a WHERE clause must reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// A row: every key column is given.
    Row,
    /// Its partition: static columns are written so.
    Partition,
    /// Rows of one or several partitions: a range is deleted so.
    Range,
}

/// A WHERE clause of a write.
pub(super) fn of_write(rng: &mut Rng, table: &Table, reach: Reach) -> String {
    let mut relations: Vec<String> =
        table.partition().iter().map(|column| equal_or_in(rng, column, 8)).collect();
    match reach {
        Reach::Partition => {}
        Reach::Row => {
            relations.extend(table.clustering().iter().map(|column| equal_or_in(rng, column, 8)));
        }
        Reach::Range => relations.extend(clustering(rng, table)),
    }
    joined(rng, relations)
}

/// A WHERE clause of a read, and whether it may need ALLOW FILTERING.
pub(super) fn of_read(rng: &mut Rng, table: &Table) -> (String, bool) {
    let mut relations = Vec::new();
    let mut filters = false;
    match rng.u8(..100) {
        0..=14 => {}
        15..=64 => {
            relations.extend(table.partition().iter().map(|column| equal_or_in(rng, column, 15)));
        }
        65..=84 => relations.extend(token(rng, table)),
        _ => {
            filters = true;
            for column in table.partition() {
                if rng.bool() {
                    relations.push(any(rng, column));
                }
            }
        }
    }
    if percent(rng, 65) {
        filters |= relations.is_empty();
        relations.extend(clustering(rng, table));
    }
    if percent(rng, 25) {
        filters = true;
        for _ in 0..rng.usize(1..3) {
            let Some(column) = pick(rng, &table.columns) else { continue };
            let restricted = |relation: &String| relation.contains(column.name.as_str());
            if !relations.iter().any(restricted) || percent(rng, 10) {
                relations.push(any(rng, column));
            }
        }
    }
    (joined(rng, relations), filters)
}

fn joined(rng: &mut Rng, mut relations: Vec<String>) -> String {
    if percent(rng, 10) {
        rng.shuffle(&mut relations);
    }
    match relations.is_empty() {
        true => String::new(),
        false => format!(" WHERE {}", relations.join(" AND ")),
    }
}

fn equal_or_in(rng: &mut Rng, column: &Column, chance_of_in: u8) -> String {
    match percent(rng, chance_of_in) {
        true => format!("{} IN {}", column.name, several(rng, &column.of)),
        false => format!("{} = {}", column.name, term(rng, &column.of)),
    }
}

fn inequality(rng: &mut Rng) -> &'static str {
    word(rng, &["<", "<=", ">", ">="])
}

/// One or two bounds of an expression.
fn slice(rng: &mut Rng, of: &str, bound: &mut dyn FnMut(&mut Rng) -> String) -> Vec<String> {
    if percent(rng, 50) {
        return vec![format!("{of} {} {}", inequality(rng), bound(rng))];
    }
    let (from, to) = (word(rng, &[">", ">="]), word(rng, &["<", "<="]));
    vec![format!("{of} {from} {}", bound(rng)), format!("{of} {to} {}", bound(rng))]
}

/// Relations on the token of the partition key.
fn token(rng: &mut Rng, table: &Table) -> Vec<String> {
    let columns = table.partition();
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    let of = format!("token({})", names.join(", "));
    let mut bound = |rng: &mut Rng| match rng.u8(..3) {
        0 => (i64::from(rng.i16(..)) << 48).to_string(),
        1 => word(rng, &["-9223372036854775808", "0", "9223372036854775807"]).to_owned(),
        _ => {
            let values: Vec<_> =
                columns.iter().map(|column| value(rng, &column.of).to_string()).collect();
            format!("token({})", values.join(", "))
        }
    };
    match percent(rng, 15) {
        true => vec![format!("{of} = {}", bound(rng))],
        false => slice(rng, &of, &mut bound),
    }
}

/// A prefix of the clustering columns, then perhaps a slice; sometimes with a gap.
fn clustering(rng: &mut Rng, table: &Table) -> Vec<String> {
    let columns = table.clustering();
    let Some(first) = columns.first() else { return Vec::new() };
    if columns.len() > 1 && percent(rng, 20) {
        return tuples(rng, &columns);
    }
    if percent(rng, 6) {
        return pick(rng, &columns).map(|column| any(rng, column)).into_iter().collect();
    }
    let mut relations = Vec::new();
    let equal = rng.usize(..=columns.len());
    for column in columns.iter().take(equal) {
        relations.push(equal_or_in(rng, column, 12));
    }
    let next = columns.get(equal).copied().unwrap_or(first);
    if percent(rng, 60) && (equal < columns.len() || percent(rng, 5)) {
        let of = &next.of;
        relations.extend(slice(rng, &next.name, &mut |rng| term(rng, of)));
    }
    relations
}

/// A relation of several clustering columns at once.
fn tuples(rng: &mut Rng, columns: &[&Column]) -> Vec<String> {
    let from = if percent(rng, 10) { 1 } else { 0 };
    let length = rng.usize(1..=columns.len() - from);
    let columns: Vec<_> = columns.iter().skip(from).take(length).collect();
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    let of = format!("({})", names.join(", "));
    let mut tuple = |rng: &mut Rng| {
        let values: Vec<_> = columns.iter().map(|column| value(rng, &column.of)).collect();
        if percent(rng, 40) {
            return value::tuple(&values).to_string();
        }
        let values: Vec<_> = values.iter().map(ToString::to_string).collect();
        format!("({})", values.join(", "))
    };
    match rng.u8(..100) {
        0..=19 => vec![format!("{of} = {}", tuple(rng))],
        20..=49 => {
            let all: Vec<_> = (0..rng.usize(1..4)).map(|_| tuple(rng)).collect();
            vec![format!("{of} IN ({})", all.join(", "))]
        }
        _ => slice(rng, &of, &mut tuple),
    }
}

/// Any relation that the type of a column knows, and some that it does not.
fn any(rng: &mut Rng, column: &Column) -> String {
    let name = &column.name;
    if percent(rng, 4) {
        let odd = word(rng, &["CONTAINS", "CONTAINS KEY", "LIKE", "!=", "IS NOT"]);
        return format!("{name} {odd} {}", part(rng, &column.of));
    }
    match column.of.inner() {
        Type::List(item) | Type::Set(item) if percent(rng, 70) => {
            format!("{name} CONTAINS {}", value(rng, item))
        }
        Type::Map(pair) if percent(rng, 80) => match rng.u8(..3) {
            0 => format!("{name} CONTAINS {}", value(rng, &pair.1)),
            1 => format!("{name} CONTAINS KEY {}", value(rng, &pair.0)),
            _ => format!("{name}[{}] = {}", value(rng, &pair.0), value(rng, &pair.1)),
        },
        _ if percent(rng, 8) => format!("{name} IN {}", several(rng, &column.of)),
        _ if percent(rng, 3) => format!("{name} = null"),
        _ if percent(rng, 55) => format!("{name} = {}", term(rng, &column.of)),
        _ => format!("{name} {} {}", inequality(rng), term(rng, &column.of)),
    }
}
