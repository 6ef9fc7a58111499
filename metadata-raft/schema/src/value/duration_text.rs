//! Durations as text: `1y2mo3w4d5h6m7s8ms9us10ns`, ISO 8601 `P1Y2M3DT4H5M6S` and `P3W`, and the
//! alternative ISO form `P0001-02-03T04:05:06`.

use std::fmt::Write as _;

const HOUR_NS: i64 = 3_600_000_000_000;
const MINUTE_NS: i64 = 60_000_000_000;
const SECOND_NS: i64 = 1_000_000_000;

/// Months, days and nanoseconds.
type Parts = (i32, i32, i64);

/// Which part of a duration a unit counts in.
#[derive(Clone, Copy)]
enum Part {
    Months,
    Days,
    Nanoseconds,
}

/// Units of the standard form, in the order they must come in.
const STANDARD: [(&str, Part, i64); 11] = [
    ("y", Part::Months, 12),
    ("mo", Part::Months, 1),
    ("w", Part::Days, 7),
    ("d", Part::Days, 1),
    ("h", Part::Nanoseconds, HOUR_NS),
    ("m", Part::Nanoseconds, MINUTE_NS),
    ("s", Part::Nanoseconds, SECOND_NS),
    ("ms", Part::Nanoseconds, 1_000_000),
    ("us", Part::Nanoseconds, 1_000),
    ("µs", Part::Nanoseconds, 1_000),
    ("ns", Part::Nanoseconds, 1),
];

/// Units of ISO 8601 before the T.
const ISO_DATE: [(&str, Part, i64); 3] =
    [("y", Part::Months, 12), ("m", Part::Months, 1), ("d", Part::Days, 1)];

/// Units of ISO 8601 after the T.
const ISO_TIME: [(&str, Part, i64); 3] = [
    ("h", Part::Nanoseconds, HOUR_NS),
    ("m", Part::Nanoseconds, MINUTE_NS),
    ("s", Part::Nanoseconds, SECOND_NS),
];

/// Reads a duration.
pub(super) fn parse(text: &str) -> Option<Parts> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut sums = Sums { sign: if negative { -1 } else { 1 }, ..Sums::default() };
    match unsigned.strip_prefix('P') {
        None if unsigned.is_empty() => return None,
        None => sums.read(unsigned, &STANDARD)?,
        Some(iso) if iso.contains('-') => sums.read_alternative(iso)?,
        Some(iso) => match iso.split_once('T') {
            None if iso.ends_with('W') => sums.read(iso, &[("w", Part::Days, 7)])?,
            None => sums.read(iso, &ISO_DATE)?,
            Some((_, "")) => return None,
            Some((date, time)) => {
                sums.read(date, &ISO_DATE)?;
                sums.read(time, &ISO_TIME)?;
            }
        },
    }
    sums.finish()
}

/// Writes a duration in the standard form, units that are zero left out; nothing at all is `0s`.
pub(super) fn print((months, days, nanoseconds): Parts) -> String {
    let mut out = String::new();
    if months < 0 || days < 0 || nanoseconds < 0 {
        out.push('-');
    }
    let mut left = [
        u64::from(months.unsigned_abs()),
        u64::from(days.unsigned_abs()),
        nanoseconds.unsigned_abs(),
    ];
    let [months, days, nanoseconds] = &mut left;
    for (unit, part, size) in STANDARD {
        let part = match part {
            Part::Months => &mut *months,
            Part::Days => &mut *days,
            Part::Nanoseconds => &mut *nanoseconds,
        };
        let size = size.unsigned_abs();
        // Weeks are read, not written, as in Cassandra.
        if *part >= size && unit != "w" {
            // Writing to a string cannot fail.
            let _ = write!(out, "{}{unit}", *part / size);
            *part %= size;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

#[derive(Default)]
struct Sums {
    sign: i64,
    months: i64,
    days: i64,
    nanoseconds: i64,
    read_any: bool,
}

impl Sums {
    /// Numbers with units, each unit at most once and in this order.
    fn read(&mut self, text: &str, units: &[(&str, Part, i64)]) -> Option<()> {
        let mut rest = text;
        let mut units = units.iter();
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            let (digits, tail) = rest.split_at_checked(end)?;
            let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
            let (name, tail) = tail.split_at_checked(end)?;
            let name = name.to_lowercase();
            // In lower case both micro signs must match: U+00B5 and the Greek letter U+03BC.
            let name = name.replace('\u{3bc}', "\u{b5}");
            let (_, part, size) = units.find(|(unit, ..)| *unit == name)?;
            self.add(*part, digits.parse().ok()?, *size)?;
            rest = tail;
        }
        Some(())
    }

    /// `yyyy-mm-ddThh:mm:ss`, every digit present.
    fn read_alternative(&mut self, text: &str) -> Option<()> {
        let (date, time) = text.split_once('T')?;
        let mut fields = date.splitn(3, '-').chain(time.splitn(3, ':'));
        for (width, (_, part, size)) in
            [4, 2, 2, 2, 2, 2].into_iter().zip(ISO_DATE.into_iter().chain(ISO_TIME))
        {
            let field = fields.next()?;
            if field.len() != width || !field.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            self.add(part, field.parse().ok()?, size)?;
        }
        fields.next().is_none().then_some(())
    }

    fn add(&mut self, part: Part, number: i64, size: i64) -> Option<()> {
        let amount = number.checked_mul(size)?.checked_mul(self.sign)?;
        let sum = match part {
            Part::Months => &mut self.months,
            Part::Days => &mut self.days,
            Part::Nanoseconds => &mut self.nanoseconds,
        };
        *sum = sum.checked_add(amount)?;
        self.read_any = true;
        Some(())
    }

    fn finish(&self) -> Option<Parts> {
        self.read_any.then_some(())?;
        Some((self.months.try_into().ok()?, self.days.try_into().ok()?, self.nanoseconds))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail loudly")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_forms_of_cassandra_are_read() {
        // The cases of Cassandra's DurationTest.
        for (text, parts) in [
            ("1y2mo", (14, 0, 0)),
            ("-1y2mo", (-14, 0, 0)),
            ("1Y2MO", (14, 0, 0)),
            ("2w", (0, 14, 0)),
            ("2d10h", (0, 2, 10 * HOUR_NS)),
            ("2d", (0, 2, 0)),
            ("30h20m", (0, 0, 30 * HOUR_NS + 20 * MINUTE_NS)),
            ("20m", (0, 0, 20 * MINUTE_NS)),
            ("56s", (0, 0, 56 * SECOND_NS)),
            ("567ms", (0, 0, 567_000_000)),
            ("1950us", (0, 0, 1_950_000)),
            ("1950µs", (0, 0, 1_950_000)),
            ("1950000ns", (0, 0, 1_950_000)),
            ("-1950000ns", (0, 0, -1_950_000)),
            ("1y3mo2h10m", (15, 0, 2 * HOUR_NS + 10 * MINUTE_NS)),
            ("P1Y2D", (12, 2, 0)),
            ("P1Y2M", (14, 0, 0)),
            ("P2W", (0, 14, 0)),
            ("P1YT2H", (12, 0, 2 * HOUR_NS)),
            ("-P1Y2M", (-14, 0, 0)),
            ("PT30H20M", (0, 0, 30 * HOUR_NS + 20 * MINUTE_NS)),
            ("PT56S", (0, 0, 56 * SECOND_NS)),
            ("P1Y3MT2H10M", (15, 0, 2 * HOUR_NS + 10 * MINUTE_NS)),
            ("P0001-00-02T00:00:00", (12, 2, 0)),
            ("P0001-02-00T00:00:00", (14, 0, 0)),
            ("-P0001-02-00T00:00:00", (-14, 0, 0)),
            ("P0000-00-00T30:20:00", (0, 0, 30 * HOUR_NS + 20 * MINUTE_NS)),
            ("P0001-03-00T02:10:00", (15, 0, 2 * HOUR_NS + 10 * MINUTE_NS)),
        ] {
            assert_eq!(parse(text), Some(parts), "{text}");
        }
    }

    #[test]
    fn text_that_is_no_duration_is_refused() {
        for text in [
            "",
            "-",
            "P",
            "PT",
            "1",
            "y",
            "1d1y",
            "1y1y",
            "1x",
            "PY",
            "P1H",
            "PT1D",
            "P1W1D",
            "P1-00-02T00:00:00",
            "P0001-00-02",
            "1 d",
            "178956971y",
            "9223372036s1h",
            "9223372036854775808ns",
            "+1d",
            "é",
            "1é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn durations_print_as_in_cassandra() {
        assert_eq!(print((14, 16, 3_723_004_005_006)), "1y2mo16d1h2m3s4ms5us6ns");
        assert_eq!(print((-12, 0, -1)), "-1y1ns");
        assert_eq!(print((0, 0, 0)), "0s");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(months: i32, days: i32, nanoseconds: i64) {
            let parts = if nanoseconds < 0 {
                (-(months & i32::MAX), -(days & i32::MAX), nanoseconds)
            } else {
                (months & i32::MAX, days & i32::MAX, nanoseconds)
            };
            prop_assume!(nanoseconds > i64::MIN + 1_000_000_000_000_000);
            prop_assert_eq!(parse(&print(parts)), Some(parts));
        }
    }
}
