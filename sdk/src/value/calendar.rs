//! Days and milliseconds as dates in text, for every number that 64 bits hold.

const MS_PER_DAY: i64 = 86_400_000;
/// Days of four hundred years, after which the calendar repeats.
const DAYS_PER_ERA: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i128 = 719_468;

/// `YYYY-MM-DD`; years beyond four digits carry a sign, as in ISO 8601.
pub(super) fn date(days: i64) -> String {
    // The Gregorian calendar counted from March, so that the leap day ends the year.
    let days = i128::from(days) + DAYS_TO_1970;
    let era = days.div_euclid(i128::from(DAYS_PER_ERA));
    let day_of_era = days.rem_euclid(i128::from(DAYS_PER_ERA));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i128::from(month <= 2);
    match year {
        0..=9_999 => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:+05}-{month:02}-{day:02}"),
    }
}

/// RFC 3339 in UTC with milliseconds.
pub(super) fn timestamp(ms: i64) -> String {
    let (day, rest) = (ms.div_euclid(MS_PER_DAY), ms.rem_euclid(MS_PER_DAY));
    let (hours, minutes) = (rest / 3_600_000, rest / 60_000 % 60);
    let (seconds, ms) = (rest / 1_000 % 60, rest % 1_000);
    format!("{}T{hours:02}:{minutes:02}:{seconds:02}.{ms:03}Z", date(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days_and_instants_have_their_dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(-1), "1969-12-31");
        assert_eq!(date(11_016), "2000-02-29");
        assert_eq!(date(19_723), "2024-01-01");
        assert_eq!(date(-719_528), "0000-01-01");
        assert_eq!(date(2_932_897), "+10000-01-01");
        assert_eq!(date(-719_529), "-0001-12-31");
        assert_eq!(timestamp(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(timestamp(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(timestamp(1_767_225_600_123), "2026-01-01T00:00:00.123Z");
    }

    #[test]
    fn the_ends_of_64_bits_have_a_date_too() {
        assert!(timestamp(i64::MIN).starts_with('-'));
        assert!(timestamp(i64::MAX).starts_with('+'));
        assert!(date(i64::MAX).starts_with('+'));
    }

    #[test]
    fn the_day_after_is_one_day_later_for_eight_hundred_years() {
        let mut last = date(-200_000);
        for days in -199_999..100_000 {
            let next = date(days);
            assert!(next > last, "{next} comes after {last}");
            last = next;
        }
    }
}
