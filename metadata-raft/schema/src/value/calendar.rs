//! Timestamps, dates and times as text. The proleptic Gregorian calendar is computed here, not
//! with jiff: CQL dates reach years ±5 million and timestamps ±292 million.

/// Milliseconds in a day.
const DAY_MS: i64 = 86_400_000;
/// Nanoseconds in a day.
const DAY_NS: i64 = 86_400_000_000_000;
/// The stored day of 1970-01-01.
const EPOCH_DAY: i64 = 1 << 31;

/// Reads a timestamp: milliseconds, or a date with an optional time and an optional zone. Without
/// a zone it is UTC, as Cassandra on a server that runs in UTC. Digits past milliseconds are cut.
pub(super) fn parse_timestamp(text: &str) -> Option<i64> {
    if let Ok(epoch_ms) = text.parse() {
        return Some(epoch_ms);
    }
    let (day, rest) = take_date(text)?;
    let midnight_ms = day.checked_mul(DAY_MS)?;
    let (of_day_ms, zone) = match rest.strip_prefix(['T', 't', ' ']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => take_minutes(rest)?,
        _ => (0, rest),
    };
    midnight_ms.checked_add(of_day_ms)?.checked_sub(offset_ms(zone)?)
}

/// Writes a timestamp with this character between date and time.
pub(super) fn timestamp(epoch_ms: i64, between: char) -> String {
    let of_day_ms = epoch_ms.rem_euclid(DAY_MS);
    let (seconds, ms) = (of_day_ms / 1000, of_day_ms % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let day = civil(epoch_ms.div_euclid(DAY_MS));
    format!("{day}{between}{hours:02}:{minutes:02}:{seconds:02}.{ms:03}Z")
}

/// Reads a date: `yyyy-mm-dd`, or the stored number of days.
pub(super) fn parse_date(text: &str) -> Option<u32> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    match take_date(text)? {
        (day, "") => u32::try_from(day.checked_add(EPOCH_DAY)?).ok(),
        _ => None,
    }
}

/// Writes a date.
pub(super) fn date(days: u32) -> String {
    civil(i64::from(days) - EPOCH_DAY)
}

/// Reads a time: `hh:mm:ss[.fffffffff]`, or nanoseconds since midnight.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().filter(|ns| (0..DAY_NS).contains(ns));
    }
    let (hours, rest) = take_number(text, 2)?;
    let (minutes, rest) = take_number(rest.strip_prefix(':')?, 2)?;
    let (seconds, rest) = take_number(rest.strip_prefix(':')?, 2)?;
    let fraction_ns = match rest.strip_prefix('.') {
        Some(digits) => match take_fraction(digits)? {
            (fraction_ns, "") => fraction_ns,
            _ => return None,
        },
        None if rest.is_empty() => 0,
        None => return None,
    };
    let seconds = seconds_of_day(hours, minutes, seconds)?;
    Some(seconds * 1_000_000_000 + fraction_ns)
}

/// Writes a time, with all nine digits of its fraction.
pub(super) fn time(of_day_ns: i64) -> String {
    let (seconds, ns) = (of_day_ns / 1_000_000_000, of_day_ns % 1_000_000_000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{ns:09}")
}

/// Days since the epoch of the date at the start of the text, and what follows it.
fn take_date(text: &str) -> Option<(i64, &str)> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (year_digits, rest) = unsigned.split_once('-')?;
    let digits = year_digits.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || !(4..=9).contains(&year_digits.len()) {
        return None;
    }
    let (month, rest) = take_number(rest, 2)?;
    let (day, rest) = take_number(rest.strip_prefix('-')?, 2)?;
    let year = sign * year_digits.parse::<i64>().ok()?;
    let epoch_day = epoch_day(year, month, day);
    // Days the month does not have come out as days of the next month.
    ((1..=12).contains(&month) && year_month_day(epoch_day) == (year, month, day))
        .then_some((epoch_day, rest))
}

/// Milliseconds of `hh:mm[:ss[.fff]]` at the start of the text, and what follows it.
fn take_minutes(text: &str) -> Option<(i64, &str)> {
    let (hours, rest) = take_number(text, 2)?;
    let (minutes, rest) = take_number(rest.strip_prefix(':')?, 2)?;
    let Some(rest) = rest.strip_prefix(':') else {
        return Some((seconds_of_day(hours, minutes, 0)? * 1000, rest));
    };
    let (seconds, rest) = take_number(rest, 2)?;
    let whole_ms = seconds_of_day(hours, minutes, seconds)? * 1000;
    let Some(rest) = rest.strip_prefix('.') else {
        return Some((whole_ms, rest));
    };
    let (fraction_ns, rest) = take_fraction(rest)?;
    Some((whole_ms + fraction_ns / 1_000_000, rest))
}

/// What a zone is ahead of UTC: none, `Z`, `UTC`, `GMT`, `±hh`, `±hhmm` or `±hh:mm`.
fn offset_ms(zone: &str) -> Option<i64> {
    let zone = zone.strip_prefix(' ').unwrap_or(zone);
    if ["", "Z", "UTC", "GMT"].iter().any(|name| zone.eq_ignore_ascii_case(name)) {
        return Some(0);
    }
    let (sign, digits) = match zone.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, zone.strip_prefix('+')?),
    };
    let (hours, rest) = take_number(digits, 2)?;
    let minutes = match rest.strip_prefix(':').unwrap_or(rest) {
        "" if rest.is_empty() => 0,
        minutes => match take_number(minutes, 2)? {
            (minutes @ 0..=59, "") => minutes,
            _ => return None,
        },
    };
    (hours <= 18).then_some(sign * (hours * 60 + minutes) * 60_000)
}

fn seconds_of_day(hours: i64, minutes: i64, seconds: i64) -> Option<i64> {
    (hours < 24 && minutes < 60 && seconds < 60).then_some((hours * 60 + minutes) * 60 + seconds)
}

/// A number of exactly this many digits, and what follows it.
fn take_number(text: &str, digits: usize) -> Option<(i64, &str)> {
    let (number, rest) = text.split_at_checked(digits)?;
    let only_digits = number.bytes().all(|byte| byte.is_ascii_digit());
    only_digits.then_some(())?;
    Some((number.parse().ok()?, rest))
}

/// Nanoseconds of one to nine digits of a fraction, and what follows them.
fn take_fraction(text: &str) -> Option<(i64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    if !(1..=9).contains(&digits.len()) {
        return None;
    }
    Some((format!("{digits:0<9}").parse().ok()?, rest))
}

/// A day as ISO 8601 writes it, years of more than four digits with their sign.
fn civil(epoch_day: i64) -> String {
    let (year, month, day) = year_month_day(epoch_day);
    match year {
        0..=9999 => format!("{year:04}-{month:02}-{day:02}"),
        10_000.. => format!("+{year}-{month:02}-{day:02}"),
        _ => format!("-{:04}-{month:02}-{day:02}", -year),
    }
}

/// Days since 1970-01-01 of a day of the proleptic Gregorian calendar, by counting in 400-year
/// cycles of years that begin in March. Months count from 1.
#[must_use]
pub fn epoch_day(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (cycle, of_cycle) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    cycle * 146_097 + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year - 719_468
}

/// Year, month and day, from 1, of a day since 1970-01-01.
#[must_use]
pub fn year_month_day(epoch_day: i64) -> (i64, i64, i64) {
    let shifted = epoch_day + 719_468;
    let (cycle, of_cycle) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let leap_days = of_cycle / 1460 - of_cycle / 36_524 + of_cycle / 146_096;
    let year = (of_cycle - leap_days) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year + cycle * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail loudly")]
    use jiff::civil::Date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_timestamp_form_of_cassandra_is_read() {
        let expected = Some(1_357_016_400_000);
        for text in [
            "1357016400000",
            "2013-01-01 05:00+0000",
            "2013-01-01 05:00:00+0000",
            "2013-01-01 05:00:00.000+0000",
            "2013-01-01T05:00+0000",
            "2013-01-01T05:00:00Z",
            "2013-01-01T05:00:00.0Z",
            "2013-01-01 05:00",
            "2013-01-01 05:00:00",
            "2013-01-01 00:00:00-05:00",
            "2013-01-01 06:00:00.000+01",
            "2013-01-01 05:00 UTC",
            "2013-01-01T05:00:00.000 GMT",
        ] {
            assert_eq!(parse_timestamp(text), expected, "{text}");
        }
        assert_eq!(parse_timestamp("2013-01-01"), Some(1_356_998_400_000));
        assert_eq!(parse_timestamp("2013-01-01+0100"), Some(1_356_994_800_000));
        assert_eq!(parse_timestamp("-1"), Some(-1));
        assert_eq!(parse_timestamp("1969-12-31T23:59:59.999Z"), Some(-1));
        assert_eq!(timestamp(-1, 'T'), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn text_that_is_no_moment_is_refused() {
        for text in [
            "",
            "2013-",
            "2013-13-01",
            "2013-02-29",
            "2013-01-01 24:00",
            "2013-01-01 05:60",
            "2013-01-01T",
            "2013-01-01 05:00 Mars",
            "2013-01-01 05:00+2",
            "2013-01-01 05:00:00.",
            "99999999999999999999",
            "999999999-01-01",
            "2013-01-01 05:00+00:",
            "é013-01-01",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
        assert_eq!(parse_date("2013-01-01Z"), None);
        assert_eq!(parse_date("4294967296"), None);
        assert_eq!(parse_time("24:00:00"), None);
        assert_eq!(parse_time("08:12"), None);
        assert_eq!(parse_time("86400000000000"), None);
    }

    #[test]
    fn dates_reach_both_ends_of_their_range() {
        assert_eq!(parse_date("1970-01-01"), Some(1 << 31));
        assert_eq!(parse_date("2147483648"), Some(1 << 31));
        assert_eq!(date(0), "-5877641-06-23");
        assert_eq!(date(u32::MAX), "+5881580-07-11");
        assert_eq!(parse_date("-5877641-06-23"), Some(0));
        assert_eq!(parse_date("5881580-07-12"), None);
    }

    #[test]
    fn times_have_nanoseconds() {
        assert_eq!(parse_time("08:12:54.123456789"), Some(29_574_123_456_789));
        assert_eq!(parse_time("08:12:54.1"), Some(29_574_100_000_000));
        assert_eq!(time(29_574_100_000_000), "08:12:54.100000000");
    }

    proptest! {
        #[test]
        fn the_calendar_is_that_of_jiff(
            year in -9999_i16..=9999, month in 1_i8..=12, day in 1_i8..=31
        ) {
            let ours = epoch_day(i64::from(year), i64::from(month), i64::from(day));
            if let Ok(date) = Date::new(year, month, day) {
                let epoch = Date::new(1970, 1, 1).unwrap();
                let days = epoch.until(date).unwrap().get_days();
                prop_assert_eq!(ours, i64::from(days));
                prop_assert_eq!(
                    year_month_day(ours),
                    (i64::from(year), i64::from(month), i64::from(day))
                );
            } else {
                prop_assert_ne!(year_month_day(ours).1, i64::from(month));
            }
        }

        #[test]
        fn what_is_written_reads_back(
            days: u32, epoch_ms in -900_000_000_000_000_i64.., ns in 0..DAY_NS
        ) {
            prop_assert_eq!(parse_date(&date(days)), Some(days));
            prop_assert_eq!(parse_timestamp(&timestamp(epoch_ms, ' ')), Some(epoch_ms));
            prop_assert_eq!(parse_time(&time(ns)), Some(ns));
        }
    }
}
