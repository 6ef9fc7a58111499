//! From the generator's text to what is sent: literals or markers, whole or spoilt.

use fastrand::Rng;

use super::{
    schema::Schema,
    select::select,
    types::{percent, pick, word},
    value::{CLOSE, MIDDLE, OPEN},
    write::write,
};

/// A statement as it is sent to both sides.
#[derive(Clone, Debug)]
pub(super) struct Generated {
    pub(super) text: String,
    /// The values of its markers, null where there is none; not prepared if there is none.
    pub(super) values: Vec<Option<Vec<u8>>>,
    /// The time that the request gives.
    pub(super) time: Option<i64>,
    /// Rows of a page; none is one page of everything.
    pub(super) page_rows: Option<i32>,
    /// The table, by its place in the schema.
    pub(super) table: usize,
}

impl Generated {
    /// A statement as it stands.
    pub(super) fn plain(text: impl Into<String>) -> Generated {
        let text = text.into();
        Generated { text, values: Vec::new(), time: None, page_rows: None, table: 0 }
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
    let raw = if percent(rng, 52) { select(rng, table) } else { write(rng, table, time) };
    let mut generated = match percent(rng, 15) {
        true => with_markers(rng, &raw),
        false => Generated::plain(with_literals(&raw)),
    };
    generated.table = at;
    if generated.reads() && percent(rng, 12) {
        generated.page_rows = Some(rng.i32(1..5));
    }
    generated.time = (!table.conditional).then_some(time);
    if generated.values.is_empty() && percent(rng, 8) {
        generated.text = spoil(rng, &generated.text);
    }
    Some(generated)
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
    for (before, literal) in pieces(raw) {
        text += before;
        match literal {
            Some((_, wire)) if rng.bool() => {
                text.push('?');
                values.push(hex::decode(wire).ok());
            }
            Some((literal, _)) => text += literal,
            None => {}
        }
    }
    Generated { text, values, time: None, page_rows: None, table: 0 }
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
