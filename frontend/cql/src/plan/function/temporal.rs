//! A timestamp or date plus or minus a duration.

use bytes::Bytes;
use cellar_schema::{CqlType, value};

use super::time::{from_ms, to_ms};

const DAY_MS: i64 = 86_400_000;
const MS_NS: i64 = 1_000_000;

/// The moment this duration after `moment`; before it when `sign` is -1. Months come first and
/// keep the day of the month where the month has it, else its last day; then come days and time.
///
/// # Errors
/// Why there is no such moment, as Cassandra words it.
pub(super) fn shift(
    cql_type: &CqlType,
    moment: &[u8],
    duration: &[u8],
    sign: i32,
) -> Result<Bytes, String> {
    let epoch_ms = to_ms(cql_type, moment).ok_or_else(|| format!("invalid {cql_type}"))?;
    let (months, days, ns) = value::as_duration(duration).ok_or("invalid duration")?;
    let written = || value::to_text(&CqlType::Duration, duration);
    if *cql_type == CqlType::Date && ns != 0 {
        return Err(format!("The duration must have a day precision. Was: {}", written()));
    }
    if ns % MS_NS != 0 {
        return Err(format!("The duration must have a millisecond precision. Was: {}", written()));
    }
    let months = i64::from(months) * i64::from(sign);
    let days = i64::from(days) * i64::from(sign);
    let ms = ns / MS_NS * i64::from(sign);
    later(epoch_ms, months, days, ms)
        .and_then(|epoch_ms| from_ms(cql_type, epoch_ms))
        .ok_or_else(|| format!("the result is out of the range of type {cql_type}"))
}

/// A moment this much later; nothing if it is out of reach.
pub(super) fn later(epoch_ms: i64, months: i64, days: i64, ms: i64) -> Option<i64> {
    add_months(epoch_ms, months)?.checked_add(days.checked_mul(DAY_MS)?)?.checked_add(ms)
}

fn add_months(epoch_ms: i64, months: i64) -> Option<i64> {
    if months == 0 {
        return Some(epoch_ms);
    }
    let (year, month, day) = value::year_month_day(epoch_ms.div_euclid(DAY_MS));
    let month = (year * 12 + (month - 1)).checked_add(months)?;
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
    // Years no type reaches; the calendar below would overflow.
    if year.abs() > 1_000_000_000_000 {
        return None;
    }
    let epoch_day = value::epoch_day(year, month, day.min(days_in(year, month)));
    epoch_day.checked_mul(DAY_MS)?.checked_add(epoch_ms.rem_euclid(DAY_MS))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::DateTime;
    use proptest::prelude::*;

    use super::*;

    fn shifted(cql_type: &CqlType, moment: &str, parts: (i32, i32, i64), sign: i32) -> String {
        let moment = value::from_text(cql_type, moment).unwrap();
        let duration = value::duration(parts.0, parts.1, parts.2);
        match shift(cql_type, &moment, &duration, sign) {
            Ok(bytes) => value::to_text(cql_type, &bytes),
            Err(reason) => reason,
        }
    }

    #[test]
    fn months_keep_the_day_or_end_the_month() {
        let at = |moment, months| shifted(&CqlType::Date, moment, (months, 0, 0), 1);
        assert_eq!(at("2024-01-31", 1), "'2024-02-29'");
        assert_eq!(at("2023-01-31", 1), "'2023-02-28'");
        assert_eq!(at("2024-02-29", 12), "'2025-02-28'");
        assert_eq!(at("1970-01-15", 25), "'1972-02-15'");
        assert_eq!(shifted(&CqlType::Date, "2024-03-31", (1, 0, 0), -1), "'2024-02-29'");
    }

    #[test]
    fn durations_finer_than_the_type_are_refused() {
        let day = shifted(&CqlType::Date, "2016-10-04", (0, 0, 3_600_000_000_000), 1);
        assert_eq!(day, "The duration must have a day precision. Was: 1h");
        let ms = shifted(&CqlType::Timestamp, "0", (0, 0, 10), 1);
        assert_eq!(ms, "The duration must have a millisecond precision. Was: 10ns");
    }

    #[test]
    fn moments_beyond_the_type_are_refused() {
        let end = shifted(&CqlType::Date, "4294967295", (0, 1, 0), 1);
        assert_eq!(end, "the result is out of the range of type date");
        let end = shifted(&CqlType::Timestamp, &i64::MAX.to_string(), (1, 0, 0), 1);
        assert_eq!(end, "the result is out of the range of type timestamp");
    }

    proptest! {
        #[test]
        fn shifting_agrees_with_jiff(
            epoch_ms in -30_000_000_000_000_i64..100_000_000_000_000,
            months in 0..2400_i32, days in 0..10_000_i32, ms in 0..1_000_000_000_i64, plus: bool
        ) {
            let sign = if plus { 1 } else { -1 };
            let duration = value::duration(months, days, ms * MS_NS);
            let moment = value::timestamp(epoch_ms);
            let ours = shift(&CqlType::Timestamp, &moment, &duration, sign).unwrap();
            let start = "1970-01-01T00:00".parse::<DateTime>().unwrap();
            let span = months.months().days(days).milliseconds(ms);
            let span = if plus { span } else { -span };
            let theirs = (start + epoch_ms.milliseconds()) + span;
            let theirs = start.until((jiff::Unit::Millisecond, theirs)).unwrap();
            prop_assert_eq!(value::as_i64(&ours), Some(theirs.get_milliseconds()));
        }
    }
}
