//! Days and milliseconds since 1970-01-01 to and from text, in UTC.
//!
//! Guarantees: exact for every year from 1970 to 9999; text that is not a date is `None`.

/// Milliseconds in a second.
pub const SECOND_MS: i64 = 1_000;
/// Milliseconds in a minute.
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Milliseconds in a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// Days since 1970-01-01 of a date of the Gregorian calendar.
#[must_use]
pub const fn day_of(year: i64, month: i64, day: i64) -> i64 {
    // Years start in March here, so that a leap day is the last day of its year.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a count of days since 1970-01-01.
#[must_use]
pub const fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day_of_month)
}

/// The day a time lies in.
#[must_use]
pub const fn day_of_ms(ms: i64) -> i64 {
    ms.div_euclid(DAY_MS)
}

/// `2013-01-01`
#[must_use]
pub fn day_text(day: i64) -> String {
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2013-01-01T10:00:00Z`; milliseconds are cut off.
#[must_use]
pub fn time_text(ms: i64) -> String {
    let second = ms.rem_euclid(DAY_MS) / SECOND_MS;
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("{}T{hour:02}:{minute:02}:{:02}Z", day_text(day_of_ms(ms)), second % 60)
}

/// The day that `2013-01-01` names.
#[must_use]
pub fn parse_day(text: &str) -> Option<i64> {
    let mut parts = text.split('-').map(digits);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let known = day_of(year, month, day);
    (parts.next().is_none() && text.len() == 10 && civil(known) == (year, month, day))
        .then_some(known)
}

/// The milliseconds that `2013-01-01T10:00:00Z` names.
#[must_use]
pub fn parse_time(text: &str) -> Option<i64> {
    let (day, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut parts = time.split(':').map(digits);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let inside = hour < 24 && minute < 60 && second < 60 && time.len() == 8;
    (inside && parts.next().is_none()).then_some(())?;
    Some(parse_day(day)? * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS)
}

fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_days_and_times_are_exact() {
        assert_eq!(day_of(1970, 1, 1), 0);
        assert_eq!(day_of(2000, 3, 1), 11_017);
        assert_eq!(day_text(day_of(2024, 2, 29)), "2024-02-29");
        assert_eq!(parse_time("2013-01-01T10:00:00Z"), Some(1_357_034_400_000));
        assert_eq!(time_text(1_357_034_400_000), "2013-01-01T10:00:00Z");
    }

    #[test]
    fn text_that_is_no_date_is_refused() {
        for text in ["2013-02-29", "2013-1-1", "2013-01-01-", "2013-13-01", "NA", "", "+013-01-01"]
        {
            assert_eq!(parse_day(text), None, "{text}");
        }
        for text in ["2013-01-01", "2013-01-01T24:00:00Z", "2013-01-01T10:00Z", "T10:00:00Z"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn days_and_times_survive_text(second in 0_i64..253_402_300_800) {
            let ms = second * SECOND_MS;
            prop_assert_eq!(parse_time(&time_text(ms)), Some(ms));
            let day = day_of_ms(ms);
            prop_assert_eq!(parse_day(&day_text(day)), Some(day));
            let (year, month, day_of_month) = civil(day);
            prop_assert_eq!(day_of(year, month, day_of_month), day);
        }
    }
}
