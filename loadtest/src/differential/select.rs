//! SELECT with every clause.

use fastrand::Rng;

use super::{
    expression, relation,
    schema::{Part, Table},
    term::count,
    types::{percent, pick, word},
};

/// A SELECT of a table.
pub(super) fn select(rng: &mut Rng, table: &Table) -> String {
    let groups = percent(rng, 12);
    let aggregates = groups || percent(rng, 12);
    let distinct = !aggregates && percent(rng, 7);
    let json = if percent(rng, 8) { "JSON " } else { "" };
    let selected = match () {
        () if distinct => distinct_columns(rng, table),
        () if !aggregates && percent(rng, 25) => "*".to_owned(),
        () => {
            let items: Vec<_> = (0..rng.usize(1..4))
                .map(|_| expression::selected(rng, table, aggregates))
                .collect();
            items.join(", ")
        }
    };
    let (relations, filters) = match distinct && percent(rng, 70) {
        true => (String::new(), false),
        false => relation::of_read(rng, table),
    };
    let distinct = if distinct { "DISTINCT " } else { "" };
    let mut text = format!("SELECT {json}{distinct}{selected} FROM {}{relations}", table.name);
    if groups {
        text += &group(rng, table);
    }
    let partition = table.partition();
    let in_one = partition.iter().all(|column| relations.contains(&format!("{} ", column.name)));
    if percent(rng, if in_one && !relations.contains("token") { 25 } else { 3 }) {
        text += &order(rng, table);
    }
    if percent(rng, if aggregates { 2 } else { 8 }) {
        text += &format!(" PER PARTITION LIMIT {}", count(rng, &[1, 2, 3, 1, 2, 3, 1, 0]));
    }
    if percent(rng, 15) {
        text += &format!(" LIMIT {}", count(rng, &[1, 1, 2, 2, 3, 3, 5, 5, 5, 100, 100, 0, -1]));
    }
    // A clustering column after one that is not restricted is tested row by row.
    if percent(rng, if filters { 95 } else { 12 }) {
        text += " ALLOW FILTERING";
    }
    text
}

fn distinct_columns(rng: &mut Rng, table: &Table) -> String {
    let mut names: Vec<_> = table.partition().iter().map(|column| column.name.clone()).collect();
    for column in table.statics() {
        if rng.bool() {
            names.push(column.name.clone());
        }
    }
    if percent(rng, 8) {
        names.extend(pick(rng, &table.columns).map(|column| column.name.clone()));
    }
    names.join(", ")
}

fn group(rng: &mut Rng, table: &Table) -> String {
    let mut key = table.partition();
    key.extend(table.clustering());
    let least = if percent(rng, 85) { table.partition().len() } else { 1 };
    let most = key.len();
    let length = rng.usize(least..=most);
    let skip = usize::from(percent(rng, 8));
    let mut names: Vec<_> =
        key.iter().skip(skip).take(length).map(|column| column.name.as_str()).collect();
    if names.is_empty() || percent(rng, 4) {
        names.extend(pick(rng, &table.columns).map(|column| column.name.as_str()));
    }
    format!(" GROUP BY {}", names.join(", "))
}

fn order(rng: &mut Rng, table: &Table) -> String {
    let clustering = table.clustering();
    let reversed = rng.bool();
    let length = rng.usize(..=clustering.len()).max(1);
    let mut items = Vec::new();
    for column in clustering.iter().take(length) {
        let natural = column.part == Part::Clustering { descending: false };
        let ascending = (natural != reversed) != percent(rng, 6);
        let direction = match ascending {
            true => word(rng, &["", " ASC"]),
            false => " DESC",
        };
        items.push(format!("{}{direction}", column.name));
    }
    if items.is_empty() || percent(rng, 4) {
        items.extend(pick(rng, &table.columns).map(|column| column.name.clone()));
    }
    format!(" ORDER BY {}", items.join(", "))
}
