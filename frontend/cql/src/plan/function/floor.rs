//! `floor(moment, duration [, start])`: the beginning of the interval a moment lies in, when time
//! is cut into intervals of this duration from `start` on, or from the epoch.

use bytes::Bytes;
use cellar_schema::{CqlType, value};

use super::choose::Call;
use super::{ScalarFn, temporal, time};
use crate::plan::PlanError;

const DAY_NS: i64 = 86_400_000_000_000;
const MS_NS: i64 = 1_000_000;

/// The function of this family that a call means.
pub(super) fn find(call: &Call<'_>) -> Option<Result<ScalarFn, PlanError>> {
    if call.name != "floor" {
        return None;
    }
    let mut candidates = vec![of_time()];
    for (of, start) in [
        (CqlType::Timestamp, CqlType::Timestamp),
        (CqlType::Timeuuid, CqlType::Timestamp),
        (CqlType::Date, CqlType::Date),
    ] {
        candidates.push(of_moment(vec![of.clone(), CqlType::Duration], &start));
        candidates.push(of_moment(vec![of, CqlType::Duration, start.clone()], &start));
    }
    Some(call.among(candidates))
}

/// The result has the type of `start`.
fn of_moment(parameters: Vec<CqlType>, start: &CqlType) -> ScalarFn {
    let (types, result) = (parameters.clone(), start.clone());
    ScalarFn::pure("floor", parameters, start.clone(), move |values| {
        let given = values.iter().map(|value| value.clone().filter(|bytes| !bytes.is_empty()));
        let Some(given) = given.collect::<Option<Vec<Bytes>>>() else { return Ok(None) };
        let mut moments = types.iter().zip(&given);
        let moment = moments.next().and_then(|(of, bytes)| time::to_ms(of, bytes));
        let duration = moments.next().and_then(|(_, bytes)| value::as_duration(bytes));
        let start = moments.next().map_or(Some(0), |(of, bytes)| time::to_ms(of, bytes));
        let (Some(moment), Some(duration), Some(start)) = (moment, duration, start) else {
            return Ok(None);
        };
        refuse_fine(&result, duration)?;
        let floor = interval_start(moment, duration, start)?;
        Ok(time::from_ms(&result, floor))
    })
}

fn refuse_fine(of: &CqlType, duration: (i32, i32, i64)) -> Result<(), PlanError> {
    let (months, days, ns) = duration;
    let written = || value::to_text(&CqlType::Duration, &value::duration(months, days, ns));
    if *of == CqlType::Date && ns != 0 {
        return Err(PlanError::invalid(format!(
            "The floor on date values cannot be computed for the {} duration as precision is \
             below 1 day",
            written()
        )));
    }
    if ns % MS_NS != 0 {
        return Err(PlanError::invalid(format!(
            "The floor cannot be computed for the {} duration as precision is below 1 millisecond",
            written()
        )));
    }
    Ok(())
}

/// The last of start, start + duration, start + 2 · duration, … that is not after the moment.
fn interval_start(
    moment: i64,
    (months, days, ns): (i32, i32, i64),
    start: i64,
) -> Result<i64, PlanError> {
    if start > moment {
        return Err(PlanError::invalid(
            "The floor function starting time is greater than the provided time",
        ));
    }
    if months < 0 || days < 0 || ns < 0 {
        return Err(negative());
    }
    let begins = |interval: i64| {
        let months = i64::from(months).checked_mul(interval)?;
        let days = i64::from(days).checked_mul(interval)?;
        temporal::later(start, months, days, (ns / MS_NS).checked_mul(interval)?)
    };
    if begins(1) == Some(start) {
        return Ok(moment);
    }
    // No interval is shorter than a millisecond, and none begins before the one before it.
    let (mut begun, mut later) = (0_i64, i64::MAX);
    while later - begun > 1 {
        let middle = begun + (later - begun) / 2;
        match begins(middle) {
            Some(at) if at <= moment => begun = middle,
            _ => later = middle,
        }
    }
    Ok(begins(begun).unwrap_or(start))
}

fn negative() -> PlanError {
    PlanError::invalid("Negative durations are not supported by the floor function")
}

fn of_time() -> ScalarFn {
    let parameters = vec![CqlType::Time, CqlType::Duration];
    ScalarFn::pure("floor", parameters, CqlType::Time, |values| {
        let [Some(of_day), Some(duration)] = values else { return Ok(None) };
        let (Some(of_day_ns), Some((months, days, ns))) =
            (value::as_i64(of_day), value::as_duration(duration))
        else {
            return Ok(None);
        };
        if months < 0 || days < 0 || ns < 0 {
            return Err(negative());
        }
        if months != 0 || days != 0 || ns > DAY_NS {
            return Err(PlanError::invalid(
                "For time values, the floor can only be computed for durations smaller that a day",
            ));
        }
        let floor = of_day_ns.checked_rem(ns).map_or(of_day_ns, |beyond| of_day_ns - beyond);
        Ok(Some(value::time(floor)))
    })
}
