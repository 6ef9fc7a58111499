//! Intervals of time.

use proptest::prelude::*;

use super::*;

fn timestamp(moment: &str, duration: &str, start: &str) -> Result<String, PlanError> {
    try_call(
        "floor",
        &[(CqlType::Timestamp, moment), (CqlType::Duration, duration), (CqlType::Timestamp, start)],
    )
}

#[test]
fn moments_fall_into_intervals_from_the_start() {
    // From Cassandra's DurationTest.
    for (moment, duration, start, expected) in [
        ("2016-09-27 16:12:00", "2h", "2016-09-27 16:12:00", "2016-09-27T16:12:00"),
        ("2016-09-27 18:12:00", "0h", "2016-09-27 16:12:00", "2016-09-27T18:12:00"),
        ("2016-09-27 18:12:00", "2h", "2016-09-27 16:12:00", "2016-09-27T18:12:00"),
        ("2016-07-02 00:00:00", "2m", "2016-06-30 23:58:00", "2016-07-02T00:00:00"),
        ("2016-07-02 00:00:00", "2mo2d8h", "2016-01-01 00:00:00", "2016-05-05T16:00:00"),
    ] {
        let floor = timestamp(moment, duration, start).unwrap();
        assert_eq!(floor, format!("'{expected}.000Z'"), "{moment} {duration}");
    }
}

#[test]
fn every_kind_of_moment_has_intervals() {
    let hour = (CqlType::Duration, "1h");
    let id = (CqlType::Timeuuid, "d2177dd0-eaa2-11de-a572-001b779c76e3");
    assert_eq!(call("floor", &[id, hour.clone()]), "'2009-12-17T00:00:00.000Z'");
    let date = (CqlType::Date, "2016-09-27");
    let month = (CqlType::Duration, "1mo");
    assert_eq!(call("floor", &[date.clone(), month]), "'2016-09-01'");
    let time = (CqlType::Time, "16:12:00");
    assert_eq!(call("floor", &[time.clone(), (CqlType::Duration, "2h")]), "'16:00:00.000000000'");
    assert_eq!(
        refused("floor", &[date, hour]),
        "The floor on date values cannot be computed for the 1h duration as precision is below 1 \
         day"
    );
    assert_eq!(
        refused("floor", &[time, (CqlType::Duration, "2d")]),
        "For time values, the floor can only be computed for durations smaller that a day"
    );
}

#[test]
fn impossible_intervals_are_refused() {
    let message = |moment, duration, start| timestamp(moment, duration, start).unwrap_err();
    assert_eq!(
        message("2016-09-27 16:12", "2h", "2017-09-01").to_string(),
        "The floor function starting time is greater than the provided time"
    );
    assert_eq!(
        message("2016-09-27 16:12", "-2h", "2016-09-27").to_string(),
        "Negative durations are not supported by the floor function"
    );
    assert!(message("2016-09-27", "5us", "1970-01-01").to_string().contains("1 millisecond"));
}

proptest! {
    #[test]
    fn floors_of_fixed_durations_are_multiples(
        moment in 0..4_000_000_000_000_i64, ms in 1..10_000_000_000_i64, start in 0..1_000_000_i64
    ) {
        prop_assume!(start <= moment);
        let duration = format!("{ms}ms");
        let floor = timestamp(&moment.to_string(), &duration, &start.to_string()).unwrap();
        let floor = of(&CqlType::Timestamp, floor.trim_matches('\''));
        let expected = moment - (moment - start) % ms;
        prop_assert_eq!(value::as_i64(&floor), Some(expected));
    }
}
