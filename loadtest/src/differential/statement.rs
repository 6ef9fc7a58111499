//! From the generator's text to what is sent: literals or markers, whole or spoilt.

use fastrand::Rng;

use super::{
    change::{Effect, change},
    schema::{Schema, Table},
    select::select,
    types::{percent, pick, word},
    value::{CLOSE, MIDDLE, OPEN},
    write::{single, write},
};

/// A statement as it is sent to both sides.
#[derive(Clone, Debug)]
pub(super) struct Generated {
    pub(super) text: String,
    /// The values of its markers, null where there is none; not prepared if there is none.
    pub(super) values: Vec<Bound>,
    /// The time that the request gives.
    pub(super) time: Option<i64>,
    /// Rows of a page; none is one page of everything.
    pub(super) page_rows: Option<i32>,
    /// The table, by its place in the schema.
    pub(super) table: usize,
    /// The statements of a batch that goes as a message of its own, each with its values.
    pub(super) parts: Vec<(String, Vec<Bound>)>,
    /// The name of a second table that it may write to.
    pub(super) other: Option<String>,
    /// What a change of the table does to it.
    pub(super) effect: Option<Effect>,
}

/// What stands for a marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Bytes(Vec<u8>),
    Null,
    Unset,
}

impl Generated {
    /// A statement as it stands.
    pub(super) fn plain(text: impl Into<String>) -> Generated {
        let text = text.into();
        Generated {
            text,
            values: Vec::new(),
            time: None,
            page_rows: None,
            table: 0,
            parts: Vec::new(),
            other: None,
            effect: None,
        }
    }

    /// Whether tables or types are another after it.
    pub(super) fn changes_schema(&self) -> bool {
        let text = self.text.trim_start().to_ascii_uppercase();
        ["ALTER", "CREATE", "DROP"].iter().any(|verb| text.starts_with(verb))
    }

    /// Whether nothing can have changed after it.
    pub(super) fn reads(&self) -> bool {
        self.text.trim_start().to_ascii_uppercase().starts_with("SELECT")
    }
}

/// The next statement; `turn` counts them and gives them their times.
pub(super) fn generate(rng: &mut Rng, schema: &Schema, turn: u64) -> Option<Generated> {
    let at = rng.usize(..schema.tables.len());
    let table = schema.tables.get(at)?;
    let time = i64::try_from(turn).ok()?.checked_mul(10)?.checked_add(1_000_000)?;
    if percent(rng, 2) {
        let (text, effect) = change(rng, schema, table, turn);
        return Some(Generated { table: at, effect, ..Generated::plain(text) });
    }
    if percent(rng, 4) {
        return Some(message(rng, table, at, time));
    }
    let other = schema.tables.get(rng.usize(..schema.tables.len()));
    let other = other.filter(|other| other.conditional == table.conditional);
    let other = other.filter(|_| percent(rng, 15));
    let reads = percent(rng, 52);
    let raw = match reads {
        true => select(rng, table),
        false => write(rng, table, other, time),
    };
    let mut generated = match percent(rng, 15) {
        true => with_markers(rng, &raw),
        false => Generated::plain(with_literals(&raw)),
    };
    generated.table = at;
    generated.other = other.filter(|_| !reads).map(|table| table.name.clone());
    if generated.reads() && percent(rng, 12) {
        generated.page_rows = Some(rng.i32(1..5));
    }
    generated.time = (!table.conditional).then_some(time);
    if generated.values.is_empty() && percent(rng, 6) {
        generated.text = spoil(rng, &generated.text);
    }
    Some(generated)
}

/// A batch as a message of the protocol.
fn message(rng: &mut Rng, table: &Table, at: usize, time: i64) -> Generated {
    let mut all = Generated { table: at, ..Generated::plain("") };
    all.time = (!table.conditional).then_some(time);
    for _ in 0..rng.usize(1..4) {
        let raw = single(rng, table, time);
        let part = with_markers(rng, &raw);
        all.text += &format!("{}; ", part.text);
        all.values.extend(part.values.iter().cloned());
        all.parts.push((part.text, part.values));
    }
    all
}

/// The pieces of a raw statement: text between literals, and literals with their bytes.
fn pieces(raw: &str) -> impl Iterator<Item = (&str, Option<(&str, &str)>)> {
    raw.split(CLOSE).map(|piece| match piece.split_once(OPEN) {
        Some((before, literal)) => (before, literal.split_once(MIDDLE)),
        None => (piece, None),
    })
}

fn with_literals(raw: &str) -> String {
    let texts = pieces(raw).flat_map(|(before, literal)| [before, literal.map_or("", |l| l.0)]);
    texts.collect()
}

fn with_markers(rng: &mut Rng, raw: &str) -> Generated {
    let mut text = String::new();
    let mut values = Vec::new();
    let named = percent(rng, 20);
    for (before, literal) in pieces(raw) {
        text += before;
        match literal {
            Some((_, wire)) if rng.bool() => {
                match named {
                    true => text += &format!(":v{}", values.len()),
                    false => text.push('?'),
                }
                values.push(match hex::decode(wire) {
                    _ if percent(rng, 3) => Bound::Unset,
                    Ok(bytes) => Bound::Bytes(bytes),
                    Err(_) => Bound::Null,
                });
            }
            Some((literal, _)) => text += literal,
            None => {}
        }
    }
    Generated { values, ..Generated::plain(text) }
}

/// Removes, doubles, swaps or replaces a token, so that most often the statement is wrong.
fn spoil(rng: &mut Rng, text: &str) -> String {
    const OTHERS: [&str; 24] = [
        "=", "(", ")", ",", "null", "1", "'x'", "IN", "AND", "<", "k", "nosuch", "*", "?", "{}",
        "[]", "{1: 2}", "1.5", "true", "0xff", "token(k)", "count(*)", "'", ";",
    ];
    let mut tokens: Vec<&str> = text.split(' ').collect();
    let at = rng.usize(..tokens.len());
    // Without its time a write would get the clock's.
    let before = at.checked_sub(1).and_then(|before| tokens.get(before)).copied();
    let times = ["USING", "TIMESTAMP", "BATCH", "TTL"];
    let is_time = |token: Option<&str>| token.is_some_and(|token| times.contains(&token));
    if is_time(before) || is_time(tokens.get(at).copied()) {
        return text.to_owned();
    }
    match rng.u8(..4) {
        0 => {
            tokens.remove(at);
        }
        1 => {
            let double = tokens.get(at).copied().unwrap_or_default();
            tokens.insert(at, double);
        }
        2 => {
            let other = pick(rng, &tokens).copied().unwrap_or_default();
            if let Some(token) = tokens.get_mut(at) {
                *token = other;
            }
        }
        _ => {
            if let Some(token) = tokens.get_mut(at) {
                *token = word(rng, &OTHERS);
            }
        }
    }
    tokens.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(seed: u64) -> Vec<Generated> {
        let mut rng = Rng::with_seed(seed);
        let schema = Schema::generate(&mut rng, "ks");
        (0..2_000).filter_map(|turn| generate(&mut rng, &schema, turn)).collect()
    }

    #[test]
    fn a_seed_gives_the_same_statements_again() {
        let texts = |seed| statements(seed).into_iter().map(|s| (s.text, s.values));
        assert!(texts(7).eq(texts(7)));
        assert!(texts(7).ne(texts(8)));
    }

    #[test]
    fn no_trace_of_the_two_forms_of_literals_is_sent() {
        for statement in statements(3) {
            assert!(!statement.text.contains([OPEN, MIDDLE, CLOSE]), "{}", statement.text);
        }
    }

    #[test]
    fn every_kind_of_statement_is_generated() {
        let all = statements(5);
        let has = |part: &str| all.iter().any(|statement| statement.text.contains(part));
        for part in [
            "INSERT",
            "UPDATE",
            "DELETE",
            "BATCH",
            "SELECT",
            " IN ",
            "token(",
            "ORDER BY",
            "GROUP BY",
            "PER PARTITION LIMIT",
            "DISTINCT",
            "ALLOW FILTERING",
            "CONTAINS",
            "JSON",
            "TTL",
            "writetime",
            " IF ",
            "ALTER TABLE",
            "CAST(",
            "similarity_",
        ] {
            assert!(has(part), "{part}");
        }
        assert!(all.iter().any(|statement| !statement.values.is_empty()));
        assert!(all.iter().any(|statement| statement.page_rows.is_some()));
    }
}
