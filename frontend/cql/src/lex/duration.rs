//! Durations in both spellings, `1y2mo3d4h` and ISO 8601 (`P1Y2M3DT4H5M6S`, `P1W`,
//! `P0001-02-03T04:05:06`): finding their end, and their value.

use super::{byte, is_word_byte, skip_while};
use crate::ast::Duration;

/// Longest `P0001-02-03T04:05:06`, in bytes; each part has at most 19 digits.
const ISO_BYTES_MAX: usize = 128;
const SECOND_NS: i64 = 1_000_000_000;
const MINUTE_NS: i64 = 60 * SECOND_NS;
const HOUR_NS: i64 = 60 * MINUTE_NS;

/// The end of the duration with units that starts here, if the whole word is one.
pub(super) fn unit_end(source: &str, at: usize) -> Option<usize> {
    let mut end = at;
    loop {
        let digits_end = skip_while(source, end, |b| b.is_ascii_digit());
        if digits_end == end {
            break;
        }
        end = digits_end + unit(source, digits_end)?.1;
    }
    (end > at && !is_word_byte(byte(source, end))).then_some(end)
}

/// The unit at this position: its letter code and its length in bytes.
fn unit(source: &str, at: usize) -> Option<(Unit, usize)> {
    let (a, b) = (byte(source, at), byte(source, at + 1));
    let found = match (a.to_ascii_lowercase(), b.to_ascii_lowercase()) {
        (b'm', b'o') => (Unit::Month, 2),
        (b'm', b's') => (Unit::Nano(1_000_000), 2),
        (b'u', b's') => (Unit::Nano(1_000), 2),
        (b'n', b's') => (Unit::Nano(1), 2),
        (b'y', _) => (Unit::Year, 1),
        (b'w', _) => (Unit::Week, 1),
        (b'd', _) => (Unit::Day, 1),
        (b'h', _) => (Unit::Nano(HOUR_NS), 1),
        (b'm', _) => (Unit::Nano(MINUTE_NS), 1),
        (b's', _) => (Unit::Nano(SECOND_NS), 1),
        // The two micro signs of Unicode, each two bytes long.
        (0xc2, 0xb5) | (0xce, 0xbc) if byte(source, at + 2) | 0x20 == b's' => {
            (Unit::Nano(1_000), 3)
        }
        _ => return None,
    };
    Some(found)
}

#[derive(Clone, Copy)]
enum Unit {
    Year,
    Month,
    Week,
    Day,
    Nano(i64),
}

impl Unit {
    /// The place that Cassandra gives it among the others, and its name.
    fn rank_and_name(self) -> (u8, &'static str) {
        match self {
            Self::Year => (1, "years"),
            Self::Month => (2, "months"),
            Self::Week => (3, "weeks"),
            Self::Day => (4, "days"),
            Self::Nano(HOUR_NS) => (5, "hours"),
            Self::Nano(MINUTE_NS) => (6, "minutes"),
            Self::Nano(SECOND_NS) => (7, "seconds"),
            Self::Nano(1_000_000) => (8, "milliseconds"),
            Self::Nano(1_000) => (9, "microseconds"),
            Self::Nano(_) => (10, "nanoseconds"),
        }
    }

    fn rank(self) -> u8 {
        self.rank_and_name().0
    }

    fn name(self) -> &'static str {
        self.rank_and_name().1
    }

    /// What is said when so many of it do not fit.
    fn overflow(self) -> String {
        let (what, limit) = match self {
            Self::Year | Self::Month => ("months", i64::from(i32::MAX)),
            Self::Week | Self::Day => ("days", i64::from(i32::MAX)),
            Self::Nano(_) => ("nanoseconds", i64::MAX),
        };
        format!("The total number of {what} must be less or equal to {limit}")
    }
}

/// The end of the ISO 8601 duration that starts here with `P`, if the whole word is one.
pub(super) fn iso_end(source: &str, at: usize) -> Option<usize> {
    if !byte(source, at + 1).is_ascii_digit() && byte(source, at + 1) != b'T' {
        return None;
    }
    // Only so far, or many words in a row joined by dashes would each be read to their end.
    let window = source.as_bytes().get(at..).unwrap_or(&[]).iter().take(ISO_BYTES_MAX);
    let fits = |b: &&u8| is_word_byte(**b) || matches!(**b, b'-' | b':');
    let end = at + window.take_while(fits).count();
    for end in [end, skip_while(source, at, is_word_byte)] {
        if source.get(at..end).and_then(iso_value).is_some() {
            return Some(end);
        }
    }
    None
}

/// The value of a duration token.
///
/// # Errors
/// Parts that overflow or that are not in order, in the words of Cassandra.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    if text.starts_with('P') {
        return iso_value(text).ok_or_else(|| format!("Unable to convert '{text}'"));
    }
    let mut sum = Duration::default();
    let mut at = 0;
    let mut last: Option<Unit> = None;
    while at < text.len() {
        let (unit, length) = unit(text, skip_while(text, at, |b| b.is_ascii_digit()))
            .ok_or_else(|| format!("Unable to convert '{text}'"))?;
        if let Some(before) = last {
            let (name, earlier) = (unit.name(), before.name());
            if unit.rank() == before.rank() {
                return Err(format!("The {name} are specified multiple times"));
            }
            if unit.rank() < before.rank() {
                return Err(format!("The {earlier} should be after {name}"));
            }
        }
        let added = number_at(text, at).and_then(|(value, _)| add(&mut sum, value, unit));
        added.ok_or_else(|| unit.overflow())?;
        last = Some(unit);
        at = skip_while(text, at, |b| b.is_ascii_digit()) + length;
    }
    Ok(sum)
}

fn iso_value(text: &str) -> Option<Duration> {
    let body = text.strip_prefix('P')?;
    if body.contains('-') {
        return iso_alternative(body);
    }
    let mut sum = Duration::default();
    let (mut at, mut parts, mut in_time) = (0, 0, false);
    while at < body.len() {
        if byte(body, at) == b'T' && !in_time {
            in_time = true;
            at += 1;
            continue;
        }
        let (value, unit_at) = number_at(body, at)?;
        let unit = match (byte(body, unit_at), in_time) {
            (b'Y', false) => Unit::Year,
            (b'M', false) => Unit::Month,
            // Weeks stand alone.
            (b'W', false) if parts == 0 && unit_at + 1 == body.len() => Unit::Week,
            (b'D', false) => Unit::Day,
            (b'H', true) => Unit::Nano(HOUR_NS),
            (b'M', true) => Unit::Nano(MINUTE_NS),
            (b'S', true) => Unit::Nano(SECOND_NS),
            _ => return None,
        };
        add(&mut sum, value, unit)?;
        parts += 1;
        at = unit_at + 1;
    }
    (parts > 0).then_some(sum)
}

/// `YYYY-MM-DDThh:mm:ss`.
fn iso_alternative(body: &str) -> Option<Duration> {
    const UNITS: [(Unit, u8); 6] = [
        (Unit::Year, b'-'),
        (Unit::Month, b'-'),
        (Unit::Day, b'T'),
        (Unit::Nano(HOUR_NS), b':'),
        (Unit::Nano(MINUTE_NS), b':'),
        (Unit::Nano(SECOND_NS), 0),
    ];
    let mut sum = Duration::default();
    let mut at = 0;
    for (unit, follows) in UNITS {
        let (value, end) = number_at(body, at)?;
        add(&mut sum, value, unit)?;
        if byte(body, end) != follows {
            return None;
        }
        at = end + 1;
    }
    (at > body.len()).then_some(sum)
}

fn number_at(text: &str, at: usize) -> Option<(i64, usize)> {
    let end = skip_while(text, at, |b| b.is_ascii_digit());
    Some((text.get(at..end)?.parse().ok()?, end))
}

fn add(sum: &mut Duration, value: i64, unit: Unit) -> Option<()> {
    let small = |factor: i64| i32::try_from(value.checked_mul(factor)?).ok();
    match unit {
        Unit::Year => sum.months = sum.months.checked_add(small(12)?)?,
        Unit::Month => sum.months = sum.months.checked_add(small(1)?)?,
        Unit::Week => sum.days = sum.days.checked_add(small(7)?)?,
        Unit::Day => sum.days = sum.days.checked_add(small(1)?)?,
        Unit::Nano(factor) => {
            sum.nanoseconds = sum.nanoseconds.checked_add(value.checked_mul(factor)?)?;
        }
    }
    Some(())
}
