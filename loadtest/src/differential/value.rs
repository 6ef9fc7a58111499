//! Values: the text of a literal together with its bytes on the wire, so that the same statement
//! can be sent with literals or with markers. Few values of each type, so that rows meet.

use std::fmt;

use fastrand::Rng;

use super::types::{Type, percent, pick};
use crate::canonical::number;

/// Stands before the text of a literal in a statement that is not finished.
pub(super) const OPEN: char = '\u{1}';
/// Stands between the text of a literal and its bytes.
pub(super) const MIDDLE: char = '\u{2}';
/// Stands behind the bytes of a literal.
pub(super) const CLOSE: char = '\u{3}';

/// A value that a statement holds; none is null.
#[derive(Clone, Debug)]
pub(super) struct Literal {
    pub(super) text: String,
    pub(super) wire: Option<Vec<u8>>,
}

impl fmt::Display for Literal {
    /// Writes both forms; `statement::finish` chooses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wire = self.wire.as_ref().map_or_else(|| "null".to_owned(), hex::encode);
        write!(f, "{OPEN}{}{MIDDLE}{wire}{CLOSE}", self.text)
    }
}

fn literal(text: impl Into<String>, wire: impl Into<Vec<u8>>) -> Literal {
    Literal { text: text.into(), wire: Some(wire.into()) }
}

/// The list of what follows IN; a marker stands for all of it.
pub(super) fn in_list(items: &[Literal]) -> Literal {
    literal(format!("({})", texts(items)), counted(items.len(), items))
}

/// The tuple of several values; a marker stands for all of it.
pub(super) fn tuple(items: &[Literal]) -> Literal {
    literal(format!("({})", texts(items)), in_sequence(items))
}

/// An int that is given.
pub(super) fn int(number: i32) -> Literal {
    literal(number.to_string(), number.to_be_bytes())
}

/// A bigint that is given.
pub(super) fn bigint(number: i64) -> Literal {
    literal(number.to_string(), number.to_be_bytes())
}

/// A null.
pub(super) fn null() -> Literal {
    Literal { text: "null".into(), wire: None }
}

/// A value of a type, never null.
pub(super) fn value(rng: &mut Rng, of: &Type) -> Literal {
    match of {
        Type::Scalar(name) => scalar(rng, name),
        Type::Frozen(inner) => value(rng, inner),
        Type::List(item) => {
            let items: Vec<_> = (0..rng.usize(..4)).map(|_| value(rng, item)).collect();
            literal(format!("[{}]", texts(&items)), counted(items.len(), &items))
        }
        Type::Set(item) => {
            let items = distinct(rng, item);
            literal(format!("{{{}}}", texts(&items)), counted(items.len(), &items))
        }
        Type::Map(pair) => {
            let keys = distinct(rng, &pair.0);
            let values: Vec<_> = keys.iter().map(|_| value(rng, &pair.1)).collect();
            let pairs = keys.iter().zip(&values);
            let text: Vec<_> =
                pairs.clone().map(|(k, v)| format!("{}: {}", k.text, v.text)).collect();
            let flat: Vec<_> = pairs.flat_map(|(k, v)| [k.clone(), v.clone()]).collect();
            literal(format!("{{{}}}", text.join(", ")), counted(keys.len(), &flat))
        }
        Type::Tuple(items) => {
            let items: Vec<_> = items.iter().map(|item| part(rng, item)).collect();
            literal(format!("({})", texts(&items)), in_sequence(&items))
        }
        Type::Udt(udt) => {
            let fields: Vec<_> = udt.fields.iter().map(|(_, kind)| part(rng, kind)).collect();
            let text = udt.fields.iter().zip(&fields);
            let text: Vec<_> = text.map(|((name, _), f)| format!("{name}: {}", f.text)).collect();
            literal(format!("{{{}}}", text.join(", ")), in_sequence(&fields))
        }
        Type::Vector(item, length) => {
            let items: Vec<_> = (0..*length).map(|_| value(rng, item)).collect();
            let varied = item.is("text");
            let mut bytes = Vec::new();
            for wire in items.iter().filter_map(|item| item.wire.as_ref()) {
                if varied {
                    bytes.push(u8::try_from(wire.len()).unwrap_or_default());
                }
                bytes.extend_from_slice(wire);
            }
            literal(format!("[{}]", texts(&items)), bytes)
        }
    }
}

/// A value inside of another or, sometimes, null.
fn part(rng: &mut Rng, of: &Type) -> Literal {
    if percent(rng, 12) { null() } else { value(rng, of) }
}

fn texts(items: &[Literal]) -> String {
    items.iter().map(|item| item.text.as_str()).collect::<Vec<_>>().join(", ")
}

fn distinct(rng: &mut Rng, of: &Type) -> Vec<Literal> {
    let mut items: Vec<Literal> = Vec::new();
    for _ in 0..rng.usize(..4) {
        let item = value(rng, of);
        if items.iter().all(|other| other.wire != item.wire) {
            items.push(item);
        }
    }
    // In the order of the type where that is not the order of the bytes.
    items.sort_by_cached_key(|item| (item.text.parse::<i64>().ok(), item.wire.clone()));
    items
}

fn counted(count: usize, items: &[Literal]) -> Vec<u8> {
    let mut bytes = length(count).to_vec();
    bytes.extend(in_sequence(items));
    bytes
}

fn in_sequence(items: &[Literal]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for item in items {
        match &item.wire {
            Some(wire) => {
                bytes.extend(length(wire.len()));
                bytes.extend_from_slice(wire);
            }
            None => bytes.extend((-1_i32).to_be_bytes()),
        }
    }
    bytes
}

fn length(length: usize) -> [u8; 4] {
    i32::try_from(length).unwrap_or(i32::MAX).to_be_bytes()
}

fn scalar(rng: &mut Rng, name: &str) -> Literal {
    match name {
        "tinyint" => {
            let number = small(rng, i64::from(i8::MIN), i64::from(i8::MAX));
            literal(number.to_string(), i8::try_from(number).unwrap_or_default().to_be_bytes())
        }
        "smallint" => {
            let number = small(rng, i64::from(i16::MIN), i64::from(i16::MAX));
            literal(number.to_string(), i16::try_from(number).unwrap_or_default().to_be_bytes())
        }
        "int" => {
            let number = small(rng, i64::from(i32::MIN), i64::from(i32::MAX));
            literal(number.to_string(), i32::try_from(number).unwrap_or_default().to_be_bytes())
        }
        "bigint" | "counter" => {
            let number = small(rng, i64::MIN, i64::MAX);
            literal(number.to_string(), number.to_be_bytes())
        }
        "varint" => {
            const LONG: &str = "-1180591620717411303424";
            let text = match percent(rng, 10) {
                true => LONG.to_owned(),
                false => small(rng, -129, 65_536).to_string(),
            };
            literal(text.as_str(), number::bytes(&text).unwrap_or_default())
        }
        "boolean" => {
            let truth = rng.bool();
            literal(truth.to_string(), [u8::from(truth)])
        }
        "text" | "varchar" | "ascii" => words(rng, name),
        "blob" => {
            let hex = *pick(rng, &["", "00", "cafe", "00ff", "7a"]).unwrap_or(&"");
            literal(format!("0x{hex}"), hex::decode(hex).unwrap_or_default())
        }
        "decimal" => decimal(rng),
        "float" => {
            let number = real(rng);
            let text = real_text(number);
            literal(text.as_str(), text.parse::<f32>().unwrap_or_default().to_be_bytes())
        }
        "double" => {
            let number = real(rng);
            literal(real_text(number), number.to_be_bytes())
        }
        "duration" => duration(rng),
        _ => temporal(rng, name),
    }
}

/// Mostly one of few numbers, sometimes the least or the greatest.
fn small(rng: &mut Rng, least: i64, greatest: i64) -> i64 {
    match rng.u8(..100) {
        0..=2 => least,
        3..=5 => greatest,
        _ => rng.i64(-1..5),
    }
}

fn words(rng: &mut Rng, name: &str) -> Literal {
    let all = ["a", "b", "c", "d", "", "it's", "Abc", "7", "2024-01-02", "true"];
    let text = match name != "ascii" && percent(rng, 5) {
        true => "é€",
        false => pick(rng, &all).copied().unwrap_or_default(),
    };
    let quoted = match text.contains('\'') && percent(rng, 30) {
        true => format!("$${text}$$"),
        false => format!("'{}'", text.replace('\'', "''")),
    };
    literal(quoted, text.as_bytes())
}

fn decimal(rng: &mut Rng) -> Literal {
    const ALL: [(&str, i32, &str); 8] = [
        ("0", 0, "0"),
        ("1", 0, "1"),
        ("1.5", 1, "15"),
        ("-2.25", 2, "-225"),
        ("1e3", -3, "1"),
        ("100", 0, "100"),
        ("0.0001", 4, "1"),
        ("12345678901234567890.5", 1, "123456789012345678905"),
    ];
    let (text, scale, unscaled) = pick(rng, &ALL).copied().unwrap_or(("0", 0, "0"));
    let mut wire = scale.to_be_bytes().to_vec();
    wire.extend(number::bytes(unscaled).unwrap_or_default());
    literal(text, wire)
}

fn real(rng: &mut Rng) -> f64 {
    const ALL: [f64; 10] =
        [0.0, 1.0, 1.5, -2.25, 3.0, 1e10, 0.1, 123_456.789, f64::NAN, f64::INFINITY];
    let number = pick(rng, &ALL).copied().unwrap_or_default();
    if !number.is_finite() && percent(rng, 60) { 2.0 } else { number }
}

fn real_text(number: f64) -> String {
    match number {
        _ if number.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        _ => format!("{number}"),
    }
}

fn duration(rng: &mut Rng) -> Literal {
    const HOUR: i64 = 3_600_000_000_000;
    const ALL: [(&str, i64, i64, i64); 7] = [
        ("1h", 0, 0, HOUR),
        ("2d", 0, 2, 0),
        ("1mo", 1, 0, 0),
        ("1y2mo3d4h", 14, 3, 4 * HOUR),
        ("-1d2h", 0, -1, -2 * HOUR),
        ("P1Y2M3DT4H", 14, 3, 4 * HOUR),
        ("89ns", 0, 0, 89),
    ];
    let (text, months, days, nanos) = pick(rng, &ALL).copied().unwrap_or(("1h", 0, 0, HOUR));
    let mut wire = Vec::new();
    for part in [months, days, nanos] {
        wire.extend(variable(part));
    }
    literal(text, wire)
}

/// The zigzag integer of varying length of a duration's parts.
fn variable(number: i64) -> Vec<u8> {
    let zigzag = ((number << 1) ^ (number >> 63)).cast_unsigned();
    let bits = 64 - u64::from((zigzag | 1).leading_zeros());
    let extra = usize::try_from((bits - 1) / 7).unwrap_or_default();
    if extra >= 8 {
        let mut bytes = vec![0xff];
        bytes.extend(zigzag.to_be_bytes());
        return bytes;
    }
    let all = zigzag.to_be_bytes();
    let mut bytes = all.get(7 - extra..).unwrap_or_default().to_vec();
    let mark = !(0xff_u16 >> extra) & 0xff;
    if let Some(first) = bytes.first_mut() {
        *first |= u8::try_from(mark).unwrap_or_default();
    }
    bytes
}

fn temporal(rng: &mut Rng, name: &str) -> Literal {
    let of = |rng: &mut Rng, all: &[(&str, &str)]| {
        let (text, wire) = pick(rng, all).copied().unwrap_or_default();
        literal(text, hex::decode(wire).unwrap_or_default())
    };
    match name {
        "timestamp" => of(
            rng,
            &[
                ("'2024-01-02 03:04:05.678+0000'", "0000018cc820db2e"),
                ("'2024-02-29T00:00:00Z'", "0000018df2292800"),
                ("0", "0000000000000000"),
                ("1704067200000", "0000018cc251f400"),
                ("'1969-12-31 23:59:59+0000'", "fffffffffffffc18"),
                ("-1", "ffffffffffffffff"),
            ],
        ),
        "date" => of(
            rng,
            &[
                ("'1970-01-01'", "80000000"),
                ("'2024-02-29'", "80004d46"),
                ("'1969-12-31'", "7fffffff"),
                ("2147483649", "80000001"),
            ],
        ),
        "time" => of(
            rng,
            &[
                ("'00:00:00'", "0000000000000000"),
                ("'13:30:54.234'", "00002c4032559a80"),
                ("'23:59:59.999999999'", "00004e94914effff"),
                ("1000000000", "000000003b9aca00"),
            ],
        ),
        "inet" => of(
            rng,
            &[
                ("'127.0.0.1'", "7f000001"),
                ("'10.0.0.255'", "0a0000ff"),
                ("'::1'", "00000000000000000000000000000001"),
                ("'2001:db8::ff00:42:8329'", "20010db8000000000000ff0000428329"),
            ],
        ),
        "timeuuid" => of(
            rng,
            &[
                ("50554d6e-29bb-11e5-b345-feff819cdc9f", "50554d6e29bb11e5b345feff819cdc9f"),
                ("d2177dd0-eaa2-11de-a572-001b779c76e3", "d2177dd0eaa211dea572001b779c76e3"),
                ("00000000-0000-1000-8080-808080808080", "00000000000010008080808080808080"),
                ("50554d6e-29bb-11e5-b345-010203040506", "50554d6e29bb11e5b345010203040506"),
            ],
        ),
        _ => of(
            rng,
            &[
                ("123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000"),
                ("50554d6e-29bb-11e5-b345-feff819cdc9f", "50554d6e29bb11e5b345feff819cdc9f"),
                ("00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000"),
                ("f47ac10b-58cc-4372-a567-0e02b2c3d479", "f47ac10b58cc4372a5670e02b2c3d479"),
            ],
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_the_bytes_of_the_protocol() {
        // From the protocol: 1mo2d3ns is zigzag 2, 4, 6.
        let parts: Vec<u8> = [1, 2, 3].into_iter().flat_map(variable).collect();
        assert_eq!(parts, [2, 4, 6]);
        assert_eq!(variable(-1), [1]);
        assert_eq!(variable(64), [0x80, 0x80]);
        assert_eq!(variable(i64::MAX), [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]);
    }
}
