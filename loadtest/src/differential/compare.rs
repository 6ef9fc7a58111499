//! What differs between two outcomes of the same statement.

use super::side::{Outcome, Rows, Value};

/// Times of writes that the clock gave, in microseconds, lie above this one.
const CLOCK_MICROSECONDS: i64 = 1_000_000_000_000_000;
/// Expiry is given in multiples of this, and read within so many seconds.
const EXPIRY_STEP_SECONDS: i64 = 1_000_000;

/// A difference: what kind it is, and both sides of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) kind: &'static str,
    pub(super) cassandra: String,
    pub(super) cellar: String,
}

/// Compares; none if they are equal.
pub(super) fn compare(cassandra: &Outcome, cellar: &Outcome) -> Option<Difference> {
    let differ =
        |kind| Some(Difference { kind, cassandra: shown(cassandra), cellar: shown(cellar) });
    match (cassandra, cellar) {
        (Outcome::Void, Outcome::Void) => None,
        (Outcome::Error { code: one, .. }, Outcome::Error { code: other, .. }) => {
            if one == other {
                None
            } else {
                differ("error class")
            }
        }
        (Outcome::Error { .. }, _) => differ("only Cassandra refuses"),
        (_, Outcome::Error { .. }) => differ("only Cellar refuses"),
        (Outcome::Rows(one), Outcome::Rows(other)) => rows(one, other),
        _ => differ("kind of result"),
    }
}

fn rows(one: &Rows, other: &Rows) -> Option<Difference> {
    let differ = |kind, cassandra, cellar| Some(Difference { kind, cassandra, cellar });
    if one.markers != other.markers {
        return differ("markers", format!("{:?}", one.markers), format!("{:?}", other.markers));
    }
    let names = |rows: &Rows| rows.columns.iter().map(|c| name(&c.0)).collect::<Vec<_>>();
    if names(one) != names(other) {
        return differ("column names", names(one).join(" | "), names(other).join(" | "));
    }
    let kinds = |rows: &Rows| rows.columns.iter().map(|c| c.1.clone()).collect::<Vec<_>>();
    if kinds(one) != kinds(other) {
        let kinds = |a: &Rows, b: &Rows| -> String {
            let differing = a.columns.iter().zip(&b.columns).filter(|(one, other)| one != other);
            differing
                .map(|(one, _)| format!("{}: {}", one.0, one.1))
                .collect::<Vec<_>>()
                .join(" | ")
        };
        return differ("column types", kinds(one, other), kinds(other, one));
    }
    let (left, right) = (normal(one), normal(other));
    if left == right {
        return None;
    }
    let (mut left_sorted, mut right_sorted) = (left.clone(), right.clone());
    left_sorted.sort();
    right_sorted.sort();
    if left_sorted == right_sorted {
        return differ("order of rows", table(one), table(other));
    }
    if left.len() == right.len() {
        let (cassandra, cellar) = cells(one, other);
        return differ("values", cassandra, cellar);
    }
    let only = |rows: &Rows, others: &[Vec<Option<Vec<u8>>>]| -> String {
        let all = rows.rows.iter().zip(normal(rows));
        let only = all.filter(|(_, normal)| !others.contains(normal));
        let lines: Vec<_> = only.map(|(row, _)| line(row)).collect();
        format!("{} rows, only here: {}", rows.rows.len(), lines.join(" ; "))
    };
    differ("number of rows", only(one, &right), only(other, &left))
}

/// The name of a column. Cassandra keeps the first function of each type that writes JSON, and
/// with it the spelling of its first caller.
fn name(column: &str) -> String {
    column.replace("system.tojson(", "system.to_json(")
}

/// The values that differ, with the names of their columns and the first value of their row.
fn cells(one: &Rows, other: &Rows) -> (String, String) {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let normals = normal(one).into_iter().zip(normal(other));
    for ((mine, theirs), normals) in one.rows.iter().zip(&other.rows).zip(normals) {
        let normals = normals.0.iter().zip(&normals.1);
        let values = mine.iter().zip(theirs).zip(&one.columns).zip(normals);
        for (((mine, theirs), (name, _)), (normal, other_normal)) in values {
            if normal != other_normal {
                let same = mine.text == theirs.text;
                let text = |value: &Value| match (&value.bytes, same) {
                    (Some(bytes), true) => format!("x{}", hex::encode(bytes)),
                    _ => value.text.clone(),
                };
                left.push(format!("{name} = {}", text(mine)));
                right.push(format!("{name} = {}", text(theirs)));
            }
        }
    }
    (left.join(" ; "), right.join(" ; "))
}

/// Rows without what the clock made of them.
fn normal(rows: &Rows) -> Vec<Vec<Option<Vec<u8>>>> {
    let of = |row: &Vec<Value>| {
        let values = row.iter().zip(&rows.columns);
        let same = |(value, (name, of)): (&Value, &(String, String))| match of.as_str() {
            _ if name == "create_statement" => value.bytes.as_deref().map(without_compaction),
            _ if name == "[json]" => value.bytes.as_deref().map(without_clock_in_json),
            "Native(Float)" if name.contains("similarity_") => {
                value.bytes.as_deref().map(but_for_the_last_digits)
            }
            "Native(Varint)" => value.bytes.as_deref().map(shortest),
            _ => without_clock(name, value),
        };
        values.map(same).collect()
    };
    rows.rows.iter().map(of).collect()
}

/// JSON without the times of writes that the clock gave.
fn without_clock_in_json(json: &[u8]) -> Vec<u8> {
    let text = name(&String::from_utf8_lossy(json));
    let mut out = String::new();
    for piece in text.split_inclusive(|letter: char| !letter.is_ascii_digit()) {
        let digits = piece.trim_end_matches(|letter: char| !letter.is_ascii_digit());
        match digits.parse::<i64>() {
            Ok(time) if digits.len() == 16 && time > CLOCK_MICROSECONDS => {
                out.push_str("clock");
                out.push_str(piece.get(digits.len()..).unwrap_or_default());
            }
            _ => out.push_str(piece),
        }
    }
    out.into_bytes()
}

/// A description without the line that tells of compaction, whose default is the server's.
fn without_compaction(statement: &[u8]) -> Vec<u8> {
    let lines = statement.split(|byte| *byte == b'\n');
    let kept = lines.filter(|line| !line.trim_ascii_start().starts_with(b"AND compaction = "));
    kept.collect::<Vec<_>>().join(&b'\n')
}

/// A float rounded, since sums of floats in another order differ in the last digits.
fn but_for_the_last_digits(bytes: &[u8]) -> Vec<u8> {
    let Ok(bytes) = bytes.try_into() else { return bytes.to_vec() };
    let bits = u32::from_be_bytes(bytes);
    (bits.saturating_add(32) & !63).to_be_bytes().to_vec()
}

/// The shortest form of an integer. Cassandra keeps the four bytes of `1 + 2` in a varint.
fn shortest(bytes: &[u8]) -> Vec<u8> {
    let mut rest = bytes;
    while let [first, second, ..] = rest {
        let sign_stays = (first ^ second) & 0x80 == 0;
        if !sign_stays || !matches!(first, 0x00 | 0xff) {
            break;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    rest.to_vec()
}

fn without_clock(column: &str, value: &Value) -> Option<Vec<u8>> {
    let bytes = value.bytes.as_deref()?;
    let column = column.to_ascii_lowercase();
    if column.starts_with("ttl(") {
        return Some(stamps(bytes, |seconds| {
            seconds.checked_add(EXPIRY_STEP_SECONDS - 1).unwrap_or(seconds) / EXPIRY_STEP_SECONDS
        }));
    }
    if column.contains("writetime(") {
        return Some(stamps(bytes, |time| if time > CLOCK_MICROSECONDS { -1 } else { time }));
    }
    Some(bytes.to_vec())
}

/// An integer, or each of a list of integers, mapped.
fn stamps(bytes: &[u8], map: fn(i64) -> i64) -> Vec<u8> {
    if let Ok(bytes) = bytes.try_into() {
        return map(i64::from(i32::from_be_bytes(bytes))).to_string().into_bytes();
    }
    if let Ok(bytes) = bytes.try_into() {
        return map(i64::from_be_bytes(bytes)).to_string().into_bytes();
    }
    let Some((count, mut rest)) = bytes.split_first_chunk::<4>() else { return bytes.to_vec() };
    let mut mapped = count.to_vec();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
        let Some((item, after)) = after.split_at_checked(length) else { break };
        mapped.extend(if item.is_empty() { b"null".to_vec() } else { stamps(item, map) });
        rest = after;
    }
    mapped
}

fn line(row: &[Value]) -> String {
    let texts: Vec<_> = row.iter().map(|value| value.text.as_str()).collect();
    format!("({})", texts.join(", "))
}

fn table(rows: &Rows) -> String {
    rows.rows.iter().map(|row| line(row)).collect::<Vec<_>>().join(" ; ")
}

/// An outcome on one line.
pub(super) fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Error { code, message } => format!("error {code:#06x}: {message}"),
        Outcome::Void => "done".into(),
        Outcome::Rows(rows) => {
            let names: Vec<_> = rows.columns.iter().map(|column| column.0.as_str()).collect();
            format!("{}: {}", names.join(" | "), table(rows))
        }
        Outcome::Driver(message) => format!("the driver failed: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_clock_gave_is_not_compared() {
        let json = |text: &str| without_clock_in_json(text.as_bytes());
        assert_eq!(json("{\"t\": 1795256420773000}"), json("{\"t\": 1795256420773385}"));
        assert_ne!(json("{\"t\": 1000420}"), json("{\"t\": 1000421}"));
        let stamp = |time: i64| stamps(&time.to_be_bytes(), |t| if t > 10 { -1 } else { t });
        assert_eq!(stamp(11), stamp(12));
        assert_ne!(stamp(1), stamp(2));
    }

    #[test]
    fn integers_are_compared_in_their_shortest_form() {
        assert_eq!(shortest(&[0, 0, 0, 3]), [3]);
        assert_eq!(shortest(&[0xff, 0xff]), [0xff]);
        assert_eq!(shortest(&[0, 0x80]), [0, 0x80]);
    }
}
